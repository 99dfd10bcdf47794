"""Which commit and which bytes a name stood for when its weights were first loaded.

A branch of the model hub, such as "main", and a name in a release can stand for other weights one
day. The first load of such a name writes down what it got, in `pins.json` beside the downloads;
every later load has to get the same. Without the folder there is no record, and the next load is a
first one again: what a catalogue was indexed with is also kept in its encoder version.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from ml.errors import CheckpointMismatch, OutputUnwritable
from ml.output import replaced_files

logger = logging.getLogger(__name__)

FILE = "pins.json"
_LOCK_TIMEOUT_S = 10.0
_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Pin:
    """What a name stood for.

    Attributes:
        sha256: hex digest of the weights, see `ml.weights.files.sha256_of`.
        commit: of the repository, 40 hex digits; None where the weights have none.
    """

    sha256: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Pins:
    """The record of one folder of downloads.

    Attributes:
        folder: where the downloads are; made where missing.
    """

    folder: Path

    def find(self, name: str) -> Pin | None:
        """Return what a name stood for, None where it was never loaded.

        Raises:
            CheckpointMismatch: the record is damaged.
        """
        return self._read().get(name)

    def keep(self, name: str, found: Pin) -> Pin:
        """Record what a name stands for where nothing is recorded yet; return what is recorded.

        That is `found`, unless another process was faster with something else. Where the folder
        cannot be written, nothing is recorded, and the log says so: the weights in it cannot change
        by a download either.

        Raises:
            CheckpointMismatch: the record is damaged.
        """
        try:
            with FileLock(
                self.folder / f"{FILE}.lock", timeout=_LOCK_TIMEOUT_S, fallback_to_soft=False
            ):
                pins = self._read()
                if name in pins:
                    return pins[name]
                self._write({**pins, name: found})
        except (OSError, OutputUnwritable) as err:
            logger.warning("weights not recorded", extra={"weights": name, "reason": str(err)})
        return found

    def check(self, name: str, found: Pin, *, location: Path) -> None:
        """Return if weights are those that are recorded under their name, after recording new ones.

        Args:
            name: what they were asked for as.
            found: what they are.
            location: the file or folder that they are in, for the sentence that refuses others.

        Raises:
            CheckpointMismatch: they are other ones, or the record is damaged.
        """
        recorded = self.find(name) or self.keep(name, found)
        if found != recorded:
            raise CheckpointMismatch(
                f"The weights of {name} are not those of the first load: {_told(found)} instead of "
                f"{_told(recorded)}. Delete {location} to fetch them again; if other weights are "
                f"meant, take {name} out of {self.path}.",
                name=name,
                found=asdict(found),
                recorded=asdict(recorded),
            )

    @property
    def path(self) -> Path:
        """The record's file."""
        return self.folder / FILE

    def _read(self) -> Mapping[str, Pin]:
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            return {name: _pin(values) for name, values in stored.items()}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
            raise CheckpointMismatch(
                f"{self.path}, which says what weights were first loaded, cannot be read. Delete "
                "it to take those that are there now as the right ones.",
                file=str(self.path),
            ) from err

    def _write(self, pins: Mapping[str, Pin]) -> None:
        stored = {name: asdict(pin) for name, pin in sorted(pins.items())}
        with replaced_files(self.folder, [FILE]) as scratch:
            text = json.dumps(stored, indent=2)
            (scratch / FILE).write_text(f"{text}\n", encoding="utf-8")


def is_commit(revision: str | None) -> bool:
    """Return whether a revision is a whole commit id, which stands for one content for ever."""
    return revision is not None and _COMMIT.fullmatch(revision) is not None


def _pin(values: Mapping[str, object]) -> Pin:
    """Return the pin in a JSON object; what a later release added to it is passed over.

    Raises:
        KeyError: it has no hash.
        ValueError: a value is no text.
    """
    sha256, commit = values["sha256"], values.get("commit")
    if not isinstance(sha256, str) or not isinstance(commit, str | None):
        raise ValueError("a value is no text")
    return Pin(sha256, commit)


def _told(pin: Pin) -> str:
    return f"commit {pin.commit}, SHA-256 {pin.sha256}" if pin.commit else f"SHA-256 {pin.sha256}"
