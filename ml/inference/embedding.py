"""A folder of pictures to a file of embeddings."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.commands.left_out import LeftOut
from ml.encoders.base import Encoder
from ml.errors import MlError, NoPictures
from ml.images.decode import decode
from ml.images.files import list_pictures
from ml.output import check_writable, replaced_files
from ml.rules.limits import MAX_PIXELS

logger = logging.getLogger(__name__)

_AT_ONCE = 64  # decoded pictures that are in memory together


@dataclass(frozen=True, slots=True)
class FolderEmbeddings:
    """What a folder's pictures became.

    Attributes:
        names: N paths relative to the folder, sorted.
        embeddings: (N, D) float32, unit rows, in the order of the names.
        left_out: files that could not be read, and why.
    """

    names: list[str]
    embeddings: NDArray[np.float32]
    left_out: list[LeftOut]


def embed_folder(
    folder: Path, encoder: Encoder, *, max_pixels: int = MAX_PIXELS
) -> FolderEmbeddings:
    """Return the embeddings of all pictures below a folder; see `FolderEmbeddings`.

    Args:
        folder: searched at any depth; files without a picture's suffix are not looked at.
        encoder: embeds them.
        max_pixels: pictures that declare more are left out.

    Raises:
        NoPictures: no such folder, or no picture in it can be read.
    """
    names: list[str] = []
    left_out: list[LeftOut] = []
    parts = []
    for paths in _in_parts(list_pictures(folder)):
        images = []
        for path in paths:
            name = path.relative_to(folder).as_posix()
            opened = _opened(path, name, encoder, max_pixels)
            if isinstance(opened, LeftOut):
                logger.warning("picture left out", extra={"file": name, "reason": opened.reason})
                left_out.append(opened)
            else:
                names.append(name)
                images.append(opened)
        parts.append(encoder.encode(images))
    if not names:
        raise NoPictures(
            f"{folder} holds no picture that can be read ({len(left_out)} files cannot).",
            folder=str(folder),
        )
    return FolderEmbeddings(names, np.concatenate(parts), left_out)


def embed_to_file(folder: Path, encoder: Encoder, output: Path) -> FolderEmbeddings:
    """Embed a folder and write the `.npz`, which appears whole or not at all.

    The arrays in it: `names` (N,) str, `embeddings` (N, D) float32, `shape` (2,) int64 = N, D, and
    the scalars `encoder`, `weights`, `weights_sha256`, `preprocessing_sha256`, all str. It is read
    by `numpy.load` as it comes, without pickles.

    Args:
        folder: see `embed_folder`.
        encoder: see `embed_folder`.
        output: the file; its folder is made where missing.

    Raises:
        NoPictures: see `embed_folder`.
        OutputUnwritable: the file cannot be written.
    """
    check_writable(output.parent)
    embedded = embed_folder(folder, encoder)
    spec = encoder.spec
    with replaced_files(output.parent, [output.name]) as scratch:
        path = scratch / output.name
        with path.open("wb") as stream:  # given a name, numpy would add a suffix
            np.savez(
                stream,
                names=np.array(embedded.names),
                embeddings=embedded.embeddings,
                shape=np.array(embedded.embeddings.shape),
                encoder=np.array(spec.name),
                weights=np.array(spec.weights),
                weights_sha256=np.array(spec.weights_sha256),
                preprocessing_sha256=np.array(spec.preprocess.sha256()),
            )
    return embedded


def _in_parts(paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for start in range(0, len(paths), _AT_ONCE):
        yield paths[start : start + _AT_ONCE]


def _opened(path: Path, name: str, encoder: Encoder, max_pixels: int) -> Image.Image | LeftOut:
    needed_px = max(encoder.spec.preprocess.size_px, encoder.spec.preprocess.resize_px)
    try:
        return decode(path.read_bytes(), max_pixels=max_pixels, min_side_px=needed_px)
    except (OSError, MlError) as err:
        return LeftOut(name, str(err))
