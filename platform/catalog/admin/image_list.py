"""How the list of images is shown: as rows or as a grid."""

from typing import Any

from unfold.views import ChangeList

GRID_PARAMETER, GRID = "view", "grid"


class ImageList(ChangeList):
    """The list of images, as rows or, where its address says so, as a grid."""

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
