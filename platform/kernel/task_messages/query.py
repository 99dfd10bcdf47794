"""A query picture, as every request about it names it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from kernel.task_messages.fields import Fields, JsonObject, integer, uuid


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """A query picture where the workers find it; width and height are those of it upright."""

    id: UUID
    width: int
    height: int

    def to_json(self) -> JsonObject:
        """Return the arguments that name it, the same in every request."""
        return {"query_id": str(self.id), "width": self.width, "height": self.height}

    @classmethod
    def from_json(cls, arguments: Mapping[str, object]) -> "StoredQuery":
        """Read it from among a request's arguments.

        Raises:
            MalformedMessage: one is missing or of another type.
        """
        fields = Fields(arguments)
        return cls(
            id=fields.read("query_id", uuid),
            width=fields.read("width", integer),
            height=fields.read("height", integer),
        )
