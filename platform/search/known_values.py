"""Values that images can be narrowed down by, beside those of the images that a search found."""

from collections.abc import Iterable, Mapping

from catalog.selectors import list_visible_images
from catalog.visibility import Viewer, list_albums, list_tags, sees_paths

# Of each field: a field offers them while somebody types, nobody reads them.
MAX_KNOWN = 100
# Images, the newest: what else there is can be typed. All of a large catalogue would take seconds.
_MAX_LOOKED_AT = 500


def typed_fields(viewer: Viewer) -> frozenset[str]:
    """Return the fields for which a viewer may type other values than the images found have."""
    fields = frozenset({"tag", "album", "owner", "licence"})
    return fields | {"folder"} if sees_paths(viewer) else fields


def list_known_values(viewer: Viewer) -> Mapping[str, tuple[str, ...]]:
    """Return the filter's field → values that there are, by name, at most `MAX_KNOWN` each.

    They are of what the viewer may see; the fields are `typed_fields`.
    """
    newest = list_visible_images(viewer).order_by("-created_at", "id")
    rows = newest.values_list("owner", "licence", "path")[:_MAX_LOOKED_AT]
    owners, licences, paths = zip(*rows, strict=True) if rows else ((), (), ())
    known = {
        "tag": tuple(list_tags(viewer).order_by("name").values_list("name", flat=True)[:MAX_KNOWN]),
        "album": tuple(
            list_albums(viewer).order_by("name").values_list("name", flat=True)[:MAX_KNOWN]
        ),
        "owner": _distinct(owners),
        "licence": _distinct(licences),
    }
    return {**known, "folder": _distinct(map(folder_of, paths))} if sees_paths(viewer) else known


def folder_of(path: str) -> str:
    """Return the folder that a path lies in; "" for none."""
    return path.rpartition("/")[0].strip("/ ")


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value})[:MAX_KNOWN])
