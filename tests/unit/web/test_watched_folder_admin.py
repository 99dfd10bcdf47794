"""Watched folders in the admin: added, paused and removed by whoever may start imports."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from audit_log.models import AuditEntry
from ingestion import services
from ingestion.models import Import, WatchedFolder
from ingestion.services import FolderWatch, ImportOptions, KnownPolicy
from kernel.messages import sentence
from tests.conftest import Broker
from tests.pictures import numbered

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/ingestion/watchedfolder/"
NEW = f"{LIST}add/"


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "1.png").write_bytes(numbered(1))
    (folder / "clip.mp4").write_bytes(b"film")
    settings.INGEST_ROOTS = (tmp_path,)
    return folder


@pytest.fixture
def row(folder: Path) -> WatchedFolder:
    return services.watch(str(folder), options=ImportOptions(), added_by_id=None)


def act(client: Client, action: str, row: WatchedFolder, **said: object) -> str:
    chosen = {"action": action, "_selected_action": [row.pk]}
    return client.post(LIST, chosen | said, follow=True).content.decode()


def test_a_folder_is_watched(client: Client, keeper: User, folder: Path, broker: Broker) -> None:
    asked = client.get(NEW).content.decode()
    assert f'<code class="break-all">{folder.parent}</code>' in asked
    assert "Watch the folder" in asked

    said = {"path": f" {folder} ", "known": "keep", "copies": "take-in", "albums_from_folders": 1}
    response = client.post(NEW, said, follow=True)

    assert response.redirect_chain == [(LIST, 302)]
    assert "is taken in within a minute" in response.content.decode()
    row = WatchedFolder.objects.get()
    options = ImportOptions.from_json(row.options)
    assert (row.path, row.added_by) == (str(folder), keeper)
    assert (options.rules.known, options.albums_from_folders) == (KnownPolicy.KEEP, True)
    assert not options.rules.restores_binned


@pytest.mark.parametrize(
    ("path", "code"),
    [("/", "import:user:outside-roots"), ("https://example.org", "folder:user:no-folder")],
)
def test_what_cannot_be_watched_is_said(
    client: Client, keeper: User, folder: Path, path: str, code: str
) -> None:
    response = client.post(NEW, {"path": path, "known": "skip", "copies": "take-in"})

    assert response.context["form"].errors["path"] == [sentence(code)]
    assert WatchedFolder.objects.count() == 0


def test_the_list_says_how_each_one_is(
    client: Client, keeper: User, row: WatchedFolder, folder: Path, broker: Broker
) -> None:
    assert "watched" in client.get(LIST).content.decode()
    watch = FolderWatch()
    for _ in range(2):
        WatchedFolder.objects.update(next_look_at=timezone.now())
        watch.look()

    text = client.get(LIST).content.decode()
    began = Import.objects.get()
    assert "waits for its import" in text
    assert f'href="/admin/ingestion/import/{began.pk}/change/"' in text
    assert "videos (.mp4): 1" in text

    WatchedFolder.objects.update(error_code="folder:user:missing", error_context={"folder": "/x"})
    assert "cannot be read" in client.get(LIST).content.decode()
    text = client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "There is no folder or file /x." in text
    assert "&#x27;failing&#x27;" not in text


def test_a_folder_is_paused_watched_again_and_removed(
    client: Client, keeper: User, row: WatchedFolder
) -> None:
    assert "paused" in act(client, "pause", row)
    row.refresh_from_db()
    assert row.is_paused
    act(client, "go_on", row)
    row.refresh_from_db()
    assert not row.is_paused

    assert "Are you sure" in act(client, "delete_selected", row)
    assert WatchedFolder.objects.count() == 1
    act(client, "delete_selected", row, post="yes")

    assert WatchedFolder.objects.count() == 0
    done = AuditEntry.objects.filter(object_type="ingestion.watchedfolder", actor_id=keeper.pk)
    assert [entry.action for entry in done.order_by("pk")] == ["changed", "changed", "deleted"]


def test_one_is_removed_on_its_page(client: Client, keeper: User, row: WatchedFolder) -> None:
    client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})

    assert WatchedFolder.objects.count() == 0


@pytest.mark.parametrize(
    "permissions", [None, (), ("ingestion.view_import",)], ids=["nobody", "staff", "who-looks"]
)
def test_who_may_not_start_imports_sees_and_changes_nothing(
    client: Client, log_in, row: WatchedFolder, permissions: tuple[str, ...] | None
) -> None:
    if permissions is not None:
        log_in(*permissions, staff=True)

    for address in (LIST, NEW, f"{LIST}{row.pk}/change/", f"{LIST}{row.pk}/delete/"):
        answers = [client.get(address), client.post(address, {"post": "yes", "path": row.path})]
        assert {answer.status_code for answer in answers} == {302 if permissions is None else 403}
    act(client, "pause", row)

    assert list(WatchedFolder.objects.values_list("path", "is_paused")) == [(row.path, False)]
    if permissions is not None:
        assert "Watched folders" not in client.get("/admin/").content.decode()
