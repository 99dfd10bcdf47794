"""Query tasks: a person waits for these. What they are asked and answer: `kernel.task_messages`."""

from collections.abc import Callable

from kernel import task_names
from kernel.errors import AppError
from kernel.task_messages import (
    CompareRegionsRequest,
    EmbedWordsRequest,
    ErrorAnswer,
    ExtractQueryRequest,
    FindCopiesRequest,
    JsonObject,
    WarmUpRequest,
)
from workers.app import app

_BLANK_SIZE = (320, 240)


@app.task(name=task_names.EXTRACT_QUERY, shared=False, ignore_result=False)
def extract_query(**arguments: object) -> JsonObject:
    """Answer an `ExtractQueryRequest` with an `ExtractedQuery`, or the error that it ended in."""
    from workers import queries

    return _answered(
        lambda: queries.extract_query(ExtractQueryRequest.from_json(arguments)).to_json()
    )


@app.task(name=task_names.FIND_COPIES, shared=False, ignore_result=False)
def find_copies(**arguments: object) -> JsonObject:
    """Answer a `FindCopiesRequest` with `FoundCopies`, or the error that it ended in."""
    from workers import queries

    return _answered(lambda: queries.find_copies(FindCopiesRequest.from_json(arguments)).to_json())


@app.task(name=task_names.COMPARE_REGIONS, shared=False, ignore_result=False)
def compare_regions(**arguments: object) -> JsonObject:
    """Answer a `CompareRegionsRequest` with `ComparedRegions`, or the error that it ended in."""
    from workers import comparisons

    return _answered(
        lambda: comparisons.compare_regions(CompareRegionsRequest.from_json(arguments)).to_json()
    )


@app.task(name=task_names.EMBED_WORDS, shared=False, ignore_result=False)
def embed_words(**arguments: object) -> JsonObject:
    """Answer an `EmbedWordsRequest` with `EmbeddedWords`, or the error that it ended in."""
    from workers import queries

    return _answered(lambda: queries.embed_words(EmbedWordsRequest.from_json(arguments)).to_json())


@app.task(name=task_names.WARM_UP, ignore_result=False, shared=False)
def warm_up(**arguments: object) -> str:
    """Load what this process needs, use it once, return what encoder it has.

    The first pass of a batch's shape prepares the kernels and takes the memory that later ones
    use: 1.1 s for 16 pictures here.

    Args:
        arguments: a `WarmUpRequest`.
    """
    from PIL import Image

    from kernel.database import patiently
    from workers import catalogue_hashes, model_pool
    from workers.policies import translated

    request = WarmUpRequest.from_json(arguments)
    blank = [Image.new("RGB", _BLANK_SIZE)] * request.pictures
    with translated():
        loaded = patiently(model_pool.get)
        loaded.detector.detect(blank)
        loaded.encoder.encode(blank)
    if request.has_hashes:  # who searches
        if loaded.version.knows_words:
            with translated():
                model_pool.words().embed_texts([loaded.version.choice])
        patiently(catalogue_hashes.get().refresh)
    return loaded.version.choice


def _answered(answer: Callable[[], JsonObject]) -> JsonObject:
    from workers.policies import translated

    try:
        with translated():
            return answer()
    except AppError as error:
        return ErrorAnswer.of(error).to_json()
