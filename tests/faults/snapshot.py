"""`python -m tests.faults.snapshot`: all that a catalogue holds, as JSON that can be compared.

Of the product that the environment names. Random keys and times are left out: images are named by
the hash of their content.
"""

import base64
import json
import sys
from collections.abc import Mapping
from typing import Any

import django
import numpy as np
from numpy.typing import NDArray

# By cosine. Equal work gives equal embeddings; the vector store rounds them.
_MIN_COSINE = 0.9999
_TEXTS = (
    *("title", "description", "source", "path", "external_id", "owner", "licence", "medium"),
    *("format", "width", "height", "file_bytes", "is_damaged", "status", "error_code"),
)
_BOX = ("kind", "ordinal", "x0", "y0", "x1", "y1", "label")

Snapshot = Mapping[str, Mapping[str, Any]]


def snapshot() -> Snapshot:
    """Return "images", "points" and "files", each by names that are the same in any catalogue."""
    from catalog.models import Image  # models wait for django.setup

    images = Image.objects.prefetch_related("tags", "albums", "regions", "imports")
    hashes = {str(image.pk): image.sha256 for image in images}
    return {
        "images": {image.sha256: _row(image) for image in images},
        "points": dict(_points(hashes)),
        "files": dict(_files()),
    }


def differences(expected: Snapshot, found: Snapshot) -> list[str]:
    """Return a line for each thing that is missing, too much or different."""
    lines = []
    for part, wanted in expected.items():
        got = found[part]
        lines += [f"{part}: {name} is missing" for name in sorted(wanted.keys() - got.keys())]
        lines += [f"{part}: {name} is too much" for name in sorted(got.keys() - wanted.keys())]
        for name in sorted(wanted.keys() & got.keys()):
            if not _are_equal(wanted[name], got[name]):
                lines.append(f"{part}: {name} is {_shown(got[name])}, not {_shown(wanted[name])}")
    return lines


def _row(image: Any) -> dict[str, object]:
    return {field: getattr(image, field) for field in _TEXTS} | {
        "tags": sorted(tag.name for tag in image.tags.all()),
        "albums": sorted(album.name for album in image.albums.all()),
        "regions": sorted(
            [getattr(region, each) for each in _BOX] for region in image.regions.all()
        ),
        "is_of_an_import": bool(image.imports.all()),
    }


def _points(hashes: Mapping[str, str]) -> Any:
    from django.conf import settings
    from qdrant_client import QdrantClient

    from catalog.selectors import get_live_encoder

    client = QdrantClient(url=settings.QDRANT_URL, api_key=settings.QDRANT_API_KEY)
    offset: Any = None
    while True:
        records, offset = client.scroll(
            get_live_encoder().collection, limit=500, offset=offset, with_vectors=True
        )
        for record in records:
            payload = dict(record.payload or {})
            payload["image_id"] = hashes.get(str(payload["image_id"]), "no image's")
            del payload["created_at"]
            embedding = np.asarray(record.vector, np.float16).tobytes()
            payload["embedding"] = base64.b64encode(embedding).decode()
            yield str(record.id), payload
        if offset is None:
            return


def _files() -> Any:
    from catalog import storage
    from kernel.hashing import sha256_hex

    for folder in (storage.ORIGINALS, storage.THUMBNAILS, storage.FEATURES):
        for name in storage.list_names(folder):
            yield name, sha256_hex(storage.read(name))


def _are_equal(wanted: Any, got: Any) -> bool:
    if not isinstance(wanted, dict) or "embedding" not in wanted:
        return bool(wanted == got)
    cosine = float(_embedding(wanted) @ _embedding(got))
    return cosine >= _MIN_COSINE and _shown(wanted) == _shown(got)


def _embedding(point: Mapping[str, Any]) -> NDArray[np.float32]:
    values = np.frombuffer(base64.b64decode(point["embedding"]), np.float16).astype(np.float32)
    return values / np.float32(np.linalg.norm(values))


def _shown(thing: Any) -> Any:
    if not isinstance(thing, dict):
        return thing
    return {key: value for key, value in thing.items() if key != "embedding"}


if __name__ == "__main__":
    django.setup()
    json.dump(snapshot(), sys.stdout)
