"""What the site is at: jobs of its workers, and the encoder versions of its catalogue."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router

from api.answers import respond
from api.cursors import page_by_id, page_of
from api.schemas.base import DEFAULT_LIMIT, Cursor, Limit
from api.schemas.system import (
    EncoderVersionJson,
    EncoderVersionsJson,
    JobFilters,
    JobJson,
    JobsJson,
)
from api.security import Needs, Scope
from catalog.models import EncoderVersion
from jobs.models import JobRecord

router = Router(tags=["system"])
JOBS = Needs(Scope.SYSTEM_READ, "jobs.view_jobrecord", is_of_admin=True)
VERSIONS = Needs(Scope.SYSTEM_READ, "catalog.view_encoderversion", is_of_admin=True)


@router.get("/jobs", url_name="jobs", auth=JOBS, response=JobsJson)
def jobs(
    request: HttpRequest,
    filters: Query[JobFilters],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> HttpResponse:
    """List background jobs of the last days, the newest first."""
    chosen = {name: value for name, value in filters.model_dump().items() if value is not None}
    page, next_cursor = page_of(JobRecord.objects.filter(**chosen), cursor, limit)
    items = [JobJson.from_orm(each) for each in page]
    return respond(JobsJson(items=items, next_cursor=next_cursor))


@router.get("/jobs/{uuid:job_id}", url_name="job", auth=JOBS, response=JobJson)
def read_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Read one job."""
    return respond(JobJson.from_orm(get_object_or_404(JobRecord, pk=job_id)))


@router.get(
    "/encoder-versions", url_name="encoder_versions", auth=VERSIONS, response=EncoderVersionsJson
)
def encoder_versions(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> HttpResponse:
    """List what the catalogue is and was indexed with; one is live."""
    page, next_cursor = page_by_id(EncoderVersion.objects.all(), cursor, limit)
    items = [EncoderVersionJson.from_orm(each) for each in page]
    return respond(EncoderVersionsJson(items=items, next_cursor=next_cursor))
