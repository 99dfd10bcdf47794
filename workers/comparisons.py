"""One region of a query beside one of an image: what a person asks for who doubts a verdict."""

import time

from kernel.errors import FileMissing, TransientError, UserInputError
from kernel.task_messages import AlikeCells, CellGrid, ComparedRegions, CompareRegionsRequest
from metrics.definitions import Work, stage
from ml.copies import comparison
from ml.copies.comparison import PreparedCandidate, PreparedQuery
from ml.copies.plausibility import MIN_INLIERS
from ml.copies.verification import count_agreeing
from ml.encoders.base import FeatureMap, FeatureMapper
from ml.inference.likeness import cell_likeness
from ml.types import Box
from worker_api import images as catalog
from workers import model_pool
from workers.pictures import UprightPicture, decode_picture
from workers.queries import crop_query


def compare_regions(request: CompareRegionsRequest) -> ComparedRegions:
    """Return what agrees between two regions, and where the encoder finds them alike.

    Raises:
        FileMissing: the query expired.
        UserInputError: "search:user:no-region": it is not there any more; "search:user:bad-box".
        TransientError: the storage is away; "encoder:transient:changing"; or nobody waits any more:
            "search:transient:no-answer".
        MlError: a model failed.
    """
    started, ends_at = time.perf_counter(), time.monotonic() + request.timeout_s
    loaded = model_pool.get()
    if loaded.version.id != request.encoder_version:
        raise TransientError("encoder:transient:changing")
    box = Box(*request.box)
    ours = crop_query(request.query, box)
    region = catalog.find_regions([request.region_id]).get(request.region_id)
    if region is None:
        raise UserInputError("search:user:no-region")
    try:
        data = catalog.read_original(region.sha256)
    except FileMissing as error:  # not the query's, which would have expired
        raise UserInputError("search:user:no-region") from error
    picture = decode_picture(data, width=region.width, height=region.height)
    their_box = Box(*region.box)
    theirs = picture.crop(their_box)
    with stage(Work.QUERY, "verify"):
        points = _points(ours, theirs)
    if time.monotonic() > ends_at:
        raise TransientError("search:transient:no-answer", timeout_s=request.timeout_s)
    maps = None
    if isinstance(loaded.encoder, FeatureMapper):
        with stage(Work.QUERY, "embed"):
            maps = loaded.encoder.feature_maps([ours.image, theirs.image])
    return ComparedRegions(
        points=points,
        points_needed=MIN_INLIERS,
        cells=None if maps is None else _alike_cells(maps, (box, their_box)),
        model_ms=(time.perf_counter() - started) * 1000,
    )


def _points(ours: UprightPicture, theirs: UprightPicture) -> int:
    query = PreparedQuery.of(comparison.extract_query(ours.pixels))
    candidate = PreparedCandidate.of(comparison.extract(theirs.pixels))
    return count_agreeing(query.matched, candidate.features)


def _alike_cells(maps: list[FeatureMap], boxes: tuple[Box, Box]) -> AlikeCells:
    ours, theirs = maps
    return AlikeCells(
        query=_grid(ours, boxes[0]),
        image=_grid(theirs, boxes[1]),
        likeness=cell_likeness(ours, theirs).tobytes(),
    )


def _grid(cells: FeatureMap, box: Box) -> CellGrid:
    """Return where a map of a region lies in its picture."""
    rows, columns, _dim = cells.features.shape
    x0, y0, x1, y1 = cells.seen
    return CellGrid(
        rows,
        columns,
        (
            box.x0 + x0 * box.width,
            box.y0 + y0 * box.height,
            box.x0 + x1 * box.width,
            box.y0 + y1 * box.height,
        ),
    )
