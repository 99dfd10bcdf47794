"""Who may ask what: each endpoint, each kind of caller, and that a refusal leaves all as it was."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core import serializers

from accounts.roles import ensure_roles
from api.document import needs_of, operations
from api.models import ApiToken
from api.services import make_token, revoke_token
from catalog.models import Image
from tests.unit.api.conftest import ALL_SCOPES, Program, code_of
from tests.unit.web.conftest import GREEN, RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]

VISITOR, VIEWER, EDITOR, KEEPER = "visitor", "Viewer", "Editor", "Keeper"


@dataclass(frozen=True, slots=True)
class Case:
    """How an endpoint is asked so that it succeeds, and who is the first that may.

    In an address {image} is an image's id, and so on for other rows of the world below.
    """

    method: str
    path: str
    first: str
    status: int = 200
    body: Any = None
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


PICTURE = encoded(GREEN)
# By the name of the endpoint's function.
CASES: Mapping[str, Case] = {
    "search_again": Case("get", "/search?image={image}&wait=hits", VISITOR),
    "search": Case("post", "/search?wait=hits", VISITOR, body=PICTURE, kind="image/png"),
    "images": Case("get", "/images", VISITOR),
    "read_image": Case("get", "/images/{image}", VISITOR),
    "read_original": Case("get", "/images/{image}/original", VISITOR),
    "read_thumbnail": Case("get", "/images/{image}/thumbnail", VISITOR),
}
CALLERS = (VISITOR, VIEWER, EDITOR, KEEPER)


@pytest.fixture
def world(searchable) -> dict[str, Any]:
    """A row of each kind that addresses name."""
    ensure_roles()
    return {"image": searchable(encoded(RED), "red").pk}


@pytest.fixture
def calls(world) -> Callable[..., Any]:
    """Ask an endpoint as a program of somebody."""

    def call(case: Case, program: Program) -> Any:
        path = case.path.format_map(world)
        send = getattr(program, case.method)
        body = [] if case.body is None else [_filled(case.body, world)]
        kind = {"content_type": case.kind} if body else {}
        return send(path, *body, headers=dict(case.headers), **kind)

    return call


def _filled(body: Any, world: Mapping[str, Any]) -> Any:
    if isinstance(body, dict):
        return {name: _filled(value, world) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, world) for value in body]
    return body.format_map(world) if isinstance(body, str) else body


def member_of(role: str, *, scopes: tuple[str, ...] = ALL_SCOPES) -> Program:
    """A program of an account with a ready role; of a visitor without any."""
    if role == VISITOR:
        return Program()
    user = User.objects.create_user(f"somebody-{uuid4().hex[:6]}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    _, secret = make_token(owner=user, name="test", scopes=scopes, expires_at=None)
    return Program(secret, user)


def everything() -> dict[str, Any]:
    """All that is stored, but for when tokens were used."""
    rows = {}
    for model in apps.get_models():
        if model._meta.app_label in {"sessions", "contenttypes", "auth"}:
            continue
        stored = serializers.serialize("python", model._default_manager.order_by("pk"))
        if model is ApiToken:
            for row in stored:
                del row["fields"]["last_used_at"]
        rows[model._meta.label] = stored
    return rows


def test_every_endpoint_is_in_the_table() -> None:
    assert {operation.view_func.__name__ for _, _, operation in operations()} == set(CASES)


def test_every_endpoint_asks_for_a_scope_and_writes_for_a_permission() -> None:
    for _, method, operation in operations():
        needs = needs_of(operation)
        name = operation.view_func.__name__
        if method == "get" or name == "search":
            continue
        assert needs.permission, name
        assert not needs.admits_visitors, name
        assert needs.scope.endswith(":write"), name


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", CASES)
def test_who_may(name, caller, calls) -> None:
    case = CASES[name]
    program = member_of(caller)
    may = CALLERS.index(caller) >= CALLERS.index(case.first)
    before = everything()

    response = calls(case, program)

    if may:
        assert response.status_code == case.status, response.content
        return
    expected = (401, "missing") if caller == VISITOR else (403, "no-permission")
    assert code_of(response) == (expected[0], f"token:user:{expected[1]}")
    if caller == VISITOR:
        assert response["WWW-Authenticate"] == "Bearer"
    assert everything() == before


@pytest.mark.parametrize("name", CASES)
def test_a_token_without_the_scope_may_not(name, calls) -> None:
    case = CASES[name]
    (needs,) = (needs_of(each) for *_, each in operations() if each.view_func.__name__ == name)
    scopes = tuple(scope for scope in ALL_SCOPES if scope != needs.scope)
    program = member_of(KEEPER, scopes=scopes)
    before = everything()

    response = calls(case, program)

    assert code_of(response) == (403, "token:user:no-scope")
    assert needs.scope in response.json()["detail"]
    assert everything() == before


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("ended", ["revoked", "inactive", "unknown"])
def test_a_token_that_has_ended_may_nothing(name, ended, calls) -> None:
    program = member_of(KEEPER)
    if ended == "revoked":
        revoke_token(ApiToken.objects.get(), by_id=None)
    elif ended == "inactive":
        User.objects.filter(pk=program.user.pk).update(is_active=False)
    else:
        program.secret += "x"
    before = everything()

    response = calls(CASES[name], program)

    assert code_of(response) == (401, f"token:user:{ended}")
    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert everything() == before


@pytest.mark.parametrize("name", CASES)
def test_where_people_have_to_log_in_visitors_may_nothing(name, calls, settings) -> None:
    settings.SEARCH_REQUIRES_LOGIN = True
    before = everything()

    response = calls(CASES[name], Program())

    assert code_of(response) == (401, "token:user:missing")
    assert everything() == before


def test_a_session_counts_for_nothing(world) -> None:
    album = Image.objects.get(pk=world["image"]).albums.create(name="secret")
    album.groups.add(Group.objects.get(name=KEEPER))
    member = member_of(KEEPER)
    logged_in = Program()
    logged_in._client.force_login(member.user)

    address = f"/images/{world['image']}"
    assert member.get(address).status_code == 200
    assert code_of(logged_in.get(address))[0] == 404


def test_permissions_are_those_of_the_moment(world) -> None:
    album = Image.objects.get(pk=world["image"]).albums.create(name="secret")
    album.groups.add(Group.objects.get(name=KEEPER))
    member = member_of(KEEPER)
    assert member.get(f"/images/{world['image']}").status_code == 200

    member.user.groups.clear()

    assert code_of(member.get(f"/images/{world['image']}"))[0] == 404
