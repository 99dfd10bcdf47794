"""What many watches cost: of a small made catalogue, where counts of queries are the same."""

import pytest

from bench import made_catalogue, tables, watching

pytestmark = pytest.mark.django_db


def test_many_watches_ask_no_more_of_a_new_image_than_few() -> None:
    made_catalogue.fill(images=600, tags=1)

    few, many = watching.measure((2, 40))

    # Albums of six images; one saved search for each watch of an album.
    assert [(few.watches, few.looks), (many.watches, many.looks)] == [(2, 7), (40, 140)]
    assert many.image_queries == few.image_queries
    assert many.look_queries <= few.look_queries + 1  # something in these albums is just indexed
    assert min(few.image_ms, few.look_ms, many.image_ms, many.look_ms) > 0
    row = tables.watch_row(many).split()
    assert row[:3] == ["40", "140", str(many.image_queries)]
    assert len(tables.watch_head(images=600).splitlines()) == 2
