"""Pictures of decisions, for the processes that clear away."""

from review import query_pictures


def delete_unnamed_query_pictures() -> int:
    """Remove pictures that were asked with and that no decision names any more; return how many."""
    return query_pictures.delete_unnamed()
