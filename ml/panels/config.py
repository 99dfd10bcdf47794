"""Every number that decides what a panel is, a section a stage, each with where it comes from.

A number is one of three: *measured* on pictures, *learned* with the classifiers (it is part of a
feature that they were fitted to, so that another value needs `python -m ml.panels.learning` again),
or a *rule of layout*, which was set by hand from how pages, collages and JPEG look. The stages
`work_copy` and `seams` feed every feature: changing them needs learning, too.

Units stand in the names: `px` are pixels of the work copy (see `ml.panels.measurement.work_copy`),
`original_px` of the original; `levels` are grey levels of 255, of steps between neighbouring pixels
where nothing else is said; a `share` is 0..1 of what the name says, a `factor` a multiple. A `min`
is the least value that still counts, a `max` the largest.
"""

from dataclasses import dataclass, field

from ml.panels.origins import learned, measured, rule_of_layout


@dataclass(frozen=True, slots=True)
class WorkCopyConfig:
    """The work copy, and what counts as flat, textured, sharp and large in it."""

    min_picture_side_original_px: int = rule_of_layout(16, "nothing can be seen in less")
    max_area_px: int = rule_of_layout(
        750_000,
        "1600 × 1200 px become 1000 × 750, where a gutter of 2 px is still one wide; long pages "
        "and panoramas keep what their narrow side shows",
    )
    min_panel_side_original_px: int = rule_of_layout(64, "smaller ones are icons and avatars")
    min_panel_side_share: float = rule_of_layout(
        1 / 16, "of the work copy's mean side; smaller ones are the pieces of a photo"
    )
    min_panel_side_px: int = rule_of_layout(12, "set by hand")
    bright_quantile: float = rule_of_layout(
        0.99, "a picture is very dark if so many of its levels are below `min_bright_levels`"
    )
    min_bright_levels: float = rule_of_layout(100.0, "of 255, not of steps; set by hand")
    max_brightening_factor: float = rule_of_layout(4.0, "more shows JPEG noise")
    brightness_every_px: int = rule_of_layout(5, "of rows and of columns; set by hand")
    max_flat_levels: int = learned(2, "up to these it is flat page; a feature of photos")
    max_texture_levels: int = learned(48, "above these it is text or an edge; a feature of photos")
    texture_window_px: int = learned(17, "a line of text high")
    min_texture_share: float = learned(0.4, "of the window that is neither flat nor sharp")
    max_ground_levels: int = rule_of_layout(3, "up to these it is ground; set by hand")
    strokes_above_levels: int = rule_of_layout(
        40, "strokes of letters have more, those of grey letters as well"
    )


@dataclass(frozen=True, slots=True)
class SeamsConfig:
    """Straight edges."""

    averaged_along_px: int = rule_of_layout(
        11, "along the edge: wears edges down that are tilted by 5° and more"
    )
    surroundings_px: int = rule_of_layout(6, "to each side: what a step has to stand out from")
    min_step_levels: int = rule_of_layout(6, "less is JPEG noise of a flat canvas")
    min_contrast_factor: float = rule_of_layout(2.5, "of the mean step beside it; set by hand")
    joined_px: int = rule_of_layout(3, "an edge may run a pixel to and fro")
    snap_px: int = rule_of_layout(
        4, "how far a side found otherwise may lie from its edge: JPEG rings as far"
    )


@dataclass(frozen=True, slots=True)
class CanvasConfig:
    """The canvas that pictures lie on, fitted to the rim of a region."""

    min_rim_share: float = rule_of_layout(
        0.35, "of the rim that is canvas, for a region to have one; set by hand"
    )
    min_sloped_rim_share: float = rule_of_layout(
        0.5, "a gradient fits more by chance than a colour does"
    )
    max_rim_samples: int = rule_of_layout(160, "pixels of the rim, up to twice as many; by hand")
    trials: int = rule_of_layout(
        48, "of three pixels each: at 45 % canvas one is all canvas in 99 % of cases"
    )
    seed: int = rule_of_layout(0, "any: the same picture has to give the same canvas")
    min_determinant: float = rule_of_layout(
        1e-2, "of three points: with less they are nearly a line, which holds up no plane"
    )
    rough_tolerance_levels: float = rule_of_layout(
        14.0, "from the plane: pixels that may belong to it before it is fitted; set by hand"
    )
    min_tolerance_levels: float = rule_of_layout(6.0, "from the fitted plane: JPEG noise")
    max_tolerance_levels: float = rule_of_layout(
        22.0, "from the fitted plane: with more, a dark photo is black canvas"
    )
    spread_quantile: float = rule_of_layout(0.9, "of the rim's distances from the plane")
    spread_factor: float = rule_of_layout(2.5, "of that quantile, for textured canvases")
    min_slope_gain_factor: float = rule_of_layout(
        1.05, "a gradient must explain so much more of the rim than a flat colour does"
    )
    fractions_per_level: int = rule_of_layout(32, "their sums have to fit 16 bits")
    max_plane_levels: float = rule_of_layout(500.0, "to both sides of 0: the same")
    opened_px: int = rule_of_layout(3, "thinner lines are borders and rules, not content")


@dataclass(frozen=True, slots=True)
class CutsConfig:
    """Candidates for cuts from side to side, and the features of them."""

    min_edge_share: float = measured(0.5, "made collages: 99 % of the true cuts have more edge")
    max_candidates: int = rule_of_layout(
        24, "a direction: a grid of 12 by 12 with both sides of each gutter"
    )
    step_levels_per_share: int = rule_of_layout(
        512, "where there is as much edge, the higher step is the likelier cut; set by hand"
    )
    min_distance_px: int = rule_of_layout(3, "two sides of a nearer gutter are one cut")
    segments: int = learned(6, "of a cut's length, each of which should have its edge")
    strip_px: int = learned(3, "the strips on both sides that are compared")
    blurred_px: int = learned(2, "between a cut and the strips on both sides")
    texture_strip_px: int = learned(12, "the strips whose gradients are compared")
    surroundings_px: int = learned(20, "to each side: what a step is compared with")
    max_samples_along: int = learned(100, "pixels of a line, or up to twice as many")
    max_gutter_px: int = learned(40, "wider ones are no gutter")
    max_gutter_levels: float = learned(
        6.0, "mean step in a gutter: JPEG noise and the texture of a canvas"
    )


@dataclass(frozen=True, slots=True)
class SnappingConfig:
    """Sides moved to the straight edges beside them."""

    work_copy_rim_px: int = rule_of_layout(2, "a side this close to the work copy's rim lies on it")
    clear_side_share: float = rule_of_layout(
        0.9, "of a side with an edge, from which on it surely is there; set by hand"
    )
    jpeg_block_px: int = rule_of_layout(
        8,
        "on dark canvas the colour of a photo's rim reaches a whole JPEG block farther, at half "
        "the detail that light has",
    )
    nearly_best_share: float = rule_of_layout(
        0.1, "less edge than the best: among such positions the highest step decides"
    )


@dataclass(frozen=True, slots=True)
class PhotoFeaturesConfig:
    """What the panel classifier sees of a box."""

    max_samples: int = learned(16_000, "pixels of a box: enough for shares to a percent")
    colour_bins: int = learned(
        16, "a channel: JPEG noise seldom leaves a bin of 16 of the 256 levels"
    )
    max_rare_share: float = learned(0.002, "of the pixels: bins with no more are noise")
    flat_line_factor: int = learned(
        3, "of the work copy's flat levels, for a line that is flat all along"
    )
    min_rim_px: int = learned(2, "of a box: where canvas beside it shows")
    sides_per_rim: int = learned(40, "the rim of a large box is one of so many parts of its side")


@dataclass(frozen=True, slots=True)
class MarginsConfig:
    """Flat margins that a cut left beside a photo."""

    min_flat_share: float = rule_of_layout(
        0.98, "of a line's pixels: the ends of other lines may touch it"
    )
    min_edge_share: float = rule_of_layout(
        0.6, "of a photo's side that shows an edge; things on a ground have less"
    )
    edge_reach_px: int = rule_of_layout(2, "from a margin's end to the edge; set by hand")


@dataclass(frozen=True, slots=True)
class PanelSearchConfig:
    """The search for panels by canvases and cuts in turn."""

    likely_probability: float = rule_of_layout(0.5, "a classifier's yes")
    sure_probability: float = rule_of_layout(
        0.8,
        "set by hand; for the first cut of all, as most pictures are one photo, some with a "
        "straight edge all across; and inside what gutters or canvas already set apart, as a "
        "collage seldom has photos both with and without space between them",
    )
    min_confirming_panels: int = rule_of_layout(3, "so many panels behind a cut make it surer")
    confirmed_probability: float = rule_of_layout(0.65, "of a cut with so many; set by hand")
    max_depth: int = rule_of_layout(
        12, "a canvas or a cut each: pages in cards in columns need 6 or 7"
    )
    large_share: float = rule_of_layout(
        1 / 40,
        "of the work copy: what is segmented is limited by area from here on, else by number",
    )
    share_per_large_box: float = rule_of_layout(
        0.15, "of the work copy, added to a large box's area"
    )
    max_large_shares: float = measured(
        6.0,
        "of the work copy, of all large boxes: rich pages take near 60 ms on one core, and no "
        "figure of the open collages, screenshots and pages changes; real ones seldom have more",
    )
    max_small_boxes: int = rule_of_layout(
        12, "more are only classified, which is enough for a grid of small photos"
    )
    min_textured_share: float = measured(
        0.03, "of the smallest photo: of 99 in 100 made panels, 15 % and more is textured"
    )
    nearly_all_share: float = rule_of_layout(
        0.97, "of a region: a box as large as this is the region itself"
    )
    sides_needed_from_depth: int = rule_of_layout(
        1, "from here on the canvas may be a flat ground in a photo, or run into one"
    )
    min_side_share_on_canvas: float = rule_of_layout(
        0.12, "of a side with an edge from that depth on; set by hand"
    )
    min_text_share: float = rule_of_layout(
        0.01, "of what surrounds a photo on a card that is strokes of text"
    )
    min_inner_side_share: float = rule_of_layout(
        0.5, "of a photo in a box with clear sides; things on a ground have less edge"
    )
    small_share: float = measured(
        1 / 16, "of the work copy; see `surely_one_probability`, which it was tried with"
    )
    surely_one_probability: float = measured(
        0.95,
        "the open screenshots: not looking into small boxes this sure raises F1 from .961 to .974",
    )
    same_probability: float = rule_of_layout(0.05, "confidences this close say the same")
    max_gutter_levels: int = rule_of_layout(
        5, "median step: in a strip that is thrown away is no photo"
    )


@dataclass(frozen=True, slots=True)
class PageConfig:
    """Whether a picture is a page: ground with lines of text."""

    min_ground_share: float = rule_of_layout(0.6, "of what is not panel; set by hand")
    panel_surroundings_px: int = rule_of_layout(4, "of a panel: its own edge, no text")
    min_glyph_height_px: int = rule_of_layout(
        4, "the work copy shows text of 12 to 40 px at half to full size"
    )
    max_glyph_height_px: int = rule_of_layout(36, "the same")
    min_glyph_width_px: int = rule_of_layout(2, "the same, of a letter")
    max_glyph_width_px: int = rule_of_layout(160, "the same, of a word")
    max_height_factor: float = rule_of_layout(2.0, "of the lower one: letters of one line")
    max_baseline_share: float = rule_of_layout(
        1 / 6, "of the height, between the baselines of letters in one line"
    )
    max_gap_heights: float = rule_of_layout(2.0, "heights between letters that are neighbours")
    min_neighbours: int = rule_of_layout(2, "two more in its line make a glyph text, not a speck")
    min_glyphs: int = rule_of_layout(
        16, "in lines: most captions of a collage have fewer, two lines of text have more"
    )
    band_px: int = rule_of_layout(160, "looked at at once: a page is known by its first lines")
    max_outlines: int = rule_of_layout(5000, "without lines among them it is a pattern")
    max_glyphs_compared: int = rule_of_layout(400, "of a band; bounds the time")
    min_photo_side_original_px: int = rule_of_layout(
        90, "96, less what cut-off sides and round corners hide; smaller: avatars, icons"
    )


@dataclass(frozen=True, slots=True)
class CollageConfig:
    """Whether what was found is a collage."""

    min_panels: int = rule_of_layout(2, "one is a photo in a margin")
    min_confidence: float = measured(
        0.88,
        "made collages: the median of the panels is above 0.9; most pictures are one photo, and "
        "things on a plain ground look a little like panels",
    )
    min_supported_confidence: float = rule_of_layout(
        0.75,
        "set by hand; enough where all sides are clear, as drawings may be among the panels, or "
        "where there are many: small photos on a gradient are hard to tell one by one",
    )
    many_panels: int = rule_of_layout(4, "set by hand, for the confidence above")


@dataclass(frozen=True, slots=True)
class SoftSidesConfig:
    """Photos that fade into the canvas."""

    canvas_px: int = rule_of_layout(2, "around a box: where the canvas shows")
    reach_share: float = rule_of_layout(0.25, "of a box's side: farther in is all photo")
    min_reach_px: int = rule_of_layout(8, "less shows no fading")
    min_fading_px: int = rule_of_layout(
        3, "from a quarter to three quarters there: an edge takes a pixel, JPEG and blur two"
    )
    max_canvas_levels: float = rule_of_layout(12.0, "from the canvas: the canvas; JPEG noise")
    min_inside_levels: float = rule_of_layout(24.0, "from the canvas, of what fades; set by hand")
    min_shown_share: float = rule_of_layout(
        0.7, "of a side where half is gone: an oval thing shows less than half there"
    )


@dataclass(frozen=True, slots=True)
class FramesConfig:
    """Frames around photos that lie on a photo."""

    min_length_share: float = rule_of_layout(
        0.2, "of the picture's side, of a framed photo: one in four photos has so long edges"
    )
    min_edge_lines: int = rule_of_layout(12, "three lines an edge, two edges a side, two sides")
    max_step_levels: int = rule_of_layout(6, "in a frame: JPEG rings beside the photo")
    beside_px: int = rule_of_layout(2, "from a photo, a line of the frame: beside its edge")
    min_filled_share: float = rule_of_layout(
        0.5, "of its upright box, by what is inside a frame: a sky may run into it"
    )
    max_off_levels: float = rule_of_layout(
        6.0, "from a frame's median colour: no camera takes a wall so evenly"
    )
    min_even_share: float = rule_of_layout(0.8, "of that line; the photo may show beyond its edge")
    min_side_share: float = rule_of_layout(0.5, "of a photo's side that shows an edge")
    same_colour_levels: float = rule_of_layout(8.0, "between the frames of one picture")


@dataclass(frozen=True, slots=True)
class PlainPanelsConfig:
    """Plain skies side by side."""

    cells_a_side: int = rule_of_layout(8, "of a box, whose tones are compared, less its rim")
    min_shade_levels: int = rule_of_layout(12, "a sky's tones are apart; one colour's are not")
    min_gutter_px: int = rule_of_layout(3, "a horizon parts sky and sea without one")


@dataclass(frozen=True, slots=True)
class ComicsConfig:
    """Pages of comics."""

    min_page_area_original_px: int = rule_of_layout(
        120_000, "in a smaller page of three panels no word could be read"
    )
    min_cell_share: float = rule_of_layout(0.7, "of four pixels: one may be noise")
    colour_bins: int = rule_of_layout(16, "a channel: JPEG noise of a plain page fits in one")
    max_colours: int = rule_of_layout(3, "the commonest: paper, ink and one more")
    min_colour_share: float = rule_of_layout(0.035, "of the page: narrower gutters have less")
    max_off_levels: int = rule_of_layout(18, "from the colour, of a channel: JPEG rings at frames")
    same_levels: int = rule_of_layout(12, "between two colours")
    max_flat_levels: int = rule_of_layout(4, "of a step, in flat paper")
    colour_every_px: int = rule_of_layout(2, "of rows and of columns")
    max_bins: int = rule_of_layout(8, "looked through for the commonest colours")
    max_slant_deg: float = rule_of_layout(24.0, "from upright or level")
    slant_step_deg: float = rule_of_layout(0.25, "3 px on a page's length")
    min_line_share: float = rule_of_layout(0.25, "of the page's shorter side, of a slanted line")
    same_rise: float = rule_of_layout(0.015, "the nearest are looked through in steps")
    rise_steps: tuple[float, ...] = rule_of_layout(
        (-0.008, -0.004, 0.004, 0.008), "around a slope, a quarter of a degree each"
    )
    min_first_line_share: float = rule_of_layout(
        0.7, "the same for the first gutter, which goes all across: few other pictures have one"
    )
    sure_clearness: float = rule_of_layout(0.85, "with so much no slanted gutter is looked for")
    max_rises: int = rule_of_layout(6, "to each side, which bounds the time")
    min_gutter_share: float = rule_of_layout(0.6, "of a gutter: speech may cross it")
    beside_px: int = rule_of_layout(3, "from a gutter to a frame")
    rim_step_px: float = rule_of_layout(2.0, "along a side, between the points looked at")
    min_clearness: float = rule_of_layout(0.6, "less of the colour beside a gutter than in it")
    slant_cost: float = rule_of_layout(0.05, "of a slanted one's clearness: most are not slanted")
    max_side_share: float = rule_of_layout(0.6, "of a panel's first line that has the colour")
    min_corner_px: float = rule_of_layout(6.0, "a shorter side is a cut-off corner")
    min_panels: int = rule_of_layout(3, "two are a thing of two parts more often")
    min_covered_share: float = rule_of_layout(0.6, "of the page, by panels")
    min_filled_share: float = rule_of_layout(
        0.85, "of the box around all panels: the rest is gutters"
    )
    max_outside_share: float = rule_of_layout(0.04, "of the page: letters and speech")
    min_panel_clearness: float = rule_of_layout(0.7, "of a panel's sides")
    min_box_share: float = rule_of_layout(0.97, "of a box, by an outline that is one")
    min_inside_share: float = rule_of_layout(0.8, "of a photo, to lie in a panel")
    max_share_of_piece: float = measured(
        0.8, "of a comic's panel, by a photo that is a piece of it; made comics and collages"
    )
    inner_colour_factor: float = rule_of_layout(
        0.3, "of a colour that is nowhere on the page's rim, as the ink of frames"
    )
    min_clearness_over_collage: float = measured(
        0.97, "the mean panel: with it F1 of the open collages does not fall"
    )
    min_share_of_card: float = measured(
        0.94, "of the panel that a page's photos lie in: on the open shop pages .93 and less"
    )
    min_covered_share_on_page: float = measured(
        0.8, "by panels; on the open shop pages .74 and less"
    )
    min_blank_levels: int = rule_of_layout(12, "of a step, in what is no blank part of a panel")
    min_shown_share: float = rule_of_layout(0.002, "of a part, that has such steps; less is blank")
    min_clearness_on_page: float = measured(
        0.95, "the mean panel; the open pages without photos have .92 and less"
    )
    min_page_clearness: float = measured(0.88, "the mean panel; made comics have 0.9 and more")


@dataclass(frozen=True, slots=True)
class MatConfig:
    """Whether a single photo lies within a plain margin that is worth cutting off."""

    max_photo_share: float = rule_of_layout(0.8, "of the picture: a narrower margin stays")
    min_plain_share: float = rule_of_layout(0.9, "of the margin, the photo's rim left out")
    min_confidence: float = measured(
        0.7, "photos in margins: these were cut off 8 of 10 photos, and with 0.9 off 7"
    )
    min_side_share: float = measured(
        0.7, "together with `min_confidence`; things on a plain ground have no straight sides"
    )


@dataclass(frozen=True, slots=True)
class AlignmentConfig:
    """Sides that cannot be seen, moved to where those of other panels are."""

    max_hidden_share: float = rule_of_layout(
        0.5, "of a side with an edge: with less, the side may be elsewhere"
    )
    min_seen_share: float = rule_of_layout(
        0.8, "of a side with an edge, from which on it is where a panel ends"
    )
    min_area_share: float = rule_of_layout(
        0.3, "of the panels' median area: less is a slip cut off a photo"
    )
    max_ground_levels: int = rule_of_layout(8, "JPEG noise of a white photo included")
    min_ground_share: float = rule_of_layout(0.95, "of a strip that a side moves across")
    edge_px: int = rule_of_layout(2, "of a strip's ends: the edges that it lies between")
    max_outward_share: float = rule_of_layout(
        1.5, "of the box's length: a thing may be a small part of a white photo"
    )
    max_inward_share: float = rule_of_layout(
        0.15, "of the box's length: a photo seldom ends in what is a wide margin"
    )
    min_shared_share: float = rule_of_layout(
        0.5, "of the shorter of two boxes, in one row or column"
    )
    same_line_px: int = rule_of_layout(3, "sides this close are on one line")


@dataclass(frozen=True, slots=True)
class RefinementConfig:
    """Boxes of the work copy, moved to the pixel on the original."""

    reach_px: float = rule_of_layout(1.5, "how far a side of the work copy can be from its edge")
    block_original_px: int = rule_of_layout(
        8, "averaged along a side: wears texture down, leaves the edge"
    )
    max_blocks: int = rule_of_layout(96, "of a side: enough, and long sides cost no more")
    min_lines: int = rule_of_layout(3, "two steps, to choose from")


@dataclass(frozen=True, slots=True)
class OverlayConfig:
    """The drawing of a splitting."""

    colour_rgb: tuple[int, int, int] = rule_of_layout((0, 190, 90), "set by hand")
    shadow_rgb: tuple[int, int, int] = rule_of_layout((0, 0, 0), "under the colour; set by hand")
    side_per_line_original_px: int = rule_of_layout(300, "of the picture: a pixel of line each")
    text_factor: float = rule_of_layout(
        0.45, "of OpenCV's font, a pixel of line each: letters 10 px high"
    )
    shadow_factor: int = rule_of_layout(3, "of the line's width; set by hand")
    text_left_lines: int = rule_of_layout(2, "from a panel's left side to its text; set by hand")
    text_top_lines: int = rule_of_layout(14, "from its top to the text's baseline; set by hand")


@dataclass(frozen=True, slots=True)
class ExamplesConfig:
    """Which made pictures are learned from, and what answers them rightly."""

    max_cut_distance_px: float = rule_of_layout(3.0, "from a panel's side, of a right cut")
    min_shared_px: int = rule_of_layout(4, "of a panel in a region, to count as in it; by hand")
    min_panel_iou: float = rule_of_layout(0.8, "intersection over union of a right box")
    max_other_iou: float = rule_of_layout(0.6, "of a wrong one; between them nothing is learned")
    min_inside_share: float = rule_of_layout(0.8, "of a panel's area, to lie in a box")
    panel_probability: float = rule_of_layout(
        0.9, "the truth's yes: below what would keep a panel from being looked into"
    )
    round_pictures: int = rule_of_layout(10, "each style of collage once, then pages")
    rounds_per_empty_page: int = rule_of_layout(3, "some pages have no photos; set by hand")
    plain_per_made: int = rule_of_layout(2, "plain photos: most pictures are no collage")
    min_enlarged_factor: float = rule_of_layout(1.0, "of plain photos; see the next")
    max_enlarged_factor: float = rule_of_layout(
        3.0, "photos to learn from may be smaller than those that are split"
    )
    min_sharpening_factor: float = rule_of_layout(0.0, "of the difference to a blurred photo")
    max_sharpening_factor: float = measured(
        2.0,
        "collages of COCO photos: F1 .956 since photos are sharpened and more are learned from, "
        ".940 before. A collage enlarges small photos more than those that people post, and blurs "
        "them: the trees would take the edges of things in sharp photos for seams",
    )
    blur_original_px: float = rule_of_layout(1.2, "standard deviation; set by hand")


@dataclass(frozen=True, slots=True)
class FittingConfig:
    """The boosted trees."""

    depth: int = rule_of_layout(3, "questions in a row: three features may depend on each other")
    learning_rate: float = rule_of_layout(0.12, "set by hand")
    subsample_share: float = rule_of_layout(0.7, "of the examples, a tree; set by hand")
    min_leaf_examples: int = rule_of_layout(8, "set by hand")


@dataclass(frozen=True, slots=True)
class PanelsConfig:
    """All sections, in the order in which a picture passes them; learning comes last."""

    work_copy: WorkCopyConfig = field(default_factory=WorkCopyConfig)
    seams: SeamsConfig = field(default_factory=SeamsConfig)
    canvas: CanvasConfig = field(default_factory=CanvasConfig)
    cuts: CutsConfig = field(default_factory=CutsConfig)
    margins: MarginsConfig = field(default_factory=MarginsConfig)
    snapping: SnappingConfig = field(default_factory=SnappingConfig)
    photo_features: PhotoFeaturesConfig = field(default_factory=PhotoFeaturesConfig)
    search: PanelSearchConfig = field(default_factory=PanelSearchConfig)
    page: PageConfig = field(default_factory=PageConfig)
    collage: CollageConfig = field(default_factory=CollageConfig)
    soft_sides: SoftSidesConfig = field(default_factory=SoftSidesConfig)
    frames: FramesConfig = field(default_factory=FramesConfig)
    plain_panels: PlainPanelsConfig = field(default_factory=PlainPanelsConfig)
    comics: ComicsConfig = field(default_factory=ComicsConfig)
    mat: MatConfig = field(default_factory=MatConfig)
    alignment: AlignmentConfig = field(default_factory=AlignmentConfig)
    refinement: RefinementConfig = field(default_factory=RefinementConfig)
    overlay: OverlayConfig = field(default_factory=OverlayConfig)
    examples: ExamplesConfig = field(default_factory=ExamplesConfig)
    fitting: FittingConfig = field(default_factory=FittingConfig)


CONFIG = PanelsConfig()
