"""The files of a checkpoint as model hubs have them: their names, shards and digests."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.errors import CheckpointMismatch

# Largest input that a file or a recipe may ask for; published networks take 224 to 1280.
MAX_INPUT_PX = 2048

CONFIG = "config.json"
# A processor saved by transformers 5 keeps its image part inside the second file.
PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
# How a checkpoint's words become numbers: the first has all, the others name special tokens.
TOKENIZER = "tokenizer.json"
TOKENIZER_OPTIONS = ("tokenizer_config.json", "special_tokens_map.json")
# In order of preference. The last two are read with weights_only=True; nothing else is ever read.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that is on this machine.

    Attributes:
        folder: holds config.json, a preprocessor config and the weights.
        weights: how to name it in records: hub id@commit, or the folder's name.
        sha256: hex digest of the weights, see `sha256_of`.
    """

    folder: Path
    weights: str
    sha256: str


def weights_files(folder: Path) -> list[Path]:
    """Return the checkpoint's weights files, all shards of it, in a stable order.

    Raises:
        CheckpointMismatch: none of the known files is there, or a shard is missing.
    """
    for name in WEIGHTS:
        path = folder / name
        if not path.is_file():
            continue
        files = [path]
        if path.suffix == ".json":
            files = [folder / shard for shard in shards(path)]
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise CheckpointMismatch(
                f"{folder.name} lacks the weights file {missing[0]}.", missing=missing
            )
        return files
    raise CheckpointMismatch(
        f"{folder.name} holds no weights: none of {', '.join(WEIGHTS)}.", folder=str(folder)
    )


def sha256_of(files: Sequence[Path]) -> str:
    """Return one hex digest for the weights: the file's own, or that of the shards' digests."""
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def shards(index: Path) -> list[str]:
    """Return the names of the files that the index of a sharded checkpoint lists, sorted.

    Raises:
        CheckpointMismatch: it is no such index.
    """
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise CheckpointMismatch(f"{index.name} is damaged: {err}", file=index.name) from err
    # A name with a folder in it could point anywhere.
    return sorted(Path(name).name for name in names)
