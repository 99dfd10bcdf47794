import cv2
import numpy as np
import pytest

from ml.training.drawings import KINDS, draw

SIDE_PX = 160
RADIUS_PX = 40
# What a bent proportion, a thick stroke and a smoothed edge move a line by, at most.
REACH_PX = 18
SEEDS = range(8)

_ys, _xs = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
_from_middle_px = np.hypot(_xs - (SIDE_PX - 1) / 2, _ys - (SIDE_PX - 1) / 2)
INSIDE = _from_middle_px < RADIUS_PX - REACH_PX
OUTSIDE = _from_middle_px > RADIUS_PX + REACH_PX
BORDER = ~INSIDE & ~OUTSIDE


def disc(colour, ground):
    """A plain disc in the middle of plain ground."""
    picture = np.full((SIDE_PX, SIDE_PX, 3), ground, np.uint8)
    picture[_from_middle_px < RADIUS_PX] = colour
    return picture


def noise(*shape):
    return np.random.default_rng(3).integers(0, 256, (*shape, 3), np.uint8)


def drawn(picture, kind, seed):
    return draw(picture, kind, np.random.default_rng(seed))


def ink_of(drawing):
    """(H, W) how far each pixel is from the paper, 0..255; the paper is what lies outside."""
    paper = np.median(drawing[OUTSIDE], axis=0)
    return np.abs(drawing - paper).max(axis=2)


def colours(drawing, where):
    return np.unique(drawing[where], axis=0)


SCENE = disc((40, 50, 90), (235, 230, 220))
EDGES = {
    "least size": noise(16, 16),
    "wide": noise(16, 120),
    "high": noise(90, 17),
    "black": np.zeros((40, 40, 3), np.uint8),
    "white": np.full((40, 40, 3), 255, np.uint8),
    "grey": np.full((40, 40, 3), 128, np.uint8),
    "red": np.full((40, 40, 3), (220, 20, 20), np.uint8),
    "noise": noise(48, 48),
    "photo-like": cv2.resize(noise(10, 15), (300, 200)),
}


# Every kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("picture", EDGES.values(), ids=EDGES)
def test_any_picture_is_drawn_at_its_size_and_left_as_it_was(picture, kind):
    before = picture.copy()

    for seed in range(3):
        drawing = drawn(picture, kind, seed)

        assert (drawing.shape, drawing.dtype) == (picture.shape, np.uint8)
        assert not np.shares_memory(drawing, picture)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(15, 40), (40, 15), (1, 1)], ids=str)
def test_a_picture_too_small_to_draw_is_returned_as_it_is(shape, kind):
    picture = noise(*shape)

    drawing = drawn(picture, kind, 0)

    assert np.array_equal(drawing, picture)
    assert not np.shares_memory(drawing, picture)


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_into_a_larger_picture_is_drawn_as_its_copy(kind):
    part = cv2.resize(noise(8, 8), (96, 96))[10:74, 20:84]

    assert np.array_equal(drawn(part, kind, 1), drawn(part.copy(), kind, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_the_drawing_whatever_was_done_before(kind):
    drawings = [drawn(SCENE, kind, seed) for seed in SEEDS]

    # when: OpenCV's global generator is moved
    cv2.setRNGSeed(99)
    cv2.randu(np.empty((9, 9), np.uint8), 0, 255)

    # then
    assert np.array_equal(drawn(SCENE, kind, SEEDS[0]), drawings[0])
    assert len({drawing.tobytes() for drawing in drawings}) == len(SEEDS)


def test_an_unknown_kind_is_refused():
    with pytest.raises(KeyError, match="oil"):
        drawn(SCENE, "oil", 0)


# Lines on paper: a dark disc on light ground


@pytest.mark.parametrize("kind", ["contours", "outlines"])
@pytest.mark.parametrize("seed", SEEDS)
def test_lines_lie_at_the_border_of_things_and_nowhere_else(kind, seed):
    ink = ink_of(drawn(SCENE, kind, seed))

    assert ink[INSIDE].max() == 0
    assert ink[OUTSIDE].max() == 0
    # and: they go around the disc, through each of 8 sectors
    angles = np.arctan2(_ys - SIDE_PX / 2, _xs - SIDE_PX / 2)
    sectors = ((angles + np.pi) / (2 * np.pi) * 8).astype(int) % 8
    assert {int(sector) for sector in sectors[ink > 60]} == set(range(8))


@pytest.mark.parametrize("seed", SEEDS)
def test_ink_is_two_toned_and_black_where_it_is_dark(seed):
    drawing = drawn(SCENE, "ink", seed)

    ink = ink_of(drawing)

    assert ink[OUTSIDE].max() == 0
    assert ink[INSIDE].min() > 0.9 * ink.max()
    is_between = (ink > 0.2 * ink.max()) & (ink < 0.8 * ink.max())
    assert is_between.mean() < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_pencil_shades_at_borders_more_than_on_areas(seed):
    ink = ink_of(drawn(SCENE, "pencil", seed))

    # The dark side of the border is as dark as strokes get; a plain area has the paper's grain.
    strokes = np.percentile(ink[BORDER], 90)
    assert strokes > 2 * np.median(ink[INSIDE])
    assert strokes > 5 * np.median(ink[OUTSIDE])


@pytest.mark.parametrize(
    ("tone", "covered"),
    [
        # A stroke covers a third of its period: sin > 1/2 from 30 to 150 of 360 degrees.
        pytest.param(0.85, 0.0, id="light"),
        pytest.param(0.6, 1 / 3, id="one direction"),
        pytest.param(0.35, 1 - (2 / 3) ** 2, id="two"),
        pytest.param(0.1, 1 - (2 / 3) ** 3, id="three"),
    ],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_hatching_covers_more_where_it_is_darker(tone, covered, seed):
    ink = ink_of(drawn(disc(round(255 * tone), 255), "hatching", seed))

    assert ink[OUTSIDE].max() == 0
    assert (ink[INSIDE] > 100).mean() == pytest.approx(covered, abs=0.04)


@pytest.mark.parametrize("seed", SEEDS)
def test_halftone_has_more_ink_where_it_is_darker(seed):
    ramp = np.linspace(0, 255, SIDE_PX).round().astype(np.uint8)
    picture = np.broadcast_to(ramp[None, :, None], (SIDE_PX, SIDE_PX, 3))

    drawing = drawn(picture, "halftone", seed)

    # then: an eighth of the ramp after the other is lighter, or on a board the other way round
    tones = drawing.reshape(SIDE_PX, 8, -1).mean(axis=(0, 2))
    steps = np.diff(tones)
    assert (steps > 5).all() or (steps < -5).all()
    # and: middle grey is made of dots, of nearly full ink on nearly bare paper
    middle = drawing[:, 3 * SIDE_PX // 8 : 5 * SIDE_PX // 8].astype(int)
    assert np.ptp(middle) > 0.8 * np.ptp(drawing.astype(int))


# Areas of colour


@pytest.mark.parametrize("kind", ["cartoon", "clip_art", "filtered"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_plain_area_gets_one_colour_and_stays_apart_from_its_ground(kind, seed):
    drawing = drawn(SCENE, kind, seed)

    inside, outside = colours(drawing, INSIDE), colours(drawing, OUTSIDE)

    assert (len(inside), len(outside)) == (1, 1)
    assert np.abs(inside[0].astype(int) - outside[0]).max() > 50


def test_cartoons_have_dark_outlines_mostly():
    grounds = disc((200, 60, 60), (120, 200, 230))

    darkest = [drawn(grounds, "cartoon", seed)[BORDER].max(axis=1).min() for seed in range(24)]

    # 85 in 100 have lines, half as dark as the colours under them or darker.
    assert 16 <= sum(int(value) < 120 for value in darkest) <= 24


@pytest.mark.parametrize("seed", SEEDS)
def test_clip_art_is_outlined_all_around(seed):
    drawing = drawn(SCENE, "clip_art", seed)

    # The outline is one colour with every channel below 60, as long as the disc's border at least.
    is_dark = (drawing[BORDER] < 60).all(axis=1)
    assert is_dark.sum() >= 2 * np.pi * (RADIUS_PX - REACH_PX)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_posterised_grey_ramp_has_few_even_levels(seed):
    ramp = np.linspace(0, 255, SIDE_PX).round().astype(np.uint8)
    picture = np.repeat(np.tile(ramp, (SIDE_PX, 1))[..., None], 3, axis=2)

    drawing = drawn(picture, "posterised", seed)

    # then: grey has no hue to turn and no saturation to scale
    assert np.array_equal(drawing.min(axis=2), drawing.max(axis=2))
    levels = np.unique(drawing).astype(int)
    assert 2 <= len(levels) <= 5
    # and: the steps between them are equal but for rounding; the brightest may be cut off at white
    steps = np.diff(levels)[:-1]
    assert (np.abs(steps - levels[1]) <= 2).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_painting_evens_out_grain_and_keeps_borders(seed):
    grain = np.random.default_rng(4).normal(0, 25, (SIDE_PX, SIDE_PX, 1))
    rough = np.clip(disc(70, 180) + grain, 0, 255).astype(np.uint8)

    drawing = drawn(rough, "painting", seed).astype(float)

    # then: of the grain's deviation of 25 less than half is left; the weave adds up to 14 · 0.35
    assert drawing[INSIDE].std(axis=0).max() < 12
    assert drawing[OUTSIDE].std(axis=0).max() < 14
    # and: the brightness, 0.75 to 1.25 of what it was, is all that differs beside
    inside, outside = drawing[INSIDE].mean(), drawing[OUTSIDE].mean()
    assert 0.7 * 110 < outside - inside < 1.3 * 110


@pytest.mark.parametrize("seed", SEEDS)
def test_watercolour_is_paler_than_the_picture(seed):
    grey = disc(60, 200)

    drawing = drawn(grey, "watercolour", seed).astype(float)

    # Brightness times 0.95 to 1.1, after ink has lost up to half of its strength.
    inside, outside = drawing[INSIDE].mean(), drawing[OUTSIDE].mean()
    assert 0.95 * 60 - 5 <= inside < outside
    assert outside >= 0.95 * 200 - 5
    assert np.abs(drawing - drawing[..., :1]).max() <= 1  # grey stays grey


@pytest.mark.parametrize("seed", SEEDS)
def test_filtering_treats_equal_neighbourhoods_alike(seed):
    # given: the same tile in every place
    tile = noise(16, 16)
    picture = np.tile(tile, (6, 6, 1))

    drawing = drawn(picture, "filtered", seed)

    # then: away from the picture's edges every tile came out the same
    tiles = [drawing[16 * r : 16 * r + 16, 16 * c : 16 * c + 16] for r in (1, 3) for c in (2, 4)]
    for other in tiles[1:]:
        assert np.abs(tiles[0].astype(int) - other).max() <= 1
