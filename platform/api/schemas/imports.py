"""Imports, as they are asked for and as they go on."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from api.schemas.base import GivenJson, TakenJson, Text, choices_of, trimmed
from ingestion.models import Import, ImportFailure
from ingestion.selectors import ImportProgress
from ingestion.services import CopyPolicy, ImportOptions, KnownPolicy, MetadataRules
from kernel.messages import sentence

ImportAction = Literal["start", "pause", "resume", "cancel", "retry"]

ImportState = Annotated[Import.State, choices_of(Import.State)]


class ImportFileOptions(TakenJson):
    """What is done with an import's pictures, and with what is said of them."""

    named: Annotated[
        Text, Field(max_length=1000, description="what pictures say of where they are from")
    ] = ""
    known: KnownPolicy = Field(
        KnownPolicy.SKIP, description="what becomes of pictures that are there already"
    )
    copies: CopyPolicy = Field(
        CopyPolicy.TAKE_IN, description="what becomes of new ones that are copies of others"
    )
    tags_from_folders: bool = False
    albums_from_folders: bool = False
    tags_from_keywords: bool = False
    titles_from_paths: bool = False
    restores_binned: bool = False

    def options(self) -> ImportOptions:
        """Return what the import is told."""
        return ImportOptions(
            rules=MetadataRules(
                known=self.known,
                copies=self.copies,
                tags_from_keywords=self.tags_from_keywords,
                titles_from_paths=self.titles_from_paths,
                restores_binned=self.restores_binned,
            ),
            named=self.named,
            tags_from_folders=self.tags_from_folders,
            albums_from_folders=self.albums_from_folders,
        )


class SourceAsked(ImportFileOptions):
    """Where pictures come from, and what is done with them."""

    source: Annotated[Text, Field(min_length=1, max_length=1000), AfterValidator(trimmed)]


class ImportFilters(TakenJson):
    """Which imports."""

    state: ImportState | None = None


class ProgressJson(GivenJson):
    """How far the workers are with an import's images."""

    indexed: int
    failed: int
    waiting: int
    uncompared: int
    held: int
    refused: int


class ImportJson(GivenJson):
    """An import; its counts are of files: found = added + duplicates + binned + failed."""

    id: UUID
    source: str
    state: ImportState
    error_code: str
    has_plan: bool = Field(description="whether a planned one can be started")
    total: int | None
    found: int
    added: int
    duplicates: int
    binned: int
    failed: int
    passed_over: dict[str, int] = Field(description="kind of file and how many were left")
    progress: ProgressJson
    created_at: datetime
    finished_at: datetime | None


class ImportsJson(GivenJson):
    """A page of imports, the newest first."""

    items: list[ImportJson]
    next_cursor: str | None


class FailureJson(GivenJson):
    """A file that an import refused."""

    id: int
    name: str
    code: str
    detail: str
    retry_at: datetime | None = Field(description="since when it waits to be tried again")

    @classmethod
    def of(cls, failure: ImportFailure) -> "FailureJson":
        """Return a row's shape."""
        return cls(
            id=failure.pk,
            name=failure.name,
            code=failure.error_code,
            detail=sentence(failure.error_code, **(failure.context or {})),
            retry_at=failure.retry_at,
        )


class FailuresJson(GivenJson):
    """A page of refused files."""

    items: list[FailureJson]
    next_cursor: str | None


def import_json(current: Import, progress: ImportProgress) -> ImportJson:
    """Return an import's shape."""
    names = set(ImportJson.model_fields) - {"progress", "has_plan"}
    return ImportJson(
        **{name: getattr(current, name) for name in names},
        has_plan=current.plan is not None,
        progress=ProgressJson(
            **{name: getattr(progress, name) for name in ProgressJson.model_fields}
        ),
    )
