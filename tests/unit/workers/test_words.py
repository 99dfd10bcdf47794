"""Words of a search, as the query worker embeds them, and the record of who knows any."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog.models import EncoderVersion
from kernel import task_names
from ml.encoders import registry
from tests.contract.encoder.checkpoints import save_clip
from worker_api.encoders import find_live
from workers import model_pool, prepare
from workers.app import app

pytestmark = pytest.mark.django_db


@pytest.fixture
def clip(version: EncoderVersion, tmp_path: Path, settings) -> Iterator[EncoderVersion]:
    """A catalogue whose encoder is a small CLIP."""
    settings.ENCODER_DEVICE = "cpu"
    choice = f"clip:{save_clip(tmp_path / 'small-clip')}"
    spec = registry.load(choice, device="cpu").spec
    version.choice, version.encoder, version.dim = choice, spec.name, spec.dim
    version.weights_sha256 = spec.weights_sha256
    version.preprocessing_sha256 = spec.preprocess.sha256()
    version.precision, version.probe = spec.precision, None
    version.detector, version.detector_weights_sha256 = "none", ""
    version.save()
    for cache in (model_pool._load, model_pool._load_words):
        cache.cache_clear()
    yield version
    for cache in (model_pool._load, model_pool._load_words):
        cache.cache_clear()


def embed_words(words: str) -> dict[str, object]:
    app.loader.import_default_modules()
    answer: dict[str, object] = app.tasks[task_names.EMBED_WORDS](words=words)
    return answer


def test_words_are_answered_with_their_embedding(clip: EncoderVersion) -> None:
    answer = embed_words("рыжий кот")

    assert answer["encoder_version"] == clip.pk
    row = np.frombuffer(base64.b64decode(str(answer["embedding"])), "<f4")
    [expected] = registry.load_words(clip.choice, device="cpu").embed_texts(["рыжий кот"])
    np.testing.assert_array_equal(row, expected)


def test_words_of_other_weights_are_refused(clip: EncoderVersion) -> None:
    EncoderVersion.objects.filter(pk=clip.pk).update(weights_sha256="f" * 64)

    answer = embed_words("a red car")

    assert answer["error"] == "encoder:ours:weights-changed"


def test_an_encoder_of_pictures_alone_says_so(version: EncoderVersion, weights: list[str]) -> None:
    EncoderVersion.objects.filter(pk=version.pk).update(choice="semblance_lite")
    model_pool._load_words.cache_clear()

    answer = embed_words("a red car")

    assert answer["error"] == "search:user:no-words"


def test_who_knows_words_is_recorded_once(clip: EncoderVersion) -> None:
    live = find_live()
    assert live is not None
    assert live.knows_words is None

    assert prepare._record_words(live).knows_words is True

    clip.refresh_from_db()
    assert clip.knows_words is True


def test_who_knows_none_is_recorded_too(version: EncoderVersion) -> None:
    EncoderVersion.objects.filter(pk=version.pk).update(choice="semblance_lite")
    live = find_live()
    assert live is not None

    assert prepare._record_words(live).knows_words is False

    version.refresh_from_db()
    assert version.knows_words is False


def test_while_the_weights_are_away_nobody_knows(
    clip: EncoderVersion, capsys: pytest.CaptureFixture
) -> None:
    EncoderVersion.objects.filter(pk=clip.pk).update(choice="clip:/nowhere/at-all")
    live = find_live()
    assert live is not None

    assert prepare._record_words(live).knows_words is None

    assert "found out at the next start" in capsys.readouterr().out


@pytest.mark.parametrize("searches", [True, False])
def test_words_are_ready_before_the_first_search_where_there_are_searches(
    clip: EncoderVersion, *, searches: bool
) -> None:
    EncoderVersion.objects.filter(pk=clip.pk).update(knows_words=True)
    app.loader.import_default_modules()

    app.tasks[task_names.WARM_UP](pictures=1, has_hashes=searches)

    assert model_pool._load_words.cache_info().currsize == (1 if searches else 0)
