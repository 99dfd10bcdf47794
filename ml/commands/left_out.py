"""What was named but could not be used."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is done without, and why, as one sentence."""

    name: str
    reason: str


def write_left_out(files: Sequence[LeftOut]) -> None:
    """Write each file with its reason, and how many they are, to standard output."""
    for file in files:
        sys.stdout.write(f"left out: {file.name}: {file.reason}\n")
    if files:
        sys.stdout.write(f"Files left out: {len(files)}\n")
