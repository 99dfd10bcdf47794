"""Which site is asked, and with which token: the environment, else a file of this account alone.

A token never stands on the command line, where other accounts and the shell's history read it.
"""

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from semblance_client.errors import SemblanceError

URL, TOKEN, FILE = "SEMBLANCE_URL", "SEMBLANCE_TOKEN", "SEMBLANCE_CONFIG"
LOCAL_URL = "http://127.0.0.1:8000"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class BadSettings(SemblanceError):
    """The file with the token cannot be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The site's address, and the token for it; None asks as a visitor."""

    url: str
    token: str | None

    @property
    def is_token_in_clear(self) -> bool:
        """Whether the token would travel unencrypted through a network."""
        address = urlsplit(self.url)
        return (
            self.token is not None and address.scheme == "http" and not _is_here(address.hostname)
        )


def read_settings(environ: Mapping[str, str], url: str | None = None) -> Settings:
    """Return the settings; a variable counts before the file, `url` before both.

    The file's token goes to the file's site only.

    Raises:
        BadSettings: the file cannot be read, or others can read it, too.
    """
    kept = _read_file(file_of(environ))
    chosen = url or environ.get(URL) or kept.get("url") or LOCAL_URL
    token = environ.get(TOKEN) or (kept.get("token") if chosen == kept.get("url") else None)
    return Settings(chosen, token)


def file_of(environ: Mapping[str, str]) -> Path:
    """Return where the settings are kept."""
    if environ.get(FILE):
        return Path(environ[FILE])
    home = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "semblance" / "client.json"


def write_settings(path: Path, settings: Settings) -> None:
    """Keep the settings where nobody else can read them."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"url": settings.url, "token": settings.token}, file)
    new.replace(path)


def forget_settings(path: Path) -> bool:
    """Remove the file; return whether there was one."""
    with suppress(FileNotFoundError):
        path.unlink()
        return True
    return False


def _read_file(path: Path) -> Mapping[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise BadSettings(f"{path} can be read by others: chmod 600 it")
            kept = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadSettings(f"{path} cannot be read: {error}") from error
    if not isinstance(kept, dict):
        raise BadSettings(f"{path} is none of this command's")
    return {name: value for name, value in kept.items() if isinstance(value, str)}


def _is_here(host: str | None) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host or "").is_loopback
    return False
