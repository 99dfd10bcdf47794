"""How `manage.py ingest` says what became of each file: to people, or to programs."""

import json
from typing import Any, Protocol

from django.core.management.base import OutputWrapper
from tqdm import tqdm

from catalog import storage
from ingestion.models import Import
from ingestion.presenters import present_passed_over, present_plan
from ingestion.selectors import ImportProgress
from ingestion.services import ImportPlan, Outcome
from ingestion.sources import shown
from kernel.messages import sentence

# Files that are told of one by one, of those refused and of those that came in without a part.
_SHOWN = 20


class IngestReport(Protocol):
    """What is told while an import runs and when it has ended."""

    def file(self, outcome: Outcome) -> None:
        """Tell of one file's end."""
        ...

    def planned(self, plan: ImportPlan) -> None:
        """Tell what would be taken in."""
        ...

    def taken_in(self, current: Import) -> None:
        """Tell what has become of all of them."""
        ...

    def described(self, progress: ImportProgress) -> None:
        """Tell how many images can be found now, how many never will, how many are copies."""
        ...

    def bar(self, *, what: str, total: int | None = None, initial: int = 0) -> Any:
        """Return a progress bar, on standard error."""
        ...


class TextReport:
    """Sentences, at the end where they belong to it, and bars."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._refused: list[Outcome] = []
        self._incomplete = 0
        self._restored = 0

    def file(self, outcome: Outcome) -> None:
        """Keep what was refused; say at once what of a picture's metadata was left out."""
        if outcome.error is not None and len(self._refused) < _SHOWN:
            self._refused.append(outcome)
        self._incomplete += bool(outcome.problems)
        self._restored += outcome.is_restored
        if self._incomplete <= _SHOWN:
            for problem in outcome.problems:
                line = f"  {shown(outcome.name)}: {sentence(problem)}"
                tqdm.write(line, file=self._out)

    def planned(self, plan: ImportPlan) -> None:
        """Write a line a fact."""
        for line in present_plan(plan):
            self._out.write(line)

    def taken_in(self, current: Import) -> None:
        """Write the first files that were refused, and the counts."""
        for outcome in self._refused:
            if outcome.error:
                text = sentence(outcome.error.code, **outcome.error.context)
                self._out.write(f"  {shown(outcome.name)}: {shown(text)}")
        if current.failed > len(self._refused):
            more = current.failed - len(self._refused)
            self._out.write(f"  … and {more} more, see the admin.")
        if current.passed_over:
            self._out.write(f"Passed over: {present_passed_over(current.passed_over)}.")
        if self._restored:
            self._out.write(f"Back from the bin: {self._restored} of those that were there.")
        if current.binned:
            self._out.write(f"In the bin: {current.binned}; --restore-binned brings them back.")
        self._out.write(
            f"{current.found} files: {current.added} added, {current.duplicates} already there, "
            f"{current.failed} refused."
        )

    def described(self, progress: ImportProgress) -> None:
        """Write how many failed, and how many proved to be copies, if any."""
        if progress.failed:
            self._out.write(f"{progress.failed} pictures could not be described, see the admin.")
        if progress.held:
            self._out.write(f"{progress.held} copies are held for review, see the admin.")
        if progress.refused:
            self._out.write(f"{progress.refused} copies were refused: they are in the bin.")

    def bar(self, *, what: str, total: int | None = None, initial: int = 0) -> Any:
        """Return a progress bar."""
        desc = f"{what:<10}"
        return tqdm(total=total, initial=initial, desc=desc, unit=" pictures", smoothing=0.05)


class JsonReport:
    """A JSON object a line, of ASCII: a file each as it ends, then the import, then the images."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out

    def file(self, outcome: Outcome) -> None:
        """Write ``{"file", "result", "image_id", "error", "problems", "restored"}``."""
        self._write(
            file=outcome.name,
            result=outcome.result.value,
            image_id=None if outcome.image_id is None else str(outcome.image_id),
            error=None if outcome.error is None else outcome.error.code,
            problems=outcome.problems,
            restored=outcome.is_restored,
        )

    def planned(self, plan: ImportPlan) -> None:
        """Write the fields of a plan, and ``{"needed_bytes", "free_bytes"}``."""
        self._write(
            **plan.to_json(), needed_bytes=plan.needed_bytes, free_bytes=storage.free_bytes()
        )

    def taken_in(self, current: Import) -> None:
        """Write ``{"import", "found", "added", "duplicates", "binned", "failed"…}``."""
        self._write(
            **{"import": str(current.pk)},
            found=current.found,
            added=current.added,
            duplicates=current.duplicates,
            binned=current.binned,
            failed=current.failed,
            passed_over=current.passed_over,
        )

    def described(self, progress: ImportProgress) -> None:
        """Write ``{"indexed", "not_indexed", "held", "refused_copies"}``."""
        self._write(
            indexed=progress.indexed,
            not_indexed=progress.failed,
            held=progress.held,
            refused_copies=progress.refused,
        )

    def bar(self, *, what: str, total: int | None = None, initial: int = 0) -> Any:
        """Return a bar that is not shown."""
        return tqdm(total=total, initial=initial, disable=True)

    def _write(self, **values: object) -> None:
        self._out.write(json.dumps(values))
        self._out.flush()
