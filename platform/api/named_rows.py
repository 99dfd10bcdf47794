"""Tags and albums by the names that callers give, of those that they may know of."""

from collections.abc import Sequence

from catalog import services
from catalog.models import Album, Tag
from catalog.visibility import Viewer, list_albums, list_tags
from kernel.errors import UserInputError


def known_albums(names: Sequence[str], viewer: Viewer) -> list[Album]:
    """Return the albums of these names.

    Raises:
        UserInputError: "request:user:unknown-names": there is none, or none that they may know of.
    """
    found = list(list_albums(viewer).filter(name__in=names))
    _check(names, [each.name for each in found])
    return found


def known_tags(names: Sequence[str], viewer: Viewer) -> list[Tag]:
    """Return the tags of these names; those that are missing are made, by whoever may make some.

    Raises:
        UserInputError: "request:user:unknown-names".
    """
    if viewer.has_perm("catalog.add_tag"):
        return services.find_or_make_tags(names)
    found = list(list_tags(viewer).filter(name__in=names))
    _check(names, [each.name for each in found])
    return found


def _check(names: Sequence[str], found: Sequence[str]) -> None:
    if unknown := sorted(set(names) - set(found)):
        raise UserInputError("request:user:unknown-names", names=", ".join(unknown)[:200])
