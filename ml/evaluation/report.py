"""What every evaluation says, and the files that it leaves in its folder."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from ml.output import replaced_files

FAILURES, MARKDOWN, JSON = "failures.png", "report.md", "report.json"


@dataclass(frozen=True, slots=True)
class PrimaryMetric:
    """The one figure by which two evaluations of a protocol are compared.

    Attributes:
        name: of the figure, as in the JSON.
        value: None where the data leave it undefined.
        greater_is_better: its direction.

    Example:
        >>> PrimaryMetric("f1", 0.75)
        PrimaryMetric(name='f1', value=0.75, greater_is_better=True)
    """

    name: str
    value: float | None
    greater_is_better: bool = True


@dataclass(frozen=True, slots=True)
class FailureSheet:
    """A picture that lies beside the report.

    Attributes:
        file: its name.
        heading: above it in the Markdown.
        alternative: what is read where it cannot be seen.
        draw: writes it as a PNG to a path; returns whether there was anything to draw.
    """

    file: str
    heading: str
    alternative: str
    draw: Callable[[Path], bool]


class Report(Protocol):
    """What a protocol says. It is measured already, and writes no file: `write` does.

    Example:
        >>> class Coins:
        ...     primary_metric = PrimaryMetric("heads", 0.5)
        ...     def table(self): return "heads  tails"
        ...     def markdown(self): return "# Evaluation: coins"
        ...     def to_json(self): return {"protocol": "coins", "thrown": 2}
        ...     def sheets(self): return ()
        >>> for name, value in json_values(Coins()).items(): print(name, value)
        protocol coins
        thrown 2
        primary_metric {'name': 'heads', 'value': 0.5, 'greater_is_better': True}
    """

    @property
    def primary_metric(self) -> PrimaryMetric:
        """The figure that the protocol is about."""

    def table(self) -> str:
        """Return the table for a terminal, columns aligned, with its remarks below it."""

    def markdown(self) -> str:
        """Return the report as Markdown, without the sheets."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values, no NaN among them; shares are 0..1."""

    def sheets(self) -> Sequence[FailureSheet]:
        """Return the pictures that may lie beside the report, in their order."""


def json_values(report: Report) -> dict[str, Any]:
    """Return what is in the JSON file: all that the report says, and its primary metric."""
    return report.to_json() | {"primary_metric": asdict(report.primary_metric)}


def write(report: Report, folder: Path) -> None:
    """Write the sheets, the Markdown and the JSON, all or none; a sheet of nothing is left out.

    Raises:
        OutputUnwritable: the folder cannot be made or written.
    """
    sheets = report.sheets()
    # The JSON last: where it is new, so is all the rest.
    with replaced_files(folder, (*(sheet.file for sheet in sheets), MARKDOWN, JSON)) as scratch:
        drawn = [sheet for sheet in sheets if sheet.draw(scratch / sheet.file)]
        shown = "".join(
            f"\n## {sheet.heading}\n\n![{sheet.alternative}]({sheet.file})\n" for sheet in drawn
        )
        (scratch / MARKDOWN).write_text(report.markdown() + shown, encoding="utf-8")
        text = json.dumps(json_values(report), indent=2, ensure_ascii=False, allow_nan=False)
        (scratch / JSON).write_text(text + "\n", encoding="utf-8")
