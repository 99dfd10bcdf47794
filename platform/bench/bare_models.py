"""What the models take alone, measured in a process of its own: the web loads none of them."""

import os
from pathlib import Path

from bench.builds.checkout import this_build
from bench.builds.product import run_python

_MODULE = "workers.bare_models"


def pictures_per_s(pictures: Path) -> float:
    """Return the models' own pace on a folder of pictures.

    Raises:
        RuntimeError: the process failed.
    """
    return float(_run("pace", str(pictures)))


def stage_table(pictures: Path, *, rounds: int) -> str:
    """Return a table of the CPU time of one thread, a picture and stage.

    Raises:
        RuntimeError: the process failed.
    """
    # Set before the process starts: OpenMP reads its variable when it is loaded.
    one = {"OMP_NUM_THREADS": "1", "WORKER_THREADS": "1"}
    return _run("stages", str(pictures), "--rounds", str(rounds), **one)


def _run(*words: str, **variables: str) -> str:
    return run_python(this_build(), ["-m", _MODULE, *words], {**os.environ, **variables})
