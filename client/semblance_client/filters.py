"""What requests say of images: which are meant, and what is said of those that are added."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonFilters:
    """Which images; each that is given narrows them down.

    Named as in the addresses of the search page. A site of an earlier release refuses those that it
    does not know.

    Attributes:
        folder: that their paths begin with.
        added_from: the first day on which they were added, such as "2026-05-31".
        added_to: the last one.
        min_side: of the longer side, in pixels.
        max_side: the same.
    """

    label: Sequence[str] = ()
    medium: Sequence[str] = ()
    tag: Sequence[str] = ()
    album: Sequence[str] = ()
    owner: Sequence[str] = ()
    licence: Sequence[str] = ()
    folder: Sequence[str] = ()
    added_from: str = ""
    added_to: str = ""
    min_side: int | None = None
    max_side: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilters(CommonFilters):
    """Among which images is searched, and in which order they come.

    Attributes:
        sure: leaves out objects whose label is doubtful.
        other_media: leaves out images of the picture's own medium.
        scope: which parts of images may be alike: "full-image", "panels", "objects".
        sort: "verdict", "similarity", "newest", "oldest" or "largest".
    """

    sure: bool = False
    other_media: bool = False
    scope: Sequence[str] = ()
    sort: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFilters(CommonFilters):
    """Which images are listed.

    Attributes:
        q: words of titles, tags, …
        status: "indexed", "queued" or "failed".
        sha256: of the file.
    """

    q: str = ""
    status: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of a picture that is added.

    Attributes:
        known: what becomes of one that is there already: "skip", "update" or "keep".
        copies: what becomes of a new one that is a copy: "take_in", "hold" or "refuse".
    """

    title: str = ""
    description: str = ""
    source: str = ""
    external_id: str = ""
    owner: str = ""
    licence: str = ""
    rights: str = ""
    creator: str = ""
    credit: str = ""
    usage_terms: str = ""
    licensor: str = ""
    taken_at: str = ""
    medium: str = ""
    tags: Sequence[str] = ()
    albums: Sequence[str] = ()
    known: str = ""
    copies: str = ""


def members_of(said: Any) -> dict[str, Any]:
    """Return the members of a dataclass that say something."""
    if said is None:
        return {}
    all_members = {each.name: getattr(said, each.name) for each in fields(said)}
    sayings = {name: value for name, value in all_members.items() if value not in ("", None, False)}
    return {
        name: list(value) if isinstance(value, tuple | list) else value
        for name, value in sayings.items()
        if not isinstance(value, tuple | list) or value
    }


def params_of(said: Any) -> list[tuple[str, str]]:
    """Return the same as an address has it."""
    return [
        (name, as_text(each))
        for name, value in members_of(said).items()
        for each in (value if isinstance(value, list) else [value])
    ]


def as_text(value: Any) -> str:
    """Return a value as an address has it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)
