"""Ids that follow from content, so that doing the work twice changes nothing."""

from uuid import UUID, uuid5

# Fixed for ever: point ids in every installation's vector store are made with it.
_NAMESPACE = UUID("6f1b5c0e-3c53-4b0a-9d0e-5e3b0f8a7c11")


def point_id(*, sha256: str, kind: str, ordinal: int, encoder_version: int) -> UUID:
    """Return the id of the vector point for one region of one picture.

    Args:
        sha256: hex digest of the original file.
        kind: "whole", "panel" or "object".
        ordinal: place among the picture's regions of that kind, from 0.
        encoder_version: primary key of the EncoderVersion that made the embedding.
    """
    return uuid5(_NAMESPACE, f"{sha256}:{kind}:{ordinal}:{encoder_version}")
