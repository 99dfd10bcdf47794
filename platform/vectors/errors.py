"""What can go wrong between us and a vector store, each with its stable code."""

from kernel.errors import DefectError, TransientError


class VectorStoreUnavailable(TransientError):
    """The store does not answer, answers late, or reports its own failure. Worth a retry."""

    def __init__(self, **context: object) -> None:
        super().__init__("vectors:transient:unavailable", **context)


class UnknownCollection(DefectError):
    """No collection has this name: ``ensure`` was not called, or it was dropped."""

    def __init__(self, **context: object) -> None:
        super().__init__("vectors:ours:unknown-collection", **context)


class CollectionSpecMismatch(DefectError):
    """The collection exists with another dimension or distance than its spec says."""

    def __init__(self, **context: object) -> None:
        super().__init__("vectors:ours:collection-spec-mismatch", **context)


class DimensionMismatch(DefectError):
    """An embedding or a query does not have the collection's dimension."""

    def __init__(self, **context: object) -> None:
        super().__init__("vectors:ours:dimension-mismatch", **context)


class InvalidEmbedding(DefectError):
    """An embedding or a query holds NaN or infinity, or is (almost) zero."""

    def __init__(self, **context: object) -> None:
        super().__init__("vectors:ours:invalid-embedding", **context)


class InvalidPayload(DefectError):
    """A payload that the store must not get, or that it returned without the agreed fields."""

    def __init__(self, **context: object) -> None:
        super().__init__("vectors:ours:invalid-payload", **context)


class InvalidSearch(DefectError):
    """A search asks for fewer than one hit a query."""

    def __init__(self, **context: object) -> None:
        super().__init__("vectors:ours:invalid-search", **context)


class StoreRefused(DefectError):
    """The store answered, but not as agreed: it refused the request, or we cannot read it."""

    def __init__(self, **context: object) -> None:
        super().__init__("vectors:ours:store-refused", **context)
