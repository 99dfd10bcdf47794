"""What filters are in an address: read, written again, and refused where they say nothing clear."""

from datetime import date

import pytest
from django.http import QueryDict
from django.utils.http import urlencode

from kernel.errors import UserInputError
from search.filter_fields import as_json, fields_of, read_filters, read_sort
from search.question import Filters, Scope, Sort

FULL = Filters(
    labels=("cat", "traffic light"),
    mediums=("photo", "drawing"),
    tags=("a&b=c", "блик"),
    albums=("Embargo",),
    owners=("Ann O'Hara",),
    licences=("CC BY 4.0",),
    folders=("2019/May", "a%b_c"),
    added_from=date(2024, 2, 29),
    added_to=date(2024, 2, 29),
    min_side=1,
    max_side=1_000_000,
    are_sure=True,
    are_other_media=True,
    scope=(Scope.PANELS, Scope.OBJECTS),
)


def test_an_address_says_all_that_filters_say() -> None:
    written = urlencode(fields_of(FULL, Sort.LARGEST))

    assert read_filters(QueryDict(written)) == FULL
    assert read_sort(QueryDict(written)) is Sort.LARGEST
    assert bool(FULL)


def test_an_address_without_filters_asks_for_all() -> None:
    filters = read_filters(QueryDict("label=&label=+&added_from=&min_side=&sure=0&folder=&tag=%09"))

    assert filters == Filters()
    assert (fields_of(filters), bool(filters)) == ([], False)
    assert read_sort(QueryDict("sort=")) is Sort.VERDICT


def test_values_are_taken_once_and_folders_without_slashes_around_them() -> None:
    filters = read_filters(QueryDict("tag=b&tag=a&tag=+b+&folder=/x/y/&folder=x/y"))

    assert filters == Filters(tags=("b", "a"), folders=("x/y",))


def test_programs_are_told_the_filters_under_the_names_that_they_ask_by() -> None:
    assert as_json(FULL) == {
        "label": ["cat", "traffic light"],
        "medium": ["photo", "drawing"],
        "tag": ["a&b=c", "блик"],
        "album": ["Embargo"],
        "owner": ["Ann O'Hara"],
        "licence": ["CC BY 4.0"],
        "folder": ["2019/May", "a%b_c"],
        "added_from": "2024-02-29",
        "added_to": "2024-02-29",
        "min_side": 1,
        "max_side": 1_000_000,
        "sure": True,
        "other_media": True,
        "scope": ["panels", "objects"],
    }


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("medium", "medium=photo&medium=oil"),
        ("label", urlencode({"label": "x" * 101})),
        ("tag", "&".join(f"tag={number}" for number in range(21))),
        ("album", "album=a%00b"),
        ("folder", "folder=/"),
        ("folder", "folder=" + "x" * 1001),
        ("added_from", "added_from=2023-02-29"),
        ("added_from", "added_from=20240229"),
        ("added_from", "added_from=2024-W09-4"),
        ("added_from", "added_from=2024-02-29T00:00:00"),
        ("added_from", "added_from=0001-01-01"),
        ("added_to", "added_to=9999-12-31"),
        ("added_to", "added_to=2024-02-29&added_to=2024-03-01"),
        ("added_to", "added_from=2024-03-01&added_to=2024-02-29"),
        ("min_side", "min_side=0"),
        ("min_side", "min_side=-1"),
        ("min_side", "min_side=1e3"),
        ("min_side", "min_side=%D9%A3"),  # an Arabic digit
        ("max_side", "max_side=1000001"),
        ("max_side", "max_side=" + "9" * 5000),
        ("max_side", "min_side=200&max_side=100"),
        ("sure", "sure=yes"),
        ("other_media", "other_media=2"),
    ],
)
def test_what_cannot_be_understood_is_refused(field: str, address: str) -> None:
    with pytest.raises(UserInputError) as refused:
        read_filters(QueryDict(address))

    assert (refused.value.code, refused.value.context["field"]) == ("search:user:bad-filter", field)


def test_unknown_scopes_and_orders_are_refused() -> None:
    with pytest.raises(UserInputError) as scope:
        read_filters(QueryDict("scope=panels&scope=corners"))
    with pytest.raises(UserInputError) as sort:
        read_sort(QueryDict("sort=random"))

    assert (scope.value.code, sort.value.code) == ("search:user:bad-scope", "search:user:bad-sort")
