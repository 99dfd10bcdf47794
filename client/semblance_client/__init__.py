"""The client of a Semblance site: search with pictures, keep the catalogue.

    from semblance_client import Client

    with Client("https://pictures.example.org", token="smb_…") as site:
        for hit in site.search("photo.jpg").hits:
            print(hit.verdict, hit.title)

`AsyncClient` has the same methods, to be awaited. The command `semblance` does the same by hand.
"""

from semblance_client.async_client import AsyncClient
from semblance_client.client import Client
from semblance_client.errors import ApiError, NotReachable, SemblanceError, UnexpectedAnswer
from semblance_client.exchange import VERSION as __version__
from semblance_client.filters import ImageFilters, Said, SearchFilters
from semblance_client.retries import Retries
from semblance_client.shapes import (
    Added,
    AddedFile,
    AskedPicture,
    Box,
    BulkEdit,
    CatalogueImage,
    CatalogueImport,
    CopyProof,
    Decision,
    EncoderVersion,
    Facet,
    FileProblem,
    Hit,
    HitGroup,
    ImportFailure,
    ImportProgress,
    NamedSet,
    Overlap,
    Page,
    PictureRegion,
    QueryPicture,
    SavedSearch,
    SearchAnswer,
    SeveralAnswer,
    SeveralHit,
    Watch,
    WatchHit,
    Webhook,
    WorkerJob,
)

__all__ = [
    "Added",
    "AddedFile",
    "ApiError",
    "AskedPicture",
    "AsyncClient",
    "Box",
    "BulkEdit",
    "CatalogueImage",
    "CatalogueImport",
    "Client",
    "CopyProof",
    "Decision",
    "EncoderVersion",
    "Facet",
    "FileProblem",
    "Hit",
    "HitGroup",
    "ImageFilters",
    "ImportFailure",
    "ImportProgress",
    "NamedSet",
    "NotReachable",
    "Overlap",
    "Page",
    "PictureRegion",
    "QueryPicture",
    "Retries",
    "Said",
    "SavedSearch",
    "SearchAnswer",
    "SearchFilters",
    "SemblanceError",
    "SeveralAnswer",
    "SeveralHit",
    "UnexpectedAnswer",
    "Watch",
    "WatchHit",
    "Webhook",
    "WorkerJob",
    "__version__",
]
