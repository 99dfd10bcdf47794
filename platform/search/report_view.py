"""The addresses of an answer's report: a page of paper, and a table."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from catalog import storage
from kernel.errors import AppError, DefectError, FileMissing, GoneError
from search import query_files, services
from search.forms import QueryForm
from search.in_flight import search_slot, timed
from search.limits import limited_search
from search.presenters.report_csv import csv_lines
from search.question import Wait
from search.report import AnswerReport, report_on
from site_http.access import searchers_only
from site_http.responses import answer, present_error

logger = logging.getLogger(__name__)

# ReportLab takes most of a second to load, and 14 MB: only who asks for a page of paper loads it.
_WRITE_PDF = "search.presenters.report_pdf.write_pdf"
_STEM_CHARS = 60

Write = Callable[[AnswerReport], HttpResponse]


def _reports(write: Write) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view that searches as its address says, and answers with a report of that."""

    @require_safe
    @searchers_only
    @wraps(write)
    def view(request: HttpRequest) -> HttpResponse:
        try:
            with timed() as search, limited_search(request), search_slot():
                asked = QueryForm(request.GET, request.FILES).read(request.user)
                # What is kept as evidence has all proofs, also where the page was of first hits.
                question = replace(asked, wait=Wait.PROOFS)
                search.wait = question.wait
                result = services.search(question, request.user)
                response = write(report_on(result, query_name=question.name))
        except DefectError:
            raise
        except AppError as error:
            logger.warning("report refused", extra={"code": error.code})
            return answer(request, present_error(error))
        response["Cache-Control"] = "private, no-store"
        return response

    return view


@_reports
def result_pdf(report: AnswerReport) -> HttpResponse:
    """Answer with one page: the picture, its best hits, and what they rest on."""
    write = import_string(_WRITE_PDF)
    pdf = write(report, query_data=_query_data(report))
    return _file(report, pdf, "pdf", content_type="application/pdf")


@_reports
def result_csv(report: AnswerReport) -> HttpResponse:
    """Answer with a row a hit."""
    table = "".join(csv_lines(report))
    return _file(report, table.encode(), "csv", content_type="text/csv; charset=utf-8")


def _query_data(report: AnswerReport) -> bytes:
    asked = report.result.asked
    try:
        if asked.image is not None:
            return storage.read(storage.original_name(asked.image.sha256))
        return query_files.read(UUID(str(asked.stored.id)))
    except FileMissing as error:
        raise GoneError("search:user:query-expired") from error


def _file(report: AnswerReport, data: bytes, ending: str, *, content_type: str) -> HttpResponse:
    response = HttpResponse(data, content_type=content_type)
    stem = "".join(c if c.isalnum() or c in " .-_" else "-" for c in report.query_name)
    stem = stem.strip(" .")[:_STEM_CHARS] or report.result.query.sha256[:12]
    name = f"semblance-{stem}-{report.at:%Y-%m-%d}.{ending}"
    disposition = content_disposition_header(as_attachment=True, filename=name)
    response["Content-Disposition"] = disposition or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response
