"""Names of every task, so that the web can send work without importing it."""

from typing import Final

EXTRACT_QUERY: Final = "workers.extract_query"
# What EXTRACT_QUERY was called before: a web of the last release may still run while the workers
# are replaced. It goes with the next release.
DESCRIBE_QUERY: Final = "workers.describe_query"
FIND_COPIES: Final = "workers.find_copies"
WARM_UP: Final = "workers.warm_up"
INDEX_IMAGES: Final = "workers.index_images"
DELETE_IMAGES: Final = "workers.delete_images"
SWEEP: Final = "workers.sweep"
EXPIRE_QUERIES: Final = "workers.expire_queries"

QUEUES: Final[dict[str, str]] = {
    EXTRACT_QUERY: "query",
    DESCRIBE_QUERY: "query",
    FIND_COPIES: "query",
    WARM_UP: "query",
    INDEX_IMAGES: "bulk",
    DELETE_IMAGES: "maintenance",
    SWEEP: "maintenance",
    EXPIRE_QUERIES: "maintenance",
}
