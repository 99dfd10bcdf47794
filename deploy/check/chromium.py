"""`python -m deploy.check.chromium`: sees to a browser for the browser tests.

Debian's own chromium, installed where this runs as root. Without one the browser tests skip
themselves, and this says so loudly, but does not fail.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")

_INSTALL = (
    ("apt-get", "update", "--quiet=2"),
    ("apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", "chromium"),
)


def find() -> str | None:
    """Return the path of an installed browser, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> str:
    """Install Debian's chromium; return why that did not work, empty when it did."""
    if os.getuid() != 0:
        return "this does not run as root, so it cannot be installed"
    if shutil.which("apt-get") is None:
        return "this machine has no apt-get to install it with"
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in _INSTALL:
        done = subprocess.run(  # noqa: S603  # fixed commands
            command, env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            return f"`{' '.join(command)}` failed: {done.stderr.strip()[-300:]}"
    return ""


def main() -> int:
    """Find or install a browser; always succeeds, loudly where there is none."""
    if find() is None:
        sys.stdout.write("installing chromium for the browser tests\n")
        sys.stdout.flush()
        reason = install()
        if find() is None:
            rule = "!" * 78
            sys.stdout.write(
                f"{rule}\n!! NO CHROMIUM: THE BROWSER TESTS ARE SKIPPED\n!! {reason}\n{rule}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
