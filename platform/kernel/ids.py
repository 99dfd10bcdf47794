"""Ids that follow from content, so that doing the work twice changes nothing."""

from uuid import UUID, uuid5

from kernel.regions import RegionKey

# Fixed for ever: point ids in every installation's vector store are made with it.
_NAMESPACE = UUID("6f1b5c0e-3c53-4b0a-9d0e-5e3b0f8a7c11")


def point_id(*, sha256: str, region: RegionKey, encoder_version: int) -> UUID:
    """Return the id of the vector point for one region of one picture.

    Args:
        sha256: hex digest of the original file.
        region: which part of the picture.
        encoder_version: primary key of the EncoderVersion that made the embedding.
    """
    return uuid5(_NAMESPACE, f"{sha256}:{region.kind}:{region.ordinal}:{encoder_version}")
