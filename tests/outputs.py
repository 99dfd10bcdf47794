"""What the models say of pictures, to the byte: written by one commit, compared with another's.

    python -m tests.outputs write before.json --data FOLDER     # in a checkout of one commit
    python -m tests.outputs write after.json --data FOLDER      # in a checkout of the other
    python -m tests.outputs compare before.json after.json      # 0 where nothing differs

A change that only moves or renames code must leave all of it as it is. The folder holds collages,
screenshots, webshots, coco, photos and copies; what it lacks is left out of the file.
"""

import argparse
import csv
import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ml.copies import comparison
from ml.detection import registry as detectors
from ml.encoders import registry as encoders
from ml.images.decode import decode
from ml.panels import split

PAGES = ("collages", "screenshots", "webshots")
DETECTED, EMBEDDED, COPIES = "coco", "photos", "copies"
PHOTOS = 100
MAX_PIXELS = 100_000_000
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def main() -> int:
    """Write or compare; return 0, or 1 where two files differ."""
    options = _parser().parse_args()
    if options.command == "write":
        said = {f"{part} {name}": value for part, name, value in outputs(options.data)}
        options.file.write_text(json.dumps(said, indent=1, sort_keys=True), encoding="utf-8")
        sys.stdout.write(f"{len(said)} outputs, SHA-256 {_sha256(options.file)}\n")
        return 0
    before, after = (
        json.loads(file.read_text(encoding="utf-8")) for file in (options.before, options.after)
    )
    names = sorted({*before, *after})
    different = [name for name in names if before.get(name) != after.get(name)]
    for name in different:
        sys.stdout.write(f"differs: {name}\n")
    sys.stdout.write(f"{len(names) - len(different)} of {len(names)} outputs are equal\n")
    return 1 if different or not names else 0


def outputs(data: Path) -> Iterator[tuple[str, str, Any]]:
    """Yield kind, name and JSON value of every output."""
    for folder in PAGES:
        for path in _pictures(data / folder):
            yield "panels", path.relative_to(data).as_posix(), _values(split(_pixels(path)))
    yield from _detections(data)
    yield from _embeddings(data)
    yield from _verdicts(data / COPIES)


def _detections(data: Path) -> Iterator[tuple[str, str, Any]]:
    weights = sorted((data / "models").glob("*.onnx"))
    for choice in ("ssd_mobilenet", *(f"yolo:{path}" for path in weights)):
        detector = detectors.load(choice, device="cpu")
        for path in _pictures(data / DETECTED):
            found = detector.detect([_image(path)])[0]
            yield f"detections {detector.spec.name}", path.name, _values(found)


def _embeddings(data: Path) -> Iterator[tuple[str, str, Any]]:
    paths = _pictures(data / EMBEDDED)
    chosen = paths[:: max(1, len(paths) // PHOTOS)][:PHOTOS]
    for choice in ("semblance_lite", "efficientnet_lite"):
        encoder = encoders.load(choice, device="cpu")
        for start in range(0, len(chosen), 16):
            batch = chosen[start : start + 16]
            for path, row in zip(batch, encoder.encode([_image(p) for p in batch]), strict=True):
                yield f"embedding {choice}", path.relative_to(data).as_posix(), row.tobytes().hex()


def _verdicts(folder: Path) -> Iterator[tuple[str, str, Any]]:
    """Compare each edited copy with its original, and with the original of the next group."""
    labels = folder / "labels.csv"
    if not labels.is_file():
        return
    with labels.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    originals = {
        row["group"]: comparison.extract(_pixels(folder / row["path"]))
        for row in rows
        if row["edit"] == "orig"
    }
    groups = sorted(originals)
    for row in rows:
        query = comparison.extract_query(_pixels(folder / row["path"]))
        other = groups[(groups.index(row["group"]) + 1) % len(groups)]
        for group in (row["group"], other):
            found = _values(comparison.compare(query, originals[group]))
            yield "verdict", f"{row['path']} · {group}", found


def _values(value: Any) -> Any:
    """Return JSON values without names, so that renamed fields change nothing."""
    if dataclasses.is_dataclass(value):
        return [_values(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, list | tuple):
        return [_values(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.ndarray):
        return value.tobytes().hex()
    return value


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _image(path: Path) -> Image.Image:
    return decode(path.read_bytes(), max_pixels=MAX_PIXELS)


def _pixels(path: Path) -> Any:
    return np.asarray(_image(path))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.outputs")
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write")
    write.add_argument("file", type=Path)
    write.add_argument("--data", type=Path, required=True)
    compare = commands.add_parser("compare")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
