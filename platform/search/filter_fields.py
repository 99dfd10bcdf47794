"""Filters and the order of hits as the fields of an address or a form, there and back."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from django.http import QueryDict

from catalog.models import Album, Image, Tag, max_chars
from kernel.errors import UserInputError
from kernel.moments import is_moment
from kernel.regions import MAX_LABEL_CHARS
from search.question import Filters, Scope, Sort

# Of one field.
_MAX_VALUES = 20
_MAX_SIDE_PX = 1_000_000
_DAY_CHARS = len("2024-05-31")
# Else the next day of some time zone may lie outside of the calendar.
_YEARS = range(2, 9999)

# The field's name → its filter and how long a value may be.
_TEXTS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "label": ("labels", MAX_LABEL_CHARS),
        "medium": ("mediums", max_chars(Image, "medium") or 0),
        "tag": ("tags", max_chars(Tag, "name") or 0),
        "album": ("albums", max_chars(Album, "name") or 0),
        "owner": ("owners", max_chars(Image, "owner") or 0),
        "licence": ("licences", max_chars(Image, "licence") or 0),
        "folder": ("folders", max_chars(Image, "path") or 0),
    }
)
_DAYS = ("added_from", "added_to")
_SIDES = ("min_side", "max_side")
_SWITCHES: Mapping[str, str] = MappingProxyType(
    {"sure": "are_sure", "other_media": "are_other_media"}
)
_SCOPE = "scope"
NAMES_OF_TEXTS: Mapping[str, str] = MappingProxyType(
    {field: name for field, (name, _) in _TEXTS.items()}
)
NAMES = (*_TEXTS, *_DAYS, *_SIDES, *_SWITCHES, _SCOPE)


def read_filters(data: QueryDict) -> Filters:
    """Return the filters that a request asks for; fields left empty say nothing.

    What cannot be understood is refused: passed over, it would show what was to be left out.

    Raises:
        UserInputError: "search:user:bad-filter", naming the field, or "search:user:bad-scope".
    """
    filters = Filters(
        labels=_texts(data, "label"),
        mediums=_texts(data, "medium"),
        tags=_texts(data, "tag"),
        albums=_texts(data, "album"),
        owners=_texts(data, "owner"),
        licences=_texts(data, "licence"),
        folders=_folders(_texts(data, "folder")),
        added_from=_day(data, "added_from"),
        added_to=_day(data, "added_to"),
        min_side=_side(data, "min_side"),
        max_side=_side(data, "max_side"),
        are_sure=_switch(data, "sure"),
        are_other_media=_switch(data, "other_media"),
        scope=_scope(data),
    )
    if not set(filters.mediums) <= set(Image.Medium.values):
        raise _refusal("medium")
    if filters.added_from and filters.added_to and filters.added_from > filters.added_to:
        raise _refusal("added_to")
    if filters.min_side and filters.max_side and filters.min_side > filters.max_side:
        raise _refusal("max_side")
    return filters


def read_sort(data: QueryDict) -> Sort:
    """Return the order that a request asks for.

    Raises:
        UserInputError: "search:user:bad-sort".
    """
    asked = _given(data, "sort")
    try:
        return Sort(asked[-1]) if asked else Sort.VERDICT
    except ValueError as error:
        raise UserInputError("search:user:bad-sort") from error


def fields_of(filters: Filters, sort: Sort = Sort.VERDICT) -> list[tuple[str, str]]:
    """Return the fields that say this, as `read_filters` and `read_sort` read them."""
    fields = [
        (field, value) for field, (name, _) in _TEXTS.items() for value in getattr(filters, name)
    ]
    fields += [
        (field, value.isoformat() if isinstance(value, date) else str(value))
        for field in (*_DAYS, *_SIDES)
        if (value := getattr(filters, field)) is not None
    ]
    fields += [(field, "1") for field, name in _SWITCHES.items() if getattr(filters, name)]
    fields += [(_SCOPE, each.value) for each in filters.scope]
    return fields if sort is Sort.VERDICT else [*fields, ("sort", sort.value)]


def as_json(filters: Filters) -> dict[str, object]:
    """Return the filters for a program, under the names that it asks by."""
    return {
        **{field: list(getattr(filters, name)) for field, (name, _) in _TEXTS.items()},
        **{
            field: None if (day := getattr(filters, field)) is None else day.isoformat()
            for field in _DAYS
        },
        **{field: getattr(filters, field) for field in _SIDES},
        **{field: getattr(filters, name) for field, name in _SWITCHES.items()},
        _SCOPE: [each.value for each in filters.scope],
    }


def _refusal(field: str) -> UserInputError:
    return UserInputError("search:user:bad-filter", field=field)


def _given(data: QueryDict, field: str) -> list[str]:
    """Return what a field says, each value once; a form's empty inputs say nothing."""
    return list(dict.fromkeys(value.strip() for value in data.getlist(field) if value.strip()))


def _texts(data: QueryDict, field: str) -> tuple[str, ...]:
    values, chars = tuple(_given(data, field)), _TEXTS[field][1]
    is_readable = all(len(value) <= chars and "\0" not in value for value in values)
    if len(values) > _MAX_VALUES or not is_readable:
        raise _refusal(field)
    return values


def _folders(paths: tuple[str, ...]) -> tuple[str, ...]:
    folders = tuple(dict.fromkeys(path.strip("/") for path in paths))
    if "" in folders:
        raise _refusal("folder")
    return folders


def _one(data: QueryDict, field: str) -> str:
    values = _given(data, field)
    if len(values) > 1:
        raise _refusal(field)
    return values[0] if values else ""


def _day(data: QueryDict, field: str) -> date | None:
    text = _one(data, field)
    if not text:
        return None
    # Of ISO's forms that of a calendar's day alone.
    if len(text) != _DAY_CHARS or not is_moment(text) or int(text[:4]) not in _YEARS:
        raise _refusal(field)
    return date.fromisoformat(text)


def _side(data: QueryDict, field: str) -> int | None:
    text = _one(data, field)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_SIDE_PX))):
        raise _refusal(field)
    side = int(text)
    if not 1 <= side <= _MAX_SIDE_PX:
        raise _refusal(field)
    return side


def _switch(data: QueryDict, field: str) -> bool:
    text = _one(data, field)
    if text not in {"", "0", "1"}:
        raise _refusal(field)
    return text == "1"


def _scope(data: QueryDict) -> tuple[Scope, ...]:
    try:
        return tuple(Scope(value) for value in _given(data, _SCOPE))
    except ValueError as error:
        raise UserInputError("search:user:bad-scope") from error
