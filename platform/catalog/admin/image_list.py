"""How the list of images is shown: as rows or as a grid."""

from typing import Any

from django.contrib.admin.utils import lookup_spawns_duplicates
from django.http import HttpRequest

from site_http.capped_lists import CappedList

GRID_PARAMETER, GRID = "view", "grid"


class ImageList(CappedList):
    """The list of images, as rows or, where its address says so, as a grid."""

    def get_filters(self, request: HttpRequest) -> Any:
        """Return the filters, none of which brings an image twice.

        Django would have all columns of all images compared for one that follows a relation.
        """
        specs, has_filters, remaining, _, has_active = super().get_filters(request)
        has_duplicates = any(lookup_spawns_duplicates(self.lookup_opts, key) for key in remaining)
        return specs, has_filters, remaining, has_duplicates, has_active

    def get_filters_params(self, params: Any = None) -> Any:
        """Return what narrows the list down: how it is shown does not."""
        found = super().get_filters_params(params)
        found.pop(GRID_PARAMETER, None)
        return found

    @property
    def is_grid(self) -> bool:
        """Whether it is shown as a grid."""
        return bool(self.params.get(GRID_PARAMETER) == GRID)

    @property
    def rows_url(self) -> str:
        """The address of the same list as rows."""
        return str(self.get_query_string(remove=[GRID_PARAMETER]))

    @property
    def grid_url(self) -> str:
        """The address of the same list as a grid."""
        return str(self.get_query_string({GRID_PARAMETER: GRID}))
