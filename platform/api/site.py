"""The API: all its resources under one root."""

from ninja import NinjaAPI

from api.endpoints import (
    bulk_edits,
    decisions,
    images,
    imports,
    named_sets,
    saved_searches,
    search,
    system,
    watches,
)
from api.problems import answer_failure

VERSION = "1"

api = NinjaAPI(
    title="Semblance",
    version=VERSION,
    urls_namespace="api",
    # Ours are served by `api.urls`: complete, and without scripts that the site forbids.
    docs_url=None,
    openapi_url=None,
)
api.add_exception_handler(Exception, answer_failure)
for _foreign in list(api._exception_handlers):  # ninja has its own for some, in another shape
    api.add_exception_handler(_foreign, answer_failure)
for _resource in (
    *(search, bulk_edits, images, named_sets, imports),
    *(decisions, saved_searches, watches, system),
):
    api.add_router("", _resource.router)
