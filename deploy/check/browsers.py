"""`python -m deploy.check.browsers`: sees to the browsers of the browser tests.

Debian's own chromium and firefox-esr, installed where this runs as root. Tests whose browser is not
there skip themselves, and this says so loudly, but does not fail.
"""

import os
import shutil
import subprocess
import sys

# Debian's package → what its program may be called, here or elsewhere.
BROWSERS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox-esr": ("firefox-esr", "firefox"),
}


def find(package: str) -> str | None:
    """Return the path of an installed browser, None where there is none.

    Args:
        package: a key of `BROWSERS`.
    """
    return next((path for name in BROWSERS[package] if (path := shutil.which(name))), None)


def install(packages: list[str]) -> str:
    """Install Debian's packages; return why that did not work, empty when it did."""
    if os.getuid() != 0:
        return "this does not run as root, so it cannot be installed"
    if shutil.which("apt-get") is None:
        return "this machine has no apt-get to install it with"
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ("apt-get", "update", "--quiet=2"),
        ("apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", *packages),
    ):
        done = subprocess.run(  # noqa: S603  # fixed commands
            command, env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            return f"`{' '.join(command)}` failed: {done.stderr.strip()[-300:]}"
    return ""


def main() -> int:
    """Find or install the browsers; always succeeds, loudly where one is missing."""
    missing = [package for package in BROWSERS if find(package) is None]
    if not missing:
        return 0
    sys.stdout.write(f"installing {' and '.join(missing)} for the browser tests\n")
    sys.stdout.flush()
    reason = install(missing)
    for package in missing:
        if find(package) is None:
            rule = "!" * 78
            sys.stdout.write(
                f"{rule}\n!! NO {package.upper()}: ITS BROWSER TESTS ARE SKIPPED\n"
                f"!! {reason}\n{rule}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
