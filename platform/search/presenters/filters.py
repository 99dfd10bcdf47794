"""The panel beside the results: what they can be narrowed down by, and what they are."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from types import MappingProxyType
from uuid import UUID

from django.db.models import Model
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext, gettext_lazy, gettext_noop

from catalog.labels import label_name
from catalog.models import Image
from catalog.visibility import Viewer, sees_paths
from search.filter_fields import NAMES_OF_TEXTS, fields_of, read_filters
from search.known_values import folder_of, typed_fields
from search.presenters.question_fields import QuestionFields
from search.question import Filters, Scope, Sort

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
        Scope.PANELS: gettext_lazy("Pictures within a collage, screenshot or comic"),
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
class FilterChoice:
    """A value of a field, in how many of the images found it is where that is known."""

    value: str
    name: str
    images: int | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ChoiceList:
    """The choices of a field.

    Attributes:
        is_typed: whether other values can be typed (`search.known_values`).
    """

    field: str
    title: str
    choices: tuple[FilterChoice, ...]
    is_typed: bool


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
    scopes: tuple[FilterChoice, ...]
    sorts: tuple[FilterChoice, ...]
    chips: tuple[Chip, ...]
    filters: Filters
    has_other_media: bool
    none_url: str


def present_filters(
    fields: QuestionFields,
    images: Iterable[Image],
    viewer: Viewer,
    *,
    query_medium: str = Image.Medium.UNKNOWN,
) -> FilterPanel:
    """Return what the panel shows, in the active language.

    Its choices are of images that were found, so that they may be seen and lead somewhere, and
    those that are chosen already; others can be typed where somebody may know of them.

    Args:
        fields: what is asked.
        images: those found, with their regions.
        viewer: who asks: folders are not for everybody.
        query_medium: the query's own, where it is one picture; "unknown" where it is not known.
    """
    filters, found = fields.filters, {image.pk: image for image in images}
    bare = replace(fields, filters=Filters())
    return FilterPanel(
        fields=tuple(replace(bare, sort=Sort.VERDICT).fields()),
        lists=tuple(
            _lists(
                filters,
                _counts(found, has_folders=sees_paths(viewer)),
                typed=typed_fields(viewer),
            )
        ),
        scopes=tuple(
            FilterChoice(each.value, str(name), None, each in filters.scope)
            for each, name in _SCOPES.items()
        ),
        sorts=tuple(
            FilterChoice(each.value, str(name), None, each is fields.sort)
            for each, name in _SORTS.items()
        ),
        chips=tuple(_chips(fields)),
        filters=filters,
        has_other_media=query_medium != Image.Medium.UNKNOWN,
        none_url=bare.url(),
    )


def _lists(
    filters: Filters, counts: Mapping[str, Counter[str]], *, typed: Collection[str]
) -> Iterable[ChoiceList]:
    for field, title in _TITLES.items():
        chosen: Sequence[str] = getattr(filters, NAMES_OF_TEXTS[field])
        found = counts[field]
        commonest = sorted(found, key=lambda value: (-found[value], value))[:_MAX_CHOICES]
        offered = Image.Medium.values if field == "medium" else [*chosen, *commonest]
        choices = tuple(
            FilterChoice(value, _shown(field, value), found[value], value in chosen)
            for value in dict.fromkeys(offered)
        )
        if choices or field in typed:
            yield ChoiceList(field, str(title), choices, field in typed)


def _counts(images: Mapping[UUID, Image], *, has_folders: bool) -> Mapping[str, Counter[str]]:
    """Return field → value → in how many of the images found it is."""
    rows = images.values()
    labels = ({region.label for region in image.regions.all()} - {""} for image in rows)
    return {
        "label": Counter(chain.from_iterable(labels)),
        "medium": Counter(image.medium for image in rows),
        "tag": _named(Image.tags.through, "tag", images),
        "album": _named(Image.albums.through, "album", images),
        "owner": Counter(image.owner for image in rows if image.owner),
        "licence": Counter(image.licence for image in rows if image.licence),
        "folder": Counter(
            folder for image in rows if has_folders and (folder := folder_of(image.path))
        ),
    }


def _named(through: type[Model], name: str, image_ids: Iterable[UUID]) -> Counter[str]:
    """Return name → images; an image that a person may see is in no album that is hidden."""
    rows = through._default_manager.filter(image__in=list(image_ids))
    return Counter(rows.values_list(f"{name}__name", flat=True))


def _shown(field: str, value: str) -> str:
    if field == "label":
        return label_name(value, get_language() or "en")
    if field == "medium":
        return str(Image.Medium(value).label)
    return value


def _chips(fields: QuestionFields) -> Iterable[Chip]:
    asked = fields_of(fields.filters)
    for field, value in asked:
        others = urlencode([each for each in asked if each != (field, value)])
        without = replace(fields, filters=read_filters(QueryDict(others)))
        yield Chip(_chip_name(field, value), without.url())


def _chip_name(field: str, value: str) -> str:
    if field in _TITLES:
        return f"{_TITLES[field]}: {_shown(field, value)}"
    if field == "scope":
        return str(_SCOPES[Scope(value)])
    if field in {"added_from", "added_to"}:
        value = date_format(date.fromisoformat(value), "DATE_FORMAT")
    return gettext(_CHIPS[field]).format(value=value)
