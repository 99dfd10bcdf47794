"""What the document promises holds: made-up requests to each endpoint, no 5xx, nothing off it.

Seeded and short here; docs/operations.md says how to ask a running site for minutes.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.document import operations
from api.services import make_token
from catalog.models import Album, Tag
from config.wsgi import application
from ingestion.models import Import
from jobs.models import JobRecord
from tests.unit.api.conftest import ALL_SCOPES
from tests.unit.web.conftest import RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
)
EXAMPLES = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def ids(searchable) -> dict[str, Any]:
    """What addresses name, so that half of them lead somewhere."""
    return {
        "image_id": str(searchable(encoded(RED), "red").pk),
        "album_id": Album.objects.create(name="walls").pk,
        "tag_id": Tag.objects.create(name="warm").pk,
        "import_id": str(Import.objects.create(source="a folder").pk),
        "job_id": str(JobRecord.objects.create(name="workers.index_images", queue="bulk").pk),
    }


@pytest.fixture(autouse=True)
def _kept_connection() -> Iterator[None]:
    """Keep the test's connection to SQL over requests, as Django's own client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def ask(ids) -> Callable[[Any], None]:
    """Send a case as a superuser's program, and check what comes."""
    chief = User.objects.create_superuser("chief")
    _, secret = make_token(owner=chief, name="test", scopes=ALL_SCOPES, expires_at=None)
    sent = 0

    def ask(case: Any) -> None:
        nonlocal sent
        sent += 1
        if sent % 2:
            known = {name: ids[name] for name in case.path_parameters or {} if name in ids}
            case.path_parameters = {**(case.path_parameters or {}), **known}
        # In process nobody unpacks what is compressed.
        headers = {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}
        case.call_and_validate(headers=headers, checks=list(CHECKS))

    return ask


@pytest.mark.parametrize(
    ("path", "method"),
    [(path, method) for path, method, _ in operations()],
    ids=[operation.view_func.__name__ for *_, operation in operations()],
)
def test_an_endpoint_keeps_to_the_document(path, method, ask) -> None:
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)

    @EXAMPLES
    @given(case=document[path][method.upper()].as_strategy())
    def made_up(case: Any) -> None:
        ask(case)

    made_up()
