"""Copies, from catalogue pictures that were really indexed, and queries that are really edited."""

import itertools
import json
import queue
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from catalog import services as catalog
from catalog import storage
from catalog.models import Album, Image, Region
from kernel.errors import TransientError
from kernel.regions import FULL_IMAGE_KEY, RegionKey
from kernel.task_messages import Copy
from ml.copies import comparison
from ml.copies.features import LocalFeatures
from search import query_files
from tests import fakes
from tests.conftest import AddImage
from tests.pictures import encoded
from tests.unit.ml.copies.scenes import cut, jpeg, scene
from tests.unit.ml.panels.pictures import collage, grid, photo
from tests.unit.workers.conftest import index_all, with_encoder
from workers import catalogue_hashes, copies
from workers.copies import SoughtRegion
from workers.model_pool import Loaded
from workers.pictures import UprightPicture
from workers.tasks import query as query_tasks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh_hashes():
    catalogue_hashes.get.cache_clear()
    yield
    catalogue_hashes.get.cache_clear()


def upright(pixels: np.ndarray) -> UprightPicture:
    image = Pillow.fromarray(np.ascontiguousarray(pixels))
    return UprightPicture(image, *image.size)


def find_copies(part: UprightPicture, region_ids: list[int]) -> list[Copy]:
    """As the task does it: the hashes are brought up to date first."""
    catalogue_hashes.get().refresh()
    [found] = copies.find_copies(
        [sought(part, region_ids)], max_near_identical=48, ends_at=time.monotonic() + 60
    )
    assert found.is_checked
    return list(found.copies)


def sought(part: UprightPicture, region_ids: list[int]) -> SoughtRegion:
    extracted: Future[comparison.QueryCopyFeatures] = Future()
    extracted.set_result(comparison.extract_query(part.pixels))
    return SoughtRegion(lambda: extracted, region_ids)


@pytest.fixture
def scenes(add_image: AddImage, loaded: Loaded) -> list[Image]:
    """Five different scenes, indexed."""
    images = [add_image(encoded(Pillow.fromarray(scene(seed)))) for seed in range(5)]
    index_all([image.pk for image in images], loaded)
    return images


def full_image_of(image: Image) -> Region:
    return image.regions.get(kind="whole")


def test_indexing_keeps_hash_and_features(scenes: list[Image]) -> None:
    region = full_image_of(scenes[0])

    assert (len(region.pdq), region.pdq_quality) == (32, 100)
    kept = storage.read(storage.features_name(scenes[0].sha256, FULL_IMAGE_KEY))
    features = LocalFeatures.from_bytes(kept)
    assert (features.width, features.height) == (320, 240)
    assert len(features) > 100


def test_the_querys_own_hash_is_told(scenes: list[Image]) -> None:
    part = upright(scene(0))

    [found] = copies.find_copies(
        [sought(part, [])], max_near_identical=48, ends_at=time.monotonic() + 60
    )

    assert found.pdq is not None
    assert found.pdq.bits.tobytes() == bytes(full_image_of(scenes[0]).pdq)
    assert found.pdq.quality == full_image_of(scenes[0]).pdq_quality


def test_a_picture_that_was_saved_again_is_found_by_its_hash_alone(scenes: list[Image]) -> None:
    [copy] = find_copies(upright(jpeg(scene(3), 40)), [])

    assert copy.region_id == full_image_of(scenes[3]).pk
    assert copy.is_near_identical
    assert np.allclose(copy.outline, [(0, 0), (320, 0), (320, 240), (0, 240)], atol=2)


def test_a_mirrored_crop_among_the_candidates_is_proved(scenes: list[Image]) -> None:
    part = cut(scene(2), 60, 40, 260, 200)[:, ::-1]

    [copy] = find_copies(upright(part), [full_image_of(image).pk for image in scenes])

    assert copy.region_id == full_image_of(scenes[2]).pk
    assert not copy.is_near_identical
    assert copy.overlap.is_mirrored
    assert np.allclose(copy.outline, [(260, 40), (60, 40), (60, 200), (260, 200)], atol=4)


def test_a_crop_that_nobody_proposes_is_not_found(scenes: list[Image]) -> None:
    part = cut(scene(2), 60, 40, 260, 200)

    assert find_copies(upright(part), [full_image_of(scenes[0]).pk]) == []


def test_a_place_is_said_in_pixels_of_the_original(add_image: AddImage, loaded: Loaded) -> None:
    # given an original that is decoded at half its size
    large = Pillow.fromarray(scene(7)).resize((2560, 1920))
    image = add_image(encoded(large, "JPEG", quality=95))
    index_all([image.pk], loaded)

    [copy] = find_copies(upright(cut(scene(7), 80, 60, 240, 180)), [full_image_of(image).pk])

    expected = [(640, 480), (1920, 480), (1920, 1440), (640, 1440)]
    assert np.allclose(copy.outline, expected, atol=32)


def test_a_photo_is_found_inside_a_collage_of_the_catalogue(
    add_image: AddImage, loaded: Loaded
) -> None:
    boxes, size = grid(2, 2, cell=(320, 240), gutter=20, margin=20)
    image = add_image(encoded(Pillow.fromarray(collage(boxes, size, seed=2))))
    index_all([image.pk], loaded)
    panels = list(image.regions.filter(kind="panel").order_by("ordinal"))
    assert len(panels) == 4

    [copy] = find_copies(upright(jpeg(photo(2002, 320, 240), 60)), [])

    assert copy.region_id == panels[2].pk
    x0, y0, x1, y1 = boxes[2]
    assert np.allclose(copy.outline, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)], atol=4)


@pytest.mark.parametrize("mishap", ["lost", "damaged"])
def test_features_that_are_gone_are_made_again(
    scenes: list[Image], media: Path, mishap: str
) -> None:
    file = media / storage.features_name(scenes[1].sha256, FULL_IMAGE_KEY)
    kept = file.read_bytes()
    if mishap == "lost":
        file.unlink()
    else:
        file.write_bytes(kept[:100])

    [copy] = find_copies(upright(cut(scene(1), 60, 40, 260, 200)), [full_image_of(scenes[1]).pk])

    assert not copy.is_near_identical
    assert file.read_bytes() == kept


def test_a_candidate_whose_original_is_gone_too_is_left_out(
    scenes: list[Image], media: Path
) -> None:
    (media / storage.features_name(scenes[1].sha256, FULL_IMAGE_KEY)).unlink()
    (media / storage.original_name(scenes[1].sha256)).unlink()
    ids = [full_image_of(image).pk for image in scenes[1:3]]

    [copy] = find_copies(upright(cut(scene(2), 60, 40, 260, 200)), ids)

    assert copy.region_id == ids[1]


def test_a_storage_that_is_away_is_no_empty_answer(scenes: list[Image], use_storage) -> None:
    use_storage("tests.storages.FailingStorage", operation="open")

    with pytest.raises(TransientError):
        find_copies(upright(scene(1)), [full_image_of(scenes[1]).pk])


def test_hashes_follow_the_catalogue(
    scenes: list[Image], add_image: AddImage, loaded: Loaded
) -> None:
    query = upright(scene(11))
    assert find_copies(query, []) == []

    image = add_image(encoded(Pillow.fromarray(scene(11))))
    index_all([image.pk], loaded)
    [copy] = find_copies(query, [])
    assert copy.region_id == full_image_of(image).pk

    # when it is indexed again its region has another number
    catalog.request_indexing(Image.objects.filter(pk=image.pk))
    index_all([image.pk], loaded)
    [again] = find_copies(query, [])
    assert again.region_id == full_image_of(image).pk != copy.region_id

    Image.objects.filter(pk=image.pk).update(status=Image.Status.DELETING)
    assert find_copies(query, []) == []


def test_pictures_without_texture_are_never_copies(add_image: AddImage, loaded: Loaded) -> None:
    image = add_image(encoded(Pillow.new("RGB", (320, 240), "teal")))
    index_all([image.pk], loaded)
    query = UprightPicture(Pillow.new("RGB", (320, 240), "navy"), 320, 240)

    assert find_copies(query, [full_image_of(image).pk]) == []


# The task

BOUNDS = {"most_near_identical": 48, "within_s": 60.0, "hidden_albums": []}


def test_the_task_answers_part_by_part(scenes: list[Image], weights: list[str]) -> None:
    both = np.hstack([scene(0), scene(4)])
    query_id = str(query_files.write(encoded(Pillow.fromarray(both))))
    parts = [
        {"box": [0, 0, 320, 240], "region_ids": []},
        {"box": [320, 0, 640, 240], "region_ids": [full_image_of(scenes[1]).pk]},
    ]

    answer = json.loads(
        json.dumps(
            query_tasks.find_copies(query_id=query_id, width=640, height=240, parts=parts, **BOUNDS)
        )
    )

    assert answer["model_ms"] > 0
    [[first], [second]] = answer["copies"]
    assert [first["region_id"], second["region_id"]] == [
        full_image_of(scenes[0]).pk,
        full_image_of(scenes[4]).pk,
    ]
    assert (first["is_near_identical"], first["bits"]) == (True, 0)
    assert first["overlap"]["is_mirrored"] is False
    assert first["overlap"]["image_percent"] == pytest.approx(100, abs=1)


def test_images_of_hidden_albums_are_not_found_by_their_hashes(
    scenes: list[Image], weights: list[str], add_image: AddImage, loaded: Loaded
) -> None:
    # given the same picture three times, the nearest two of them in an album that is hidden
    saved_again = add_image(encoded(Pillow.fromarray(scene(0)), "JPEG", quality=95))
    index_all([saved_again.pk], loaded)
    other = add_image(encoded(Pillow.fromarray(scene(0)), "JPEG", quality=30))
    index_all([other.pk], loaded)
    hidden = Album.objects.create(name="hidden")
    hidden.images.add(scenes[0], saved_again)
    query_id = str(query_files.write(encoded(Pillow.fromarray(scene(0)))))
    query = {"query_id": query_id, "width": 320, "height": 240}
    parts = [{"box": [0, 0, 320, 240], "region_ids": []}]
    bounds = {**BOUNDS, "most_near_identical": 1, "hidden_albums": [hidden.pk]}

    [[copy]] = query_tasks.find_copies(**query, parts=parts, **bounds)["copies"]

    # then it takes no one's turn, and is still known to who may see it
    assert copy["region_id"] == full_image_of(other).pk
    [copies_of_all] = query_tasks.find_copies(**query, parts=parts, **BOUNDS)["copies"]
    assert len(copies_of_all) == 3


def test_what_is_compared_next_is_extracted_before_it_is_asked_for(
    scenes: list[Image], weights: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    extracted: queue.Queue[tuple[int, ...]] = queue.Queue()
    extract = comparison.extract_query
    monkeypatch.setattr(
        comparison, "extract_query", lambda pixels: extracted.put(pixels.shape) or extract(pixels)
    )
    picture = encoded(Pillow.fromarray(scene(0)))
    query = {"query_id": str(query_files.write(picture)), "width": 320, "height": 240}

    query_tasks.extract_query(**query, box=None, is_compared=True)

    assert extracted.get(timeout=5) == (240, 320, 3)
    parts = [{"box": [0, 0, 320, 240], "region_ids": []}]
    [[copy]] = query_tasks.find_copies(**query, parts=parts, **BOUNDS)["copies"]
    assert copy["region_id"] == full_image_of(scenes[0]).pk
    assert extracted.empty()


@pytest.mark.parametrize("box", [[0, 0, 61, 40], [-1, 0, 10, 10], [10, 10, 10, 20]])
def test_a_box_outside_of_the_query_is_refused(media: Path, box: list[int]) -> None:
    query_id = str(query_files.write(encoded(Pillow.new("RGB", (60, 40)))))
    parts = [{"box": box, "region_ids": []}]

    answer = query_tasks.find_copies(query_id=query_id, width=60, height=40, parts=parts, **BOUNDS)

    assert answer == {"error": "search:user:bad-box", "context": {}}


def test_nothing_is_compared_once_nobody_waits_any_more(
    scenes: list[Image], weights: list[str]
) -> None:
    query_id = str(query_files.write(encoded(Pillow.fromarray(scene(0)))))
    parts = [{"box": [0, 0, 320, 240], "region_ids": []}]

    answer = query_tasks.find_copies(
        query_id=query_id, width=320, height=240, parts=parts, **{**BOUNDS, "within_s": 0.0}
    )

    assert (answer["copies"], answer["checked"]) == ([[]], [False])


def test_time_that_is_over_loses_only_what_is_not_proved_yet(
    scenes: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (full_image_of(image) for image in scenes[:3])
    now = itertools.count()  # a second passes at every look at the clock: two for each candidate
    monkeypatch.setattr(copies.time, "monotonic", lambda: float(next(now)))
    parts = [
        sought(upright(cut(scene(number), 60, 40, 260, 200)), [first.pk, second.pk, third.pk])
        for number in range(3)
    ]

    # The first region looks at the clock four times, and the second twice.
    found = copies.find_copies(parts, max_near_identical=48, ends_at=5.5)

    assert [each.is_checked for each in found] == [True, False, False]
    assert [[copy.region_id for copy in each.copies] for each in found] == [[first.pk], [], []]
    assert found[0].unchecked_ids == ()
    assert found[2].unchecked_ids == (first.pk, second.pk, third.pk)


def test_what_is_proved_of_a_region_that_is_not_finished_stays(
    scenes: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = full_image_of(scenes[0]), full_image_of(scenes[1])
    now = itertools.count()
    monkeypatch.setattr(copies.time, "monotonic", lambda: float(next(now)))
    part = upright(cut(scene(0), 60, 40, 260, 200))

    [found] = copies.find_copies(
        [sought(part, [right.pk, wrong.pk])], max_near_identical=48, ends_at=1.5
    )

    assert not found.is_checked
    assert [copy.region_id for copy in found.copies] == [right.pk]
    assert found.unchecked_ids == (wrong.pk,)


def test_candidates_of_several_regions_are_read_once(
    scenes: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [full_image_of(image).pk for image in scenes]
    read: list[str] = []
    storage_read = storage.read
    monkeypatch.setattr(storage, "read", lambda name: read.append(name) or storage_read(name))
    parts = [sought(upright(cut(scene(n), 60, 40, 260, 200)), ids) for n in range(3)]

    found = copies.find_copies(parts, max_near_identical=48, ends_at=time.monotonic() + 60)

    assert [[copy.region_id for copy in each.copies] for each in found] == [[pk] for pk in ids[:3]]
    names = [storage.features_name(image.sha256, FULL_IMAGE_KEY) for image in scenes]
    assert sorted(read) == sorted(names)


def test_so_few_regions_are_extracted_ahead_that_other_searches_come_between(
    scenes: list[Image],
) -> None:
    ids = [full_image_of(image).pk for image in scenes]
    begun: list[int] = []
    seen_at_first: list[int] = []

    def extract(number: int) -> comparison.QueryCopyFeatures:
        begun.append(number)
        if number == 0:
            time.sleep(0.3)  # long enough for others to begin, if they may
            seen_at_first.extend(begun)
        return comparison.extract_query(cut(scene(0), 60, 40, 260, 200))

    with ThreadPoolExecutor(9) as threads:
        parts = [SoughtRegion(partial(threads.submit, extract, n), ids) for n in range(9)]
        found = copies.find_copies(parts, max_near_identical=48, ends_at=time.monotonic() + 60)

    assert [[copy.region_id for copy in each.copies] for each in found] == [ids[:1]] * 9
    assert sorted(begun) == list(range(9))
    assert max(seen_at_first) == 2


def test_without_regions_nothing_is_found(scenes: list[Image]) -> None:
    assert copies.find_copies([], max_near_identical=48, ends_at=time.monotonic() + 60) == []


def test_so_many_of_nearly_the_same_hash_are_compared(
    scenes: list[Image], add_image: AddImage, loaded: Loaded
) -> None:
    again = add_image(encoded(Pillow.fromarray(jpeg(scene(0), 60))))
    index_all([again.pk], loaded)
    catalogue_hashes.get().refresh()
    until = time.monotonic() + 60

    [found] = copies.find_copies(
        [sought(upright(scene(0)), [])], max_near_identical=1, ends_at=until
    )

    assert [copy.region_id for copy in found.copies] == [full_image_of(scenes[0]).pk]


# Regions that an image no longer has


def test_describing_again_forgets_the_points_and_files_of_regions_that_are_no_more(
    add_image: AddImage, loaded: Loaded
) -> None:
    boxes, size = grid(2, 1, cell=(320, 240), gutter=20, margin=20)
    image = add_image(encoded(Pillow.fromarray(collage(boxes, size, seed=3))))
    index_all([image.pk], loaded)
    assert loaded.index.count() == 3

    # given a panel more than the splitter finds, as an earlier release may have found
    Region.objects.create(image=image, kind="panel", ordinal=2, x0=0, y0=0, x1=9, y1=9)
    # and pages that have shown that one and another
    outdated = {
        *storage.derived_names(image.sha256, RegionKey("panel", 2)),
        *storage.webp_names(image.sha256, RegionKey("panel", 0)),
    }
    for name in outdated:
        storage.write(name, b"old")
    Image.objects.update(status=Image.Status.QUEUED)
    index_all([image.pk], loaded)

    assert image.regions.count() == loaded.index.count() == 3
    assert not any(storage.exists(name) for name in outdated)
    for region in image.regions.all():
        thumbnail, features, *_shown = storage.derived_names(image.sha256, region.key)
        assert storage.exists(thumbnail)
        assert storage.exists(features)


def test_deleting_an_image_removes_what_was_made_of_its_regions(
    scenes: list[Image], loaded: Loaded
) -> None:
    for image in scenes:
        catalog.request_deletion(Image.objects.filter(pk=image.pk))
        catalog.delete_image(image.pk)

    for folder in (storage.ORIGINALS, storage.THUMBNAILS, storage.FEATURES):
        assert list(storage.list_names(folder)) == []


def test_a_region_recorded_by_an_earlier_release_is_compared_by_its_features(
    scenes: list[Image], media: Path
) -> None:
    Region.objects.update(pdq=None, pdq_quality=0)
    file = media / storage.features_name(scenes[1].sha256, FULL_IMAGE_KEY)
    (media / storage.original_name(scenes[1].sha256)).unlink()  # it is not needed
    written = file.stat().st_mtime_ns

    [copy] = find_copies(upright(jpeg(scene(1), 50)), [full_image_of(scenes[1]).pk])

    assert not copy.is_near_identical
    assert file.stat().st_mtime_ns == written


def test_hashes_that_a_catalogue_described_again_leaves_behind_are_forgotten(
    scenes: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue_hashes, "_ROWS_AT_ONCE", 4)
    known = catalogue_hashes.CatalogueHashes()
    known.refresh()
    for _ in range(3):  # each time all regions have new ids
        rows = list(Region.objects.values())
        Region.objects.all().delete()
        Region.objects.bulk_create(Region(**{**row, "id": None}) for row in rows)
        known.refresh()

    assert len(known) <= 2 * len(rows)
    [found] = known.find_near_identical(np.tile(hash_of(scenes[2]), (8, 1)), limit=9)
    assert found == full_image_of(scenes[2]).pk


def test_hashes_that_are_up_to_date_cost_one_query_of_no_rows(
    scenes: list[Image], django_assert_num_queries
) -> None:
    now = 0.0
    known = catalogue_hashes.CatalogueHashes(clock=lambda: now)
    known.refresh()
    now = 601.0
    known.refresh()  # nothing can be committed late any more

    with django_assert_num_queries(1) as asked:
        known.refresh()

    last = Region.objects.latest("pk").pk
    assert f'"id" > {last}' in asked.captured_queries[0]["sql"]
    assert len(known) == 5


def test_a_region_that_is_committed_late_is_found_within_seconds(scenes: list[Image]) -> None:
    row = first_row()
    Region.objects.filter(pk=row["id"]).delete()
    now = 0.0
    known = catalogue_hashes.CatalogueHashes(clock=lambda: now)
    known.refresh()
    assert len(known) == 4

    Region.objects.create(**row)  # under an id below others that are known
    now = 4.0
    known.refresh()
    assert len(known) == 4
    now = 5.0
    known.refresh()

    hashes = np.tile(np.frombuffer(row["pdq"], np.uint8), (8, 1))
    [found] = known.find_near_identical(hashes, limit=9)
    assert found == row["id"]


def test_a_late_region_is_found_even_if_nobody_searches_meanwhile(scenes: list[Image]) -> None:
    row = first_row()
    Region.objects.filter(pk=row["id"]).delete()
    now = 0.0
    known = catalogue_hashes.CatalogueHashes(clock=lambda: now)
    known.refresh()
    Region.objects.create(**row)

    now = 100_000.0
    known.refresh()

    assert len(known) == 5


def test_only_what_searches_for_copies_loads_the_hashes(
    scenes: list[Image], weights: list[str]
) -> None:
    query_tasks.warm_up(pictures=1, has_hashes=False)
    assert len(catalogue_hashes.get()) == 0

    query_tasks.warm_up(pictures=1, has_hashes=True)
    assert len(catalogue_hashes.get()) == len(scenes)


def first_row() -> dict[str, Any]:
    """All fields of the region with the least id."""
    return Region.objects.order_by("pk").values()[0]


def hash_of(image: Image) -> np.ndarray:
    return np.frombuffer(full_image_of(image).pdq, np.uint8)


def test_a_hundred_dead_hashes_hide_no_living_one(
    scenes: list[Image], add_image: AddImage, loaded: Loaded
) -> None:
    image = add_image(encoded(Pillow.fromarray(scene(11))))
    index_all([image.pk], loaded)
    catalogue_hashes.get().refresh()
    region = full_image_of(image)
    for _ in range(100):  # indexed again and again, the same hash under another id
        row = {"x1": 9, "y1": 9, "x0": 0, "y0": 0, "pdq": region.pdq, "pdq_quality": 100}
        Region.objects.create(image=image, kind="panel", ordinal=0, **row)
        catalogue_hashes.get().refresh()
        image.regions.filter(kind="panel").delete()
    catalog.request_indexing(Image.objects.filter(pk=image.pk))
    index_all([image.pk], loaded)

    [copy] = find_copies(upright(scene(11)), [])

    assert copy.region_id == full_image_of(image).pk


def test_an_image_deleted_while_it_is_described_leaves_no_files_of_its_parts(
    add_image: AddImage, loaded: Loaded, media: Path
) -> None:
    boxes, size = grid(2, 1, cell=(320, 240), gutter=20, margin=20)
    image = add_image(encoded(Pillow.fromarray(collage(boxes, size, seed=3))))

    def delete_it(_: Pillow.Image) -> None:
        catalog.request_deletion(Image.objects.filter(pk=image.pk))
        catalog.delete_image(image.pk)

    encoder = fakes.GridEncoder(fault=delete_it)
    index_all([image.pk], with_encoder(loaded, encoder))

    assert list(storage.list_names(storage.THUMBNAILS)) == []
    assert loaded.index.count() == 0
