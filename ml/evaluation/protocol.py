"""What a protocol of `python -m ml evaluate` is: a description that the command reads.

Descriptions are imported for `--help`, so that they import nothing heavy; what a protocol runs, it
imports when it is run.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from ml.evaluation.report import Report

if TYPE_CHECKING:
    from ml.detection.base import Detector
    from ml.encoders.base import Encoder


class Use(Enum):
    """Whether something may be named in the command line."""

    NEEDED = "needed"
    ALLOWED = "allowed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of a protocol's own. Protocols that share one name the same `Flag`.

    Attributes:
        name: with its dashes.
        type: text → value, called as argparse does.
        default: its value where it is not given.
        help: what it means.
    """

    name: str
    type: Callable[[str], Any]
    default: Any = None
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the command. Only a protocol's `run` reads it.

    Attributes:
        options: the flags' values, those of all protocols.
        load_encoder: returns an encoder by name, called as `ml.encoders.registry.load` is.
        load_detector: returns a detector by name, called as `ml.detection.registry.load` is.
    """

    options: argparse.Namespace
    load_encoder: "Callable[..., Encoder]"
    load_detector: "Callable[..., Detector]"

    def encoder(self, name: str) -> "Encoder":
        """Return an encoder, loaded.

        Raises:
            MlError: there is none, or it cannot be loaded.
        """
        return self.load_encoder(
            name, device=self.options.device, batch_size=self.options.batch_size
        )

    def detector(self) -> "Detector":
        """Return the detector that was asked for, loaded.

        Raises:
            MlError: there is none, or it cannot be loaded.
        """
        return self.load_detector(
            self.options.detector, device=self.options.device, batch_size=self.options.batch_size
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationProtocol:
    """What the command knows of a protocol.

    Attributes:
        name: behind `--protocol`.
        run: evaluates; raises `MlError` with a sentence where it cannot.
        needs_encoder: whether it needs one; otherwise it takes none.
        compares: whether a second encoder and a background may be named.
        detector: whether one has to or may be named.
        limits: what `--limit` counts.
        flags: its own.
    """

    name: str
    run: Callable[[Request], Report]
    needs_encoder: bool = False
    compares: bool = False
    detector: Use = Use.REFUSED
    limits: str
    flags: tuple[Flag, ...] = ()

    def misfit(self, options: argparse.Namespace) -> str | None:
        """Return as a sentence which option does not fit the protocol; None where all do."""
        is_named = bool(options.encoder)
        has_extras = bool(options.compare_with or options.background)
        name = f"--protocol {self.name}"
        misfits = (
            (self.needs_encoder and options.encoder is None, f"{name} needs --encoder"),
            (
                not self.needs_encoder and (is_named or has_extras),
                f"{name} takes no encoder and no background",
            ),
            (has_extras and not self.compares, f"{name} takes one encoder and no background"),
            (
                self.needs_encoder and options.compare_with == options.encoder,
                "--compare-with names the same encoder",
            ),
            (
                bool(options.detector) and self.detector is Use.REFUSED,
                f"{name} takes no detector",
            ),
            (
                not options.detector and self.detector is Use.NEEDED,
                f"{name} needs --detector",
            ),
        )
        return next((sentence for is_wrong, sentence in misfits if is_wrong), None)
