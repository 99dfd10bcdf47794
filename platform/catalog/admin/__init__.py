"""The catalogue for its keepers: importing this registers every page of it."""

from catalog.admin import encoder_versions, images, named_sets

__all__ = ["encoder_versions", "images", "named_sets"]
