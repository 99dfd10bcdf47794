"""Number formats that networks compute in, and which of them this CPU has instructions for."""

import logging
from functools import cache
from typing import Literal, get_args

from ml.runtime.library import core, openvino

logger = logging.getLogger(__name__)

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
DEVICE = "CPU"


@cache
def native() -> Precision:
    """Return the fastest format that this CPU multiplies itself: bfloat16, or else float32.

    bfloat16 halves the time; its embeddings have a cosine of .9985 to those of float32.
    """
    # The runtime's own default tells it: its list of capabilities also names what it emulates.
    default = core.get_property(DEVICE, "INFERENCE_PRECISION_HINT")
    return "bfloat16" if default == openvino.Type.bf16 else "float32"


def served(wanted: str) -> Precision:
    """Return the format that a network is run in on this CPU.

    Args:
        wanted: one of `PRECISIONS`, as a catalogue recorded it, or "auto" for the fastest.

    Returns:
        What is wanted, or float32, slower, where this CPU has no instructions for it; the log says
        so.

    Raises:
        ValueError: `wanted` is none of these.
    """
    if wanted == "auto":
        return native()
    if wanted not in PRECISIONS:
        raise ValueError(f"{wanted!r} is none of auto, {', '.join(PRECISIONS)}")
    if wanted == "bfloat16" and native() == "bfloat16":
        return "bfloat16"
    if wanted != "float32":
        logger.warning(
            "This CPU has no instructions for %s: networks run in float32, at half the pace.",
            wanted,
        )
    return "float32"
