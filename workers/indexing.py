"""From original files to points: decode, embed, upsert, record."""

import logging
from collections.abc import Sequence
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from kernel.errors import AppError, TransientError
from kernel.ids import point_id
from ml.encoders.base import Encoder
from ml.errors import MlError
from ml.images.decode import decode
from vectors.index import Payload, Point
from worker_api import images as catalog
from worker_api.images import ClaimedImage
from workers.model_pool import Loaded
from workers.policies import translate, translated

logger = logging.getLogger(__name__)

# The scaled JPEG decode may stop here: no encoder of ours looks at more than 384 pixels a side,
# and twice that leaves its own resize something to average over.
MIN_SIDE_PX = 768

Decoded = tuple[ClaimedImage, Image.Image]


def index_images(image_ids: Sequence[UUID], loaded: Loaded, *, job_id: UUID) -> None:
    """Describe the images that still wait for this job, and record each one's end.

    A picture that cannot be read or embedded is recorded as failed and never stops the others.

    Raises:
        TransientError: the vector store or the storage is away; nothing is lost, try again.
    """
    claimed = catalog.claim_images(image_ids, job_id=job_id)
    loaded.index.count()  # a store that is away is better known before the work than after it
    points: list[Point] = []
    size = settings.ENCODER_BATCH_SIZE
    for start in range(0, len(claimed), size):
        decoded = _decode(claimed[start : start + size], job_id)
        for image, row in _embed(decoded, loaded.encoder, job_id):
            points.append(_point(image, row, loaded.version.id))
    loaded.index.upsert(points)
    gone = set(catalog.record_indexed([point.payload.image_id for point in points], job_id=job_id))
    loaded.index.delete([point.id for point in points if point.payload.image_id in gone])


def decode_original(data: bytes) -> Image.Image:
    """Return the upright RGB picture, a JPEG in no more detail than an encoder can use.

    Raises:
        UserInputError: "image:user:broken" or "image:user:too-many-pixels".
    """
    with translated():
        return decode(data, max_pixels=settings.UPLOAD_MAX_PIXELS, min_side_px=MIN_SIDE_PX)


def _decode(batch: Sequence[ClaimedImage], job_id: UUID) -> list[Decoded]:
    """Return what could be decoded; the rest is recorded as failed."""
    decoded: list[Decoded] = []
    for image in batch:
        try:
            decoded.append((image, decode_original(catalog.read_original(image.sha256))))
        except TransientError:
            raise
        except AppError as error:
            _record_failed(image, error, job_id)
    return decoded


def _embed(
    batch: Sequence[Decoded], encoder: Encoder, job_id: UUID
) -> list[tuple[ClaimedImage, NDArray[np.float32]]]:
    """Embed a batch; one that fails is halved until the picture that does it is alone.

    Raises:
        TransientError: not even one picture fits into the device's memory: no fault of the picture.
    """
    if not batch:
        return []
    try:
        rows = encoder.encode([picture for _, picture in batch])
    except MlError as error:
        if len(batch) > 1:
            middle = len(batch) // 2
            halves = (batch[:middle], batch[middle:])
            return [pair for half in halves for pair in _embed(half, encoder, job_id)]
        reason = translate(error)
        if isinstance(reason, TransientError):
            raise reason from error
        _record_failed(batch[0][0], reason, job_id)
        return []
    return [(image, row) for (image, _), row in zip(batch, rows, strict=True)]


def _point(image: ClaimedImage, row: NDArray[np.float32], encoder_version: int) -> Point:
    return Point(
        id=point_id(sha256=image.sha256, kind="whole", ordinal=0, encoder_version=encoder_version),
        embedding=row,
        payload=Payload(
            image_id=image.id,
            kind="whole",
            label=None,
            medium=image.medium,
            tags=image.tags,
            albums=image.albums,
            created_at=image.created_at,
        ),
    )


def _record_failed(image: ClaimedImage, error: AppError, job_id: UUID) -> None:
    logger.warning("picture failed", extra={"image_id": str(image.id), "code": error.code})
    catalog.record_failed(image.id, error.code, job_id=job_id)
