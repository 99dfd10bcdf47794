"""Stand-in until the page's own lands."""

from search.services import SearchResult


def headline(result: SearchResult) -> str:
    """Return what was found."""
    return f"{sum(len(group.hits) for group in result.groups)}"
