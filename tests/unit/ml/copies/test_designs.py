import numpy as np
import pytest
from PIL import Image

from ml.copies.made import designs
from tests.unit.ml.copies.scenes import scene

PHOTOS = [Image.fromarray(scene(seed)) for seed in range(4)]
EVERY = [*designs.FAMILIES, designs.fixed_camera]


def drawn(family, layout_seed, content_seed):
    page = designs.draw(family, layout_seed=layout_seed, content_seed=content_seed, photos=PHOTOS)
    return np.asarray(page)


@pytest.mark.parametrize("family", EVERY, ids=lambda family: family.__name__)
def test_a_design_stays_and_its_content_changes(family):
    pages = [drawn(family, 3, content_seed) for content_seed in (1, 2, 5)]

    assert np.array_equal(pages[0], drawn(family, 3, 1))
    differing = [(pages[0] != page).any(axis=2).mean() for page in pages[1:]]
    assert max(differing) > 0.001
    if family not in (designs.next_view, designs.stamp):  # all of it moves, or is recoloured
        assert min(differing) < 0.75
    assert drawn(family, 4, 1).shape != pages[0].shape or (drawn(family, 4, 1) != pages[0]).any()
