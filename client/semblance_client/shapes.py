"""What the site answers, typed. A later site may say more: what is not known here is passed over.

Boxes are in pixels of the upright picture, half-open. Addresses are those of the site, without its
name.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

T = TypeVar("T")


class Box(NamedTuple):
    """A part of a picture: from x0, y0 to before x1, y1."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class PictureRegion:
    """A part of a picture: `key` is its kind and number, such as "panel-3"."""

    key: str
    box: Box
    label: str = ""
    confidence: float = 0.0
    thumbnail_url: str = ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How a copy lies over the picture that was searched with."""

    inliers: int
    is_mirrored: bool
    query_percent: int
    image_percent: int


@dataclass(frozen=True, slots=True)
class CopyProof:
    """Why a hit is a copy.

    Attributes:
        bits: of 256 that the two PDQ hashes differ in.
        outline: corners of the image in the picture that was searched with.
        overlap: what of the two agrees.
    """

    bits: int | None = None
    outline: list[tuple[float, float]] | None = None
    overlap: Overlap | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """An image that a part of the picture found.

    Attributes:
        verdict: what it is, by its stable name: "identical", "near-identical", "edited-copy", ….
        score: greater is more similar; None where a hash found it.
        probability: that both show the same subject; None where it is not known.
        is_unchecked: whether time ran out before it was compared.
        decide_with: what a decision about it is sent with; None for who may not decide.
    """

    image_id: UUID
    rank: int
    verdict: str
    title: str
    url: str
    score: float | None = None
    probability: float | None = None
    thumbnail_url: str = ""
    width: int = 0
    height: int = 0
    query_region: PictureRegion | None = None
    image_region: PictureRegion | None = None
    is_unchecked: bool = False
    copy: CopyProof | None = None
    decide_with: str | None = None


@dataclass(frozen=True, slots=True)
class HitGroup:
    """What one part of the picture found, the best first."""

    region: PictureRegion
    hits: list[Hit]
    is_plain: bool = False
    are_copies_checked: bool = True


@dataclass(frozen=True, slots=True)
class Facet:
    """An object's label, and in how many of the images found it is."""

    label: str
    images: int


@dataclass(frozen=True, slots=True)
class AskedPicture:
    """A picture that was searched with.

    Attributes:
        id: of one that was sent: the site keeps it for an hour.
        image_id: of an image of the catalogue.
    """

    id: UUID | None = None
    image_id: UUID | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class QueryPicture(AskedPicture):
    """The only picture that was searched with, and its parts."""

    layout: str = ""
    medium: str = ""
    regions: list[PictureRegion] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The answer to a search.

    Attributes:
        groups: one for each part of the picture.
        headline: what was found, in a sentence.
        verdict_counts: its numbers, each image counted once, at the best of its verdicts.
        copies: "checked", or "pending" and "unchecked": then `Client.proofs` has them.
    """

    query: QueryPicture
    groups: list[HitGroup]
    headline: str = ""
    verdict_counts: dict[str, Any] = field(default_factory=dict)
    facets: list[Facet] = field(default_factory=list)
    filters: dict[str, Any] = field(default_factory=dict)
    sort: str = ""
    are_copies_checked: bool = True
    copies: str = "checked"
    proofs_url: str = ""
    model_ms: float = 0.0
    total_ms: float = 0.0

    @property
    def hits(self) -> list[Hit]:
        """Every hit of every group, in their order."""
        return [hit for group in self.groups for hit in group.hits]


@dataclass(frozen=True, slots=True)
class SeveralHit(Hit):
    """An image that several pictures, or words, found.

    Attributes:
        picture: which of `these`, from 0, it is most like or a copy of; None where words alone
            found it.
    """

    picture: int | None = None


@dataclass(frozen=True, slots=True)
class SeveralAnswer:
    """The answer to a search with several pictures, or with words.

    Attributes:
        these: the pictures that images should be like.
        unlike: those that they should not be like.
        hits: the best first.
        headline: what was found, in a sentence.
        left_out: how many images are not among them, as copies of `unlike`.
        is_plain: whether there is nothing to see in any of `these`.
        copies: "checked", or "pending" and "unchecked": then `Client.proofs` has them.
    """

    these: list[AskedPicture]
    unlike: list[AskedPicture]
    hits: list[SeveralHit]
    words: str = ""
    headline: str = ""
    left_out: int = 0
    is_plain: bool = False
    facets: list[Facet] = field(default_factory=list)
    filters: dict[str, Any] = field(default_factory=dict)
    sort: str = ""
    are_copies_checked: bool = True
    copies: str = "checked"
    proofs_url: str = ""
    model_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class CatalogueImage:
    """An image of the catalogue; of one that was asked for by `fields`, the rest is empty.

    Attributes:
        etag: names what was read; give it to `change_image` and `delete_image`, and they write only
            that. Of images in lists it is "".
    """

    id: UUID
    title: str = ""
    description: str = ""
    status: str = ""
    error_code: str = ""
    medium: str = ""
    is_medium_suggested: bool = False
    format: str = ""
    width: int = 0
    height: int = 0
    file_bytes: int = 0
    is_damaged: bool = False
    sha256: str = ""
    owner: str = ""
    licence: str = ""
    rights: str = ""
    creator: str = ""
    credit: str = ""
    usage_terms: str = ""
    licensor: str = ""
    taken_at: str = ""
    tags: list[str] = field(default_factory=list)
    albums: list[str] = field(default_factory=list)
    created_at: datetime | None = None
    indexed_at: datetime | None = None
    url: str = ""
    original_url: str = ""
    thumbnail_url: str = ""
    regions: list[PictureRegion] = field(default_factory=list)
    etag: str = field(default="", metadata={"is_ours": True}, compare=False)


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Why a file was refused."""

    code: str
    detail: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class AddedFile:
    """How a file that was sent ended.

    Attributes:
        result: "added", "duplicates" (it was there), "restored" (from the bin), "binned" (it is in
            the bin and stays there) or "failed".
        image: that it became, or was already.
        problem: why it failed.
    """

    name: str
    result: str
    image: CatalogueImage | None = None
    problem: FileProblem | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """How each file ended, in the order that they were sent."""

    results: list[AddedFile]
    import_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class BulkEdit:
    """How far a change of many images is."""

    id: int
    kind: str
    state: str
    total: int = 0
    done: int = 0
    gone: int = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NamedSet:
    """An album or a tag."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far the workers are with an import's images."""

    indexed: int = 0
    failed: int = 0
    waiting: int = 0
    uncompared: int = 0
    held: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class CatalogueImport:
    """An import; its counts are of files: found = added + duplicates + binned + failed."""

    id: UUID
    source: str
    state: str
    error_code: str = ""
    has_plan: bool = False
    total: int | None = None
    found: int = 0
    added: int = 0
    duplicates: int = 0
    binned: int = 0
    failed: int = 0
    passed_over: dict[str, int] = field(default_factory=dict)
    progress: ImportProgress = field(default_factory=ImportProgress)
    created_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """A file that an import refused."""

    id: int
    name: str
    code: str
    detail: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkerJob:
    """A job of the workers."""

    id: UUID
    name: str
    state: str
    queue: str = ""
    deliveries: int = 0
    error_code: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EncoderVersion:
    """What the catalogue is, or was, indexed with."""

    id: int
    encoder: str
    state: str
    choice: str = ""
    weights_sha256: str = ""
    preprocessing_sha256: str = ""
    dim: int = 0
    precision: str = ""
    collection: str = ""
    detector: str = ""
    calibration: dict[str, Any] | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody said of an image, and what they were shown of it.

    Attributes:
        judgement: "copy", "same_subject" or "different".
        query_box: the part that was asked with; "" is all of the picture.
        image_box: the panel that was found; "" is the image.
    """

    id: int
    image_id: UUID
    judgement: str
    query_sha256: str = ""
    query_image_id: UUID | None = None
    query_box: str = ""
    image_box: str = ""
    decided_by: str | None = None
    decided_at: datetime | None = None
    shown_verdict: str = ""
    score: float | None = None
    probability: float | None = None
    encoder_version_id: int = 0


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that an account keeps; `search` is what stands behind the ? of its address."""

    id: UUID
    name: str
    search: str
    url: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is called with what a watch finds.

    Attributes:
        secret: what calls are signed with; told where a watch is begun or changed.
    """

    url: str
    secret: str | None = None
    failing_since: datetime | None = None
    switched_off_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """An album or a saved search that is watched, and how far down the ladder it tells."""

    id: UUID
    name: str
    rung: str
    album: int | None = None
    saved_search: UUID | None = None
    by_mail: bool = False
    webhook: Webhook | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WatchHit:
    """An image that is a copy of a watched picture.

    Attributes:
        watched_image_id: None of an upload.
        is_before: whether it was there before the picture was watched.
        seen_at: when its owner looked at it.
    """

    id: int
    watch_id: UUID
    image_id: UUID
    rung: str
    watched_image_id: UUID | None = None
    score: float | None = None
    is_before: bool = False
    found_at: datetime | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MarkedSeen:
    """How many hits were new until they were marked."""

    marked: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list, and where the next one begins; None at the end."""

    items: list[T]
    next_cursor: str | None = None
