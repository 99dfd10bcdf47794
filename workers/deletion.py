"""Removing images: their points first, then rows and files."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from vectors.errors import UnknownCollection
from worker_api import images as catalog
from worker_api.encoders import live_encoder, open_index


def delete_images(image_ids: Sequence[UUID]) -> None:
    """Delete the images among these that wait for it; those already gone are passed over.

    Raises:
        TransientError: the vector store or the storage is away; what is left stays hidden and is
            deleted by the next try.
    """
    version = live_encoder()
    doomed = catalog.claim_doomed(image_ids, encoder_version=version.id)
    with suppress(UnknownCollection):  # lost with all its points
        open_index(version).delete([point for image in doomed for point in image.point_ids])
    # This worker may have stalled meanwhile, and another one have deleted them long ago.
    catalog.reindex_added_again(doomed)
    for image in doomed:
        catalog.delete_image(image.id)
