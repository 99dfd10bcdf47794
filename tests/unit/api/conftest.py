"""Callers with tokens, and the catalogue of the pages' tests."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from api.models import ApiToken
from api.services import make_token
from tests.unit.web.conftest import (  # noqa: F401  # fixtures
    add_image,
    no_worker,
    searchable,
    version,
    worker,
    worker_switch,
)

ROOT = "/api/v1"
ALL_SCOPES = tuple(ApiToken.Scope.values)


class Program:
    """Who asks the API, with a token or without."""

    def __init__(self, secret: str = "", user: User | None = None) -> None:
        self.user = user
        self.secret = secret
        self._client = Client(raise_request_exception=False)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """Send a request: `get`, `post`, …, to an address below the API's root."""

        def send(path: str, *args: Any, headers: dict[str, str] | None = None, **more: Any) -> Any:
            said = dict(headers or {})
            if self.secret:
                said.setdefault("authorization", f"Bearer {self.secret}")
            return getattr(self._client, method)(f"{ROOT}{path}", *args, headers=said, **more)

        return send


@pytest.fixture
def visitor() -> Program:
    return Program()


@pytest.fixture
def program(db: None) -> Callable[..., Program]:
    """Return a program with the token of a new account that has exactly these permissions."""

    def make(
        *permissions: str,
        scopes: tuple[str, ...] = ALL_SCOPES,
        staff: bool = True,
        name: str = "robot",
    ) -> Program:
        user = User.objects.create_user(name, is_staff=staff)
        for permission in permissions:
            app, codename = permission.split(".")
            found = Permission.objects.filter(content_type__app_label=app, codename=codename)
            assert found.count() == 1, permission
            user.user_permissions.add(*found)
        _, secret = make_token(owner=user, name="test", scopes=scopes, expires_at=None)
        return Program(secret, user)

    return make


def code_of(response: Any) -> tuple[int, str]:
    """A problem's status and code; that it is one is asserted."""
    assert response["Content-Type"] == "application/problem+json", response.content
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"/api/v1/docs#{body['code']}"
    assert body["detail"]
    return response.status_code, body["code"]
