"""From original files to points: decode, segment, embed, upsert, record."""

import io
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from kernel.errors import AppError, TransientError
from kernel.ids import point_id
from kernel.regions import FULL_IMAGE_KEY, FoundRegion, RegionKey
from metrics.definitions import PICTURES_FAILED, PICTURES_INDEXED, Work, stage
from ml.copies import comparison
from ml.devices import is_cpu
from ml.errors import MlError
from ml.images.ahead import ahead
from ml.rules.media import Medium
from ml.rules.regions import OBJECT
from vectors.index import EditablePayload, Payload, Point
from worker_api import images as catalog
from worker_api.images import ClaimedImage
from worker_api.jobs import Delivery
from workers.model_pool import Loaded
from workers.pictures import UprightPicture, decode_picture, with_panels
from workers.policies import translate
from workers.regions import PictureRegion, segment

logger = logging.getLogger(__name__)

_THUMBNAIL_SIDE_PX, _THUMBNAIL_QUALITY = 256, 82

Decoded = tuple[ClaimedImage, UprightPicture]


@dataclass(frozen=True, slots=True, eq=False)
class ExtractedImage:
    """An image and what was found in it.

    Attributes:
        image: the image.
        regions: its regions.
        embeddings: (R, D) float32, unit rows, in their order.
        medium: told from it; None where a person has said it.
    """

    image: ClaimedImage
    regions: tuple[PictureRegion, ...]
    embeddings: NDArray[np.float32]
    medium: Medium | None

    @property
    def payload(self) -> EditablePayload:
        """What its points carry."""
        payload = self.image.payload
        return payload if self.medium is None else replace(payload, medium=self.medium.value)


def index_images(image_ids: Sequence[UUID], loaded: Loaded, *, delivery: Delivery) -> None:
    """Index the images that still wait for this job, and record each one's end.

    A picture that cannot be read or indexed is recorded as failed and never stops the others.

    Raises:
        JobTakenOver: this worker was silent for too long; the rest is its successor's.
        TransientError: the vector store or the storage is away; nothing is lost, try again.
    """
    claimed = catalog.claim_images(image_ids, delivery=delivery)
    loaded.index.count()  # a store that is away is better known before the work than after it
    size = settings.ENCODER_BATCH_SIZE
    starts = range(0, len(claimed), size)
    batches = ([_decode(image) for image in claimed[start : start + size]] for start in starts)
    # On a CPU another process works meanwhile, and a batch of large pictures is 400 MB.
    for batch in batches if is_cpu(settings.ENCODER_DEVICE) else ahead(batches):
        decoded = []
        for image, picture in batch:
            if isinstance(picture, AppError):
                _record_failed(image, picture, delivery)
            else:
                decoded.append((image, picture))
        _keep(_extract(decoded, loaded, delivery), loaded, delivery)


@stage(Work.INDEXING, "decode")
def _decode(image: ClaimedImage) -> tuple[ClaimedImage, UprightPicture | AppError]:
    """Return an image with its picture, or with why it cannot be read. Asks no database.

    Raises:
        TransientError: the storage is away.
    """
    try:
        data = catalog.read_original(image.sha256)
        picture = decode_picture(data, width=image.width, height=image.height)
    except TransientError:
        raise
    except AppError as error:
        return image, error
    return image, with_panels(picture, image.drawn_panels)


def _extract(batch: Sequence[Decoded], loaded: Loaded, delivery: Delivery) -> list[ExtractedImage]:
    """Extract a batch; one that fails is halved until the picture that does it is alone.

    Raises:
        TransientError: not even one picture fits into the device's memory: no fault of the picture.
    """
    if not batch:
        return []
    try:
        segmented = segment([picture for _, picture in batch], loaded.detector)
        with stage(Work.INDEXING, "embed"):
            rows = loaded.encoder.encode(
                [region.picture.image for each in segmented for region in each.regions]
            )
    except MlError as error:
        if len(batch) > 1:
            middle = len(batch) // 2
            halves = (batch[:middle], batch[middle:])
            return [one for half in halves for one in _extract(half, loaded, delivery)]
        reason = translate(error)
        if isinstance(reason, TransientError):
            raise reason from error
        _record_failed(batch[0][0], reason, delivery)
        return []
    ends = np.cumsum([len(each.regions) for each in segmented])
    return [
        ExtractedImage(
            image, each.regions, embeddings, each.tell_medium() if image.takes_suggestion else None
        )
        for (image, _), each, embeddings in zip(
            batch, segmented, np.split(rows, ends[:-1]), strict=True
        )
    ]


def _keep(extracted: Sequence[ExtractedImage], loaded: Loaded, delivery: Delivery) -> None:
    """Write files and points, forget those of regions that are no more, and then record all.

    In this order, so that a crash in between leaves the images waiting and is made good by the
    next try; what is recorded is whole. What a later job was handed meanwhile is left to that one:
    its points are newer.

    Raises:
        JobTakenOver: as `index_images`.
    """
    claimed = catalog.still_claimed([one.image.id for one in extracted], delivery=delivery)
    extracted = [one for one in extracted if one.image.id in claimed]
    found = {
        one.image.id: [_keep_files(one.image, region) for region in one.regions]
        for one in extracted
    }
    version = loaded.version.id
    points = [point for one in extracted for point in _points(one, version)]
    with stage(Work.INDEXING, "upsert"):
        loaded.index.upsert(points)
    stale = [
        (one.image, region)
        for one in extracted
        for region in sorted(one.image.regions - {region.key for region in one.regions})
    ]
    loaded.index.delete([_point_id(image, region, version) for image, region in stale])
    for image, region in stale:
        catalog.delete_derived_files(image.sha256, [region])
    changes = {one.image.id: one.image.payload_changes for one in extracted}
    media = {one.image.id: one.medium.value for one in extracted if one.medium is not None}
    gone = set(
        catalog.record_indexed(found, delivery=delivery, payload_changes=changes, media=media)
    )
    PICTURES_INDEXED.inc(len(found) - len(gone))
    loaded.index.delete([point.id for point in points if point.payload.image_id in gone])
    for one in extracted:
        if one.image.id in gone:  # the full image's own files go with its row
            others = [region.key for region in one.regions if region.key != FULL_IMAGE_KEY]
            catalog.delete_derived_files(one.image.sha256, others)


def _keep_files(image: ClaimedImage, region: PictureRegion) -> FoundRegion:
    """Write a region's thumbnail and local features, and return what SQL keeps of it."""
    if region.key != FULL_IMAGE_KEY:
        jpeg, is_known = thumbnail(region.picture), region.key in image.regions
        catalog.write_thumbnail(image.sha256, region.key, jpeg, is_known=is_known)
    box = region.box
    found = FoundRegion(
        *(region.key.kind, region.key.ordinal),
        *(box.x0, box.y0, box.x1, box.y1),
        *(region.label, region.confidence),
    )
    if region.key.kind == OBJECT:
        return found
    with stage(Work.INDEXING, "extract"):
        copy = comparison.extract(region.picture.pixels)
    catalog.write_features(image.sha256, region.key, copy.features.to_bytes())
    return replace(found, pdq=copy.pdq.bits.tobytes(), pdq_quality=copy.pdq.quality)


def thumbnail(picture: UprightPicture) -> bytes:
    """Return a region's small picture as a JPEG file."""
    small = picture.image.copy()
    small.thumbnail((_THUMBNAIL_SIDE_PX, _THUMBNAIL_SIDE_PX))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_THUMBNAIL_QUALITY)
    return buffer.getvalue()


def _points(extracted: ExtractedImage, encoder_version: int) -> list[Point]:
    image, regions = extracted.image, extracted.regions
    labels = tuple(sorted({region.label for region in regions if region.label}))
    editable = asdict(extracted.payload)
    return [
        Point(
            id=_point_id(image, region.key, encoder_version),
            embedding=row,
            payload=Payload(
                image_id=image.id,
                kind=region.key.kind,
                labels=labels,
                created_at=image.created_at,
                side=max(image.width, image.height),
                is_unsure=region.key.kind == OBJECT and not region.label,
                **editable,
            ),
        )
        for region, row in zip(regions, extracted.embeddings, strict=True)
    ]


def _point_id(image: ClaimedImage, region: RegionKey, encoder_version: int) -> UUID:
    return point_id(sha256=image.sha256, region=region, encoder_version=encoder_version)


def _record_failed(image: ClaimedImage, error: AppError, delivery: Delivery) -> None:
    logger.warning("picture failed", extra={"image_id": str(image.id), "code": error.code})
    catalog.record_failed(image.id, error.code, delivery=delivery)
    PICTURES_FAILED.labels(error.code).inc()
