"""The upload form."""

from collections import Counter
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from ingestion.forms import COPIES
from ingestion.presenters import present_outcomes
from ingestion.services import (
    CopyPolicy,
    ImportOptions,
    MetadataRules,
    Outcome,
    start_import,
    take_in,
)
from ingestion.sources import UploadSource
from kernel.errors import TransientError, UserInputError
from site_http.access import adders_only
from site_http.bodies import takes_files
from site_http.limits import Limited, take
from site_http.responses import mark, present_error

# What Import.source and Image.source say of files that came by the form.
SOURCE = "upload"


@takes_files("UPLOAD_MAX_FORM_BYTES")
@require_http_methods(["GET", "HEAD", "POST"])
@adders_only
def upload(request: HttpRequest) -> HttpResponse:
    """Take in the files of a form, and say how each one ended."""
    if request.method != "POST":
        return render(request, "ingestion/upload.html", {"copies": COPIES})
    files = request.FILES.getlist("files")
    if not files:
        problem = present_error(UserInputError("image:user:none-chosen"))
        context = {"problem": problem, "copies": COPIES}
        return mark(render(request, "ingestion/upload.html", context), problem)
    return _take_in(request, files)


def _take_in(request: HttpRequest, files: list[UploadedFile]) -> HttpResponse:
    chosen = request.POST.get("copies", CopyPolicy.TAKE_IN)
    if chosen not in set(CopyPolicy):
        raise SuspiciousOperation
    take(request, Limited.UPLOADS, len(files))
    # Who chooses a picture by hand wants it in the catalogue: one in the bin comes back.
    rules = MetadataRules(copies=CopyPolicy(chosen), restores_binned=True)
    options = ImportOptions(rules=rules)
    current = start_import(SOURCE, options=options, started_by_id=request.user.pk)
    outcomes: list[Outcome] = []
    context: dict[str, Any] = {"import": current, "copies": COPIES, "chosen": chosen}
    problem = None
    try:
        # One by one: what was taken in before the storage failed is kept and shown.
        for outcome in take_in(current, UploadSource(files).files(Counter()), rules=rules):
            outcomes.append(outcome)
    except TransientError as error:
        problem = context["problem"] = present_error(error)
    context["result"] = present_outcomes(outcomes, request.user)
    response = render(request, "ingestion/upload.html", context)
    return response if problem is None else mark(response, problem)
