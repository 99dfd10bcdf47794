"""Room for the frames of a request's calls, in one piece.

CPython 3.11 and later keep the frames of Python's calls in pieces of 16 KiB, and give a piece back
when its first frame ends. Where a loop happens to run at the end of a piece, each call in it has
the kernel map a new one: 7 µs instead of 0.03. Middleware, view and nested templates fill several
pieces, and the hits of a page were such a loop: it took twice its time, or not, by how deep it lay.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# Of 8 bytes. A frame that needs more than half of 128 KiB has a piece of that size made, whose
# other half is for the calls within: the next end of a piece was some 580 small calls further in.
_FRAME_SLOTS = 8200


def with_room_for_frames(call: Callable[P, R]) -> Callable[P, R]:
    """Return what does the same, and has all calls within keep their frames in one piece."""

    def roomy(*args: P.args, **kwargs: P.kwargs) -> R:
        return call(*args, **kwargs)

    roomy.__code__ = roomy.__code__.replace(co_stacksize=_FRAME_SLOTS)
    return wraps(call)(roomy)
