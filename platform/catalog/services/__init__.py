"""What may change the catalogue: one transaction each."""

from catalog.services.adding import (
    Added,
    FurtherOccurrence,
    ImageMetadata,
    add_occurrence,
    add_picture,
    fill_in_path,
    restore_picture,
    update_metadata,
)
from catalog.services.bin import move_to_bin, purge, purge_expired, restore
from catalog.services.bulk_edits import (
    apply_next_chunk,
    ask_bulk_edit,
    resume_bulk_edits,
    start_bulk_edit,
)
from catalog.services.deletion import (
    delete_derived_files,
    delete_image,
    redelete_stalled,
    request_deletion,
)
from catalog.services.encoder_versions import make_live, record_calibration
from catalog.services.exports import (
    ExportChunk,
    ExportState,
    expire_exports,
    find_export,
    next_chunk,
    record_part,
)
from catalog.services.indexing import (
    enqueue_indexing,
    give_up_or_split,
    record_failed,
    record_indexed,
    request_indexing,
    requeue_stalled,
    waiting_for,
)
from catalog.services.panels import MIN_SIDE_PX, draw_panels
from catalog.services.payloads import (
    DuePayload,
    editable_payload,
    enqueue_due_payloads,
    group_payloads,
    list_due_payloads,
    read_payloads,
    record_payloads,
    request_payload_update,
    settled,
)
from catalog.services.waiting import CHUNK_SIZE

__all__ = [
    "CHUNK_SIZE",
    "MIN_SIDE_PX",
    "Added",
    "DuePayload",
    "ExportChunk",
    "ExportState",
    "FurtherOccurrence",
    "ImageMetadata",
    "add_occurrence",
    "add_picture",
    "apply_next_chunk",
    "ask_bulk_edit",
    "delete_derived_files",
    "delete_image",
    "draw_panels",
    "editable_payload",
    "enqueue_due_payloads",
    "enqueue_indexing",
    "expire_exports",
    "fill_in_path",
    "find_export",
    "give_up_or_split",
    "group_payloads",
    "list_due_payloads",
    "make_live",
    "move_to_bin",
    "next_chunk",
    "purge",
    "purge_expired",
    "read_payloads",
    "record_calibration",
    "record_failed",
    "record_indexed",
    "record_part",
    "record_payloads",
    "redelete_stalled",
    "request_deletion",
    "request_indexing",
    "request_payload_update",
    "requeue_stalled",
    "restore",
    "restore_picture",
    "resume_bulk_edits",
    "settled",
    "start_bulk_edit",
    "update_metadata",
    "waiting_for",
]
