"""Images are found by the words that they, their paths and their tags have."""

from uuid import uuid4

import pytest
from django.db import connection, transaction

from catalog import services, text_search
from catalog.models import Image, Tag
from tests.rows import new_images

pytestmark = pytest.mark.django_db


def image(**fields: object) -> Image:
    facts = {"format": "png", "width": 3, "height": 2, "file_bytes": 1}
    return Image.objects.create(**facts | {"sha256": uuid4().hex * 2} | fields)


def found(text: str) -> set[str]:
    connection.check_constraints()  # what waits for the end of the transaction happens now
    return set(text_search.matching(Image.objects.all(), text).values_list("title", flat=True))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("lap", {"laptop"}),
        ("LAPTOP", {"laptop"}),
        ("top", set()),
        ("IMG 0042", {"laptop"}),
        ("img_0042.jpg", {"laptop"}),
        ("summer", {"laptop"}),
        ("2024/summer-trip", {"laptop"}),
        ("0042 blue", {"laptop"}),
        ("0042 green", set()),
        ("кошк", {"Кошка"}),
        ("ЧЁРНАЯ", {"Кошка"}),
        ("черная", {"Кошка"}),
        ("чайник", {"Кошка"}),
        ("cafe", {"Café"}),
        ("CAFÉ", {"Café"}),
        ("Zoë", {"Café"}),
        ("zoe", {"Café"}),
        ("inv-77", {"Café"}),
        ("grünau", {"Café"}),
        ("museum", {"Café"}),
    ],
)  # fmt: skip
def test_words_are_found_by_their_beginnings(asked: str, expected: set[str]) -> None:
    image(title="laptop", path="2024/summer-trip/IMG_0042.jpg", description="On a blue desk")
    image(title="Кошка", description="чёрная, за чаи\u0306ником")  # decomposed, as macOS writes
    image(title="Café", creator="Zoë", external_id="INV-77", owner="Grünau", source="The Museum")

    assert found(asked) == expected


@pytest.mark.parametrize(
    "asked",
    [
        *('"', "'", '"lap', "lap*", "-lap", "lap OR", "NOT lap", "(lap", "lap)", "title:lap"),
        *(
            "lap & |",
            "lap:*",
            "\\",
            "lap\\",
            "{lap}",
            "^lap",
            "lap + NEAR(",
            "a" * 5000,
            "\0",
            "%s",
        ),
    ],
)
def test_what_is_typed_is_never_an_operator(asked: str) -> None:
    image(title="laptop not or near title")

    assert found(asked) in (set(), {"laptop not or near title"})


def test_punctuation_alone_finds_nothing() -> None:
    image(title="laptop")

    assert found("*** - _") == set()


def test_an_id_and_the_beginning_of_a_hash_are_found() -> None:
    one = image(title="one", sha256="abc123" + "0" * 58)
    image(title="other", sha256="abc124" + "0" * 58)

    assert found("abc123") == found("ABC1230") == found(one.sha256) == {"one"}
    assert found(str(one.pk)) == found(one.pk.hex) == {"one"}


def test_every_change_is_found_at_once() -> None:
    one, other = image(title="one", path="a/one.jpg"), image(title="other")

    Image.objects.update(owner="Library")
    assert found("library") == {"one", "other"}
    one.owner = "Archive"
    one.save()
    assert (found("library"), found("archive")) == ({"other"}, {"one"})
    services.update_metadata(one, services.ImageMetadata(description="bridge", tags=("Steel",)))
    assert found("bridge steel one") == {"one"}
    Tag.objects.filter(name="Steel").update(name="Iron")
    assert (found("steel"), found("iron")) == (set(), {"one"})
    other.tags.add(Tag.objects.get())
    assert found("iron") == {"one", "other"}
    one.tags.clear()
    assert found("iron") == {"other"}
    Tag.objects.all().delete()
    assert found("iron") == set()
    other.delete()
    assert found("library") == set()


def test_an_image_is_found_by_where_else_its_file_was_met() -> None:
    met = image(title="boat", path="boats/a.jpg")
    image(title="other")
    said = services.ImageMetadata(path="regatta/IMG_7.jpg", title="Sails", external_id="inv-9")

    services.add_occurrence(met, said)

    for asked in ("regatta", "sail", "inv-9", "boats"):
        assert found(asked) == {"boat"}
    Image.objects.filter(pk=met.pk).update(title="ship")
    assert found("regatta") == {"ship"}
    met.occurrences.all().delete()
    assert (found("regatta"), found("boats")) == (set(), {"ship"})


def test_a_change_that_is_rolled_back_is_not_found() -> None:
    one = image(title="one")
    with transaction.atomic():
        Image.objects.filter(pk=one.pk).update(title="two")
        transaction.set_rollback(True)

    assert (found("two"), found("one")) == (set(), {"one"})


def test_an_older_catalogue_is_found_after_migrating() -> None:
    text_search.remove(connection)
    one = image(title="one")
    one.tags.add(Tag.objects.create(name="Steel"))
    assert found("one") == set()

    text_search.come_back(using="default")

    assert found("one steel") == {"one"}


def test_common_words_are_found_as_rare_ones_are() -> None:
    new_images(1500)
    Image.objects.update(path="walks/IMG_0001.jpg")
    Image.objects.filter(sha256__lt=f"{300:064}").update(title="lake")

    assert text_search.matching(Image.objects.filter(title=""), "img walk").count() == 1200
    assert text_search.matching(Image.objects.all(), "img lake").count() == 300


def test_images_without_words_take_part() -> None:
    assert len(new_images(3)) == 3

    assert text_search.matching(Image.objects.all(), "0" * 64).count() == 1
