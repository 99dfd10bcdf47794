"""`python -m deploy.local`: start everything, say where it is, and end it on Ctrl-C."""

import datetime
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from config.env import Env, InvalidEnvironment, read_env
from deploy.local.errors import CannotStart
from deploy.local.processes import ROOT, web_address
from deploy.local.product import environment, locked, supervise
from deploy.local.supervisor import Supervisor

_POLL_S = 0.2
_INTERRUPTED = 130
# What all parts write is for this account alone.
_PRIVATE_FILES = 0o077
# What the command in the foreground has to end in; what it has begun can be begun again.
_FOREGROUND_S = 10.0


def say(sentence: str) -> None:
    """Write one line with the time. A closed terminal is no reason to stop."""
    now = datetime.datetime.now().astimezone()
    write(f"{now:%H:%M:%S}  {sentence}\n")


def write(text: str) -> None:
    """Write text as it is."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  # lives as long as we do


def main() -> int:
    """Run the product until a signal ends it; return the exit code."""
    begun = time.monotonic()
    os.umask(_PRIVATE_FILES)
    try:
        env = read_env()
        images = _images()
        with locked(env):
            return _run(env, images, begun=begun)
    except InvalidEnvironment as error:
        sys.stderr.write(f"Semblance cannot start.\n{error}\n")
    except CannotStart as error:
        sys.stderr.write(f"Semblance cannot start. {error}\n")
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 1


def _images() -> Path | None:
    """Return what IMAGES names, None when it is unset or empty."""
    given = os.environ.get("IMAGES")
    if not given:
        return None
    path = Path(given).expanduser().resolve()
    if not path.exists():
        raise CannotStart(f"IMAGES names {path}, which does not exist.")
    return path


def _run(env: Env, images: Path | None, *, begun: float) -> int:
    say("starting Semblance")
    supervisor = supervise(env, say=say)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.ask_to_stop())
    with supervisor:
        if supervisor.is_ready:
            _announce(env, seconds=time.monotonic() - begun)
            _fill(images, supervisor)
        while not supervisor.is_stopping:
            time.sleep(_POLL_S)
    if supervisor.failure is not None:
        say(supervisor.failure)
        return 1
    say("Semblance has ended")
    return 0


def _announce(env: Env, *, seconds: float) -> None:
    address = web_address(env)
    write(
        f"\nSemblance is ready after {seconds:.0f} s.\n"
        f"  Search     {address}\n"
        f"  Catalogue  {address}admin/   (user name: admin)\n"
        f"  Data       {env.data_dir}\n"
        f"  Logs       {env.data_dir / 'logs'}\n"
        "  Ctrl-C ends it.\n\n"
    )


def _fill(images: Path | None, supervisor: Supervisor) -> None:
    """Bring pictures in, in the foreground: it has its own progress bar and its own questions."""
    command = ["sample", "--offer"] if images is None else ["ingest", str(images)]
    foreground = subprocess.Popen(  # noqa: S603  # our own command, no shell
        [sys.executable, str(ROOT / "manage.py"), *command], cwd=ROOT, env=environment()
    )
    while foreground.poll() is None:
        if supervisor.is_stopping:
            _end(foreground)
            return
        time.sleep(_POLL_S)
    if foreground.returncode != 0 and not supervisor.is_stopping:
        say(f"`manage.py {command[0]}` failed; the site goes on. Mend it and run it again")


def _end(foreground: subprocess.Popen[bytes]) -> None:
    foreground.terminate()
    try:
        foreground.wait(_FOREGROUND_S)
    except subprocess.TimeoutExpired:
        foreground.kill()
        foreground.wait()


if __name__ == "__main__":
    sys.exit(main())
