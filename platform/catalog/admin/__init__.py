"""The catalogue for its keepers: importing this registers every page of it."""

from catalog.admin import (
    audit_entries,
    bin,
    bulk_edits,
    encoder_versions,
    held,
    images,
    named_sets,
    panels,
)

__all__ = [
    "audit_entries",
    "bin",
    "bulk_edits",
    "encoder_versions",
    "held",
    "images",
    "named_sets",
    "panels",
]
