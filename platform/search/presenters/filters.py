"""The panel beside the results: what they can be narrowed down by, and what they are."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.db.models import Model
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext, gettext_lazy, gettext_noop

from catalog.labels import label_name
from catalog.models import Image
from search.filter_fields import NAMES_OF_TEXTS, fields_of, read_filters
from search.presenters.addresses import search_address
from search.question import Filters, Scope, Sort
from search.services import SearchResult

# Of each kind, besides those that are chosen.
_MAX_CHOICES = 12

_TITLES = MappingProxyType(
    {
        "label": gettext_lazy("Objects"),
        "medium": gettext_lazy("Medium"),
        "tag": gettext_lazy("Tags"),
        "album": gettext_lazy("Albums"),
        "owner": gettext_lazy("Owner"),
        "licence": gettext_lazy("Licence"),
        "folder": gettext_lazy("Folder"),
    }
)
_SCOPES = MappingProxyType(
    {
        Scope.FULL_IMAGE: gettext_lazy("Whole pictures"),
        Scope.PANELS: gettext_lazy("Pictures within a collage or screenshot"),
        Scope.OBJECTS: gettext_lazy("Objects"),
    }
)
# `value` is a day, or a number of pixels.
_CHIPS = MappingProxyType(
    {
        "added_from": gettext_noop("Added from {value}"),
        "added_to": gettext_noop("Added to {value}"),
        "min_side": gettext_noop("From {value} pixels"),
        "max_side": gettext_noop("Up to {value} pixels"),
        "sure": gettext_noop("Without unsure objects"),
        "other_media": gettext_noop("Other media only"),
    }
)
_SORTS = MappingProxyType(
    {
        Sort.VERDICT: gettext_lazy("Copies first"),
        Sort.SIMILARITY: gettext_lazy("Most similar first"),
        Sort.NEWEST: gettext_lazy("Newest first"),
        Sort.OLDEST: gettext_lazy("Oldest first"),
        Sort.LARGEST: gettext_lazy("Largest first"),
    }
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a field, in how many of the images found it is where that is known."""

    value: str
    name: str
    images: int | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ChoiceList:
    """The choices of a field."""

    field: str
    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Chip:
    """Something that is asked for, and the search without it."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class FilterPanel:
    """All that the panel says.

    Attributes:
        fields: of its form: what is searched with.
        lists: of choices, those that there are.
        scopes: which parts of pictures may be alike.
        sorts: the orders.
        chips: what is asked for.
        filters: the same.
        has_other_media: whether the query's own medium is known.
        none_url: the search without filters.
    """

    fields: tuple[tuple[str, str], ...]
    lists: tuple[ChoiceList, ...]
    scopes: tuple[Choice, ...]
    sorts: tuple[Choice, ...]
    chips: tuple[Chip, ...]
    filters: Filters
    has_other_media: bool
    none_url: str


def present_filters(result: SearchResult, *, query_name: str) -> FilterPanel:
    """Return what the panel shows, in the active language.

    Its choices are of images that were found, so that they can be seen and lead somewhere, and
    those that are chosen already.
    """
    filters = result.filters

    def address(asked: Filters) -> str:
        return search_address(
            result.asked, name=query_name, box=result.box, filters=asked, sort=result.sort
        )

    bare = search_address(result.asked, name=query_name, box=result.box)
    has_other_media = result.query_medium != Image.Medium.UNKNOWN
    return FilterPanel(
        fields=tuple(parse_qsl(urlsplit(bare).query)),
        lists=tuple(_lists(result)),
        scopes=tuple(
            Choice(each.value, str(name), None, each in filters.scope)
            for each, name in _SCOPES.items()
        ),
        sorts=tuple(
            Choice(each.value, str(name), None, each is result.sort)
            for each, name in _SORTS.items()
        ),
        chips=tuple(_chips(filters, address)),
        filters=filters,
        has_other_media=has_other_media,
        none_url=address(Filters()),
    )


def _lists(result: SearchResult) -> Iterable[ChoiceList]:
    counts = _counts(result)
    for field, title in _TITLES.items():
        chosen: Sequence[str] = getattr(result.filters, NAMES_OF_TEXTS[field])
        found = counts[field]
        commonest = sorted(found, key=lambda value: (-found[value], value))[:_MAX_CHOICES]
        offered = dict.fromkeys([*chosen, *commonest])
        if field == "medium":
            offered = dict.fromkeys(Image.Medium.values)
        if offered:
            choices = (
                Choice(value, _shown(field, value), found[value], value in chosen)
                for value in offered
            )
            yield ChoiceList(field, str(title), tuple(choices))


def _counts(result: SearchResult) -> Mapping[str, Counter[str]]:
    """Return field → value → in how many of the images found it is."""
    images = {hit.image.pk: hit.image for group in result.groups for hit in group.hits}
    rows = images.values()
    folders = Counter(image.path.rpartition("/")[0] for image in rows if "/" in image.path)
    return {
        "label": Counter({facet.label: facet.images for facet in result.facets}),
        "medium": Counter(image.medium for image in rows),
        "tag": _named(Image.tags.through, "tag", images),
        "album": _named(Image.albums.through, "album", images),
        "owner": Counter(image.owner for image in rows if image.owner),
        "licence": Counter(image.licence for image in rows if image.licence),
        "folder": folders,
    }


def _named(through: type[Model], name: str, image_ids: Iterable[Any]) -> Counter[str]:
    """Return name → images; an image that a person may see is in no album that is hidden."""
    rows = through._default_manager.filter(image__in=list(image_ids))
    return Counter(rows.values_list(f"{name}__name", flat=True))


def _shown(field: str, value: str) -> str:
    if field == "label":
        return label_name(value, get_language() or "en")
    if field == "medium":
        return str(Image.Medium(value).label)
    return value


def _chips(filters: Filters, address: Callable[[Filters], str]) -> Iterable[Chip]:
    asked = fields_of(filters)
    for field, value in asked:
        others = urlencode([each for each in asked if each != (field, value)])
        yield Chip(_chip_name(field, value), address(read_filters(QueryDict(others))))


def _chip_name(field: str, value: str) -> str:
    if field in _TITLES:
        return f"{_TITLES[field]}: {_shown(field, value)}"
    if field == "scope":
        return str(_SCOPES[Scope(value)])
    if field in {"added_from", "added_to"}:
        value = date_format(date.fromisoformat(value), "DATE_FORMAT")
    return gettext(_CHIPS[field]).format(value=value)
