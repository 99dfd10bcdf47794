"""What must hold before any command runs; Django prints what does not."""

import os
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register("files")
def check_data_folder(**_: Any) -> Sequence[CheckMessage]:
    """Report a data folder that cannot be written to, once it exists."""
    folder = settings.DATA_DIR
    if not folder.exists() or os.access(folder, os.W_OK | os.X_OK):
        return []
    hint = "Set DATA_DIR to a folder of yours, or change its owner."
    return [Error(f"{folder} cannot be written to.", hint=hint, id="semblance.E001")]
