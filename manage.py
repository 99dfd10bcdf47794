#!/usr/bin/env python
"""Put the source root `platform/` on the path and hand over to Django."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    """Run one management command."""
    sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config.commands import run_command

    sys.exit(run_command(sys.argv))


if __name__ == "__main__":
    main()
