"""Each message against its JSON, written by hand; and each damage that one may have."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from kernel.errors import (
    AppError,
    ConflictError,
    DefectError,
    FileMissing,
    TransientError,
    UserInputError,
)
from kernel.task_messages import (
    AlikeCells,
    CellGrid,
    ComparedRegion,
    ComparedRegions,
    CompareRegionsRequest,
    Copy,
    EmbeddedWords,
    EmbedWordsRequest,
    ErrorAnswer,
    ExtractedQuery,
    ExtractQueryRequest,
    FindCopiesRequest,
    FoundCopies,
    MalformedMessage,
    Overlap,
    QueryRegion,
    RegionHash,
    StoredQuery,
    WarmUpRequest,
)
from ml.rules.layout import Layout
from ml.rules.media import Medium
from tests.unit.kernel.task_messages import wire
from tests.unit.kernel.task_messages.wire import changed, paths, sent, without

QUERY = StoredQuery(UUID(wire.QUERY_ID), 60, 40)
BOX = (30, 0, 60, 40)
REGIONS = (
    QueryRegion("whole", 0, (0, 0, 60, 40)),
    QueryRegion("object", 1, (5, 6, 7, 8), label="dog", confidence=0.75),
)
CORNERS = ((60, 0), (0, 0.5), (0, 40), (60, 40))
OVERLAP = Overlap(40, True, query_percent=90.5, image_percent=31.0)
EDITED = Copy(7, False, False, None, CORNERS, OVERLAP)
SAME = Copy(8, True, False, 3, CORNERS, None)
HASHES = (RegionHash(bytes(range(32)), 88), None)

# Every message that has an oracle: what it is, its JSON, and how that is read.
MESSAGES = {
    "extract_query": (
        ExtractQueryRequest(
            QUERY, BOX, is_segmented=True, is_compared=True, panels=((0, 0, 30, 40), BOX)
        ),
        wire.EXTRACT_QUERY,
        ExtractQueryRequest.from_json,
    ),
    "find_copies": (
        FindCopiesRequest(
            QUERY,
            (ComparedRegion((0, 0, 30, 40), (7, 9)), ComparedRegion(BOX, ())),
            max_near_identical=48,
            timeout_s=12.5,
            hidden_albums=(3, 5),
        ),
        wire.FIND_COPIES,
        FindCopiesRequest.from_json,
    ),
    "embed_words": (
        EmbedWordsRequest("рыжий кот"),
        wire.EMBED_WORDS,
        EmbedWordsRequest.from_json,
    ),
    "compare_regions": (
        CompareRegionsRequest(QUERY, BOX, region_id=7, encoder_version=3, timeout_s=12.5),
        wire.COMPARE_REGIONS,
        CompareRegionsRequest.from_json,
    ),
    "compared": (
        ComparedRegions(
            points=5,
            points_needed=8,
            cells=AlikeCells(
                CellGrid(1, 2, (30, 0, 60.5, 40)),
                CellGrid(2, 1, (0, 0, 8, 9)),
                bytes([0, 1, 127, 255]),
            ),
            model_ms=4.0,
        ),
        wire.COMPARED,
        ComparedRegions.from_json,
    ),
    "warm_up": (WarmUpRequest(16, False), wire.WARM_UP, WarmUpRequest.from_json),
    "copies": (
        FoundCopies(((EDITED, SAME), ()), (True, False), ((), (9, 11)), HASHES, 4.0),
        wire.COPIES,
        lambda value: FoundCopies.from_json(value, regions=2),
    ),
    "error": (
        ErrorAnswer("encoder:transient:weights-unavailable", {"detail": "why"}),
        wire.ERROR,
        ErrorAnswer.from_json,
    ),
}
REQUESTS = {"compare_regions", "extract_query", "find_copies", "embed_words", "warm_up"}


def extracted(value: object) -> ExtractedQuery:
    return ExtractedQuery.from_json(value, box=None)


READERS = {name: (json, read) for name, (_, json, read) in MESSAGES.items()}
READERS["extracted"] = (wire.EXTRACTED, extracted)
READERS["embedded_words"] = (wire.EMBEDDED_WORDS, EmbeddedWords.from_json)
# What an error's sentence names is free.
FIELDS = [
    (name, path)
    for name, (json, _) in READERS.items()
    for path in paths(json)
    if not path.startswith("context.")
]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_written_and_read_as_agreed(name: str) -> None:
    message, json, read = MESSAGES[name]

    assert sent(message.to_json()) == json
    assert read(json) == message


def test_a_request_for_all_regions_has_no_box() -> None:
    request = ExtractQueryRequest(QUERY, None)

    assert request.to_json() == {
        **wire.QUERY,
        "box": None,
        "is_segmented": False,
        "is_compared": False,
        "panels": None,
    }
    assert ExtractQueryRequest.from_json({**wire.QUERY, "box": None}) == request


def test_a_picture_of_the_catalogue_is_named_by_its_content_too() -> None:
    query = replace(QUERY, original_sha256="ab" * 32)

    assert query.to_json() == {**wire.QUERY, "original_sha256": "ab" * 32}
    assert StoredQuery.from_json(query.to_json()) == query
    assert QUERY.to_json() == wire.QUERY


# Embeddings


def test_embeddings_of_all_regions_cross_bit_by_bit() -> None:
    rows = np.array([[0.5, -0.5, 1.0], [0.25, 0.0, -1.0]], np.float32)

    middle = np.array([0.0, 0.5, 1.0], np.float32)
    written = ExtractedQuery(
        3,
        Layout.COLLAGE,
        REGIONS,
        None,
        rows,
        (True, False),
        12.5,
        Medium.SKETCH,
        middle,
    ).to_json()
    read = extracted(wire.EXTRACTED)

    assert sent(written) == wire.EXTRACTED
    assert (read.encoder_version, read.layout, read.model_ms) == (3, Layout.COLLAGE, 12.5)
    assert read.regions == read.searched == REGIONS
    assert (read.embeddings.dtype, read.embeddings.tolist()) == (np.float32, rows.tolist())
    assert (read.middle.dtype, read.middle.tolist()) == (np.float32, middle.tolist())


def test_the_embedding_of_a_box_is_one_whatever_regions_there_are() -> None:
    read = ExtractedQuery.from_json(
        {**wire.EXTRACTED, "are_plain": [True], "middle": None}, box=BOX
    )

    assert read.regions == REGIONS
    assert read.searched == (QueryRegion("box", 0, BOX),)
    assert read.embeddings.tolist() == [[0.5, -0.5, 1.0, 0.25, 0.0, -1.0]]
    assert read.are_plain == (True,)


def test_the_embedding_of_words_crosses_bit_by_bit() -> None:
    row = np.array([0.5, -0.5, 1.0], np.float32)

    read = EmbeddedWords.from_json(wire.EMBEDDED_WORDS)

    assert sent(EmbeddedWords(3, row, 8.5).to_json()) == wire.EMBEDDED_WORDS
    assert (read.encoder_version, read.model_ms) == (3, 8.5)
    assert (read.embedding.dtype, read.embedding.tolist()) == (np.float32, row.tolist())


def test_an_earlier_release_calls_nothing_plain() -> None:
    assert extracted(without(wire.EXTRACTED, "are_plain")).are_plain == (False, False)


def test_an_earlier_release_knows_no_middle() -> None:
    assert extracted(without(wire.EXTRACTED, "middle")).middle is None


def test_a_middle_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="middle"):
        extracted({**wire.EXTRACTED, "middle": wire.embeddings(0.5, 1.0)})


def test_an_earlier_release_tells_no_medium() -> None:
    assert extracted(wire.EXTRACTED).medium is Medium.SKETCH
    assert extracted(without(wire.EXTRACTED, "medium")).medium is Medium.UNKNOWN


def test_a_medium_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedMessage):
        extracted({**wire.EXTRACTED, "medium": "oil"})


def test_an_earlier_release_knows_no_shared_designs() -> None:
    copies = [
        [without(copy, "is_shared_design") for copy in each] for each in wire.COPIES["copies"]
    ]

    read = FoundCopies.from_json({**wire.COPIES, "copies": copies}, regions=2)

    assert read == FoundCopies.from_json(wire.COPIES, regions=2)


@pytest.mark.parametrize(
    ("regions", "text"),
    [
        (wire.EXTRACTED["regions"], wire.embeddings(1.0, 2.0, 3.0)),
        (wire.EXTRACTED["regions"], ""),
        (wire.EXTRACTED["regions"], "AAA="),
        ([], wire.embeddings(1.0)),
        (wire.EXTRACTED["regions"], "no base64!"),
        (wire.EXTRACTED["regions"], "ü"),
    ],
    ids=["three for two", "none", "two bytes", "no regions", "no base64", "no ascii"],
)
def test_embeddings_that_do_not_fit_the_regions_are_refused(regions: list, text: str) -> None:
    with pytest.raises(MalformedMessage, match="embeddings: "):
        extracted({**wire.EXTRACTED, "regions": regions, "embeddings": text})


# Damage


# What an earlier release does not say.
LATER = {("extract_query", "is_segmented"), ("extract_query", "is_compared"), ("copies", "checked")}
LATER |= {("extract_query", "panels"), ("extracted", "are_plain"), ("copies", "unchecked_ids")}
LATER |= {("copies", "hashes"), ("extracted", "medium"), ("extracted", "middle")}
LATER |= {("copies", f"copies.0.{index}.is_shared_design") for index in (0, 1)}


@pytest.mark.parametrize(
    ("name", "path"), [each for each in FIELDS if each[0] != "warm_up" and each not in LATER]
)
def test_a_field_that_is_missing_is_named(name: str, path: str) -> None:
    json, read = READERS[name]

    with pytest.raises(DefectError) as caught:
        read(without(json, path))

    assert caught.value.code == "messages:ours:malformed"
    *parents, last = path.split(".")
    assert caught.value.context == {"detail": ": ".join([*parents, f"{last} is missing"])}


@pytest.mark.parametrize(
    ("name", "path"),
    FIELDS,
)
def test_a_field_of_another_type_is_refused(name: str, path: str) -> None:
    json, read = READERS[name]

    with pytest.raises(MalformedMessage) as caught:
        read(changed(json, path, b"of no type that JSON has"))

    assert caught.value.detail.startswith(f"{path.replace('.', ': ')}: ")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("extracted", "later"),
        ("extracted", "regions.1.later"),
        ("copies", "later"),
        ("copies", "copies.0.0.later"),
        ("copies", "copies.0.0.overlap.later"),
        ("find_copies", "parts.0.later"),
        ("error", "later"),
    ],
)
def test_a_field_of_a_newer_release_is_passed_over(name: str, path: str) -> None:
    json, read = READERS[name]

    # As JSON, since arrays compare element by element.
    assert read(changed(json, path, 1)).to_json() == read(json).to_json()


def test_an_answer_that_does_not_say_what_was_checked_checked_all() -> None:
    read = FoundCopies.from_json(without(wire.COPIES, "checked"), regions=2)

    assert read == FoundCopies(((EDITED, SAME), ()), (True, True), ((), (9, 11)), HASHES, 4.0)


def test_an_answer_of_an_earlier_release_says_no_hash() -> None:
    read = FoundCopies.from_json(without(wire.COPIES, "hashes"), regions=2)

    assert read.hashes == (None, None)


@pytest.mark.parametrize("pdq", ["", "00", "x" * 64], ids=["none", "short", "no hexadecimal"])
def test_what_is_no_hash_is_refused(pdq: str) -> None:
    with pytest.raises(MalformedMessage, match="pdq"):
        FoundCopies.from_json(changed(wire.COPIES, "hashes.0.pdq", pdq), regions=2)


def test_a_web_that_does_not_say_what_it_knows_knows_no_regions() -> None:
    earlier = {**wire.QUERY, "box": list(BOX)}

    read = ExtractQueryRequest.from_json(earlier)

    assert read == ExtractQueryRequest(
        QUERY, BOX, is_segmented=False, is_compared=False, panels=None
    )


def test_a_picture_that_is_known_to_be_a_single_one_has_no_panels() -> None:
    request = ExtractQueryRequest(QUERY, None, panels=())

    assert sent(request.to_json())["panels"] == []
    assert ExtractQueryRequest.from_json(sent(request.to_json())) == request


@pytest.mark.parametrize("checked", [[True], [True, True, True]], ids=["one", "three"])
def test_an_answer_for_another_number_of_regions_is_refused(checked: list[bool]) -> None:
    with pytest.raises(MalformedMessage, match="checked: a list of 2"):
        FoundCopies.from_json({**wire.COPIES, "checked": checked}, regions=2)


def test_a_warm_up_without_arguments_is_of_one_picture_and_with_hashes() -> None:
    assert WarmUpRequest.from_json({}) == WarmUpRequest(pictures=1, has_hashes=True)


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_an_argument_of_a_newer_web_is_passed_over(name: str) -> None:
    message, json, read = MESSAGES[name]

    assert read({**json, "later": 1}) == message


@pytest.mark.parametrize(
    ("name", "path", "value", "detail"),
    [
        ("extract_query", "query_id", "7", "query_id: a UUID is expected, not '7'"),
        ("extract_query", "width", True, "width: a whole number is expected, not True"),
        ("extract_query", "height", 40.0, "height: a whole number is expected, not 40.0"),
        ("extract_query", "box", [0, 0, 1], "box: a list of 4 is expected, not [0, 0, 1]"),
        ("extract_query", "box", [0, 0, 1, "2"], "box: 3: a whole number is expected, not '2'"),
        ("extracted", "layout", "poster", None),
        ("extracted", "regions.0.kind", "box", None),
        ("extracted", "regions.0", [], "regions: 0: an object is expected, not []"),
        ("extracted", "model_ms", float("nan"), "model_ms: a finite number is expected, not nan"),
        ("extracted", "model_ms", True, "model_ms: a number is expected, not True"),
        ("copies", "copies", [[]], "copies: a list of 2 is expected, not [[]]"),
        ("copies", "copies.0.0.outline", [[0, 0]] * 3, None),
        ("copies", "copies.0.0.is_near_identical", 1, None),
        ("copies", "copies.0.0.is_shared_design", 0, None),
        ("error", "error", "broken", "error: 'broken' is no error's code"),
        ("error", "error", "a:nobodys:b", "error: 'a:nobodys:b' is no error's code"),
    ],
)
def test_a_value_that_is_not_what_it_should_be_is_refused(
    name: str, path: str, value: object, detail: str | None
) -> None:
    json, read = READERS[name]

    with pytest.raises(MalformedMessage) as caught:
        read(changed(json, path, value))

    assert detail in (None, caught.value.detail)


@pytest.mark.parametrize("value", [None, [], "text", 7], ids=["null", "list", "text", "number"])
def test_an_answer_that_is_no_object_is_refused(value: object) -> None:
    for read in (extracted, ErrorAnswer.from_json):
        with pytest.raises(MalformedMessage, match="an object is expected"):
            read(value)


# Errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserInputError("image:user:broken", detail="why"), "image:user:broken"),
        (ConflictError("a:conflict:b", detail="why"), "a:conflict:b"),
        (TransientError("a:transient:b", detail="why"), "a:transient:b"),
        (DefectError("encoder:ours:failed", detail="why"), "encoder:ours:failed"),
        (FileMissing(detail="why"), "storage:ours:file-missing"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, AppError) else None,
)
def test_an_error_is_of_its_class_again_on_the_other_side(error: AppError, code: str) -> None:
    answer = sent(ErrorAnswer.of(error).to_json())

    assert answer == {"error": code, "context": {"detail": "why"}}
    again = ErrorAnswer.from_json(answer).error
    assert (type(again), again.code, again.context) == (type(error), code, {"detail": "why"})


@pytest.mark.parametrize(("answer", "expected"), [(wire.ERROR, True), (wire.EXTRACTED, False)])
def test_an_error_is_told_from_an_answer(answer: dict, expected: bool) -> None:
    assert ErrorAnswer.is_one(answer) is expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cells.query.rows", 0),
        ("cells.query.columns", 17),
        ("cells.likeness", "AAF/"),
        ("cells.likeness", "not base64!"),
    ],
)
def test_cells_that_are_no_grids_are_refused(path, value):
    with pytest.raises(MalformedMessage):
        ComparedRegions.from_json(changed(wire.COMPARED, path, value))
