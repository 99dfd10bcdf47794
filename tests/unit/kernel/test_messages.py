import string
from pathlib import Path

import pytest
from django.utils.translation import override

from kernel.messages import known_codes, sentence

CODES = sorted(known_codes())
RUSSIAN = Path(__file__).parents[3] / "platform/config/locale/ru/LC_MESSAGES/django.mo"
RESPONSIBILITIES = {"user", "conflict", "transient", "ours"}
EVERY_VALUE = {"folder": "/a", "detail": "why", "choice": "clip", "setting": "x", "recorded": "y"}


@pytest.mark.parametrize("code", CODES)
def test_a_code_names_area_responsibility_and_what(code: str) -> None:
    area, responsibility, what = code.split(":")

    assert area
    assert responsibility in RESPONSIBILITIES
    assert set(what) <= set(string.ascii_lowercase + "-")


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_reads_well_with_and_without_values(code: str) -> None:
    for said in (sentence(code), sentence(code, **EVERY_VALUE)):
        assert said == said.strip()
        assert said[0].isupper()
        assert "{" not in said
        assert code not in said


@pytest.mark.parametrize(
    ("code", "context", "expected"),
    [
        ("image:user:too-large", {}, "The file is larger than 50 MB."),
        ("image:user:too-many-pixels", {}, "The picture has more than 100 megapixels."),
        ("image:user:too-many-frames", {"frames": 2}, "The picture has more than 1000 frames."),
        ("folder:user:missing", {"folder": "/x {y}"}, "There is no folder or file /x {y}."),
        ("encoder:ours:unknown", {}, "ENCODER names no encoder."),
    ],
    ids=lambda value: value if isinstance(value, str) and ":" in value else None,
)
def test_sentences_name_limits_and_values(code: str, context: dict, expected: str) -> None:
    assert sentence(code, **context) == expected


def test_the_limits_are_those_of_the_settings(settings) -> None:
    settings.UPLOAD_MAX_BYTES = 3 * 1024 * 1024
    settings.UPLOAD_MAX_PIXELS = 12_000_000

    assert sentence("image:user:too-large") == "The file is larger than 3 MB."
    assert sentence("image:user:too-many-pixels") == "The picture has more than 12 megapixels."


def test_an_unknown_code_is_shown_so_that_it_can_be_searched_for() -> None:
    said = sentence("vectors:ours:unknown-collection", collection="regions")

    assert said == "Something went wrong on our side (vectors:ours:unknown-collection)."


@pytest.mark.skipif(not RUSSIAN.exists(), reason="no compiled Russian translation")
@pytest.mark.parametrize("code", CODES)
def test_every_sentence_exists_in_russian(code: str) -> None:
    with override("ru"):
        said = sentence(code)

    assert any("а" <= letter <= "я" for letter in said.lower())
    assert said != sentence(code)
