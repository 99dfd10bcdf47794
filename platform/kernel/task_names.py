"""Names of every task, so that the web can send work without importing it.

The values stay as they are, as keys of messages do: while one release replaces another, each side
may meet the other's.
"""

from typing import Final

EXTRACT_QUERY: Final = "workers.describe_query"
FIND_COPIES: Final = "workers.find_copies"
COMPARE_REGIONS: Final = "workers.compare_regions"
EMBED_WORDS: Final = "workers.embed_words"
WARM_UP: Final = "workers.warm_up"
INDEX_IMAGES: Final = "workers.index_images"
DELETE_IMAGES: Final = "workers.delete_images"
UPDATE_PAYLOADS: Final = "workers.update_payloads"
EDIT_IMAGES: Final = "workers.edit_images"
RUN_IMPORT: Final = "workers.run_import"
EXPORT_IMAGES: Final = "workers.export_images"
CHECK_COPIES: Final = "workers.check_copies"
CHECK_WATCHES: Final = "workers.check_watches"

QUEUES: Final[dict[str, str]] = {
    EXTRACT_QUERY: "query",
    FIND_COPIES: "query",
    COMPARE_REGIONS: "query",
    EMBED_WORDS: "query",
    WARM_UP: "query",
    INDEX_IMAGES: "bulk",
    DELETE_IMAGES: "maintenance",
    UPDATE_PAYLOADS: "maintenance",
    EDIT_IMAGES: "maintenance",
    RUN_IMPORT: "maintenance",
    EXPORT_IMAGES: "bulk",
    CHECK_COPIES: "maintenance",
    CHECK_WATCHES: "maintenance",
}
