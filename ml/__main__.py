"""The command line of `ml`: train, embed, evaluate, calibrate, measure speed."""

import argparse
import sys
from collections.abc import Sequence

from ml.errors import MlError

_COMMANDS = {
    "train": "train an encoder: --data-path FOLDER --save-model-path FOLDER --steps N ...",
    "inference": "embed a folder's pictures: --data-path FOLDER --encoder NAME --output FILE.npz",
    "evaluate": "measure an encoder, a detector, or how pictures are segmented",
    "calibrate": "learn what an encoder's scores mean",
    "bench": "time an encoder, a detector, segmenting into panels or proving copies",
}
_WRONG = 2
_INTERRUPTED = 130  # what shells give a command that was interrupted


def main(argv: Sequence[str]) -> int:
    """Run one command; return the exit status: 0, or 2 with one sentence on standard error.

    Raises:
        SystemExit: help was asked for (0), or the words are no command line (2).
    """
    command, words = _read(argv)
    try:
        return _run(command, words)
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return _WRONG
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return _INTERRUPTED


def _run(command: str, words: Sequence[str]) -> int:
    # Imported here, because each of them loads libraries that the others do without.
    match command:
        case "train":
            from ml.training.command import main as run
        case "inference":
            from ml.inference.command import main as run
        case "evaluate":
            from ml.evaluation.command import main as run
        case "calibrate":
            from ml.evaluation.calibration.command import main as run
        case _:
            from ml.bench.command import main as run
    return run(words)


def _read(argv: Sequence[str]) -> tuple[str, list[str]]:
    """Return the command and the words behind it, which its own parser reads.

    The command is the first word, or what `--mode` names, wherever that stands.
    """
    mode = argparse.ArgumentParser(prog="python -m ml", add_help=False, allow_abbrev=False)
    mode.add_argument("--mode", choices=_COMMANDS)
    parser = argparse.ArgumentParser(
        prog="python -m ml",
        description="Encoders and detectors: train them, use them, measure them.",
        epilog="--mode COMMAND names the command as well: --mode train, --mode inference. "
        "--help behind a command lists its flags.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, summary in _COMMANDS.items():
        commands.add_parser(name, help=summary, add_help=False)

    given, rest = mode.parse_known_args(argv)
    named = rest if given.mode is None else [given.mode, *rest]
    chosen, words = parser.parse_known_args(named)
    return chosen.command, words


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
