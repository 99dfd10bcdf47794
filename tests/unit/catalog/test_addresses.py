"""Addresses that are remembered are those that Django has."""

from uuid import uuid4

import pytest
from django.urls import NoReverseMatch, reverse

from catalog.addresses import image_address, page_address


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("catalog:image", ()),
        ("catalog:original", ()),
        ("catalog:webp_thumbnail", ("medium",)),
        ("search:image_preview", ()),
    ],
)
def test_an_image_s_address_is_that_of_reverse(name: str, rest: tuple[str, ...]) -> None:
    first, second = uuid4(), uuid4()

    assert image_address(name, first, *rest) == reverse(name, args=(first, *rest))
    assert image_address(name, second, *rest) == reverse(name, args=(second, *rest))


def test_a_page_s_address_is_that_of_reverse() -> None:
    assert page_address("search:page") == reverse("search:page")


def test_no_address_is_made_up() -> None:
    with pytest.raises(NoReverseMatch):
        image_address("catalog:nothing", uuid4())
