"""From original files to points: decode, embed, upsert, record."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
Refusal = tuple[ClaimedImage, AppError]


def index_images(image_ids: Sequence[UUID], loaded: Loaded) -> None:
    """Describe the images that still wait among these, and record each one's end.

    A picture that cannot be read or embedded is recorded as failed and never stops the others.

    Raises:
        TransientError: the vector store or the storage is away; nothing is lost, try again.
    """
    claimed = catalog.claim_images(image_ids)
    loaded.index.count()  # a store that is away is better known before the work than after it
    points: list[Point] = []
    for decoded, refused in _decoded_batches(claimed):
        embedded, failed = _embed_isolating(decoded, loaded.encoder)
        points += [_point(image, row, loaded.version.id) for image, row in embedded]
        for image, error in (*refused, *failed):
            _record_failed(image, error)
    loaded.index.upsert(points)
    gone = set(catalog.record_indexed([point.payload.image_id for point in points]))
    loaded.index.delete([point.id for point in points if point.payload.image_id in gone])


def decode_original(data: bytes) -> Image.Image:
    """Return the upright RGB picture, a JPEG in no more detail than an encoder can use.

    Raises:
        UserInputError: "image:user:broken" or "image:user:too-many-pixels".
    """
    with translated():
        return decode(data, max_pixels=settings.UPLOAD_MAX_PIXELS, min_side_px=MIN_SIDE_PX)


def _decoded_batches(
    claimed: Sequence[ClaimedImage],
) -> Iterator[tuple[list[Decoded], list[Refusal]]]:
    """Yield encoder batches; the next one is decoded in a thread while the encoder works."""
    size = settings.ENCODER_BATCH_SIZE
    batches = [claimed[start : start + size] for start in range(0, len(claimed), size)]
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode") as pool:
        ahead = pool.submit(_decode_batch, batches[0]) if batches else None
        for following in (*batches[1:], None):
            if ahead is None:
                return
            ready = ahead.result()
            ahead = None if following is None else pool.submit(_decode_batch, following)
            yield ready


def _decode_batch(batch: Sequence[ClaimedImage]) -> tuple[list[Decoded], list[Refusal]]:
    """Decode what can be decoded. Runs in a thread: no database here."""
    decoded: list[Decoded] = []
    refused: list[Refusal] = []
    for image in batch:
        try:
            decoded.append((image, decode_original(catalog.read_original(image.sha256))))
        except TransientError:
            raise
        except AppError as error:
            refused.append((image, error))
    return decoded, refused


def _embed_isolating(
    batch: Sequence[Decoded], encoder: Encoder
) -> tuple[list[tuple[ClaimedImage, NDArray[np.float32]]], list[Refusal]]:
    """Embed a batch; one that fails is halved until the picture that does it is alone.

    Raises:
        TransientError: not even one picture fits into the device's memory: no fault of the picture.
    """
    if not batch:
        return [], []
    try:
        rows = encoder.encode([picture for _, picture in batch])
    except MlError as error:
        if len(batch) == 1:
            reason = translate(error)
            if isinstance(reason, TransientError):
                raise reason from error
            return [], [(batch[0][0], reason)]
        middle = len(batch) // 2
        halves = [_embed_isolating(half, encoder) for half in (batch[:middle], batch[middle:])]
        return halves[0][0] + halves[1][0], halves[0][1] + halves[1][1]
    return [(image, row) for (image, _), row in zip(batch, rows, strict=True)], []


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


def _record_failed(image: ClaimedImage, error: AppError) -> None:
    logger.warning("picture failed", extra={"image_id": str(image.id), "code": error.code})
    catalog.record_failed(image.id, error.code)
