"""The command line of `ml`: train, embed, evaluate, calibrate, measure speed."""

import sys
from collections.abc import Sequence

from ml.errors import MlError

_HELP = """Usage: python -m ml ...  (--help behind any of these lists its flags)

  --mode train      train an encoder
                    --data-path FOLDER --save-model-path FOLDER --steps N [--wandb-key KEY] ...
  --mode inference  embed a folder's pictures into a file
                    --data-path FOLDER --encoder NAME --output FILE.npz
  evaluate          measure an encoder, a detector, or how collages are taken apart
  calibrate         learn what an encoder's scores mean
  bench             time an encoder or a detector, or with --part what takes pictures apart or
                    proves copies
"""
_WRONG = 2


def main(argv: Sequence[str]) -> int:
    """Run one command; return the exit status: 0, or 2 with one sentence on standard error."""
    try:
        return _run(list(argv))
    except MlError as err:
        sys.stderr.write(f"{err}\n")
        return _WRONG
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return 130  # what shells give a command that was interrupted


def _run(argv: list[str]) -> int:
    mode, rest = _split(argv)
    # Imported here, because each of them loads libraries that the others do without.
    if mode == "train":
        from ml.training.command import train_main

        return train_main(rest)
    if mode == "inference":
        from ml.training.command import inference_main

        return inference_main(rest)
    if mode == "evaluate":
        from ml.evaluation.command import main as evaluate

        return evaluate(rest)
    if mode == "calibrate":
        from ml.evaluation.calibration.command import main as calibrate

        return calibrate(rest)
    if mode == "bench":
        if any(word.partition("=")[0] == "--part" for word in rest):
            from ml.bench import main as bench_part

            return bench_part(rest)
        from ml.encoders.benchmark import main as bench

        return bench(rest)
    is_asked = argv[:1] in (["--help"], ["-h"])
    (sys.stdout if is_asked else sys.stderr).write(_HELP)
    return 0 if is_asked else _WRONG


def _split(argv: list[str]) -> tuple[str, list[str]]:
    """Return the command and its own arguments; "" where there is none."""
    for place, argument in enumerate(argv):
        name, equals, value = argument.partition("=")
        if name == "--mode":
            if equals:
                return value, argv[:place] + argv[place + 1 :]
            return "".join(argv[place + 1 : place + 2]), argv[:place] + argv[place + 2 :]
    if argv and not argv[0].startswith("-"):
        return argv[0], argv[1:]
    return "", argv


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
