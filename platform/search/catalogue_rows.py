"""The rows of what was found: images, their regions, and the copies among them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from catalog.models import EncoderVersion, Image, Region
from catalog.selectors import find_images_with_regions
from kernel.ids import point_id
from kernel.task_messages import Copy
from search.conditions import Sought
from search.groups import Pair


@dataclass(frozen=True)
class CatalogueRows:
    """Rows of what was found: images by id, regions by their points' ids and by their own."""

    images: dict[UUID, Image]
    by_point: dict[UUID, Region]
    by_id: dict[int, Region]

    def candidates(self, pairs: dict[UUID, Pair]) -> list[int]:
        """Return the regions to compare a part with: what it matched, of objects the full image.

        Args:
            pairs: of the part, the best first.
        """
        chosen: list[int] = []
        for image_id, pair in pairs.items():
            region = self.by_point.get(pair.point_id)
            if region is not None and region.kind == Region.Kind.PANEL:
                chosen.append(region.pk)
            elif image_id in self.full_images:
                chosen.append(self.full_images[image_id])
        return chosen

    @cached_property
    def full_images(self) -> dict[UUID, int]:
        """Image → the region that is all of it."""
        regions = self.by_id.values()
        return {each.image_id: each.pk for each in regions if each.kind == Region.Kind.FULL_IMAGE}


def read_rows(image_ids: Iterable[UUID], version: EncoderVersion, sought: Sought) -> CatalogueRows:
    """Return the rows of images that a person may see and asks for, and of all their regions."""
    images = find_images_with_regions(image_ids, sought.viewer, sought.condition)
    by_point = {
        point_id(sha256=image.sha256, region=region.key, encoder_version=version.pk): region
        for image in images.values()
        for region in image.regions.all()
    }
    return CatalogueRows(images, by_point, {region.pk: region for region in by_point.values()})


def with_copies(
    catalogue: CatalogueRows,
    copies: Sequence[Sequence[Copy]],
    version: EncoderVersion,
    sought: Sought,
) -> CatalogueRows:
    """Add the images that were found by their hashes alone, those that may be found."""
    unknown = {copy.region_id for each in copies for copy in each} - set(catalogue.by_id)
    if not unknown:
        return catalogue
    image_ids = Region.objects.filter(pk__in=unknown).values_list("image_id", flat=True)
    more = read_rows(image_ids, version, sought)
    return CatalogueRows(
        catalogue.images | more.images,
        catalogue.by_point | more.by_point,
        catalogue.by_id | more.by_id,
    )


def best_copies(
    copies: Sequence[Copy], catalogue: CatalogueRows, sought: Sought
) -> dict[UUID, tuple[Region, Copy]]:
    """Return the best copy in each image that may be found."""
    best: dict[UUID, tuple[Region, Copy]] = {}
    for copy in sorted(copies, key=_evidence, reverse=True):
        region = catalogue.by_id.get(copy.region_id)
        if region is not None and sought.takes(region):
            best.setdefault(region.image_id, (region, copy))
    return best


def _evidence(copy: Copy) -> tuple[bool, bool, int]:
    inliers = 0 if copy.overlap is None else copy.overlap.inliers
    return copy.is_near_identical, not copy.is_shared_design, inliers
