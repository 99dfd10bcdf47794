"""Start Django inside a worker: beside manage.py the only place that edits `sys.path`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def start_django() -> None:
    """Put `platform/` on the path, and load the workers' settings and apps."""
    platform = str(ROOT / "platform")
    if platform not in sys.path:
        sys.path.insert(0, platform)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.workers")
    import django

    django.setup()
