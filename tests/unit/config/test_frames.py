"""Room for frames: no loop of a request maps memory anew with each of its calls."""

import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.frames import with_room_for_frames

_CALLS = 500
# Deeper than any page lies, and more than one piece of frames is long.
_DEPTHS = range(1, 300)


def _nothing() -> None:
    pass


def _faults_at(depth: int) -> int:
    """Return how many pages of memory the calls of a loop had mapped, so many calls further in."""
    if depth:
        return _faults_at(depth - 1)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(_CALLS):
        _nothing()
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def _depths_that_map(faults_at: Callable[[int], int]) -> list[int]:
    """Return those depths; of a new thread, whose first piece is as small as pieces are."""
    with ThreadPoolExecutor(1) as thread:
        faults = thread.map(faults_at, _DEPTHS)
        return [depth for depth, seen in zip(_DEPTHS, faults, strict=True) if seen >= _CALLS]


def test_some_depth_maps_memory_with_each_call_without_it() -> None:
    """Where this fails, Python has learned to keep a piece, and the module can go."""
    assert _depths_that_map(_faults_at) != []


def test_no_depth_does_within_it() -> None:
    assert _depths_that_map(with_room_for_frames(_faults_at)) == []


def test_a_call_is_handed_on_as_it_is() -> None:
    def call(*args: object, **kwargs: object) -> tuple[object, object]:
        """Say what it was called with."""
        return args, kwargs

    roomy = with_room_for_frames(call)

    assert roomy(1, 2, three=3) == ((1, 2), {"three": 3})
    assert roomy.__doc__ == call.__doc__


def test_an_error_comes_through() -> None:
    @with_room_for_frames
    def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        fail()
