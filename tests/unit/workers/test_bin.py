"""The bin as workers meet it: restored without a model, and purged to the last byte."""

import json
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from PIL import Image as Pillow

from catalog import services as catalog
from catalog.audit import audit
from catalog.models import Image, Region
from tests import fakes
from tests.conftest import AddImage, Broker
from tests.pictures import encoded
from tests.unit.ml.copies.scenes import scene
from tests.unit.ml.panels.pictures import collage, grid
from tests.unit.workers.conftest import index_all
from workers import catalogue_hashes
from workers.app import app
from workers.model_pool import Loaded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def images(add_image: AddImage, loaded: Loaded, broker: Broker) -> list[Image]:
    """Two scenes and a collage, indexed with their panels, hashes and features."""
    pictures = [Pillow.fromarray(scene(seed)) for seed in range(2)]
    boxes, size = grid(2, 2, cell=(320, 240), gutter=20, margin=20)
    pictures.append(Pillow.fromarray(collage(boxes, size, seed=2)))
    images = [add_image(encoded(picture)) for picture in pictures]
    index_all([image.pk for image in images], loaded)
    return images


def work(broker: Broker) -> None:
    """Run what waits in the maintenance queue."""
    app.loader.import_default_modules()
    for message in broker.take("maintenance"):
        app.tasks[message.name](**json.loads(json.dumps(message.arguments)))


def found_by_vectors(loaded: Loaded) -> set[UUID]:
    query = fakes.embed(fakes.Image.new("RGB", (9, 9), (90, 90, 90)))[None]
    [hits] = loaded.index.search(query, k=100)
    return {hit.image_id for hit in hits}


def found_by_hash(image: Image) -> set[UUID]:
    pdq = Region.objects.get(image=image, kind="whole").pdq
    row = np.frombuffer(bytes(pdq), np.uint8)
    hashes = catalogue_hashes.get()
    hashes.refresh()
    near = hashes.find_near_identical(np.tile(row, (8, 1)), limit=9)
    return {region.image_id for region in near.values()}


def test_a_restored_image_is_found_again_as_it_was_and_no_model_runs(
    images: list[Image], loaded: Loaded, broker: Broker
) -> None:
    catalogue_hashes.get.cache_clear()
    first, *others = images
    everything = {image.pk for image in images}
    assert found_by_vectors(loaded) == everything
    assert found_by_hash(first) == {first.pk}
    points = set(loaded.index.scroll())
    passes = len(loaded.encoder.batches)

    catalog.move_to_bin(Image.objects.filter(pk=first.pk))
    assert found_by_hash(first) == set()  # at once
    work(broker)
    assert found_by_vectors(loaded) == {image.pk for image in others}

    catalog.restore(Image.objects.filter(pk=first.pk))
    assert found_by_hash(first) == {first.pk}
    work(broker)
    assert found_by_vectors(loaded) == everything

    assert len(loaded.encoder.batches) == passes
    assert set(loaded.index.scroll()) == points
    assert Image.objects.get(pk=first.pk).status == Image.Status.INDEXED
    assert audit().differences == {}


def test_what_waits_is_described_in_the_bin_and_found_by_nobody(
    add_image: AddImage, loaded: Loaded, broker: Broker
) -> None:
    image = add_image(encoded(Pillow.fromarray(scene(7))))
    catalog.move_to_bin(Image.objects.all())

    index_all([image.pk], loaded)

    assert loaded.index.count() > 0
    assert found_by_vectors(loaded) == set()
    catalog.restore(Image.objects.all())
    work(broker)
    assert found_by_vectors(loaded) == {image.pk}


def files(media: Path) -> set[str]:
    return {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}


def test_a_purge_leaves_nothing(
    images: list[Image], loaded: Loaded, broker: Broker, media: Path
) -> None:
    doomed = images[1:]
    catalog.move_to_bin(Image.objects.filter(pk__in=[image.pk for image in doomed]))
    work(broker)
    kept = images[0]
    own = {name for name in files(media) if kept.sha256 in name}
    assert files(media) > own
    assert {kind for (kind,) in Region.objects.filter(image__in=doomed).values_list("kind")} == {
        "whole",
        "panel",
    }

    assert catalog.purge(Image.objects.all()) == 2
    catalog.redelete_stalled()
    work(broker)

    assert files(media) == own
    assert {image_id for _, image_id in loaded.index.scroll()} == {kept.pk}
    assert [image.pk for image in Image.objects.all()] == [kept.pk]
    assert set(Region.objects.values_list("image", flat=True)) == {kept.pk}
    found = audit()
    assert (found.differences, found.images["binned"]) == ({}, 0)
