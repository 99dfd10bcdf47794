"""Which calibration of an encoder version is meant."""

import json
from collections.abc import Mapping
from typing import Any

from kernel.hashing import sha256_hex


def calibration_sha256(calibration: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a calibration, the same whatever the order of its keys."""
    return sha256_hex(json.dumps(calibration, sort_keys=True, ensure_ascii=True).encode())
