"""Lists of the admin that count no further than people read: a count of all rows reads all rows."""

from typing import Any, Final

from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.translation import gettext
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

# Rows that a list counts, and so far it leads by numbers of pages; beyond, a page at a time.
COUNTED: Final = 10_000
_LAST_PAGE: Final = 1_000_000


class CappedPaginator(Paginator):
    """Pages of rows of which `COUNTED` are counted, and all up to the page that is asked for.

    One row of the next page is counted too, so that a list leads there.
    """

    template_name = "admin/capped_pagination.html"
    page_asked_for = 1

    @cached_property
    def count(self) -> int:
        """How many rows there are, or one more than are counted."""
        rows: Any = self.object_list
        return int(rows.order_by()[: self._counted + 1].count())

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.count > self._counted

    @property
    def _counted(self) -> int:
        return max(COUNTED, self.page_asked_for * self.per_page)


class CappedList(ChangeList):
    """A list that says how many rows it has, or that they are more than so many."""

    def get_results(self, request: HttpRequest) -> None:
        """Count once: what Unfold would write beside the title stands below the list."""
        super().get_results(request)
        self.full_result_count = self.result_count

    @property
    def shown_count(self) -> str:
        """How many rows there are, for people."""
        if not self.paginator.is_capped:
            return number_format(self.result_count, force_grouping=True)
        counted = number_format(self.result_count - 1, force_grouping=True)
        return gettext("more than %(count)s") % {"count": counted}


class CappedAdmin(ModelAdmin):
    """A page of rows of which there may be a million."""

    paginator: Any = CappedPaginator
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows of the cap."""
        return CappedList

    def get_paginator(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        per_page: int,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Return pages that are counted past the one that is asked for."""
        pages = super().get_paginator(request, queryset, per_page, *args, **kwargs)
        if isinstance(pages, CappedPaginator):
            pages.page_asked_for = _page_number(request)
        return pages


def _page_number(request: HttpRequest) -> int:
    try:
        number = int(request.GET.get(PAGE_VAR, 1))
    except ValueError:  # Django itself takes it for the first
        return 1
    return min(max(number, 1), _LAST_PAGE)
