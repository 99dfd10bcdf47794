"""What a worker process is asked when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass

from kernel.task_messages.fields import Fields, JsonObject, boolean, integer


@dataclass(frozen=True, slots=True)
class WarmUpRequest:
    """Load what a process needs, and use it once.

    Attributes:
        pictures: of a batch: the first pass of a batch's shape takes the memory of later ones.
        has_hashes: whether the process searches for copies.
    """

    pictures: int
    has_hashes: bool

    def to_json(self) -> JsonObject:
        """Return the task's arguments."""
        return {"pictures": self.pictures, "has_hashes": self.has_hashes}

    @classmethod
    def from_json(cls, arguments: Mapping[str, object]) -> "WarmUpRequest":
        """Read the task's arguments.

        Raises:
            MalformedMessage: one is missing or of another type.
        """
        fields = Fields(arguments)
        return cls(fields.read("pictures", integer), fields.read("has_hashes", boolean))
