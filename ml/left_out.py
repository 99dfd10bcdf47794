"""What was named but could not be used."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is done without, and why, as one sentence."""

    name: str
    reason: str
