"""What the search asks the query workers, who have the models."""

from collections.abc import Mapping, Sequence

from jobs import dispatch
from kernel import task_names
from kernel.errors import FileMissing, GoneError, TransientError
from kernel.task_messages import (
    Box,
    ComparedRegion,
    ComparedRegions,
    CompareRegionsRequest,
    EmbeddedWords,
    EmbedWordsRequest,
    ErrorAnswer,
    ExtractedQuery,
    ExtractQueryRequest,
    FindCopiesRequest,
    FoundCopies,
    JsonObject,
    StoredQuery,
)

# Of the time that an answer is waited for, the share in which copies are proved: what is proved
# then still has to get here.
_PROVING_SHARE = 0.9


def extract_query(
    query: StoredQuery,
    *,
    box: Box | None,
    encoder_version: int,
    timeout_s: float,
    is_segmented: bool = False,
    is_compared: bool = False,
    panels: tuple[Box, ...] | None = None,
) -> ExtractedQuery:
    """Have a worker segment a query and extract the embeddings of its regions, or of one box.

    Args:
        query: the picture.
        box: the one box; None is all regions.
        encoder_version: that the embeddings have to be of.
        timeout_s: how long the answer is waited for.
        is_segmented: whether its regions are known; then the answer may have none.
        is_compared: whether `find_copies` follows.
        panels: where they are known to be, as `ExtractQueryRequest` has it.

    Raises:
        UserInputError: the picture cannot be read to its end; "search:user:bad-box".
        GoneError: "search:user:query-expired".
        TransientError: no worker or no broker; "encoder:transient:changing".
        DefectError: ours.
    """
    request = ExtractQueryRequest(query, box, is_segmented, is_compared, panels)
    answer = _ask(task_names.EXTRACT_QUERY, query, request.to_json(), timeout_s=timeout_s)
    extracted = ExtractedQuery.from_json(answer, box=box)
    if extracted.encoder_version != encoder_version:
        raise TransientError("encoder:transient:changing")
    return extracted


def embed_words(words: str, *, encoder_version: int, timeout_s: float) -> EmbeddedWords:
    """Have a worker embed words in the space of the catalogue's pictures.

    Args:
        words: in any script.
        encoder_version: that the embedding has to be of.
        timeout_s: how long the answer is waited for.

    Raises:
        UserInputError: "search:user:no-words".
        TransientError: no worker or no broker; "encoder:transient:changing".
        DefectError: ours.
    """
    answer = _ask(
        task_names.EMBED_WORDS, None, EmbedWordsRequest(words).to_json(), timeout_s=timeout_s
    )
    embedded = EmbeddedWords.from_json(answer)
    if embedded.encoder_version != encoder_version:
        raise TransientError("encoder:transient:changing")
    return embedded


def find_copies(
    query: StoredQuery,
    regions: Sequence[ComparedRegion],
    *,
    max_near_identical: int,
    hidden_albums: Sequence[int],
    timeout_s: float,
) -> FoundCopies:
    """Have a worker prove copies, among candidates and among all hashes of the catalogue.

    Args:
        query: the picture.
        regions: of it, each with the candidates that it is compared with.
        max_near_identical: regions compared with each because their hash is near its own.
        hidden_albums: ids of albums whose images are none of these: whoever asks may not see them.
        timeout_s: how long the answer is waited for.

    Raises:
        UserInputError, GoneError, TransientError, DefectError: as `extract_query`.
    """
    request = FindCopiesRequest(
        query=query,
        regions=tuple(regions),
        max_near_identical=max_near_identical,
        hidden_albums=tuple(hidden_albums),
        timeout_s=_PROVING_SHARE * timeout_s,
    )
    answer = _ask(task_names.FIND_COPIES, query, request.to_json(), timeout_s=timeout_s)
    return FoundCopies.from_json(answer, regions=len(regions))


def compare_regions(
    query: StoredQuery, box: Box, region_id: int, *, encoder_version: int, timeout_s: float
) -> ComparedRegions:
    """Have a worker compare one region of a query with one of an image.

    Args:
        query: the picture.
        box: the region of it.
        region_id: the row of the image's.
        encoder_version: that has to look at both.
        timeout_s: how long the answer is waited for.

    Raises:
        UserInputError, GoneError, TransientError, DefectError: as `extract_query`.
    """
    request = CompareRegionsRequest(
        query, box, region_id, encoder_version, timeout_s=_PROVING_SHARE * timeout_s
    )
    answer = _ask(task_names.COMPARE_REGIONS, query, request.to_json(), timeout_s=timeout_s)
    return ComparedRegions.from_json(answer)


def _ask(
    name: str, query: StoredQuery | None, arguments: Mapping[str, object], *, timeout_s: float
) -> JsonObject:
    answer = dispatch.ask(name, timeout_s=timeout_s, **arguments)
    if not ErrorAnswer.is_one(answer):
        return answer
    error = ErrorAnswer.from_json(answer).error
    # The query's: no other file is one that these tasks need.
    is_kept = query is not None and query.original_sha256 is None
    if isinstance(error, FileMissing) and is_kept:
        raise GoneError("search:user:query-expired") from error
    raise error
