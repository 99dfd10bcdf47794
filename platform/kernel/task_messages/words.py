"""Words that pictures are searched with: how their embedding is asked for, and answered."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernel.task_messages.extraction import embeddings_from_json, embeddings_to_json
from kernel.task_messages.fields import Fields, JsonObject, integer, number, text


@dataclass(frozen=True, slots=True)
class EmbedWordsRequest:
    """Embed words in the space of the catalogue's pictures."""

    words: str

    def to_json(self) -> JsonObject:
        """Return the task's arguments."""
        return {"words": self.words}

    @classmethod
    def from_json(cls, arguments: Mapping[str, object]) -> "EmbedWordsRequest":
        """Read the task's arguments.

        Raises:
            MalformedMessage: there are no words, or they are no text.
        """
        return cls(Fields(arguments).read("words", text))


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedWords:
    """The embedding of words.

    Attributes:
        encoder_version: with whose pictures it may be compared.
        embedding: (D,) float32, unit length.
        model_ms: how long the model took.
    """

    encoder_version: int
    embedding: NDArray[np.float32]
    model_ms: float

    def to_json(self) -> JsonObject:
        """Return the answer of the task."""
        return {
            "encoder_version": self.encoder_version,
            "embedding": embeddings_to_json(self.embedding),
            "model_ms": self.model_ms,
        }

    @classmethod
    def from_json(cls, answer: object) -> "EmbeddedWords":
        """Read the answer of the task.

        Raises:
            MalformedMessage: a field is missing or of another type.
        """
        fields = Fields.of(answer)
        [embedding] = fields.read("embedding", lambda value: embeddings_from_json(value, rows=1))
        return cls(
            encoder_version=fields.read("encoder_version", integer),
            embedding=embedding,
            model_ms=fields.read("model_ms", number),
        )
