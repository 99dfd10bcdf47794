"""The whole path with real processes: what is acknowledged is never lost, whoever dies."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image, ImageOps

from tests.integration.pictures import draw, edited_copy, jpeg, write_folder
from tests.integration.product import (
    SEARCH_TIMEOUT_S,
    Product,
    post_picture,
    processes_of,
    running_product,
    wait_until,
)
from tests.unit.ml.copies.scenes import scene
from tests.unit.ml.panels.pictures import photo

AGREE = "Catalogue, index and files agree."


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    data_dir = tmp_path_factory.mktemp("product") / "var"
    with running_product(data_dir) as running:
        yield running
    assert processes_of(data_dir) == []


@pytest.fixture
def next_seeds(product: Product) -> Iterator[int]:
    """The first seed of pictures that no test before has used."""
    used = product.rows("SELECT count(*) FROM catalog_image")[0][0]
    return 1000 + int(str(used)) * 10


def hits_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The hits of the first group."""
    hits: list[dict[str, Any]] = answer.json()["groups"][0]["hits"]
    return hits


def indexed(product: Product) -> int:
    return product.statuses().get("indexed", 0)


def assert_all_indexed_and_agreed(product: Product, count: int) -> None:
    wait_until(
        lambda: product.statuses() == {"indexed": count}, what=f"{count} images, all indexed"
    )
    audit = product.manage("audit")
    assert AGREE in audit.stdout
    [[regions]] = product.rows("SELECT count(*) FROM catalog_region")
    assert regions >= count
    assert re.search(rf"Index: +{regions} points", audit.stdout)


def test_a_folder_is_ingested_and_an_edited_copy_finds_its_original(
    product: Product, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "Мои фото 2026", range(30))
    (folder / "заметка.txt").write_text("not a picture")
    (folder / "broken.jpg").write_bytes(jpeg(draw(0))[:2000])
    (folder / "link.jpg").symlink_to(tmp_path / "nowhere.jpg")

    done = product.manage("ingest", str(folder))
    answer = product.search(edited_copy(draw(7)))

    assert "32 files: 30 added, 0 already there, 2 refused." in done.stdout
    assert "broken.jpg: The picture is damaged and cannot be read to its end." in done.stdout
    assert "link.jpg: The file is gone or is a broken link." in done.stdout
    assert done.returncode == 0
    assert answer.status_code == 200
    first = hits_of(answer)[0]
    assert (first["title"], first["verdict"]) == ("00007", "near-identical")
    assert_all_indexed_and_agreed(product, 30)


def test_every_photo_of_a_collage_is_first_in_a_group_of_its_own(
    product: Product, tmp_path: Path
) -> None:
    sheet = Image.new("RGB", (2 * 320 + 60, 2 * 240 + 60), "white")
    for index in range(4):
        picture = Image.fromarray(photo(index, 320, 240))
        (tmp_path / f"photo {index}.jpg").write_bytes(jpeg(picture))
        sheet.paste(picture, (20 + index % 2 * 340, 20 + index // 2 * 260))
    product.manage("ingest", str(tmp_path))

    answer = product.search(jpeg(sheet)).json()

    assert answer["query"]["layout"] == "collage"
    panels = [group for group in answer["groups"] if group["region"]["key"].startswith("panel")]
    assert [group["hits"][0]["title"] for group in panels] == [f"photo {n}" for n in range(4)]
    assert {group["hits"][0]["verdict"] for group in panels} <= {"near-identical", "edited-copy"}


def test_a_mirrored_crop_is_proved_and_placed(product: Product, tmp_path: Path) -> None:
    original = Image.fromarray(scene(3))
    (tmp_path / "scene.jpg").write_bytes(jpeg(original))
    product.manage("ingest", str(tmp_path))
    part = original.crop((40, 30, 280, 210))

    first = hits_of(product.search(jpeg(ImageOps.mirror(part))))[0]

    assert (first["title"], first["verdict"]) == ("scene", "edited-copy")
    assert first["copy"]["overlap"]["is_mirrored"] is True
    # the upper left corner of what was asked with lies where the crop's upper right one was
    assert first["copy"]["outline"][0] == pytest.approx([280, 30], abs=6)


def test_the_same_folder_again_adds_nothing(product: Product, tmp_path: Path) -> None:
    before = indexed(product)
    folder = write_folder(tmp_path / "again", range(30))

    done = product.manage("ingest", str(folder))

    assert "30 files: 0 added, 30 already there, 0 refused." in done.stdout
    assert indexed(product) == before


def test_an_upload_through_the_form_is_found(product: Product, next_seeds: int) -> None:
    before = indexed(product)
    password = "an integration password"
    product.manage("shell", "-c", _SET_PASSWORD.format(password=password))
    with httpx.Client(base_url=product.url, follow_redirects=True, timeout=60) as client:
        _log_in(client, password)
        page = post_picture(
            client,
            "/upload/",
            "files",
            {"кот и пёс.jpg": jpeg(draw(next_seeds)), "not.jpg": b"text"},
        )

    assert page.status_code == 200
    assert "The file is not a picture." in page.text
    assert_all_indexed_and_agreed(product, before + 1)
    assert hits_of(product.search(edited_copy(draw(next_seeds))))[0]["title"] == "кот и пёс"


_SET_PASSWORD = (
    "from django.contrib.auth import get_user_model as m; "
    "u = m().objects.get(username='admin'); u.set_password('{password}'); u.save()"
)


def _log_in(client: httpx.Client, password: str) -> None:
    client.get("/admin/login/")
    answer = client.post(
        "/admin/login/",
        data={"username": "admin", "password": password},
        headers={
            "X-CSRFToken": client.cookies["csrftoken"],
            "Referer": f"{client.base_url}/admin/login/",
        },
    )
    assert answer.status_code == 200
    assert "sessionid" in client.cookies


def test_all_processes_add_up_on_one_page_also_when_one_was_killed(
    product: Product, next_seeds: int, tmp_path: Path
) -> None:
    product.manage("ingest", str(write_folder(tmp_path / "counted", [next_seeds + 1])))
    wait_until(lambda: product.statuses() == {"indexed": indexed(product)}, what="all indexed")
    before = product.figures()
    for _ in range(4):  # by either web process
        assert product.search(edited_copy(draw(next_seeds + 1))).status_code == 200

    searched, pid = product.figures(), product.pid("query")
    product.kill_children("query")
    wait_until(lambda: product.was_started_again("query", before=pid), what="query is back")
    after = product.figures()

    def grew(name: str) -> float:
        return searched[name] - before.get(name, 0)

    assert grew("semblance_search_seconds_count ok proofs") == 4
    assert grew("semblance_queue_wait_seconds_count query") == 8  # extract and find copies
    assert grew("semblance_stage_seconds_count verify query") == 4
    assert grew("semblance_stage_seconds_sum embed query") > 0
    assert searched["semblance_pictures_indexed_total"] >= 1
    assert searched["semblance_stage_seconds_count upsert indexing"] >= 1
    assert searched["semblance_images indexed"] == indexed(product)
    assert searched["semblance_part_up vectors"] == searched["semblance_part_up broker"] == 1
    memory = [name for name in searched if name.startswith("semblance_process_memory")]
    processes = {name.split(maxsplit=2)[2] for name in memory}
    assert {"web", "web, child", "query", "bulk", "bulk, child", "maintenance"} <= processes
    fallen = {
        name
        for name, value in searched.items()
        if name.split()[0].endswith(("_total", "_count", "_bucket")) and after[name] < value
    }
    assert fallen == set()
    files = list((product.data_dir / "run" / "metrics").glob("*.lock"))
    assert len(files) <= 8  # two of the web, query, bulk, maintenance, and commands meanwhile


def test_a_line_of_the_bulk_worker_names_the_request_and_the_import(
    product: Product, next_seeds: int
) -> None:
    password = "an integration password"
    product.manage("shell", "-c", _SET_PASSWORD.format(password=password))
    before = product.statuses()
    with httpx.Client(base_url=product.url, follow_redirects=True, timeout=60) as client:
        _log_in(client, password)
        with product.frozen("bulk"):
            picture = {"lost.jpg": jpeg(draw(next_seeds + 2))}
            page = post_picture(client, "/upload/", "files", picture)
            product.manage("shell", "-c", _LOSE_QUEUED)
            [[image_id, job_id]] = product.rows(
                "SELECT id, job_id FROM catalog_image WHERE status = 'queued'"
            )
    wait_until(lambda: product.statuses().get("failed", 0) == 1, what="the picture failed")

    [line] = [line for line in product.lines("bulk") if line["message"] == "picture failed"]
    [[import_id]] = product.rows("SELECT id FROM ingestion_import ORDER BY created_at DESC LIMIT 1")
    posted = [*page.history, page][0]
    assert line["request_id"] == posted.headers["X-Request-ID"]
    assert UUID(line["import_id"]) == UUID(str(import_id))
    assert UUID(line["job_id"]) == UUID(str(job_id))
    assert UUID(line["image_id"]) == UUID(str(image_id))
    assert line["code"] == "storage:ours:file-missing"
    product.manage("shell", "-c", _DELETE_FAILED)
    wait_until(lambda: product.statuses() == before, what="the picture is gone")


_LOSE_QUEUED = (
    "from catalog import storage; from catalog.models import Image; "
    "storage.delete(storage.original_name(Image.objects.get(status='queued').sha256))"
)
_DELETE_FAILED = (
    "from catalog.models import Image; from catalog.services import request_deletion; "
    "request_deletion(Image.objects.filter(status='failed'))"
)


def test_audit_names_a_lost_index_and_repair_rebuilds_it(product: Product) -> None:
    count = indexed(product)
    product.manage("shell", "-c", _DROP_COLLECTION)

    audit = product.manage("audit")
    repaired = product.manage("audit", "--repair")

    assert audit.returncode == 1
    assert f"{count} indexed images without all their points" in audit.stdout
    assert repaired.returncode == 0
    assert_all_indexed_and_agreed(product, count)


_DROP_COLLECTION = (
    "from catalog import vector_store as v; from catalog.selectors import get_live_encoder as e; "
    "v.drop(v._client(), e().collection)"
)


@pytest.mark.faults
@pytest.mark.parametrize("victim", ["bulk", "broker", "vectors"])
def test_nothing_is_lost_when_a_process_is_killed_while_it_works(
    product: Product, tmp_path: Path, next_seeds: int, victim: str
) -> None:
    before = indexed(product)
    more = 66  # two jobs
    folder = write_folder(tmp_path / "many", range(next_seeds, next_seeds + more))

    product.manage("ingest", "--no-wait", str(folder))
    wait_until(
        lambda: product.rows("SELECT 1 FROM jobs_jobrecord WHERE state = 'running'") != [],
        what="a job runs",
    )
    product.kill_children(victim)

    assert_all_indexed_and_agreed(product, before + more)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("victim", "code"),
    [
        ("query", "search:transient:no-answer"),
        ("broker", "search:transient:broker-away"),
        ("vectors", "vectors:transient:unavailable"),
    ],
)
def test_a_search_says_so_while_a_part_hangs_which_is_started_again(
    product: Product, victim: str, code: str
) -> None:
    picture = edited_copy(draw(3))
    before = product.pid(victim)

    with product.frozen(victim):
        answer = product.search(picture)
        wait_until(
            lambda: product.was_started_again(victim, before=before),
            timeout_s=30,
            what=f"{victim} is started again",
        )

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"]["code"] == code
    assert answer.elapsed.total_seconds() < SEARCH_TIMEOUT_S + 3
    wait_until(lambda: product.search(picture).status_code == 200, what="search is back")


def test_readyz_names_a_part_that_hangs_and_the_web_stays_alive(product: Product) -> None:
    def parts() -> dict[str, str]:
        return httpx.get(f"{product.url}/readyz", timeout=3).json()["parts"]

    # Each web process keeps its answer for a second.
    wait_until(lambda: set(parts().values()) == {"ok"}, what="all parts are well")
    named = {**dict.fromkeys(parts(), "ok"), "vectors": "vectors:transient:unavailable"}

    with product.frozen("vectors"):
        wait_until(lambda: parts() == named, what="it is named", timeout_s=5)
        assert httpx.get(f"{product.url}/healthz", timeout=1).text == "ok"

    wait_until(lambda: set(parts().values()) == {"ok"}, what="all are well again", timeout_s=30)


def test_more_searches_at_once_than_may_be_under_way_are_told_so_and_hold_no_page_up(
    product: Product,
) -> None:
    searches = 40  # two web processes work on 12 each
    picture = edited_copy(draw(3))
    with ThreadPoolExecutor(searches) as people:
        asked = [people.submit(product.search, picture) for _ in range(searches)]
        health = httpx.get(f"{product.url}/healthz", timeout=10)
        answers = [each.result() for each in asked]

    assert health.status_code == 200
    refused = [each for each in answers if each.status_code == 503]
    assert {each.status_code for each in answers if each not in refused} == {200}
    codes = {each.json()["error"]["code"] for each in refused}
    assert "search:transient:busy" in codes
    assert codes <= {"search:transient:busy", "search:transient:no-answer"}


@pytest.mark.faults
@pytest.mark.parametrize("victim", ["broker", "vectors", "query", "web"])
def test_a_search_is_back_after_a_part_was_killed(product: Product, victim: str) -> None:
    picture = edited_copy(draw(3))
    before = product.pid(victim)

    product.kill_children(victim)

    def is_back() -> bool:
        if not product.was_started_again(victim, before=before):
            return False
        try:
            return product.search(picture).status_code == 200
        except (httpx.TransportError, KeyError):  # the web itself is away: no page, no cookie
            return False

    wait_until(is_back, what="search is back")
    assert hits_of(product.search(picture))[0]["title"] == "00003"


def test_deleting_removes_row_files_and_points_together(product: Product) -> None:
    before = indexed(product)

    product.manage("shell", "-c", _DELETE_TWO)

    assert_all_indexed_and_agreed(product, before - 2)
    found = [hit["title"] for hit in hits_of(product.search(jpeg(draw(3))))]
    assert "00003" not in found
    listed = product.manage("shell", "--verbosity=0", "-c", _LIST_ORIGINALS).stdout.split()
    assert len(listed) == before - 2


_LIST_ORIGINALS = "from catalog import storage as s; print(*s.list_names(s.ORIGINALS), sep=chr(10))"
_DELETE_TWO = (
    "from catalog.models import Image; from catalog.services import request_deletion; "
    "request_deletion(Image.objects.filter(title__in=['00003', '00004']))"
)
