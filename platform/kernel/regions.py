"""The parts of a picture as every process names them."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["whole", "panel", "object"]


@dataclass(frozen=True, slots=True, order=True)
class RegionKey:
    """Which part of a picture: its kind, and its place from 0 among the picture's parts of it.

    As text, "panel-3", it names files and answers of the API.
    """

    kind: Kind
    ordinal: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.ordinal}"


WHOLE = RegionKey("whole", 0)
