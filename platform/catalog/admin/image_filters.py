"""By what the list of images is narrowed down; none lists what there is.

Each asks an index, but for the file's size: most of a catalogue is of one size, and sorting it by
age would take longer than reading it in that order.
"""

from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F, Func, QuerySet
from django.forms import DateInput
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter, TextFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm, RangeDateForm
from unfold.utils import parse_date_str
from unfold.widgets import INPUT_CLASSES

from catalog.models import Region
from catalog.selectors import is_in_folder
from jobs.admin import FixedChoicesFilter
from site_http.capped_lists import COUNTED

_KB = 1024


class OwnerFilter(TextFilter):
    """By the owner, as it is written."""

    title = _("owner")
    parameter_name = "owner"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the images whose field, named as the parameter, is what was typed."""
        text = _typed(self)
        field = self.parameter_name
        # That it is not empty goes without saying, except to the index.
        return queryset.exclude(**{field: ""}).filter(**{field: text}) if text else queryset


class LicenceFilter(OwnerFilter):
    """By the licence, as it is written."""

    title = _("licence")
    parameter_name = "licence"


class SuggestedMediumFilter(FixedChoicesFilter):
    """By who says the medium."""

    title = _("who says the medium")
    parameter_name = "medium_suggested"
    values = (("1", _("told from the picture")), ("0", _("a person, or nobody")))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the images whose medium is a suggestion, or those whose medium is none."""
        value = self.value()
        if value not in {"0", "1"}:
            return queryset
        return queryset.filter(medium_suggested_at__isnull=value == "0")


class LabelFilter(TextFilter):
    """By what objects in them are, as the detector names it."""

    title = _("object in it")
    parameter_name = "label"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the images with an object of this label."""
        text = _typed(self)
        labelled = Region.objects.exclude(label="").filter(label=text)
        return _linked(queryset, labelled) if text else queryset


class KnownRowsForm(AutocompleteDropdownForm):
    """The choice of a tag, an album or an import, among those that this person may know of."""

    def __init__(
        self, request: HttpRequest, name: str, *args: Any, field: Any, **kwargs: Any
    ) -> None:
        # Django looks up what is typed for columns alone: for the one of the rows between the two.
        super().__init__(request, name, *args, field=_column_of_links(field), **kwargs)
        rows = self.fields[name].queryset.model
        self.fields[name].queryset = admin.site.get_model_admin(rows).get_queryset(request)


class NamedSetFilter(AutocompleteSelectFilter):
    """By tag, album or import."""

    form_class = KnownRowsForm

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the images of the set."""
        chosen = self.value()
        if not chosen:
            return queryset
        column = _column_of_links(self.field)
        try:
            return _linked(queryset, column.model.objects.filter(**{column.name: chosen}))
        except (ValueError, ValidationError) as error:
            raise IncorrectLookupParameters(error) from error


class FolderFilter(TextFilter):
    """By the folder in the source, and those below it."""

    title = _("folder")
    parameter_name = "folder"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the images below a folder that is named by its path."""
        folder = _typed(self).strip("/")
        return queryset.filter(is_in_folder(folder)) if folder else queryset


class FileSizeFilter(FixedChoicesFilter):
    """By the size of the file."""

    title = _("file size")
    parameter_name = "file_size"
    values = (
        ("0-100", _("up to 100 KB")),
        ("100-1024", _("100 KB to 1 MB")),
        ("1024-10240", _("1 to 10 MB")),
        ("10240-", _("over 10 MB")),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the images whose file has that size."""
        value = self.value()
        if value not in dict(self.values):
            return queryset
        from_kb, _dash, below_kb = value.partition("-")
        sized = queryset.filter(file_bytes__gte=int(from_kb) * _KB)
        return sized.filter(file_bytes__lt=int(below_kb) * _KB) if below_kb else sized


class DaysForm(RangeDateForm):
    """Two days, by the browser's own calendar: Unfold's needs words that some pages do not load."""

    class Media:
        """No script."""

        extend = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            name = field.widget.attrs["placeholder"]
            attributes = {"type": "date", "class": " ".join(INPUT_CLASSES), "aria-label": name}
            field.widget = DateInput(attributes, format="%Y-%m-%d")


class AddedFilter(RangeDateFilter):
    """By the days on which images were added, both included."""

    form_class = DaysForm

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the images of these days, of this site's time zone."""
        for side, lookup, more_days in (("from", "gte", 0), ("to", "lt", 1)):
            day = parse_date_str(self.used_parameters.get(f"{self.field_path}_{side}") or "")
            if day is not None and day.year in range(2, 9999):  # else there may be no next day
                midnight = datetime.combine(day + timedelta(days=more_days), time.min)
                moment = timezone.make_aware(midnight)
                queryset = queryset.filter(**{f"{self.field_path}__{lookup}": moment})
        return queryset


def _column_of_links(relation: Any) -> Any:
    """Return the foreign key, to the other side, of the rows that images are linked by."""
    through = getattr(relation, "through", None) or relation.remote_field.through
    return through._meta.get_field(relation.related_model._meta.model_name)


def _linked(images: QuerySet, links: QuerySet) -> QuerySet:
    """Return those of the images that rows with a column `image` name."""
    links = links.order_by()
    ids = links.values("image")
    if connection.vendor == "sqlite" and links[COUNTED : COUNTED + 1].exists():
        # It would fetch and sort half a catalogue for a page. What is computed it does not look
        # up, but compares in the list's order, until a page is full.
        computed = Func(F("pk"), template="+%(expressions)s")
        images = images.alias(computed=computed)
        return images.filter(computed__in=ids)
    return images.filter(pk__in=ids)


def _typed(text_filter: TextFilter) -> str:
    return (text_filter.value() or "").strip()
