"""Copies that imports hold or refuse: real pictures, compared as workers compare them."""

import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone
from PIL import Image as Pillow

from catalog import services as catalog
from catalog.audit import audit
from catalog.models import CopyCheck, Image
from catalog.selectors import list_current_images, list_held_images
from ingestion.models import Import, ImportFailure
from ingestion.selectors import find_progress
from ingestion.services import CopyPolicy, MetadataRules, retry, start_import, take_in
from ingestion.sources import FolderSource
from jobs.models import Delivery, JobRecord
from jobs.services import JobTakenOver
from kernel.database import patiently
from kernel.errors import TransientError
from kernel.task_names import CHECK_COPIES, QUEUES, UPDATE_PAYLOADS
from tests import fakes
from tests.conftest import Broker
from tests.unit.ml.copies.scenes import cut, scene, written_over
from tests.unit.ml.panels.pictures import collage, grid
from tests.unit.workers.conftest import index_all, with_index
from worker_api import copy_checks, jobs
from workers import catalogue_hashes
from workers.app import app
from workers.copy_checks import check_copies
from workers.model_pool import Loaded

pytestmark = pytest.mark.django_db(transaction=True)

State = CopyCheck.State
SIZE = (320, 240)


@pytest.fixture(autouse=True)
def fresh_hashes():
    catalogue_hashes.get.cache_clear()
    yield
    catalogue_hashes.get.cache_clear()


def png(pixels: np.ndarray) -> bytes:
    return saved(pixels, "PNG")


def saved(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()


ORIGINAL = scene(1)
COPIES = {
    "saved again": saved(ORIGINAL, "JPEG", quality=60),
    "smaller": png(np.asarray(Pillow.fromarray(ORIGINAL).resize((200, 150)))),
    "cropped": png(cut(ORIGINAL, 16, 12, 304, 228)),
    "captioned": png(written_over(ORIGINAL, "SUMMER")),
}


@pytest.fixture
def bring_in(tmp_path: Path, media: Path, broker: Broker) -> Callable[..., Import]:
    """Import files, name → content, in the order of their names."""

    def bring_in(
        files: Mapping[str, bytes],
        policy: CopyPolicy = CopyPolicy.TAKE_IN,
        folder: str = "shelf",
        *,
        restores_binned: bool = False,
    ) -> Import:
        for name, data in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        current = start_import(folder)
        source = FolderSource(tmp_path / folder).files(Counter())
        rules = MetadataRules(copies=policy, restores_binned=restores_binned)
        list(take_in(current, source, rules=rules))
        current.refresh_from_db()
        return current

    return bring_in


def index(loaded: Loaded, *titles: str) -> None:
    """Index these images, or all that wait."""
    waiting = Image.objects.filter(status="queued")
    if titles:
        waiting = waiting.filter(title__in=titles)
    index_all(list(waiting.values_list("pk", flat=True)), loaded)


def new_delivery() -> Delivery:
    job = JobRecord.objects.create(name=CHECK_COPIES, queue=QUEUES[CHECK_COPIES])
    return jobs.claim(job.pk)


def check(loaded: Loaded) -> None:
    check_copies(loaded, delivery=new_delivery())


def work(broker: Broker) -> None:
    """Run what waits in the maintenance queue, but for comparing."""
    app.loader.import_default_modules()
    for message in broker.take("maintenance"):
        if message.name != CHECK_COPIES:
            app.tasks[message.name](**json.loads(json.dumps(message.arguments)))


def copies() -> dict[str, tuple[str, str, str]]:
    """Title → state, rung, title of the image that it is a copy of."""
    rows = CopyCheck.objects.select_related("image", "copy_of")
    return {
        row.image.title: (row.state, row.rung, row.copy_of.title if row.copy_of else "")
        for row in rows
    }


def current() -> set[str]:
    return set(list_current_images().values_list("title", flat=True))


def found(loaded: Loaded, broker: Broker) -> set[str]:
    """Titles of what a search finds in the index, once points follow rows."""
    work(broker)
    query = fakes.embed(Pillow.new("RGB", (9, 9), (90, 90, 90)))[None]
    [hits] = loaded.index.search(query, k=100)
    return set(
        Image.objects.filter(pk__in={hit.image_id for hit in hits}).values_list("title", flat=True)
    )


@pytest.mark.parametrize(("kind", "data"), COPIES.items(), ids=list(COPIES))
def test_a_copy_is_held_and_found_by_nobody(
    bring_in, loaded: Loaded, broker: Broker, kind: str, data: bytes
) -> None:
    bring_in({"original.png": png(ORIGINAL), "other.png": png(scene(2))})
    index(loaded)

    shelf = bring_in({"copy.png": data}, CopyPolicy.HOLD, "new")
    index(loaded)
    check(loaded)

    rung = "edited-copy" if kind in {"cropped", "captioned"} else "near-identical"
    assert copies() == {"copy": ("held", rung, "original")}
    assert current() == {"original", "other"}
    assert found(loaded, broker) == {"original", "other"}
    assert list_held_images().get().title == "copy"
    progress = find_progress([shelf.pk])[shelf.pk]
    assert (progress.held, progress.refused, progress.uncompared) == (1, 0, 0)
    assert audit().differences == {}


def test_what_is_no_copy_is_found_as_soon_as_that_is_known(
    bring_in, loaded: Loaded, broker: Broker
) -> None:
    bring_in({"original.png": png(ORIGINAL)})
    index(loaded)
    bring_in({"other.png": png(scene(2))}, CopyPolicy.HOLD, "new")
    index(loaded)
    # before it is compared, nobody finds it
    assert (current(), found(loaded, broker)) == ({"original"}, {"original"})

    check(loaded)

    assert copies() == {}
    assert current() == found(loaded, broker) == {"original", "other"}
    assert audit().differences == {}


def test_a_picture_out_of_a_collage_is_an_edited_copy_of_it(bring_in, loaded: Loaded) -> None:
    # given a collage with the picture in one of its panels
    boxes, size = grid(2, 2, cell=SIZE, gutter=20, margin=20)
    bring_in({"collage.png": png(collage(boxes, size, seed=2))})
    index(loaded)
    x0, y0, x1, y1 = boxes[2]
    panel = collage(boxes, size, seed=2)[y0:y1, x0:x1]

    bring_in({"panel.png": png(panel)}, CopyPolicy.REFUSE, "new")
    index(loaded)
    check(loaded)

    assert copies() == {"panel": ("refused", "edited-copy", "collage")}


def test_a_refused_copy_is_in_the_bin_and_its_import_says_so(
    bring_in, loaded: Loaded, broker: Broker
) -> None:
    bring_in({"original.png": png(ORIGINAL)})
    index(loaded)
    shelf = bring_in({"copy.png": COPIES["cropped"]}, CopyPolicy.REFUSE, "new")
    assert (shelf.found, shelf.added, shelf.failed) == (1, 1, 0)

    index(loaded)
    check(loaded)

    image, original = Image.objects.get(title="copy"), Image.objects.get(title="original")
    assert (image.binned_at is not None, image.held_at) == (True, None)
    assert (current(), found(loaded, broker)) == ({"original"}, {"original"})
    shelf.refresh_from_db()
    assert (shelf.found, shelf.added, shelf.failed) == (1, 0, 1)
    failure = ImportFailure.objects.get()
    assert (failure.name, failure.error_code) == ("copy.png", "image:conflict:copy-of")
    assert failure.context == {"image_id": str(image.pk), "copy_of": str(original.pk)}
    assert find_progress([shelf.pk])[shelf.pk].refused == 1
    assert audit().differences == {}


@pytest.mark.parametrize("way", ["from the bin", "by its import"])
def test_a_refused_copy_can_be_taken_in_all_the_same(
    bring_in, loaded: Loaded, broker: Broker, way: str
) -> None:
    bring_in({"original.png": png(ORIGINAL)})
    index(loaded)
    shelf = bring_in({"copy.png": COPIES["cropped"]}, CopyPolicy.REFUSE, "new")
    index(loaded)
    check(loaded)

    if way == "from the bin":
        catalog.restore(Image.objects.filter(title="copy"))
    else:
        assert retry(shelf, shelf.failures.all()) == 1
        shelf.refresh_from_db()
        assert (shelf.added, shelf.failed, shelf.failures.count()) == (1, 0, 0)

    assert copies() == {"copy": ("taken in", "edited-copy", "original")}
    assert current() == found(loaded, broker) == {"original", "copy"}
    # and it stays so
    catalog.request_indexing(Image.objects.all())
    index(loaded)
    check(loaded)
    assert current() == found(loaded, broker) == {"original", "copy"}


def test_the_same_files_again_bring_no_refused_copy_back(
    bring_in, loaded: Loaded, broker: Broker
) -> None:
    bring_in({"original.png": png(ORIGINAL)})
    index(loaded)
    bring_in({"copy.png": COPIES["cropped"]}, CopyPolicy.REFUSE, "new")
    index(loaded)
    check(loaded)

    again = bring_in({}, CopyPolicy.REFUSE, "new")
    assert (again.found, again.duplicates, again.failed) == (1, 0, 1)
    assert again.failures.get().error_code == "image:conflict:copy-of"
    assert current() == {"original"}

    # nor does who takes copies in, but for who restores what is in the bin
    left = bring_in({}, CopyPolicy.TAKE_IN, "new")
    assert (left.duplicates, left.binned, left.failed) == (0, 1, 0)
    assert current() == {"original"}
    taken = bring_in({}, CopyPolicy.TAKE_IN, "new", restores_binned=True)
    assert (taken.duplicates, taken.failed) == (1, 0)
    assert current() == {"original", "copy"}


@pytest.mark.parametrize("policy", [CopyPolicy.HOLD, CopyPolicy.REFUSE])
def test_of_copies_that_come_together_the_first_stays(
    bring_in, loaded: Loaded, broker: Broker, policy: CopyPolicy
) -> None:
    files = {f"{number}.png": data for number, data in enumerate(COPIES.values())}
    bring_in({"original.png": png(scene(9))} | files, policy)
    first = "0"

    # given that the last of them is indexed first, as by another worker
    for title in ("3", "2", "1"):
        index(loaded, title)
        check(loaded)
        assert all(state == "waiting" for state, *_ in copies().values())
    index(loaded)
    check(loaded)

    expected = "held" if policy is CopyPolicy.HOLD else "refused"
    settled = {title: (state, of) for title, (state, _, of) in copies().items()}
    assert settled == dict.fromkeys(("1", "2", "3"), (expected, first))
    assert current() == found(loaded, broker) == {first, "original"}


def test_a_held_or_refused_copy_keeps_nothing_else_out(bring_in, loaded: Loaded) -> None:
    bring_in({"original.png": png(ORIGINAL)})
    index(loaded)
    bring_in({"held.png": COPIES["cropped"]}, CopyPolicy.HOLD, "new")
    bring_in({"refused.png": COPIES["captioned"]}, CopyPolicy.REFUSE, "newer")
    index(loaded)
    check(loaded)
    assert [state for state, *_ in copies().values()] == ["held", "refused"]
    catalog.move_to_bin(Image.objects.filter(title="original"))

    bring_in({"late.png": COPIES["smaller"]}, CopyPolicy.REFUSE, "newest")
    index(loaded)
    check(loaded)

    assert current() == {"late"}


def test_a_job_that_was_taken_over_decides_nothing(bring_in, loaded: Loaded) -> None:
    bring_in({"original.png": png(ORIGINAL)})
    index(loaded)
    bring_in({"copy.png": COPIES["cropped"]}, CopyPolicy.REFUSE, "new")
    index(loaded)
    stalled = new_delivery()
    claimed = copy_checks.claim(delivery=stalled)
    assert claimed is not None
    JobRecord.objects.filter(pk=stalled.job_id).update(state="queued")

    check(loaded)  # another job does it meanwhile

    with pytest.raises(JobTakenOver):
        copy_checks.record(claimed, None, delivery=stalled)
    assert copies() == {"copy": ("refused", "edited-copy", "original")}
    assert ImportFailure.objects.count() == 1


def test_two_jobs_at_once_settle_each_image_once(bring_in, loaded: Loaded) -> None:
    """Both compare the first; only then is the second anybody's."""
    bring_in({"a.png": png(ORIGINAL), "b.png": COPIES["cropped"]}, CopyPolicy.REFUSE)
    index(loaded)
    one, other = new_delivery(), new_delivery()
    first, same = copy_checks.claim(delivery=one), copy_checks.claim(delivery=other)
    assert first == same

    copy_checks.record(first, None, delivery=one)
    copy_checks.record(same, None, delivery=other)
    check_copies(loaded, delivery=other)

    assert current() == {"a"}
    assert copies() == {"b": ("refused", "edited-copy", "a")}


def test_a_copy_of_what_is_gone_by_then_is_compared_again(bring_in, loaded: Loaded) -> None:
    bring_in({"original.png": png(ORIGINAL)})
    index(loaded)
    bring_in({"copy.png": COPIES["cropped"]}, CopyPolicy.REFUSE, "new")
    index(loaded)
    delivery = new_delivery()
    claimed = copy_checks.claim(delivery=delivery)
    original = Image.objects.get(title="original")
    catalog.move_to_bin(Image.objects.filter(pk=original.pk))

    proved = copy_checks.ProvedCopy(original.pk, is_near_identical=False)
    copy_checks.record(claimed, proved, delivery=delivery)
    assert copies() == {"copy": ("waiting", "", "")}
    check_copies(loaded, delivery=delivery)

    assert current() == {"copy"}


class Away:
    """A vector store that is out of reach."""

    def search(self, *_: object, **__: object) -> None:
        raise TransientError("vectors:transient:unavailable")


def test_a_store_that_is_away_is_no_try(bring_in, loaded: Loaded) -> None:
    bring_in({"original.png": png(ORIGINAL), "copy.png": COPIES["cropped"]}, CopyPolicy.REFUSE)
    index(loaded)

    for _ in range(4):
        with pytest.raises(TransientError):
            check(with_index(loaded, Away()))
    check(loaded)

    assert current() == {"copy"}  # the first by name
    assert copies() == {"original": ("refused", "edited-copy", "copy")}


def test_what_ends_its_worker_again_and_again_holds_up_nobody(bring_in, loaded: Loaded) -> None:
    bring_in({"a.png": png(scene(3)), "b.png": png(ORIGINAL)}, CopyPolicy.HOLD)
    index(loaded)
    for _ in range(3):  # workers that were killed
        copy_checks.claim(delivery=new_delivery())

    check(loaded)

    assert current() == {"a", "b"}
    assert copies() == {}


def test_a_picture_whose_file_is_gone_is_taken_in(bring_in, loaded: Loaded, media: Path) -> None:
    bring_in({"a.png": png(ORIGINAL)}, CopyPolicy.HOLD)
    index(loaded)
    for path in media.rglob("*"):
        if path.is_file():
            path.unlink()

    check(loaded)

    assert current() == {"a"}


def test_what_cannot_be_described_is_shown_as_failed_and_holds_up_nobody(
    bring_in, loaded: Loaded
) -> None:
    bring_in({"a.png": png(ORIGINAL), "b.png": COPIES["cropped"]}, CopyPolicy.HOLD)
    catalog.record_failed(Image.objects.get(title="a").pk, "image:ours:gave-up")
    index(loaded)

    check(loaded)

    assert current() == {"a", "b"}
    assert copies() == {"a": ("waiting", "", "")}

    # tried again, it is compared after all
    catalog.request_indexing(Image.objects.filter(title="a"))
    index(loaded)
    check(loaded)
    assert copies() == {"a": ("held", "edited-copy", "b")}
    assert current() == {"b"}


def test_what_fails_before_it_is_compared_is_seen_to_have_failed(
    bring_in, loaded: Loaded, broker: Broker
) -> None:
    bring_in({"a.png": png(ORIGINAL)}, CopyPolicy.HOLD)
    index(loaded)
    assert current() == set()

    catalog.record_failed(Image.objects.get().pk, "image:ours:gave-up")

    assert current() == {"a"}
    assert found(loaded, broker) == set()  # it was never compared


def test_indexing_leaves_one_job_that_compares(bring_in, loaded: Loaded, broker: Broker) -> None:
    bring_in({"a.png": png(ORIGINAL), "b.png": png(scene(2))}, CopyPolicy.HOLD)
    index(loaded, "a")
    index(loaded, "b")

    names = [message.name for message in broker.take("maintenance")]
    assert names.count(CHECK_COPIES) == 1
    assert not catalog.enqueue_copy_checks()

    # one that is lost with its worker is followed by another
    JobRecord.objects.filter(name=CHECK_COPIES).update(
        state="succeeded", finished_at=timezone.now()
    )
    assert catalog.enqueue_copy_checks()


def test_held_images_are_decided_about(bring_in, loaded: Loaded, broker: Broker) -> None:
    bring_in({"original.png": png(ORIGINAL)})
    index(loaded)
    bring_in({"a.png": COPIES["cropped"], "b.png": COPIES["captioned"]}, CopyPolicy.HOLD, "new")
    index(loaded)
    check(loaded)

    for kind, title in (("take_in", "a"), ("refuse", "b")):
        # a set that was fixed with another image in it, which is not held
        asked = catalog.ask_bulk_edit(kind, Image.objects.filter(title__in=(title, "original")))
        catalog.start_bulk_edit(asked, {})
        work(broker)
        asked.refresh_from_db()
        assert (asked.state, asked.done, asked.gone) == ("done", 1, 1)

    assert current() == found(loaded, broker) == {"original", "a"}
    assert {title: state for title, (state, *_) in copies().items()} == {
        "a": "taken in",
        "b": "refused",
    }
    # a decision outlives indexing anew
    catalog.request_indexing(Image.objects.all())
    index(loaded)
    check(loaded)
    assert current() == found(loaded, broker) == {"original", "a"}
    assert audit().differences == {}


def test_no_check_is_asked_for_by_default(bring_in, loaded: Loaded) -> None:
    bring_in({"a.png": png(ORIGINAL), "b.png": COPIES["cropped"]})
    index(loaded)
    check(loaded)

    assert copies() == {}
    assert current() == {"a", "b"}


def test_many_that_are_taken_in_are_one_job_for_their_points(
    bring_in, loaded: Loaded, broker: Broker
) -> None:
    bring_in({f"{seed}.png": png(scene(seed)) for seed in range(5)}, CopyPolicy.HOLD)
    index(loaded)
    broker.take("maintenance")

    check(loaded)

    assert [message.name for message in broker.take("maintenance")] == [UPDATE_PAYLOADS]


def test_two_workers_at_once_keep_the_first_of_many_copies(
    bring_in, loaded: Loaded, broker: Broker
) -> None:
    pictures = [*COPIES.values(), png(ORIGINAL)]
    shelf = bring_in({f"{n}.png": data for n, data in enumerate(pictures)}, CopyPolicy.REFUSE)
    index(loaded)
    deliveries = [new_delivery(), new_delivery()]
    start = threading.Barrier(2)

    def compare(delivery: Delivery) -> None:
        start.wait()
        try:
            patiently(partial(check_copies, loaded, delivery=delivery))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(compare, deliveries))

    assert current() == {"0"}
    assert {of for _, _, of in copies().values()} == {"0"}
    shelf.refresh_from_db()
    assert (shelf.added, shelf.failed, shelf.failures.count()) == (1, 4, 4)
