"""What pictures say of themselves: read from the records that their files and sidecars carry.

`docs/formats.md` says which field is read from where, and which record wins.
"""

from ingestion.embedded.metadata import EmbeddedMetadata
from ingestion.embedded.reader import read_embedded

__all__ = ["EmbeddedMetadata", "read_embedded"]
