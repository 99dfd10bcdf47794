"""What may change the catalogue: one transaction each."""

from catalog.services.adding import (
    Added,
    ImageMetadata,
    add_picture,
    fill_in_path,
    restore_picture,
    update_metadata,
)
from catalog.services.deletion import (
    delete_derived_files,
    delete_image,
    redelete_stalled,
    request_deletion,
)
from catalog.services.encoder_versions import make_live, record_calibration
from catalog.services.indexing import (
    enqueue_indexing,
    give_up_or_split,
    record_failed,
    record_indexed,
    request_indexing,
    requeue_stalled,
    waiting_for,
)
from catalog.services.waiting import CHUNK_SIZE

__all__ = [
    "CHUNK_SIZE",
    "Added",
    "ImageMetadata",
    "add_picture",
    "delete_derived_files",
    "delete_image",
    "enqueue_indexing",
    "fill_in_path",
    "give_up_or_split",
    "make_live",
    "record_calibration",
    "record_failed",
    "record_indexed",
    "redelete_stalled",
    "request_deletion",
    "request_indexing",
    "requeue_stalled",
    "restore_picture",
    "update_metadata",
    "waiting_for",
]
