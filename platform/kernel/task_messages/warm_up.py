"""What a worker process is asked when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass

from kernel.task_messages.fields import Fields, JsonObject, boolean, integer


@dataclass(frozen=True, slots=True)
class WarmUpRequest:
    """Load what a process needs, and use it once.

    The supervisor asks without arguments, since it knows no messages, and means the defaults.

    Attributes:
        pictures: of a batch: the first pass of a batch's shape takes the memory of later ones.
        has_hashes: whether the process searches for copies.
    """

    pictures: int = 1
    has_hashes: bool = True

    def to_json(self) -> JsonObject:
        """Return the task's arguments."""
        return {"pictures": self.pictures, "has_hashes": self.has_hashes}

    @classmethod
    def from_json(cls, arguments: Mapping[str, object]) -> "WarmUpRequest":
        """Read the task's arguments.

        Raises:
            MalformedMessage: one is of another type.
        """
        fields = Fields({**cls().to_json(), **arguments})
        return cls(fields.read("pictures", integer), fields.read("has_hashes", boolean))
