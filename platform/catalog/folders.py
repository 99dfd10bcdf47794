"""The folders that an image lies in, as its points carry them."""

# Of a path below more folders the rest is compared in SQL alone: a file can lie ever so deep.
_MAX_CARRIED = 32


def folders_of(path: str) -> tuple[str, ...]:
    """Return the folder of a file in its source and all those above it, the outermost first."""
    parts = path.split("/")[:-1][:_MAX_CARRIED]
    return tuple("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def carried(folder: str) -> str:
    """Return the folder by which points are found whose images lie in a folder.

    Args:
        folder: its path, without a slash at the end.
    """
    return "/".join(folder.split("/")[:_MAX_CARRIED])
