import numpy as np
from PIL import Image

from ml.rules.previews import without_previews


def photo(seed: int, size: tuple[int, int] = (400, 300)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR)


def kept(pages: list[Image.Image]) -> list[int]:
    return without_previews([page.size for page in pages], pages.__getitem__)


def test_smaller_copies_are_left_out_wherever_they_stand():
    large, other = photo(1), photo(2)

    pages = [large.resize((64, 48)), large, other, large.resize((200, 150)), large.resize((53, 40))]

    assert kept(pages) == [1, 2]


def test_smaller_pages_of_something_else_are_kept():
    assert kept([photo(1), photo(2).resize((200, 150))]) == [0, 1]


def test_pages_of_one_size_are_kept_even_if_they_are_the_same():
    assert kept([photo(1), photo(1)]) == [0, 1]


def test_pages_of_other_shapes_are_not_even_looked_at():
    sizes = [(400, 300), (300, 400), (100, 100)]

    assert without_previews(sizes, lambda page: 1 / 0) == [0, 1, 2]
