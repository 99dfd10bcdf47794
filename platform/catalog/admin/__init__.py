"""The catalogue for its keepers: importing this registers every page of it."""

from catalog.admin import bin, bulk_edits, encoder_versions, images, named_sets, panels

__all__ = ["bin", "bulk_edits", "encoder_versions", "images", "named_sets", "panels"]
