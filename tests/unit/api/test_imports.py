"""Imports by the API: planned, started, paused, cancelled, tried again; what was refused."""

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from catalog.models import Image
from ingestion.models import Import
from tests.conftest import Broker
from tests.pictures import numbered
from tests.unit.api.conftest import Program, code_of
from tests.unit.ingestion.turns import work
from tests.unit.web.conftest import upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

JSON = {"content_type": "application/json"}


@pytest.fixture
def keeper(program) -> Program:
    return program("ingestion.view_import", "ingestion.add_import")


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "1.png").write_bytes(numbered(1))
    (folder / "notes.jpg").write_bytes(b"text")
    settings.INGEST_ROOTS = (tmp_path,)
    return folder


def read(keeper: Program, import_id: str) -> dict[str, Any]:
    return keeper.get(f"/imports/{import_id}").json()


def do(keeper: Program, import_id: str, action: str) -> Any:
    return keeper.post(f"/imports/{import_id}/{action}")


def test_a_folder_is_planned_started_read_and_tried_again(
    keeper, folder: Path, broker: Broker
) -> None:
    asked = keeper.post("/imports", {"source": f" {folder} ", "named": "shelf"}, **JSON)
    import_id = asked.json()["id"]
    assert (asked.status_code, asked["Location"]) == (202, f"/api/v1/imports/{import_id}")
    assert (asked.json()["state"], asked.json()["has_plan"]) == ("planned", False)
    work(broker)
    assert read(keeper, import_id)["has_plan"]
    assert Image.objects.count() == 0

    started = do(keeper, import_id, "start")
    assert (started.status_code, started.json()["state"]) == (200, "running")
    work(broker)
    done = read(keeper, import_id)
    assert done["state"] == "finished"
    assert [done[name] for name in ("found", "added", "duplicates", "failed")] == [2, 1, 0, 1]
    assert done["progress"]["waiting"] == 1
    assert Image.objects.get().source == "shelf"
    assert Import.objects.get().started_by == keeper.user

    failures = keeper.get(f"/imports/{import_id}/failures").json()
    assert [(each["name"], each["code"]) for each in failures["items"]] == [
        ("notes.jpg", "image:user:not-a-picture")
    ]
    assert failures["items"][0]["detail"]
    (folder / "notes.jpg").write_bytes(numbered(2))
    assert do(keeper, import_id, "retry").status_code == 200
    work(broker)
    assert read(keeper, import_id)["failed"] == 0
    assert Image.objects.count() == 2


def test_files_are_planned_with_options_of_the_address(keeper, broker: Broker) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("sea/1.png", numbered(1))
        archive.writestr("sea/2.png", numbered(2))
    files = {"file": [upload(held.getvalue(), "photos.zip")]}

    asked = keeper.post("/imports/files?tags_from_folders=1&titles_from_paths=1", files)
    assert asked.status_code == 202, asked.content
    work(broker)
    do(keeper, asked.json()["id"], "start")
    work(broker)

    done = read(keeper, asked.json()["id"])
    assert (done["state"], done["added"]) == ("finished", 2)
    tagged = Image.objects.filter(tags__name="sea")
    assert tagged.count() == 2


def test_one_is_paused_resumed_and_cancelled(keeper, folder: Path, broker: Broker) -> None:
    import_id = keeper.post("/imports", {"source": str(folder)}, **JSON).json()["id"]
    work(broker)
    do(keeper, import_id, "start")

    assert do(keeper, import_id, "pause").json()["state"] == "paused"
    work(broker)
    assert Image.objects.count() == 0
    assert do(keeper, import_id, "resume").json()["state"] == "running"
    assert do(keeper, import_id, "cancel").json()["state"] == "cancelled"
    work(broker)

    assert Image.objects.count() == 0
    for action in ("start", "pause", "resume", "cancel", "retry"):
        response = do(keeper, import_id, action)
        assert code_of(response) == (409, "import:conflict:not-now"), action
    listed = keeper.get("/imports?state=cancelled").json()["items"]
    assert [each["id"] for each in listed] == [import_id]
    assert keeper.get("/imports?state=running").json()["items"] == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (422, "request:user:invalid")),
        ({"source": ""}, (422, "request:user:invalid")),
        ({"source": "  "}, (422, "request:user:invalid")),
        ({"source": "/etc"}, (422, "import:user:outside-roots")),
        ({"source": "../secret"}, (422, "import:user:outside-roots")),
        ({"source": "https://a.org/", "known": "perhaps"}, (422, "request:user:invalid")),
        ({"source": "https://a.org/", "colour": "red"}, (422, "request:user:invalid")),
    ],
    ids=["nothing", "empty", "blank", "outside", "relative", "policy", "member"],
)
def test_a_source_that_cannot_be_is_a_problem_and_begins_nothing(
    keeper, folder: Path, broker: Broker, said, expected
) -> None:
    response = keeper.post("/imports", said, **JSON)

    assert code_of(response) == expected
    assert not Import.objects.exists()


def test_files_have_to_be_a_form(keeper) -> None:
    as_json = keeper.post("/imports/files", {"file": "x"}, **JSON)
    without = keeper.post("/imports/files", {"other": "x"})

    assert code_of(as_json) == (415, "request:user:unsupported-media")
    assert code_of(without) == (422, "image:user:none-chosen")
    assert not Import.objects.exists()


def test_what_is_not_there_has_no_state_and_no_failures(keeper) -> None:
    for response in (
        keeper.get(f"/imports/{uuid4()}"),
        keeper.get(f"/imports/{uuid4()}/failures"),
        do(keeper, str(uuid4()), "start"),
    ):
        assert code_of(response) == (404, "request:user:not-found")
    unknown = do(keeper, str(Import.objects.create(source="x").pk), "dance")
    assert code_of(unknown) == (422, "request:user:invalid")
    assert code_of(keeper.get("/imports?state=odd")) == (422, "request:user:invalid")
