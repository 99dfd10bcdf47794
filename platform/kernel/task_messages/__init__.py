"""What the web and the query workers say to each other: each message a type, written down once.

A request becomes a task's arguments, an answer is what the task returns; both are JSON. A message
that lacks a field, or has one of another type, is refused with `MalformedMessage`; fields that
nobody asks for are passed over, so that either side may be a release ahead. Keys stay as they are
as long as a release that knows them may still run.
"""

from kernel.task_messages.comparison import (
    AlikeCells,
    CellGrid,
    ComparedRegions,
    CompareRegionsRequest,
)
from kernel.task_messages.copies import (
    ComparedRegion,
    Copy,
    FindCopiesRequest,
    FoundCopies,
    Outline,
    Overlap,
    RegionHash,
)
from kernel.task_messages.errors import ErrorAnswer
from kernel.task_messages.extraction import (
    ExtractedQuery,
    ExtractQueryRequest,
    QueryRegion,
)
from kernel.task_messages.fields import Box, JsonObject, MalformedMessage, Point
from kernel.task_messages.query import StoredQuery
from kernel.task_messages.warm_up import WarmUpRequest
from kernel.task_messages.words import EmbeddedWords, EmbedWordsRequest

__all__ = [
    "AlikeCells",
    "Box",
    "CellGrid",
    "CompareRegionsRequest",
    "ComparedRegion",
    "ComparedRegions",
    "Copy",
    "EmbedWordsRequest",
    "EmbeddedWords",
    "ErrorAnswer",
    "ExtractQueryRequest",
    "ExtractedQuery",
    "FindCopiesRequest",
    "FoundCopies",
    "JsonObject",
    "MalformedMessage",
    "Outline",
    "Overlap",
    "Point",
    "QueryRegion",
    "RegionHash",
    "StoredQuery",
    "WarmUpRequest",
]
