"""The client against the real site in this process, and against made answers."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Permission, User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from api.models import ApiToken
from api.services import make_token
from semblance_client import Client, Retries
from tests.unit.web.conftest import (  # noqa: F401  # fixtures
    add_image,
    no_worker,
    searchable,
    version,
    worker,
    worker_switch,
)

URL = "http://testserver"
_SIGNALS = (request_started, request_finished)


class InProcess(httpx.BaseTransport):
    """The site in this process, on the connection to the database that the test has."""

    def __init__(self) -> None:
        self._site = httpx.WSGITransport(app=get_wsgi_application())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # As Django's own client does, which connects them again after each request, too.
        for signal in _SIGNALS:
            signal.disconnect(close_old_connections)
        answer = self._site.handle_request(request)
        content = b"".join(answer.stream)
        answer.close()
        for signal in _SIGNALS:
            signal.connect(close_old_connections)
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


class InOneThread(httpx.AsyncBaseTransport):
    """Has the site answer awaited requests in the test's own thread, where its database is."""

    def __init__(self) -> None:
        self._site = InProcess()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        again = httpx.Request(request.method, request.url, headers=request.headers, content=content)
        return self._site.handle_request(again)


@pytest.fixture
def site_transport() -> httpx.BaseTransport:
    return InProcess()


@pytest.fixture
def token(db: None) -> Callable[..., str]:
    """Return the secret of a new account's token: of the staff, with exactly these permissions."""

    def make(*permissions: str, scopes: tuple[str, ...] = tuple(ApiToken.Scope.values)) -> str:
        user = User.objects.create_user(f"robot{User.objects.count()}", is_staff=True)
        for permission in permissions:
            app, codename = permission.split(".")
            user.user_permissions.add(
                Permission.objects.get(content_type__app_label=app, codename=codename)
            )
        _, secret = make_token(owner=user, name="test", scopes=scopes, expires_at=None)
        return secret

    return make


@pytest.fixture
def site(site_transport: httpx.BaseTransport) -> Iterator[Client]:
    """A visitor's client of the real site."""
    with Client(URL, transport=site_transport) as client:
        yield client


class Script:
    """A site that answers as it is told, one answer a request; keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | BaseException) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.bodies: list[bytes] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.bodies.append(request.read())
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def client(self, **options: Any) -> Client:
        options = {"retries": Retries(attempts=4, first_pause_s=8.0), **options}
        return Client(URL, transport=httpx.MockTransport(self), pause=self.pauses.append, **options)


def answered(body: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    content = b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=content, headers=named)


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    return answered({"status": status, "code": code, "detail": "Said."}, status, **headers)
