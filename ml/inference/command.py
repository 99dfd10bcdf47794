"""`python -m ml --mode inference`: a folder's pictures into a file of embeddings."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.commands.flags import positive
from ml.commands.left_out import write_left_out
from ml.commands.logs import log_to_stderr


def main(argv: Sequence[str]) -> int:
    """Embed a folder as the flags say; return the exit status, 0.

    Args:
        argv: the flags, without the command's name.

    Raises:
        MlError: the encoder cannot be loaded, the folder holds no picture, or the file cannot be
            written.
    """
    flags = _parser().parse_args(argv)
    log_to_stderr()

    # Here, because `--help` and a wrong flag should not wait for torch.
    from ml.encoders.registry import load
    from ml.inference.embedding import embed_to_file

    encoder = load(flags.encoder, device=flags.device, batch_size=flags.batch_size)
    embedded = embed_to_file(flags.data_path, encoder, flags.output)
    count, dim = embedded.embeddings.shape
    sys.stdout.write(f"{count} embeddings of {dim} numbers in {flags.output}\n")
    write_left_out(embedded.left_out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml --mode inference",
        description="Embed the pictures of a folder into an .npz file.",
        allow_abbrev=False,
    )
    parser.add_argument("--data-path", type=Path, required=True, help="the folder")
    parser.add_argument("--output", type=Path, required=True, help="the .npz file")
    parser.add_argument("--encoder", required=True, help="name, or a trained encoder's folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:<number>, mps")
    parser.add_argument("--batch-size", type=positive, default=16, help="pictures at once")
    return parser
