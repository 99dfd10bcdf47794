"""What becomes of files whose content is in the catalogue already."""

import re
from collections import Counter
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from catalog import services as catalog
from catalog.models import Album, Image, Occurrence
from ingestion.models import Import
from ingestion.services import KnownPolicy, MetadataRules, Result, start_import, take_in
from ingestion.sources import FolderSource, ManifestSource
from tests.conftest import Broker
from tests.pictures import numbered

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same picture twice, in two folders."""
    for name in ("2019/Paris.png", "best/tower.png"):
        path = tmp_path / "shelf" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(numbered(1))
    return tmp_path / "shelf"


def bring_in(folder: Path, policy: KnownPolicy, source: str = "shelf") -> None:
    files = FolderSource(folder).files(Counter())
    list(take_in(start_import(source), files, rules=MetadataRules(known=policy)))


def occurrences() -> list[tuple[str, str, str]]:
    return list(Occurrence.objects.values_list("source", "path", "title"))


def test_both_are_kept_as_one_picture_in_two_folders(
    folder: Path, media: Path, broker: Broker
) -> None:
    bring_in(folder, KnownPolicy.KEEP)

    image = Image.objects.get()
    assert (image.path, image.title) == ("2019/Paris.png", "Paris")
    assert occurrences() == [("shelf", "best/tower.png", "tower")]


def test_each_is_kept_once(folder: Path, media: Path, broker: Broker) -> None:
    bring_in(folder, KnownPolicy.KEEP)
    bring_in(folder, KnownPolicy.KEEP)
    assert occurrences() == [("shelf", "best/tower.png", "tower")]

    bring_in(folder, KnownPolicy.KEEP, source="attic")

    assert occurrences() == [
        ("shelf", "best/tower.png", "tower"),
        ("attic", "2019/Paris.png", "Paris"),
        ("attic", "best/tower.png", "tower"),
    ]


@pytest.mark.parametrize("policy", [KnownPolicy.SKIP, KnownPolicy.UPDATE])
def test_otherwise_none_is(folder: Path, media: Path, broker: Broker, policy: KnownPolicy) -> None:
    bring_in(folder, policy)

    assert Image.objects.get().path == "2019/Paris.png"
    assert occurrences() == []


def test_the_admin_finds_and_shows_where_else_it_is(
    folder: Path, media: Path, broker: Broker, admin_client: Client
) -> None:
    bring_in(folder, KnownPolicy.KEEP)
    image = Image.objects.get()

    for words, is_found in (("best/tower", True), ("tower", True), ("castle", False)):
        answer = admin_client.get("/admin/catalog/image/", {"q": words})
        assert [row.pk for row in answer.context["cl"].result_list] == [image.pk] * is_found
    text = admin_client.get(f"/admin/catalog/image/{image.pk}/change/").content.decode()
    assert "best/tower.png" in text


def test_they_go_with_their_picture(folder: Path, media: Path, broker: Broker) -> None:
    bring_in(folder, KnownPolicy.KEEP)

    Image.objects.get().delete()

    assert occurrences() == []


@pytest.mark.parametrize("policy", list(KnownPolicy))
@pytest.mark.parametrize("restores", [False, True])
def test_what_is_in_the_bin_comes_back_only_on_request(
    folder: Path, media: Path, broker: Broker, policy: KnownPolicy, *, restores: bool
) -> None:
    bring_in(folder, KnownPolicy.SKIP)
    Image.objects.update(path="")
    catalog.move_to_bin(Image.objects.all())
    rules = MetadataRules(known=policy, restores_binned=restores)
    current = start_import("shelf")

    outcomes = list(take_in(current, FolderSource(folder).files(Counter()), rules=rules))

    image = Image.objects.get()
    assert (image.binned_at is None, image.path) == (
        (True, "2019/Paris.png") if restores else (False, "")
    )
    assert [(one.result, one.is_restored) for one in outcomes] == (
        [(Result.DUPLICATES, True), (Result.DUPLICATES, False)]
        if restores
        else [(Result.BINNED, False)] * 2
    )
    current.refresh_from_db()
    assert (current.found, current.duplicates, current.binned) == (
        (2, 2, 0) if restores else (2, 0, 2)
    )


def test_the_imports_page_counts_what_stays_in_the_bin(
    folder: Path, media: Path, broker: Broker, admin_client: Client
) -> None:
    bring_in(folder, KnownPolicy.SKIP)
    catalog.move_to_bin(Image.objects.all())
    bring_in(folder, KnownPolicy.SKIP)

    latest = Import.objects.first()
    text = admin_client.get(f"/admin/ingestion/import/{latest.pk}/change/").content.decode()

    label = text.index("Left in the bin")
    assert re.search(r"\d+", text[label + len("Left in the bin") :])[0] == "2"


@pytest.mark.parametrize("policy", [KnownPolicy.UPDATE, KnownPolicy.KEEP])
@pytest.mark.parametrize("is_member", [False, True])
def test_what_is_private_to_others_is_not_changed_by_who_has_the_file(
    folder: Path, media: Path, broker: Broker, policy: KnownPolicy, *, is_member: bool
) -> None:
    bring_in(folder, KnownPolicy.SKIP)
    image = Image.objects.get()
    album, group = Album.objects.create(name="private"), Group.objects.create(name="owners")
    album.groups.add(group)
    image.albums.add(album)
    user = User.objects.create_user("somebody")
    if is_member:
        user.groups.add(group)
    (folder / "list.csv").write_text("path,title,tags\nbest/tower.png,Mine,seen\n")
    current = start_import("mine", started_by_id=user.pk)
    files = ManifestSource(folder / "list.csv").files(Counter())

    [outcome] = take_in(current, files, rules=MetadataRules(known=policy))

    assert outcome.result == "duplicates"
    is_changed = image.tags.exists() or bool(occurrences())
    assert is_changed == is_member
    expected = "Mine" if is_member and policy is KnownPolicy.UPDATE else "Paris"
    assert Image.objects.get().title == expected


@pytest.mark.parametrize("end", ["deleted", "deactivated", "deleted on the way"])
def test_what_is_private_is_not_changed_for_an_account_that_is_closed(
    folder: Path, media: Path, broker: Broker, end: str
) -> None:
    bring_in(folder, KnownPolicy.SKIP)
    album, group = Album.objects.create(name="private"), Group.objects.create(name="owners")
    album.groups.add(group)
    album.images.set(Image.objects.all())
    user = User.objects.create_user("somebody", is_superuser=True)
    current = start_import("mine", started_by_id=user.pk)
    if end == "deleted on the way":
        assert current.started_by == user  # a command has read it long since
    if end == "deactivated":
        User.objects.update(is_active=False)
    else:
        User.objects.get().delete()
    files = FolderSource(folder).files(Counter())

    outcomes = list(take_in(current, files, rules=MetadataRules(known=KnownPolicy.KEEP)))

    assert [each.result for each in outcomes] == ["duplicates", "duplicates"]
    assert occurrences() == []
