"""How alike two regions of pictures make the pictures."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.rules.regions import OBJECT, QueryKind, RegionKind

# What a pair with an object in it has to be better by than one without. Of all pairs of regions the
# best counts, and the more regions, the likelier a wrong pair is good by chance. Measured with
# semblance_lite, recall@1. 348 cut-outs on other backgrounds, searched among 116 plain ones: whole
# pictures .713; with the objects of SSD MobileNet (YOLOv8n) and no penalty .790 (.779), with 0.1
# .822 (.799), with 0.15 .816 (.807), with 0.2 .805 (.807); objects against objects only, at 0.15,
# .802 (.799). Drawings and photos of a kind of thing, 84 of each, SSD MobileNet: cartoon to photo
# .667 whole, .500 with no penalty, .607 with 0.1, .643 with 0.15 and 0.2; painting to photo .774,
# .738, .786, .774, .774; photo to photo .952, .952, .976, .976, .976.
OBJECT_PENALTY = 0.15

Cosine = TypeVar("Cosine", float, NDArray[np.float32])


def pair_score(query: QueryKind, hit: RegionKind, cosine: Cosine) -> Cosine:
    """Return the score of a pair of regions; that of two pictures is the best of their pairs.

    Every region of one picture makes a pair with every region of the other, also an object with a
    full image: a subject alone on its background is found by its full image.

    Args:
        query: kind of the region that is asked with.
        hit: kind of the region that was found.
        cosine: of their embeddings, or an array of such, -1..1.

    Returns:
        The cosine, less `OBJECT_PENALTY` where either is an object; greater is more similar.
    """
    return cosine - OBJECT_PENALTY if OBJECT in (query, hit) else cosine
