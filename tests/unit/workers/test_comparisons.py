"""A pair that a person doubts: points that agree, and cells that are alike."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from catalog import storage
from catalog.models import Image
from kernel.task_messages import ComparedRegions, ErrorAnswer
from ml.encoders.base import FeatureMap
from search import query_files
from tests import fakes
from tests.pictures import corners, encoded, noise
from tests.unit.ml.copies import scenes
from workers import comparisons, model_pool
from workers.model_pool import Loaded
from workers.tasks import query as query_tasks

pytestmark = pytest.mark.django_db(transaction=True)


class MappingEncoder(fakes.GridEncoder):
    """A cell of a map is the mean colour of a quarter of the picture, made unit."""

    def feature_maps(self, images: Sequence[Pillow.Image]) -> list[FeatureMap]:
        return [self._map(image) for image in images]

    def _map(self, image: Pillow.Image) -> FeatureMap:
        cells = np.asarray(image.resize((2, 2), Pillow.Resampling.BOX), np.float32)
        unit = cells / np.linalg.norm(cells, axis=2, keepdims=True)
        return FeatureMap(unit, (0.0, 0.0, 1.0, 1.0))


@pytest.fixture
def ask(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Compare two files as the web asks for it, through JSON."""

    def ask(query: bytes, image: Image, size: tuple[int, int], *, encoder=None, **more: object):
        chosen = Loaded(
            loaded.version, encoder or fakes.GridEncoder(), loaded.detector, loaded.index
        )
        monkeypatch.setattr(model_pool, "get", lambda: chosen)
        arguments = {
            "query_id": str(query_files.write(query)),
            "width": size[0],
            "height": size[1],
            "box": [0, 0, *size],
            "region_id": image.regions.get(kind="whole").pk,
            "encoder_version": loaded.version.id,
            "within_s": 30.0,
        } | more
        answer = query_tasks.compare_regions(**json.loads(json.dumps(arguments)))
        return json.loads(json.dumps(answer))

    return ask


@pytest.fixture
def stored(media, add_image) -> Callable[[bytes], Image]:
    def stored(data: bytes) -> Image:
        image = add_image(data)
        image.regions.create(kind="whole", ordinal=0, x0=0, y0=0, x1=image.width, y1=image.height)
        return image

    return stored


def test_alike_cells_are_told_with_where_they_lie(ask, stored) -> None:
    # given quarters of four colours, and the same upside down
    picture = corners(64, 32)
    image = stored(encoded(picture.transpose(Pillow.Transpose.FLIP_TOP_BOTTOM)))

    answer = ask(encoded(picture), image, (64, 32), encoder=MappingEncoder())

    found = ComparedRegions.from_json(answer)
    assert (found.points_needed, found.cells.query.rows, found.cells.query.columns) == (8, 2, 2)
    assert found.cells.query.box == (0, 0, 64, 32)
    pairs = np.frombuffer(found.cells.likeness, np.uint8).reshape(4, 4)
    assert pairs.argmax(axis=1).tolist() == [2, 3, 0, 1]
    assert pairs.max(axis=1).tolist() == [255] * 4


def test_a_box_of_the_query_has_its_cells_inside(ask, stored) -> None:
    image = stored(encoded(corners(64, 32)))

    answer = ask(
        encoded(corners(64, 32)), image, (64, 32), encoder=MappingEncoder(), box=[32, 0, 64, 16]
    )

    assert answer["cells"]["query"]["box"] == [32, 0, 64, 16]
    assert answer["cells"]["image"]["box"] == [0, 0, 64, 32]


def test_an_encoder_without_maps_says_so(ask, stored) -> None:
    image = stored(encoded(corners()))

    assert ask(encoded(corners()), image, (64, 32))["cells"] is None


def test_points_that_agree_are_counted(ask, stored, rng) -> None:
    scene = Pillow.fromarray(scenes.scene(3))
    other = noise(rng, 200, 150)

    copy = ask(encoded(scene), stored(encoded(scene)), scene.size)
    different = ask(encoded(scene), stored(encoded(other)), scene.size)

    assert copy["points"] >= 40
    assert different["points"] < different["points_needed"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"region_id": 10**6}, "search:user:no-region"),
        ({"encoder_version": 10**6}, "encoder:transient:changing"),
        ({"box": [0, 0, 65, 32]}, "search:user:bad-box"),
        ({"within_s": -1.0}, "search:transient:no-answer"),
        ({"box": None}, "messages:ours:malformed"),
    ],
    ids=["no region", "another encoder", "box", "late", "malformed"],
)
def test_what_cannot_be_compared_is_answered_with_a_code(ask, stored, more, code) -> None:
    answer = ask(encoded(corners()), stored(encoded(corners())), (64, 32), **more)

    assert ErrorAnswer.from_json(answer).code == code


def test_an_original_that_is_lost_is_not_taken_for_an_expired_query(ask, stored) -> None:
    image = stored(encoded(corners()))
    storage.delete(storage.original_name(image.sha256))

    answer = ask(encoded(corners()), image, (64, 32))

    assert ErrorAnswer.from_json(answer).code == "search:user:no-region"


def test_the_answer_is_bounded() -> None:
    side = 16
    cells = FeatureMap(np.ones((side, side, 3), np.float32), (0.0, 0.0, 1.0, 1.0))

    found = comparisons._alike_cells([cells, cells], (comparisons.Box(0, 0, 9, 9),) * 2)

    assert len(found.likeness) == side**4
