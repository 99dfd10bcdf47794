"""How the answer to a search is shown, to people and to programs."""

import base64
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from catalog.presenters import thumbnail_url
from search.services import ImageHit, SearchResult


@dataclass(frozen=True, slots=True)
class HitCard:
    """One hit on the page. `score` is the cosine; `bar` the same from 0 to 1, for the meter."""

    rank: int
    image_id: UUID
    title: str
    url: str
    thumbnail_url: str
    width: int
    height: int
    score: float
    bar: str
    is_identical: bool


@dataclass(frozen=True, slots=True)
class ResultPage:
    """The query as it was understood, and its hits, best first."""

    query_name: str
    query_thumbnail: str
    query_width: int
    query_height: int
    hits: tuple[HitCard, ...]
    encode_ms: float
    total_ms: float

    @property
    def total_s(self) -> float:
        """How long the person waited, in seconds."""
        return self.total_ms / 1000


def present_result(result: SearchResult, *, query_name: str) -> ResultPage:
    """Return what the page shows; the query picture travels inside it and is stored nowhere."""
    thumbnail = base64.b64encode(result.query.thumbnail).decode()
    return ResultPage(
        query_name=query_name,
        query_thumbnail=f"data:image/jpeg;base64,{thumbnail}",
        query_width=result.query.width,
        query_height=result.query.height,
        hits=tuple(_card(hit) for hit in result.hits),
        encode_ms=result.encode_ms,
        total_ms=result.total_ms,
    )


def _card(hit: ImageHit) -> HitCard:
    return HitCard(
        rank=hit.rank,
        image_id=hit.image.pk,
        title=str(hit.image),
        url=hit.image.get_absolute_url(),
        thumbnail_url=thumbnail_url(hit.image),
        width=hit.image.width,
        height=hit.image.height,
        score=hit.score,
        bar=f"{min(max(hit.score, 0.0), 1.0):.3f}",
        is_identical=hit.is_identical,
    )


def as_json(page: ResultPage) -> dict[str, Any]:
    """Return the same answer for a program."""
    return {
        "hits": [
            {
                "image_id": str(hit.image_id),
                "rank": hit.rank,
                "score": hit.score,
                "title": hit.title,
                "url": hit.url,
                "thumbnail_url": hit.thumbnail_url,
                "width": hit.width,
                "height": hit.height,
                "is_identical": hit.is_identical,
            }
            for hit in page.hits
        ],
        "encode_ms": page.encode_ms,
        "total_ms": page.total_ms,
    }
