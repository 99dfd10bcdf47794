"""Pictures read one by one, with what a report says of the data."""

import hashlib
from pathlib import Path

from PIL import Image

from ml.commands.left_out import LeftOut
from ml.errors import EvaluationDataInvalid, MlError
from ml.evaluation.datasets import read_bytes
from ml.images.decode import decode
from ml.rules.limits import MAX_PIXELS


class PictureReader:
    """Reads pictures and holds none: it keeps which could not be read, and a hash of the others."""

    def __init__(self) -> None:
        self._unreadable: list[LeftOut] = []
        self._digest = hashlib.sha256()
        self._count = 0

    def read(self, name: str, path: Path) -> Image.Image | None:
        """Return a picture, upright RGB; None where it cannot be read, which is remembered."""
        try:
            data = read_bytes(path)
            picture = decode(data, max_pixels=MAX_PIXELS)
        except MlError as err:
            self._unreadable.append(LeftOut(name, str(err)))
            return None
        self._digest.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
        self._count += 1
        return picture

    @property
    def unreadable(self) -> tuple[LeftOut, ...]:
        """Those that could not be read."""
        return tuple(self._unreadable)

    @property
    def data_sha256(self) -> str:
        """Of names and files of all that could be read, in the order they were read in."""
        return self._digest.hexdigest()

    def require_any(self, folder: Path) -> None:
        """Return if at least one could be read.

        Raises:
            EvaluationDataInvalid: none of the folder could.
        """
        if not self._count:
            raise EvaluationDataInvalid(f"No picture of {folder} can be read.", folder=str(folder))
