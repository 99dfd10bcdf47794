"""What the supervisor runs, to compare with what containers and units run."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.local.children import Process

# Where they may differ: how large a part is, where it keeps its schedule, how much it says.
_OWN = ("--concurrency", "--schedule", "--loglevel", "--folder", "--socket", "--data", "--port")


@dataclass(frozen=True)
class PartCommand:
    """A command without what is the machine's own, and the variables that it is given."""

    argv: tuple[str, ...]
    variables: Mapping[str, str]


def of_process(process: Process) -> PartCommand:
    words = list(process.argv)
    variables: dict[str, str] = {}
    if words[0] == "env":
        words.pop(0)
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
    assert words[0] == sys.executable
    return PartCommand(without_own(["python", *words[1:]]), variables)


def without_own(words: Sequence[str]) -> tuple[str, ...]:
    """Return a command with `*` for what may differ; `manage.py` without its folder."""
    kept = ["manage.py" if word.endswith("/manage.py") else word for word in words]
    for index, word in enumerate(kept[:-1]):
        if word in _OWN:
            kept[index + 1] = "*"
    return tuple(kept)
