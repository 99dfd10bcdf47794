"""Messages as they cross the wire, written by hand: what these say must never change by accident.

An older web and a newer worker, or the other way round, understand each other by these keys.
"""

import base64
import json
import struct
from copy import deepcopy
from typing import Any

QUERY_ID = "0f0e0d0c-0b0a-0908-0706-050403020100"


def embeddings(*floats: float) -> str:
    """Base64 of little-endian float32, made without numpy."""
    return base64.b64encode(struct.pack(f"<{len(floats)}f", *floats)).decode()


QUERY = {"query_id": QUERY_ID, "width": 60, "height": 40}
EXTRACT_QUERY = {
    **QUERY,
    "box": [30, 0, 60, 40],
    "is_segmented": True,
    "is_compared": True,
    "panels": [[0, 0, 30, 40], [30, 0, 60, 40]],
}
FIND_COPIES = {
    **QUERY,
    "parts": [
        {"box": [0, 0, 30, 40], "region_ids": [7, 9]},
        {"box": [30, 0, 60, 40], "region_ids": []},
    ],
    "most_near_identical": 48,
    "within_s": 12.5,
    "hidden_albums": [3, 5],
}
EMBED_WORDS = {"words": "рыжий кот"}
EMBEDDED_WORDS = {
    "encoder_version": 3,
    "embedding": embeddings(0.5, -0.5, 1.0),
    "model_ms": 8.5,
}
COMPARE_REGIONS = {
    **QUERY,
    "box": [30, 0, 60, 40],
    "region_id": 7,
    "encoder_version": 3,
    "within_s": 12.5,
}
COMPARED = {
    "points": 5,
    "points_needed": 8,
    "cells": {
        "query": {"rows": 1, "columns": 2, "box": [30, 0, 60.5, 40]},
        "image": {"rows": 2, "columns": 1, "box": [0, 0, 8, 9]},
        "likeness": "AAF//w==",
    },
    "model_ms": 4.0,
}
WARM_UP = {"pictures": 16, "has_hashes": False}

WHOLE = {"kind": "whole", "ordinal": 0, "box": [0, 0, 60, 40], "label": "", "confidence": 1.0}
DOG = {"kind": "object", "ordinal": 1, "box": [5, 6, 7, 8], "label": "dog", "confidence": 0.75}
EXTRACTED = {
    "encoder_version": 3,
    "layout": "collage",
    "regions": [WHOLE, DOG],
    "embeddings": embeddings(0.5, -0.5, 1.0, 0.25, 0.0, -1.0),
    "are_plain": [True, False],
    "model_ms": 12.5,
    "medium": "sketch",
    "middle": embeddings(0.0, 0.5, 1.0),
}

CORNERS = [[60, 0], [0, 0.5], [0, 40], [60, 40]]
OVERLAP = {"inliers": 40, "is_mirrored": True, "query_percent": 90.5, "image_percent": 31.0}
EDITED = {
    "region_id": 7,
    "is_near_identical": False,
    "is_shared_design": False,
    "bits": None,
    "outline": CORNERS,
    "overlap": OVERLAP,
}
SAME = {
    "region_id": 8,
    "is_near_identical": True,
    "is_shared_design": False,
    "bits": 3,
    "outline": CORNERS,
    "overlap": None,
}
COPIES = {
    "copies": [[EDITED, SAME], []],
    "checked": [True, False],
    "unchecked_ids": [[], [9, 11]],
    "hashes": [{"pdq": bytes(range(32)).hex(), "quality": 88}, None],
    "model_ms": 4.0,
}

ERROR = {"error": "encoder:transient:weights-unavailable", "context": {"detail": "why"}}


def sent(message: dict[str, Any]) -> Any:
    """What arrives of a message: JSON knows no tuples."""
    return json.loads(json.dumps(message))


def changed(message: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The message with another value at a path such as `regions.0.box`."""
    copy = deepcopy(message)
    parent, name = _parent(copy, path)
    parent[name] = value
    return copy


def without(message: dict[str, Any], path: str) -> dict[str, Any]:
    """The message without the field at a path."""
    copy = deepcopy(message)
    parent, name = _parent(copy, path)
    del parent[name]
    return copy


def paths(value: object, prefix: str = "") -> list[str]:
    """Every field of every object in a message, from the outside in."""
    if isinstance(value, list):
        return [path for n, one in enumerate(value) for path in paths(one, f"{prefix}{n}.")]
    if not isinstance(value, dict):
        return []
    inner = [path for name in value for path in paths(value[name], f"{prefix}{name}.")]
    return [f"{prefix}{name}" for name in value] + inner


def _parent(message: dict[str, Any], path: str) -> tuple[Any, Any]:
    *steps, last = path.split(".")
    parent: Any = message
    for step in steps:
        parent = parent[int(step) if isinstance(parent, list) else step]
    return parent, int(last) if isinstance(parent, list) else last
