import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from PIL import Image as Pillow

from catalog import services as catalog
from catalog.models import CopyCheck, Image
from ingestion import services
from ingestion.management.process_locks import running_here, was_killed_here
from ingestion.models import Import
from ingestion.sample import write_sample
from ingestion.services import ImportOptions, chunks
from ingestion.sources import FolderSource, SourceFile
from jobs.models import JobRecord
from jobs.services import claim
from kernel.task_names import CHECK_COPIES
from tests.conftest import Broker
from tests.pictures import numbered
from tests.rows import full_images
from tests.unit.ingestion.archives import write_tar, write_zip
from tests.unit.ingestion.sites import body, site
from worker_api import copy_checks

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: object) -> str:
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Мои фото"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(numbered(number))
    (folder / "copy.png").write_bytes(numbered(0))
    (folder / "notes.jpg").write_bytes(b"text")
    return folder


# ingest


def test_ingest_tells_programs_in_json(folder: Path, media: Path, broker: Broker) -> None:
    (folder / "\x1b[2J.jpg").write_bytes(b"text")
    (folder / "clip.mp4").write_bytes(b"film")

    lines = run("ingest", folder, "--no-wait", "--json").splitlines()

    *files, whole = map(json.loads, lines)
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert [(file["file"], file["result"], file["error"]) for file in files] == [
        ("\N{REPLACEMENT CHARACTER}[2J.jpg", "failed", "image:user:not-a-picture"),
        ("0.png", "added", None),
        ("1.png", "added", None),
        ("2.png", "added", None),
        ("copy.png", "duplicates", None),
        ("notes.jpg", "failed", "image:user:not-a-picture"),
    ]
    assert files[1]["image_id"] == files[4]["image_id"] == str(Image.objects.get(path="0.png").pk)
    assert whole == {
        "import": str(Import.objects.get().pk),
        **{"found": 6, "added": 3, "duplicates": 1, "binned": 0, "failed": 2},
        "passed_over": {"video .mp4": 1},
    }


def test_ingest_takes_in_a_folder_and_says_how_it_went(
    folder: Path, media: Path, broker: Broker
) -> None:
    said = run("ingest", folder, "--no-wait")

    assert said.splitlines() == [
        "  notes.jpg: The file is not a picture.",
        "5 files: 3 added, 1 already there, 1 refused.",
    ]
    current = Import.objects.get()
    assert (current.source, current.state) == (str(folder), "finished")
    assert len(broker.take("bulk")[0].arguments["image_ids"]) == 3


def test_ingest_of_the_same_folder_again_adds_nothing(
    folder: Path, media: Path, broker: Broker
) -> None:
    run("ingest", folder, "--no-wait")

    said = run("ingest", folder, "--no-wait")

    assert said.splitlines()[-1] == "5 files: 0 added, 4 already there, 1 refused."


def test_the_same_command_goes_on_where_it_was_interrupted(
    folder: Path, broker: Broker, use_storage, one_thread, capsys: pytest.CaptureFixture[str]
) -> None:
    use_storage("tests.storages.FailingStorage", operation="save", good=2)
    with pytest.raises(CommandError, match="run the same command again"):
        run("ingest", folder, "--no-wait")
    use_storage()
    current = Import.objects.get()
    assert (current.state, current.found) == ("interrupted", 1)

    said = run("ingest", folder, "--no-wait")

    assert said.splitlines()[-1] == "5 files: 3 added, 1 already there, 1 refused."
    current.refresh_from_db()
    assert (current.state, current.found, current.runs) == ("finished", 5, 2)
    assert f"Going on with import {current.pk}: 1 files are in." in capsys.readouterr().err


def test_an_import_is_gone_on_with_by_its_id(folder: Path, media: Path, broker: Broker) -> None:
    options = ImportOptions(named="shelf", tags_from_folders=True)
    current = services.record_import([str(folder)], name="shelf", options=options)

    said = run("ingest", "--resume", current.pk, "--no-wait")

    assert said.splitlines()[-1] == "5 files: 3 added, 1 already there, 1 refused."
    assert {image.source for image in Image.objects.all()} == {"shelf"}
    with pytest.raises(CommandError, match="has ended"):
        run("ingest", "--resume", current.pk)
    with pytest.raises(CommandError, match="no such import"):
        run("ingest", "--resume", UUID(int=0))


def test_an_import_that_is_paused_meanwhile_says_how_to_go_on(
    folder: Path, media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_S", 0)
    read = FolderSource.files

    def files(self: FolderSource, passed_over: Counter[str]) -> Iterator[SourceFile]:
        for number, file in enumerate(read(self, passed_over)):
            if number == 2:
                Import.objects.update(state="paused")
            yield file

    monkeypatch.setattr(FolderSource, "files", files)

    with pytest.raises(CommandError, match=r"is paused now.*--resume") as stopped:
        run("ingest", folder, "--no-wait")

    current = Import.objects.get()
    assert str(current.pk) in str(stopped.value)
    assert (current.state, current.found) == ("paused", 1)


def test_a_plan_says_what_would_come_and_takes_in_nothing(
    folder: Path, media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "clip.mp4").write_bytes(b"film")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5 * 1024**3))

    said = run("ingest", folder, "--plan").replace("\N{NO-BREAK SPACE}", " ").splitlines()

    size = sum(path.stat().st_size for path in folder.iterdir()) - len(b"film")
    assert said == [
        "Pictures: 5.",
        f"Their files are {size} bytes.",
        "Of the first 5, 1 are there already.",
        "Passed over: videos (.mp4): 1.",
        f"Room that they need, roughly: {round(0.8 * (size + 5 * 150_000) / 1024, 1)} KB.",
        "Room that is left: 5.0 GB.",
    ]
    assert json.loads(run("ingest", folder, "--plan", "--json"))["files"] == 5
    assert not Import.objects.exists()
    assert not Image.objects.exists()


@pytest.mark.parametrize("arguments", [(), ("--plan",), (".", "--resume", UUID(int=0))])
def test_ingest_wants_sources_or_an_import(db, arguments: tuple[object, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        run("ingest", *arguments)

    assert refused.value.returncode == 2


KILLED = """
import os, signal, sys
sys.path[:0] = ["platform", "."]
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.tests"
import django
django.setup()
from django.conf import settings
from pathlib import Path
settings.DATA_DIR = Path(sys.argv[1])
from ingestion.management.process_locks import running_here
from uuid import UUID
with running_here(UUID(int=1)):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_process_that_was_killed_is_told_from_one_that_runs(tmp_path: Path, settings) -> None:
    settings.DATA_DIR = tmp_path
    assert not was_killed_here(UUID(int=1))  # nobody here ever ran it
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        assert not was_killed_here(UUID(int=1))
        process.kill()
        process.wait()

    assert was_killed_here(UUID(int=1))
    with running_here(UUID(int=1)):
        assert not was_killed_here(UUID(int=1))
    assert not was_killed_here(UUID(int=1))


def test_ingest_leaves_in_the_bin_what_is_there_unless_it_is_told_otherwise(
    folder: Path, media: Path, broker: Broker
) -> None:
    run("ingest", folder, "--no-wait")
    catalog.move_to_bin(Image.objects.filter(path="1.png"))

    *files, whole = map(json.loads, run("ingest", folder, "--no-wait", "--json").splitlines())
    assert [file["result"] for file in files] == [
        *("duplicates", "binned", "duplicates", "duplicates", "failed"),
    ]
    assert (whole["found"], whole["duplicates"], whole["binned"]) == (5, 3, 1)
    said = run("ingest", folder, "--no-wait").splitlines()
    assert said[-2] == "In the bin: 1; --restore-binned brings them back."
    said = run("ingest", folder, "--no-wait", "--restore-binned").splitlines()
    assert said[-2] == "Back from the bin: 1 of those that were there."
    assert not Image.objects.exclude(binned_at=None).exists()


def test_ingest_of_several_folders_and_files_is_one_import(
    folder: Path, tmp_path: Path, media: Path, broker: Broker
) -> None:
    (tmp_path / "single.png").write_bytes(numbered(9))

    said = run("ingest", folder, tmp_path / "single.png", "--no-wait")

    assert said.splitlines()[-1] == "6 files: 4 added, 1 already there, 1 refused."
    assert Import.objects.get().source == f"{folder}, {tmp_path}/single.png"


def test_ingest_waits_until_every_picture_is_described(
    folder: Path, media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_seconds: float) -> None:
        """Do what the workers do while the command sleeps."""
        first, *others = Image.objects.values_list("pk", flat=True)
        catalog.record_indexed(full_images(others))
        catalog.record_failed(first, "encoder:ours:failed")

    monkeypatch.setattr(time, "sleep", work)

    said = run("ingest", folder)

    assert said.splitlines()[-1] == "1 pictures could not be described, see the admin."


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("hold", "1 copies are held for review, see the admin."),
        ("refuse", "1 copies were refused: they are in the bin."),
    ],
)
def test_ingest_waits_until_every_picture_is_compared(
    folder: Path, media: Path, monkeypatch: pytest.MonkeyPatch, policy: str, said: str
) -> None:
    steps: list[int] = []

    def work(_seconds: float) -> None:
        """First the workers describe them, then they compare one each time that it sleeps."""
        steps.append(CopyCheck.objects.filter(state="waiting").count())
        if len(steps) == 1:
            catalog.record_indexed(full_images(Image.objects.values_list("pk", flat=True)))
            return
        image = copy_checks.claim(delivery=delivery)
        assert image is not None
        first = Image.objects.order_by("created_at").first()
        assert first is not None
        is_second = len(steps) == 3
        copy = copy_checks.ProvedCopy(first.pk, is_near_identical=True) if is_second else None
        copy_checks.record(image, copy, delivery=delivery)

    job = JobRecord.objects.create(name=CHECK_COPIES, queue="maintenance")
    delivery = claim(job.pk)
    monkeypatch.setattr(time, "sleep", work)

    lines = run("ingest", folder, "--copies", policy).splitlines()

    assert lines[-1] == said
    assert steps == [3, 3, 2, 1]


class Passing:
    """Time that passes only while the command sleeps, and what workers do meanwhile."""

    def __init__(self, patch: pytest.MonkeyPatch, work: Callable[[float], None]) -> None:
        self.now = 1000.0
        self._work = work
        patch.setattr(time, "monotonic", lambda: self.now)
        patch.setattr(time, "sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self._work(self.now - 1000.0)


def test_ingest_waits_for_workers_that_are_at_it_though_no_picture_is_done(
    folder: Path, media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(seconds: float) -> None:
        """A worker dies at once; 45 s later another one has the job, and takes its time."""
        job = JobRecord.objects.get()
        last_sign = timezone.now() - timedelta(seconds=seconds if seconds < 45 else 0)
        JobRecord.objects.update(state="running", heartbeat_at=last_sign)
        if seconds > 150:
            ids = job.arguments["image_ids"]
            catalog.record_indexed(full_images(map(UUID, ids)))

    time_passed = Passing(monkeypatch, work)

    run("ingest", folder)

    assert time_passed.now > 1150
    assert Image.objects.filter(status="indexed").count() == 3


@pytest.mark.parametrize("state", ["queued", "running"])
def test_ingest_says_that_no_worker_is_there(
    folder: Path, media: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    def work(_seconds: float) -> None:
        past = timezone.now() - timedelta(minutes=5)
        JobRecord.objects.update(state=state, heartbeat_at=past)

    time_passed = Passing(monkeypatch, work)

    with pytest.raises(CommandError, match="No worker is describing pictures"):
        run("ingest", folder)

    assert 1060 < time_passed.now < 1065


def test_ingest_of_a_folder_whose_name_is_not_utf_8(
    tmp_path: Path, media: Path, broker: Broker
) -> None:
    folder = tmp_path / b"caf\xe9".decode("utf-8", "surrogateescape")
    folder.mkdir()
    (folder / "1.png").write_bytes(numbered(1))

    said = run("ingest", folder, "--no-wait")

    assert said.splitlines()[-1] == "1 files: 1 added, 0 already there, 0 refused."
    assert Import.objects.get().source == f"{tmp_path}/caf\N{REPLACEMENT CHARACTER}"


def test_ingest_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=f"There is no folder or file {tmp_path}/no"):
        run("ingest", tmp_path / "no")

    assert not Import.objects.exists()


def test_ingest_of_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b".")
    with pytest.raises(CommandError) as caught:
        run("ingest", tmp_path)

    assert str(caught.value) == (
        f"There is no picture in {tmp_path}. Passed over: videos (.mp4): 1"
    )
    assert not Import.objects.exists()


def test_ingest_says_what_it_passed_over_and_keeps_it(
    folder: Path, media: Path, broker: Broker
) -> None:
    for name in ("a.mp4", "b.mp4", "a.xmp", ".hidden"):
        (folder / name).write_bytes(b".")

    said = run("ingest", folder, "--no-wait")

    assert said.splitlines()[-2:] == [
        "Passed over: videos (.mp4): 2, hidden files: 1, sidecar files (.xmp): 1.",
        "5 files: 3 added, 1 already there, 1 refused.",
    ]
    passed_over = Import.objects.get().passed_over
    assert passed_over == {"video .mp4": 2, "hidden": 1, "sidecar .xmp": 1}


def test_ingest_knows_each_kind_of_source(
    folder: Path, tmp_path: Path, media: Path, broker: Broker, settings
) -> None:
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.1/32"),)
    write_zip(tmp_path / "zip", {"zip/1.png": numbered(11)})
    write_tar(tmp_path / "a.tgz", {"tar/1.png": numbered(12)}, "w:gz")
    (folder / "list.csv").write_text("path,title\n1.png,A title\n")
    (folder / "list.jsonl").write_text('{"path": "2.png"}')
    with site({"/1.png": body(numbered(13)), "/2.png": body(numbered(14))}) as running:
        (tmp_path / "list.txt").write_text(f"{running.url}/1.png\n")
        sources = [
            *(tmp_path / "zip", tmp_path / "a.tgz", folder / "list.csv", folder / "list.jsonl"),
            *(tmp_path / "list.txt", f"{running.url}/2.png", folder / "0.png"),
        ]
        said = run("ingest", *sources, "--no-wait")

    assert said.splitlines()[-1] == "7 files: 7 added, 0 already there, 0 refused."
    assert set(Image.objects.values_list("path", "title")) == {
        ("zip/1.png", "1"),
        ("tar/1.png", "1"),
        ("1.png", "A title"),
        ("2.png", "2"),
        ("127.0.0.1/1.png", "1"),
        ("127.0.0.1/2.png", "2"),
        ("0.png", "0"),
    }
    assert Import.objects.get().source == ", ".join(map(str, sources))


def test_ingest_takes_in_nothing_where_one_of_the_sources_cannot_be_read(
    folder: Path, tmp_path: Path, media: Path
) -> None:
    (tmp_path / "bad.csv").write_text("path,colour\na.png,red\n")

    with pytest.raises(CommandError, match="Line 1 of the manifest has columns that are not known"):
        run("ingest", folder, tmp_path / "bad.csv", "--no-wait")

    assert not Image.objects.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_ingest_of_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.zip").touch(mode=0)

    with pytest.raises(CommandError, match="The file cannot be read"):
        run("ingest", tmp_path / "a.zip")


def test_folders_names_become_tags_and_albums(tmp_path: Path, media: Path, broker: Broker) -> None:
    (tmp_path / "2019" / "Paris").mkdir(parents=True)
    (tmp_path / "2019" / "Paris" / "1.png").write_bytes(numbered(1))
    (tmp_path / "2.png").write_bytes(numbered(2))

    run("ingest", tmp_path, "--no-wait", "--tags-from-folders", "--albums-from-folders")

    deep = Image.objects.get(path="2019/Paris/1.png")
    assert [tag.name for tag in deep.tags.all()] == ["2019", "Paris"]
    assert [album.name for album in deep.albums.all()] == ["2019", "Paris"]
    assert not Image.objects.get(path="2.png").tags.exists()


@pytest.mark.usefixtures("media", "broker")
@pytest.mark.parametrize(
    ("options", "title", "tags"), [([], "Old", []), (["--update-metadata"], "New", ["sea"])]
)
def test_ingest_again_mends_paths_and_changes_the_rest_when_asked(
    folder: Path, options: list[str], title: str, tags: list[str]
) -> None:
    run("ingest", folder / "1.png", "--no-wait")
    Image.objects.update(path="", title="Old", owner="Ann", status="indexed")
    (folder / "list.csv").write_text("path,title,tags\n1.png,New,sea\n")

    said = run("ingest", folder / "list.csv", "--no-wait", *options)

    assert said.splitlines()[-1] == "1 files: 0 added, 1 already there, 0 refused."
    image = Image.objects.get()
    assert (image.path, image.title, image.owner) == ("1.png", title, "Ann")
    assert [tag.name for tag in image.tags.all()] == tags
    assert image.status == "indexed"
    assert image.payload_due_at is not None  # points carry folders


def test_what_ingest_prints_steers_no_terminal(tmp_path: Path, media: Path, broker: Broker) -> None:
    (tmp_path / "bad\x1b[2J\n9 files: 9 added.jpg").write_bytes(b"text")

    said = run("ingest", tmp_path, "--no-wait")
    with pytest.raises(CommandError) as caught:
        run("ingest", "no\x1b[2Jfolder\nhere")

    assert "\x1b" not in said + str(caught.value)
    assert len(said.splitlines()) == 2
    assert "\n" not in str(caught.value)


def test_what_a_manifest_says_steers_no_terminal(
    tmp_path: Path, media: Path, broker: Broker
) -> None:
    name = "Trip\x1b[2J\u202eforged"
    catalog.update_metadata(
        Image.objects.create(sha256="0" * 64, format="png", width=1, height=1, file_bytes=1),
        catalog.ImageMetadata(albums=(name,)),
    )
    row = {"path": "a.png", "albums": [name], "private_to": {name: ["owners\x1b[2J"]}}
    (tmp_path / "list.jsonl").write_text(json.dumps(row))
    (tmp_path / "a.png").write_bytes(numbered(1))

    said = run("ingest", tmp_path / "list.jsonl", "--no-wait")

    assert "is open to everybody here" in said
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_ingest_on_a_full_disk_says_that_it_may_go_on(
    folder: Path, use_storage, one_thread
) -> None:
    use_storage("tests.storages.FailingStorage", operation="save", good=2)

    with pytest.raises(CommandError) as caught:
        run("ingest", folder, "--no-wait")

    assert str(caught.value) == (
        "The file storage is full or out of reach. What was read so far is kept; run the same "
        "command again to go on."
    )
    assert Import.objects.get().state == "interrupted"
    assert Image.objects.count() == 1


# sample


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The sample, written twice."""
    folders = [tmp_path_factory.mktemp("sample") / "new" / "folder" for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(write_sample, folders)) == [70, 70]
    return folders


@pytest.fixture
def sample(samples: list[Path]) -> Path:
    return samples[0]


def test_the_sample_shows_14_subjects_in_5_ways(sample: Path) -> None:
    names = sorted(path.stem for path in sample.iterdir())

    assert len(names) == 70
    subjects = {name.split(",")[0] for name in names}
    ways = {name.partition(",")[2] for name in names}
    assert len(subjects) == 14
    assert ways == {"", " pencil drawing", " poster", " mirrored detail", " framed print"}


def test_every_picture_of_the_sample_is_another_jpeg(sample: Path) -> None:
    files = [path.read_bytes() for path in sample.iterdir()]

    assert len(set(files)) == 70
    for data in files:
        with Pillow.open(io.BytesIO(data)) as picture:
            assert (picture.format, picture.mode) == ("JPEG", "RGB")
            assert 200 <= max(picture.size) <= 848


def test_the_sample_is_the_same_each_time(samples: list[Path]) -> None:
    first, second = samples

    for path in first.iterdir():
        assert (second / path.name).read_bytes() == path.read_bytes()


def test_the_sample_is_offered_only_to_an_empty_catalogue(media: Path, broker: Broker) -> None:
    Image.objects.create(sha256="0" * 64, format="png", width=1, height=1, file_bytes=1)

    assert run("sample", "--offer") == ""


def test_the_offer_asks_nothing_where_nobody_can_answer(media: Path) -> None:
    said = run("sample", "--offer")

    assert said == "The catalogue is empty. `manage.py sample` adds a sample catalogue.\n"
    assert not Image.objects.exists()


# ensure_admin


def test_the_first_admin_is_made_and_its_password_said_once() -> None:
    said = run("ensure_admin")

    [password] = re.findall(r"Admin account: admin, password (\S+) \(shown this once\)", said)
    user = User.objects.get(username="admin")
    assert user.check_password(password)
    assert (user.is_superuser, user.is_staff) == (True, True)
    assert len(password) == 16

    assert run("ensure_admin") == ""
    assert User.objects.count() == 1


def test_a_database_is_prepared_with_its_tables_and_an_admin() -> None:
    said = run("prepare_database")

    assert "Admin account: admin" in said
    assert run("migrate", "--check", "--verbosity", "0") == ""
    assert Group.objects.filter(name="Keeper", permissions__codename="delete_image").exists()
    assert run("prepare_database") == ""


def test_no_admin_is_made_beside_another_superuser() -> None:
    User.objects.create_superuser("boss")

    assert run("ensure_admin") == ""
    assert User.objects.count() == 1


def test_an_ordinary_account_named_admin_is_left_alone() -> None:
    User.objects.create_user("admin", password="mine")

    said = run("ensure_admin")

    assert not User.objects.get(username="admin").is_superuser
    assert User.objects.get(username="admin").check_password("mine")
    assert "createsuperuser" in said
