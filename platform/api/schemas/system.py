"""Jobs and encoder versions."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.schemas.base import GivenJson, TakenJson, Text, choices_of
from catalog.models import EncoderVersion
from jobs.models import JobRecord

JobState = Annotated[JobRecord.State, choices_of(JobRecord.State)]

VersionState = Annotated[EncoderVersion.State, choices_of(EncoderVersion.State)]


class JobFilters(TakenJson):
    """Which jobs."""

    state: JobState | None = None
    name: Text | None = Field(None, max_length=100, description="of the task")


class JobJson(GivenJson):
    """A job, without its arguments: they name images, private ones too."""

    id: UUID
    name: str
    queue: str
    state: JobState
    deliveries: int
    error_code: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobsJson(GivenJson):
    """A page of jobs, the newest first."""

    items: list[JobJson]
    next_cursor: str | None


class EncoderVersionJson(GivenJson):
    """What embeddings were made with; those of two versions are never compared."""

    id: int
    encoder: str
    choice: str
    weights_sha256: str
    preprocessing_sha256: str
    dim: int
    precision: str
    collection: str
    state: VersionState
    detector: str
    calibration: dict[str, Any] | None
    created_at: datetime


class EncoderVersionsJson(GivenJson):
    """A page of encoder versions, in the order that they were made."""

    items: list[EncoderVersionJson]
    next_cursor: str | None
