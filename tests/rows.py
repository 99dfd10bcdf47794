"""Rows of the catalogue as workers record them."""

from collections.abc import Iterable
from uuid import UUID

from catalog import services
from catalog.models import Image
from catalog.services import Added, ImageMetadata, NewPicture
from catalog.validation import ValidPicture
from kernel.regions import FoundRegion


def full_images(image_ids: Iterable[UUID]) -> dict[UUID, list[FoundRegion]]:
    """Images indexed as one full image each; unknown ids, too, with a size of their own."""
    sizes = {image.pk: (image.width, image.height) for image in Image.objects.all()}
    return {
        image_id: [FoundRegion("whole", 0, 0, 0, *sizes.get(image_id, (1, 1)))]
        for image_id in image_ids
    }


def new_images(count: int) -> list[UUID]:
    """Add images that nothing was done with yet, without files; return their ids."""
    rows = [
        Image(sha256=f"{n:064}", format="png", width=3, height=2, file_bytes=1)
        for n in range(count)
    ]
    return [image.pk for image in Image.objects.bulk_create(rows)]


def add_picture(picture: ValidPicture, metadata: ImageMetadata = ImageMetadata()) -> Added:  # noqa: B008
    """Add one picture as ingestion does."""
    services.make_private_albums(metadata)
    services.usable_panels(metadata.drawn_panels, width=picture.width, height=picture.height)
    services.store_files(picture)
    return services.add_pictures([NewPicture(picture, metadata)])[picture.sha256]
