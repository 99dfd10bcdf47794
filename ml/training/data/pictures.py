"""The pictures of a run: opened once, hashed, split, and decoded again when a view needs them."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.commands.left_out import LeftOut
from ml.errors import InvalidTrainingData, MlError, NoPictures
from ml.images.decode import decode
from ml.training.config import DataConfig
from ml.training.data import sources
from ml.training.data.sources import Entry

logger = logging.getLogger(__name__)

# Decoding lets go of Python's lock, so that threads use every core that there is.
_THREADS = 4
# Starts of the seeds of independent streams; see `views.py` and `sampler.py` for the others.
_SPLIT_STREAM = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """One readable picture.

    Attributes:
        entry: its file, label and medium.
        sha256: hex digest of the file.
        pixels: (H, W, 3) uint8 RGB where pictures are kept in memory, else None.
    """

    entry: Entry
    sha256: str
    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures in a fixed order; a picture is referred to by its index in it.

    Attributes:
        pictures: the readable ones.
        hard_negatives: pairs of labels that somebody called different.
        left_out: the others.
        max_pixels: for decoding them again.
    """

    pictures: tuple[Picture, ...]
    hard_negatives: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOut, ...]
    max_pixels: int

    def __len__(self) -> int:
        return len(self.pictures)

    def pixels(self, index: int, *, min_side_px: int) -> NDArray[np.uint8]:
        """Return a picture's (H, W, 3) uint8 RGB pixels.

        Args:
            index: which picture.
            min_side_px: a JPEG may be decoded smaller, as long as its short side stays this long.

        Raises:
            InvalidTrainingData: the file was readable at the start and is not any more.
        """
        picture = self.pictures[index]
        if picture.pixels is not None:
            return picture.pixels
        try:
            data = picture.entry.path.read_bytes()
            return np.asarray(decode(data, max_pixels=self.max_pixels, min_side_px=min_side_px))
        except (OSError, MlError) as err:
            raise InvalidTrainingData(
                f"{picture.entry.name} could be read before and cannot be now: {err}",
                file=picture.entry.name,
            ) from err

    def of(self, indices: Iterable[int]) -> "PictureSet":
        """Return the set of some of the pictures, in the given order."""
        return PictureSet(
            tuple(self.pictures[index] for index in indices),
            self.hard_negatives,
            self.left_out,
            self.max_pixels,
        )


@dataclass(frozen=True, slots=True)
class Split:
    """The pictures that are trained on and those that measure; no subject is in both."""

    train: PictureSet
    held_out: PictureSet

    def left_out(self) -> list[LeftOut]:
        """Return the files that could not be used, by name."""
        files = {*self.train.left_out, *self.held_out.left_out}
        return sorted(files, key=lambda file: file.name)

    def manifest(self) -> dict[str, Any]:
        """Return the record of the data as JSON: every file with its hash, and one for all."""
        files = [
            {
                "name": picture.entry.name,
                "sha256": picture.sha256,
                "label": picture.entry.label,
                "medium": picture.entry.medium,
                "part": part,
            }
            for part, pictures in (("train", self.train), ("held_out", self.held_out))
            for picture in pictures.pictures
        ]
        return {
            "sha256": hash_of([files, self.train.hard_negatives]),
            "files": files,
            "hard_negatives": [list(pair) for pair in self.train.hard_negatives],
            "left_out": [{"name": file.name, "reason": file.reason} for file in self.left_out()],
        }


def hash_of(values: Any) -> str:
    """Return the hex sha256 of JSON values, written without spaces and with sorted keys."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def open_split(config: DataConfig, *, seed: int) -> Split:
    """Return the pictures of a run, after opening every one of them.

    Files that cannot be read are named in the log and left out.

    Args:
        config: where the data are and what part is held out.
        seed: chooses the held-out subjects.

    Raises:
        NoPictures: none is listed, or none can be read.
        InvalidTrainingData: not of the right shape, or too few subjects or pictures of each.
        ConflictingDecisions: see `sources.read`.
    """
    pictures = open_pictures(Path(config.path), config)
    if config.held_out_path is not None:
        split = Split(pictures, open_pictures(Path(config.held_out_path), config))
        _refuse_shared_files(split)
    else:
        split = _split(pictures, config, seed)
    _check(split, config)
    return split


def open_pictures(path: Path, config: DataConfig) -> PictureSet:
    """Return every readable picture of one folder or list; see `open_split`."""
    listing = sources.read(path, config.kind)
    with ThreadPoolExecutor(_THREADS) as pool:
        opened = list(pool.map(lambda entry: _opened(entry, config), listing.entries))
    pictures = [item for item in opened if isinstance(item, Picture)]
    left_out = [item for item in opened if isinstance(item, LeftOut)]
    for file in left_out:
        logger.warning("picture left out", extra={"file": file.name, "reason": file.reason})
    if not pictures:
        raise NoPictures(
            f"None of the {len(opened)} pictures in {path} can be read.", path=str(path)
        )
    kept, copies = _without_copies(pictures)
    left_out += copies
    return PictureSet(tuple(kept), listing.hard_negatives, tuple(left_out), config.max_pixels)


def _opened(entry: Entry, config: DataConfig) -> Picture | LeftOut:
    try:
        data = entry.path.read_bytes()
        # Without a cache this only proves that the file is whole; small decodes fastest.
        image = decode(data, max_pixels=config.max_pixels, min_side_px=config.cache_px or 1)
    except (OSError, MlError) as err:
        return LeftOut(entry.name, str(err))
    sha256 = hashlib.sha256(data).hexdigest()
    if config.cache_px is None:
        return Picture(entry, sha256)
    return Picture(entry, sha256, np.asarray(_shrunk(image, config.cache_px)))


def _shrunk(image: Image.Image, short_side_px: int) -> Image.Image:
    """Return the picture with its short side at most so long."""
    short = min(image.size)
    if short <= short_side_px:
        return image
    width, height = (max(1, round(side * short_side_px / short)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def _without_copies(pictures: Sequence[Picture]) -> tuple[list[Picture], list[LeftOut]]:
    """Leave out what another subject shows, too: it would be its own negative, or held out as well.

    Of "made" data every file is a subject.
    """
    first: dict[str, Picture] = {}
    kept, copies = [], []
    for picture in pictures:
        known = first.setdefault(picture.sha256, picture)
        if known.entry.label == picture.entry.label:
            kept.append(picture)
        else:
            copies.append(LeftOut(picture.entry.name, f"the same file as {known.entry.name}"))
    return kept, copies


def _split(pictures: PictureSet, config: DataConfig, seed: int) -> Split:
    """Hold out a share of the usable subjects: at least one where the share is not 0."""
    share, labels = config.held_out_share, _usable(pictures, config)
    count = 0 if share == 0 else max(1, round(share * len(labels)))
    order = np.random.default_rng([_SPLIT_STREAM, seed]).permutation(len(labels))
    held_out = {labels[index] for index in order[:count]}
    chosen = [picture.entry.label in held_out for picture in pictures.pictures]
    return Split(
        train=pictures.of(index for index, is_held_out in enumerate(chosen) if not is_held_out),
        held_out=pictures.of(index for index, is_held_out in enumerate(chosen) if is_held_out),
    )


def _refuse_shared_files(split: Split) -> None:
    trained = {picture.sha256 for picture in split.train.pictures}
    for picture in split.held_out.pictures:
        if picture.sha256 in trained:
            raise InvalidTrainingData(
                f"The held-out picture {picture.entry.name} is trained on, too.",
                file=picture.entry.name,
            )


def _check(split: Split, config: DataConfig) -> None:
    if not _usable(split.train, config):
        more = " beside those held out" if len(split.held_out) else ""
        raise InvalidTrainingData(
            f"No subject in {config.path}{more} has two readable pictures; single pictures are "
            'trained on with the data kind "made".',
            path=config.path,
        )
    if len(split.held_out) and not _usable(split.held_out, config):
        raise InvalidTrainingData(
            "No held-out subject has two readable pictures.", path=config.held_out_path
        )
    if len({picture.entry.label for picture in split.train.pictures}) < 2:  # noqa: PLR2004 - a negative needs a second subject
        raise InvalidTrainingData(
            f"There are pictures of one subject only to train on in {config.path}.",
            path=config.path,
        )


def _usable(pictures: PictureSet, config: DataConfig) -> list[str]:
    """Return the labels, sorted, that have a positive: "made" data make theirs."""
    counts = Counter(picture.entry.label for picture in pictures.pictures)
    needed = 1 if config.kind == "made" else 2
    return sorted(label for label, count in counts.items() if count >= needed)
