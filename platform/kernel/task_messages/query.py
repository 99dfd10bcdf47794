"""A query picture, as every request about it names it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from kernel.task_messages.fields import Fields, JsonObject, integer, optional, text, uuid


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """A query picture where the workers find it.

    Attributes:
        id: of the kept query, or of the image of the catalogue.
        width, height: of it upright, in pixels.
        original_sha256: of an image of the catalogue, whose original is read; None is a kept query.
    """

    id: UUID
    width: int
    height: int
    original_sha256: str | None = None

    def to_json(self) -> JsonObject:
        """Return the arguments that name it, the same in every request."""
        named = {"query_id": str(self.id), "width": self.width, "height": self.height}
        if self.original_sha256 is None:  # as earlier releases say it
            return named
        return {**named, "original_sha256": self.original_sha256}

    @classmethod
    def from_json(cls, arguments: Mapping[str, object]) -> "StoredQuery":
        """Read it from among a request's arguments.

        Raises:
            MalformedMessage: one is missing or of another type.
        """
        fields = Fields({"original_sha256": None, **arguments})
        return cls(
            id=fields.read("query_id", uuid),
            width=fields.read("width", integer),
            height=fields.read("height", integer),
            original_sha256=fields.read("original_sha256", optional(text)),
        )
