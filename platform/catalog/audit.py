"""Do the catalogue, the files and the index agree? SQL and the originals are the truth."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from catalog import services, storage
from catalog.models import EncoderVersion, Image, Region
from catalog.selectors import count_by_status, find_by_sha256, get_live_encoder
from catalog.validation import validate
from catalog.vector_store import open_index
from kernel.errors import FileMissing, UserInputError
from kernel.ids import point_id
from kernel.regions import FULL_IMAGE_KEY, region_key
from vectors.errors import UnknownCollection
from vectors.index import EditablePayload

# A picture's files are written before its row: a file younger than this may still get one.
_FILE_GRACE = timedelta(minutes=10)
_IDS_PER_QUERY = 500


@dataclass(slots=True)
class Audit:
    """Both sides counted, and every difference between them.

    Points and regions are those of the live encoder version. `missing_points`,
    `stale_payloads`, `missing_originals`, `missing_thumbnails` and `missing_region_thumbnails` name
    images, `orphan_points` points in the index, `orphan_files` names in the storage. Local features
    are no difference: where they are missing a search makes them.
    """

    images: dict[str, int] = field(default_factory=dict)
    regions: int = 0
    points: int = 0
    missing_points: list[UUID] = field(default_factory=list)
    orphan_points: list[UUID] = field(default_factory=list)
    stale_payloads: list[UUID] = field(default_factory=list)
    missing_originals: list[UUID] = field(default_factory=list)
    missing_thumbnails: list[UUID] = field(default_factory=list)
    missing_region_thumbnails: list[UUID] = field(default_factory=list)
    orphan_files: list[str] = field(default_factory=list)

    @property
    def differences(self) -> dict[str, list[str]]:
        """Return what was found, by a name for people; kinds without a difference are left out."""
        kinds: dict[str, Iterable[object]] = {
            "indexed images without all their points": self.missing_points,
            "points without an image": self.orphan_points,
            "images whose points do not carry what their rows say": self.stale_payloads,
            "images without their original file": self.missing_originals,
            "images without their thumbnail": self.missing_thumbnails,
            "images without all their regions' thumbnails": self.missing_region_thumbnails,
            "files without an image": self.orphan_files,
        }
        named = {name: [str(item) for item in items] for name, items in kinds.items()}
        return {name: items for name, items in named.items() if items}


def audit() -> Audit:
    """Compare both ways, writing nothing; safe beside running workers.

    Raises:
        TransientError: the index or the storage is away, or no encoder was chosen yet.
    """
    version = get_live_encoder()
    result = Audit(images=count_by_status())
    _compare_points(result, version)
    _compare_payloads(result, version)
    _compare_files(result)
    return result


def repair(found: Audit) -> None:
    """Mend every difference of an audit; the workers finish what needs the encoder.

    Images without points or without a region's thumbnail are indexed again, payloads are written
    anew without a model, points and files
    that nothing names are removed, thumbnails of whole pictures are made anew, and an image whose
    original is gone is marked failed: only adding the same file again brings it back.
    """
    version = get_live_encoder()
    index = open_index(version)
    index.ensure()
    if found.orphan_points:
        # A picture that was added since the audit may have made a point its own.
        wanted = set(_points_of_all_images(version))
        index.delete([one for one in found.orphan_points if one not in wanted])
    services.enqueue_indexing(sorted({*found.missing_points, *found.missing_region_thumbnails}))
    for start in range(0, len(found.stale_payloads), _IDS_PER_QUERY):
        some = found.stale_payloads[start : start + _IDS_PER_QUERY]
        services.request_payload_update(Image.objects.filter(pk__in=some))
    for image_id in found.missing_originals:
        services.record_failed(image_id, FileMissing.CODE)
    for image in Image.objects.filter(pk__in=found.missing_thumbnails):
        _make_thumbnail(image)
    for name in found.orphan_files:
        if _is_abandoned(name):
            storage.delete(name)


def _compare_points(result: Audit, version: EncoderVersion) -> None:
    """Read SQL first: points are written before it says "indexed", so none can seem missing."""
    expected = dict(_expected_points(version))
    result.regions = len(expected)
    known: set[UUID] = set()
    unexpected: dict[UUID, UUID] = {}
    try:
        for point, image_id in open_index(version).scroll():
            result.points += 1
            if point not in expected:
                unexpected[point] = image_id
            elif image_id == expected[point]:  # else it is an earlier image's of the same content
                known.add(point)
    except UnknownCollection:
        pass  # lost with its data: every point is missing
    missing = {image_id for point, image_id in expected.items() if point not in known}
    result.missing_points = sorted(missing)
    result.orphan_points = sorted(_still_orphans(unexpected, version))


def _expected_points(version: EncoderVersion) -> Iterator[tuple[UUID, UUID]]:
    regions = Region.objects.filter(image__status=Image.Status.INDEXED).order_by()
    for image_id, sha256, kind, ordinal in regions.values_list(
        "image_id", "image__sha256", "kind", "ordinal"
    ).iterator():
        region = region_key(kind, ordinal)
        yield point_id(sha256=sha256, region=region, encoder_version=version.pk), image_id


def _points_of_all_images(version: EncoderVersion) -> Iterator[UUID]:
    """Yield the points of recorded regions, and of every full image, recorded or not."""
    yield from dict(_expected_points(version))
    for sha256 in Image.objects.order_by().values_list("sha256", flat=True).iterator():
        yield point_id(sha256=sha256, region=FULL_IMAGE_KEY, encoder_version=version.pk)


def _still_orphans(unexpected: dict[UUID, UUID], version: EncoderVersion) -> Iterator[UUID]:
    """Leave out what may become right: points of images being indexed, failed, being deleted.

    Of an indexed image a point without a region is left over from an indexing that was stopped.
    """
    points = list(unexpected)
    for start in range(0, len(points), _IDS_PER_QUERY):
        some = points[start : start + _IDS_PER_QUERY]
        images = Image.objects.filter(pk__in={unexpected[point] for point in some})
        unsettled = images.exclude(status=Image.Status.INDEXED)
        known = set(unsettled.values_list("pk", flat=True))
        recorded = {
            point_id(sha256=region.image.sha256, region=region.key, encoder_version=version.pk)
            for region in Region.objects.filter(image__in=images).select_related("image")
        }
        yield from (
            point for point in some if unexpected[point] not in known and point not in recorded
        )


def _compare_payloads(result: Audit, version: EncoderVersion) -> None:
    """Compare what is settled before and after the points are read, and did not change meanwhile.

    A change, or an indexing that ends, counts up before it can be seen as settled again.
    """
    settled = services.settled(Image.objects.order_by())
    expected = {one.image_id: one for one in services.read_payloads(settled)}
    differing: set[UUID] = set()
    try:
        for image_id, carried in open_index(version).scroll_payloads():
            if image_id in expected and _in_order(carried) != expected[image_id].payload:
                differing.add(image_id)
    except UnknownCollection:
        return  # every point is missing, and that is said
    ids = sorted(differing)
    for start in range(0, len(ids), _IDS_PER_QUERY):
        some = ids[start : start + _IDS_PER_QUERY]
        rows = services.settled(Image.objects.filter(pk__in=some))
        changes = dict(rows.values_list("pk", "payload_changes"))
        result.stale_payloads += [pk for pk in some if changes.get(pk) == expected[pk].changes]


def _in_order(carried: EditablePayload) -> EditablePayload:
    """Return the same; points of earlier releases have names in the database's own order."""
    return replace(carried, tags=tuple(sorted(carried.tags)), albums=tuple(sorted(carried.albums)))


def _compare_files(result: Audit) -> None:
    originals = set(storage.list_names(storage.ORIGINALS))
    thumbnails = set(storage.list_names(storage.THUMBNAILS))
    images = Image.objects.order_by().values_list("pk", "sha256", "status", "error_code")
    for image_id, sha256, status, error_code in images.iterator():
        original, thumbnail = storage.original_name(sha256), storage.thumbnail_name(sha256)
        is_known_lost = (status, error_code) == (Image.Status.FAILED, FileMissing.CODE)
        # A file that was not listed may have been written since.
        if status == Image.Status.DELETING:
            pass
        elif original not in originals and not storage.exists(original):
            if not is_known_lost:
                result.missing_originals.append(image_id)
        elif thumbnail not in thumbnails and not storage.exists(thumbnail):
            result.missing_thumbnails.append(image_id)
        originals.discard(original)
        thumbnails -= {thumbnail, *storage.webp_names(sha256)}
    features = set(storage.list_names(storage.FEATURES))
    _compare_region_files(result, thumbnails, features)
    unnamed = sorted(originals | thumbnails | features)
    result.orphan_files = [name for name in unnamed if _is_abandoned(name)]


def _compare_region_files(result: Audit, thumbnails: set[str], features: set[str]) -> None:
    """Take away what regions name; note the images that lack a region's thumbnail."""
    missing: set[UUID] = set()
    rows = Region.objects.order_by().values_list(
        "image_id", "image__sha256", "image__status", "kind", "ordinal"
    )
    for image_id, sha256, status, kind, ordinal in rows.iterator():
        region = region_key(kind, ordinal)
        thumbnail, feature_file, *webps = storage.derived_names(sha256, region)
        if (
            region != FULL_IMAGE_KEY
            and status == Image.Status.INDEXED
            and thumbnail not in thumbnails
            and not storage.exists(thumbnail)
        ):
            missing.add(image_id)
        thumbnails.difference_update([thumbnail, *webps])
        features.discard(feature_file)
    # An image without its original cannot be indexed again; that it lacks it is said already.
    result.missing_region_thumbnails = sorted(missing - set(result.missing_originals))


def _is_abandoned(name: str) -> bool:
    """Return whether a file is old and no row names it; asked again right before it is removed.

    While an image is indexed, files of its regions come before their rows: of an image that is
    known, none is removed here.
    """
    if find_by_sha256(storage.parse_sha256(name)) is not None:
        return False
    try:
        return storage.modified_at(name) < timezone.now() - _FILE_GRACE
    except FileMissing:  # gone by now
        return False


def _make_thumbnail(image: Image) -> None:
    try:
        picture = validate(storage.read(storage.original_name(image.sha256)))
    except UserInputError as error:  # the original itself is damaged
        services.record_failed(image.pk, error.code)
        return
    storage.write(storage.thumbnail_name(image.sha256), picture.thumbnail)
