"""The site's secret key: from the environment, or made once and kept in the data folder."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def read_or_create_secret_key(path: Path) -> str:
    """Return the key kept at `path`; the first caller makes it.

    A key made anew at each start would end every session, so it has to be a file. Processes that
    start together agree: the key is written beside its name, and only one link to it succeeds.
    Nobody else may read it (mode 0600).
    """
    with suppress(FileNotFoundError):
        return path.read_text()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.") as draft:
        draft.write(secrets.token_urlsafe(50))
        draft.flush()
        with suppress(FileExistsError):
            os.link(draft.name, path)
    return path.read_text()
