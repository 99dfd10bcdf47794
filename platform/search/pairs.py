"""How alike a query's region and an image's region make the two pictures.

The workers' models know the same rule (`ml.regions.pair_score`), which was measured there; a test
holds the two together, since the web imports no models.
"""

from kernel.task_messages import QueryRegion
from vectors.index import Hit

OBJECT_PENALTY = 0.15


def pair_score(region: QueryRegion, hit: Hit) -> float:
    """Return the cosine, less a penalty where either region is an object."""
    if "object" in (region.kind, hit.payload.kind):
        return hit.score - OBJECT_PENALTY
    return hit.score
