"""The network of `ssd`, cut out of its frozen graph, and what its outputs mean.

Left out is what stands around the network there: a resize, which we do better, and a suppression in
a loop over classes, which takes longer than the network.

Source: Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, section 2.2 (default boxes);
the values are those of the release's `ssd_anchor_generator` and `faster_rcnn_box_coder`.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.errors import CheckpointMismatch
from ml.runtime.library import core, openvino, ops

SIZE_PX = 300
# Names in the graph: the resized picture, then each default box's shift and its classes' scores.
_INPUT = "Preprocessor/map/TensorArrayStack/TensorArrayGatherV3"
_OUTPUTS = ("concat", "concat_1")

# Cells along a side of each feature map, and the boxes' sizes there as shares of the picture's.
_CELLS = (19, 10, 5, 3, 2, 1)
_MIN_SCALE, _MAX_SCALE, _SMALL_SCALE = 0.2, 0.95, 0.1
_RATIOS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
# By what the network's shifts of centres and of sizes are greater than they are meant.
_CENTRE_FACTOR, _SIZE_FACTOR = 10.0, 5.0


def read(path: Path) -> openvino.Model:
    """Return the network: (B, 300, 300, 3) uint8 → shifts (B, 1917, 1, 4), scores (B, 1917, 91).

    Takes about 8 s.

    Args:
        path: the release's frozen graph.

    Raises:
        CheckpointMismatch: it is another graph, or none.
    """
    try:
        graph = core.read_model(path)
        nodes = {node.get_friendly_name(): node for node in graph.get_ops()}
        resized = nodes[_INPUT].output(0)
        pixels = ops.parameter([-1, SIZE_PX, SIZE_PX, 3], np.uint8)
        values = ops.convert(pixels, np.float32).output(0)
        for consumer in resized.get_target_inputs():
            consumer.replace_source_output(values)
        return openvino.Model([nodes[name].output(0) for name in _OUTPUTS], [pixels], "ssd")
    except (RuntimeError, KeyError) as err:
        raise CheckpointMismatch(
            f"{path.name} does not hold the network of SSD MobileNet.", file=path.name
        ) from err


def default_boxes() -> NDArray[np.float32]:
    """Return (1917, 4): y and x of the centre, height, width, as shares of the picture's sides.

    In the order of the network's outputs: map by map, row by row, cell by cell.
    """
    steps = len(_CELLS) - 1
    scales = [_MIN_SCALE + (_MAX_SCALE - _MIN_SCALE) * step / steps for step in range(steps + 1)]
    boxes = []
    for cells, scale, next_scale in zip(_CELLS, scales, [*scales[1:], 1.0], strict=True):
        shapes = [(scale, ratio) for ratio in _RATIOS] + [((scale * next_scale) ** 0.5, 1.0)]
        if scale == scales[0]:
            shapes = [(_SMALL_SCALE, 1.0), (scale, 2.0), (scale, 0.5)]
        sides = [(size / ratio**0.5, size * ratio**0.5) for size, ratio in shapes]
        centres = (np.arange(cells) + 0.5) / cells
        boxes += [(y, x, *side) for y in centres for x in centres for side in sides]
    return np.array(boxes, np.float32)


def decoded(shifts: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (N, 4) x0, y0, x1, y1 of default boxes as the network shifted them, in their units.

    Args:
        shifts: (N, 4) of the centre's y and x and of the height and width.
        boxes: (N, 4) as `default_boxes` gives them.
    """
    shifts, boxes = shifts.astype(np.float64), boxes.astype(np.float64)
    centres = boxes[:, :2] + shifts[:, :2] / _CENTRE_FACTOR * boxes[:, 2:]
    halves = boxes[:, 2:] * np.exp(shifts[:, 2:] / _SIZE_FACTOR) / 2
    corners = np.concatenate([centres - halves, centres + halves], axis=1)
    return corners[:, [1, 0, 3, 2]]
