from functools import partial
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import Group

from audit_log.models import AuditEntry
from catalog import services, storage
from catalog.models import Album, Image, Occurrence, Tag
from catalog.services import Added, FurtherOccurrence, ImageMetadata, NewPicture
from catalog.validation import validate
from kernel.errors import TransientError, UserInputError
from tests.conftest import AddImage
from tests.pictures import RED, encoded, noise, plain
from tests.rows import add_picture

pytestmark = pytest.mark.django_db(transaction=True)

Status = Image.Status
FAILING = "tests.storages.FailingStorage"
BUSY = "tests.storages.BusyStorage"


def test_a_picture_becomes_a_row_an_original_and_a_thumbnail(media: Path) -> None:
    picture = validate(plain(RED, (60, 40)))

    added = add_picture(picture, ImageMetadata(title="Red", source="/a", owner="me"))

    assert added.is_new
    image = Image.objects.get()
    assert (image.pk, image.sha256) == (added.image_id, picture.sha256)
    assert (image.format, image.width, image.height) == ("png", 60, 40)
    assert image.file_bytes == len(picture.data)
    assert (image.title, image.source, image.owner, image.licence) == ("Red", "/a", "me", "")
    assert (image.status, image.error_code, image.job, image.tries) == ("queued", "", None, 0)
    assert storage.read(storage.original_name(picture.sha256)) == picture.data
    assert storage.read(storage.thumbnail_name(picture.sha256)) == picture.thumbnail


@pytest.mark.parametrize(("missing_bytes", "is_damaged"), [(0, False), (20, True)])
def test_a_picture_of_which_some_is_missing_is_marked(
    media: Path, rng: np.random.Generator, missing_bytes: int, is_damaged: bool
) -> None:
    data = encoded(noise(rng), "JPEG")

    add_picture(validate(data[: len(data) - missing_bytes]), ImageMetadata())

    assert Image.objects.get().is_damaged == is_damaged


def test_the_same_picture_again_changes_nothing(media: Path) -> None:
    first = add_picture(validate(plain()), ImageMetadata(title="first"))
    second = add_picture(validate(plain()), ImageMetadata(title="second"))

    assert second == Added(image_id=first.image_id, is_new=False)
    assert Image.objects.get().title == "first"


def test_long_titles_and_sources_are_cut_to_their_columns(media: Path) -> None:
    add_picture(validate(plain()), ImageMetadata(title="t" * 301, source="s" * 1001))

    image = Image.objects.get()
    assert (len(image.title), len(image.source)) == (300, 1000)


def test_two_who_add_the_same_picture_at_once_find_one_image(use_storage) -> None:
    # While the first one writes its files, the second one gets through all of it.
    picture = validate(plain())
    second: list[Added] = []

    use_storage(
        BUSY,
        operation="save",
        meanwhile=lambda: second.append(add_picture(picture, ImageMetadata())),
    )
    first = add_picture(picture, ImageMetadata())

    assert second == [Added(image_id=first.image_id, is_new=True)]
    assert not first.is_new
    assert Image.objects.count() == 1
    assert storage.read(storage.original_name(picture.sha256)) == picture.data


def test_a_picture_whose_image_is_being_deleted_is_not_added(add_image: AddImage) -> None:
    image = add_image(plain(), status=Status.DELETING)

    assert add_picture(validate(plain())) == Added(image.pk, is_new=False)
    assert Image.objects.get() == image


def test_many_are_added_each_with_its_own_tags_and_albums(media: Path, rng) -> None:
    Tag.objects.create(name="old")
    said = {
        "a": ImageMetadata(title="a", tags=("old", "new"), albums=("Summer",)),
        "b": ImageMetadata(title="b", tags=("new",)),
        "c": ImageMetadata(title="c"),
    }
    pictures = {name: validate(encoded(noise(rng))) for name in said}
    known = add_picture(pictures["c"], ImageMetadata(title="before"))

    added = services.add_pictures(NewPicture(pictures[name], said[name]) for name in said)

    assert {sha256: each.is_new for sha256, each in added.items()} == {
        pictures["a"].sha256: True,
        pictures["b"].sha256: True,
        pictures["c"].sha256: False,
    }
    assert added[pictures["c"].sha256].image_id == known.image_id
    rows = {image.title: image for image in Image.objects.all()}
    assert {title: (names(image.tags), names(image.albums)) for title, image in rows.items()} == {
        "a": (["new", "old"], ["Summer"]),
        "b": (["new"], []),
        "before": ([], []),
    }


@pytest.mark.parametrize("good", [0, 1], ids=["at-the-original", "at-the-thumbnail"])
def test_a_full_disk_adds_no_row(use_storage, good: int) -> None:
    use_storage(FAILING, operation="save", good=good)

    with pytest.raises(TransientError):
        add_picture(validate(plain()), ImageMetadata())

    assert not Image.objects.exists()


def test_a_picture_can_be_added_once_the_disk_has_room_again(use_storage) -> None:
    use_storage(FAILING, operation="save", good=1)
    with pytest.raises(TransientError):
        add_picture(validate(plain()), ImageMetadata())

    use_storage()
    added = add_picture(validate(plain()), ImageMetadata())

    assert added.is_new
    image = Image.objects.get()
    assert list(storage.list_names("originals")) == [storage.original_name(image.sha256)]
    assert list(storage.list_names("thumbnails")) == [storage.thumbnail_name(image.sha256)]


SAID = ImageMetadata(
    description="A\nb",
    path="x/a.png",
    external_id="17",
    rights="© Ann",
    medium="drawing",
    tags=("sea", "sea", " evening ", ""),
    albums=("Summer",),
)


def names(relation: object) -> list[str]:
    return [each.name for each in relation.all()]


def test_a_new_picture_keeps_what_its_source_says(media: Path) -> None:
    Tag.objects.create(name="sea")

    add_picture(validate(plain()), SAID)

    image = Image.objects.get()
    assert (image.description, image.path, image.external_id) == ("A\nb", "x/a.png", "17")
    assert (image.rights, image.medium) == ("© Ann", "drawing")
    assert (names(image.tags), names(image.albums)) == (["evening", "sea"], ["Summer"])
    assert Tag.objects.count() == 2


def test_long_names_are_cut_to_their_columns(media: Path) -> None:
    add_picture(
        validate(plain()), ImageMetadata(path="p" * 1001, tags=("t" * 101,), albums=("a" * 201,))
    )

    image = Image.objects.get()
    assert len(image.path) == 1000
    assert (names(image.tags), names(image.albums)) == (["t" * 100], ["a" * 200])


def test_a_path_is_filled_in_once(add_image: AddImage) -> None:
    image = add_image(plain())

    services.fill_in_path(image, "a.png")
    image.refresh_from_db()
    services.fill_in_path(image, "b.png")

    image.refresh_from_db()
    assert image.path == "a.png"
    assert (image.payload_changes, image.payload_due_at is None) == (1, False)


def test_an_original_out_of_the_storage_has_no_path(add_image: AddImage) -> None:
    image = add_image(plain())

    services.fill_in_path(image, f"rescued/{image.sha256}.jpg")

    image.refresh_from_db()
    assert image.path == ""


def test_updated_metadata_replace_texts_and_add_tags(add_image: AddImage) -> None:
    image = add_image(plain(), owner="Ann", rights="old", status=Status.INDEXED)
    image.tags.add(Tag.objects.create(name="mine"))

    services.update_metadata(image, SAID)

    image.refresh_from_db()
    assert (image.owner, image.rights, image.external_id) == ("Ann", "© Ann", "17")
    assert names(image.tags) == ["evening", "mine", "sea"]
    assert image.status == Status.INDEXED
    assert image.payload_due_at is not None  # its points carry medium, tags and albums


@pytest.mark.parametrize("field", ["owner", "licence", "path", "medium"])
def test_updated_texts_that_points_carry_reach_them(add_image: AddImage, field: str) -> None:
    image = add_image(plain(), status=Status.INDEXED)

    services.update_metadata(image, ImageMetadata(**{field: "photo"}))

    image.refresh_from_db()
    assert (getattr(image, field), image.payload_due_at is None) == ("photo", False)


def test_updated_texts_alone_concern_no_point(add_image: AddImage) -> None:
    image = add_image(plain(), status=Status.INDEXED)

    services.update_metadata(image, ImageMetadata(title="New", description="d"))
    services.update_metadata(image, ImageMetadata())

    image.refresh_from_db()
    assert (image.title, image.description) == ("New", "d")
    assert (image.status, image.payload_due_at) == (Status.INDEXED, None)


# Private albums

PRIVATE = ImageMetadata(
    title="new", albums=("Open", "Trip"), private_to={"Trip": ("Owners", "Staff")}
)


def test_an_album_that_has_to_be_private_is_made_so(media: Path) -> None:
    groups = [Group.objects.create(name=name) for name in ("Owners", "Staff")]

    add_picture(validate(plain()), PRIVATE)

    assert list(Album.objects.get(name="Trip").groups.order_by("name")) == groups
    assert not Album.objects.get(name="Open").groups.exists()
    assert [album.name for album in Image.objects.get().albums.all()] == ["Open", "Trip"]


def test_whom_an_album_is_private_to_is_decided_here(media: Path) -> None:
    album = Album.objects.create(name="Trip")
    others = Group.objects.create(name="Others")
    album.groups.add(others)

    add_picture(validate(plain()), PRIVATE)

    assert list(album.groups.all()) == [others]
    assert Image.objects.get().albums.filter(pk=album.pk).exists()


def test_without_its_groups_an_album_is_not_made(media: Path) -> None:
    Group.objects.create(name="Owners")

    with pytest.raises(UserInputError) as caught:
        add_picture(validate(plain()), PRIVATE)

    assert caught.value.code == "album:user:no-group"
    assert caught.value.context == {"album": "Trip", "groups": "Owners, Staff"}
    assert not Image.objects.exists()
    assert not Album.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("is_known", [False, True], ids=["new", "known"])
def test_what_has_to_be_private_comes_into_no_open_album(media: Path, is_known: bool) -> None:
    album = Album.objects.create(name="Trip")
    picture = validate(plain())
    if is_known:
        image = Image.objects.get(pk=add_picture(picture, ImageMetadata()).image_id)
        add = partial(services.update_metadata, image)
    else:
        add = partial(add_picture, picture)

    with pytest.raises(UserInputError) as caught:
        add(PRIVATE)

    assert caught.value.code == "album:user:not-private"
    assert caught.value.context == {"album": "Trip"}
    assert not album.images.exists()
    assert [image.title for image in Image.objects.all()] == [""] * is_known


# Panels


@pytest.mark.parametrize(
    "panels",
    [
        [(0, 0, 61, 40)],
        [(-1, 0, 30, 40)],
        [(0, 0, 15, 40)],
        [(0, 0, 16, 16 + number) for number in range(41)],
    ],
    ids=["outside", "negative", "narrow", "many"],
)
def test_panels_that_are_none_in_the_picture_are_refused(media: Path, panels) -> None:
    with pytest.raises(UserInputError) as caught:
        add_picture(validate(plain(size=(60, 80))), ImageMetadata(drawn_panels=tuple(panels)))

    assert caught.value.code == "image:user:bad-panels"
    assert not Image.objects.exists()


def test_an_update_brings_panels_and_occurrences_of_a_known_picture(media: Path) -> None:
    added = add_picture(validate(plain()), ImageMetadata(path="a.png"))
    Image.objects.update(status=Status.INDEXED)
    said = ImageMetadata(
        drawn_panels=(),
        occurrences=(FurtherOccurrence(path="a.png"), FurtherOccurrence(path="b.png")),
    )

    for _ in range(2):
        services.update_metadata(Image.objects.get(), said)
        assert Image.objects.get().drawn_panels == []

    assert Image.objects.get().status == Status.QUEUED
    occurrences = Occurrence.objects.values_list("image", "path")
    assert list(occurrences) == [(added.image_id, "b.png")]
    entries = AuditEntry.objects.filter(action=AuditEntry.Action.CHANGED)
    assert [entry.details for entry in entries] == [{"drawn_panels": [None, []]}]
