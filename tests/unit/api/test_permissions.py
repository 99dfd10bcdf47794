"""Who may ask what: each endpoint, each kind of caller, and that a refusal leaves all as it was."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core import serializers
from django.utils import timezone

from accounts.roles import ensure_roles
from api.document import needs_of, operations
from api.models import ApiToken
from api.services import make_token, revoke_token
from catalog import services
from catalog.models import Album, BulkEdit, EncoderVersion, Image, Tag
from ingestion.models import Import
from jobs.models import JobRecord
from review.models import Decision
from review.shown_hits import ShownHit
from search.models import SavedSearch
from search.saved import save_search
from tests.unit.api.conftest import ALL_SCOPES, Program, code_of
from tests.unit.web.conftest import BLUE, GREEN, RED, encoded, upload
from watches.models import Watch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]

VISITOR, VIEWER, EDITOR, REVIEWER, KEEPER = "visitor", "Viewer", "Editor", "Reviewer", "Keeper"


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
    files: dict[str, bytes] = field(default_factory=dict)


PICTURE = encoded(GREEN)
# By the name of the endpoint's function.
CASES: Mapping[str, Case] = {
    "search_again": Case("get", "/search?image={image}&wait=hits", VISITOR),
    "search": Case("post", "/search?wait=hits", VISITOR, body=PICTURE, kind="image/png"),
    "images": Case("get", "/images", VISITOR),
    "add_images": Case("post", "/images", EDITOR, 201, body=encoded((1, 2, 3)), kind="image/png"),
    "change_image": Case("patch", "/images/{image}", EDITOR, body={"title": "new", "tags": ["t"]}),
    "delete_image": Case("delete", "/images/{image}", KEEPER, 204),
    "start_bulk_edit": Case(
        "post",
        "/images/bulk",
        EDITOR,
        202,
        body={"kind": "set_owner", "images": ["{image}"], "value": "Ann"},
    ),
    "read_bulk_edit": Case("get", "/bulk-edits/{bulk_edit}", EDITOR),
    "cancel_bulk_edit": Case("post", "/bulk-edits/{bulk_edit}/cancel", EDITOR),
    "albums": Case("get", "/albums", VIEWER),
    "make_album": Case("post", "/albums", KEEPER, 201, body={"name": "new"}),
    "read_album": Case("get", "/albums/{album}", VIEWER),
    "rename_album": Case("patch", "/albums/{album}", KEEPER, body={"name": "new"}),
    "delete_album": Case("delete", "/albums/{album}", KEEPER, 204),
    "tags": Case("get", "/tags", EDITOR),
    "make_tag": Case("post", "/tags", EDITOR, 201, body={"name": "new"}),
    "read_tag": Case("get", "/tags/{tag}", EDITOR),
    "rename_tag": Case("patch", "/tags/{tag}", EDITOR, body={"name": "new"}),
    "delete_tag": Case("delete", "/tags/{tag}", KEEPER, 204),
    "imports": Case("get", "/imports", EDITOR),
    "plan_import": Case(
        "post", "/imports", KEEPER, 202, body={"source": "https://example.org/a.png"}
    ),
    "plan_import_of_files": Case("post", "/imports/files", KEEPER, 202, files={"file": PICTURE}),
    "read_import": Case("get", "/imports/{import}", EDITOR),
    "do_with_import": Case("post", "/imports/{import}/pause", KEEPER),
    "list_failures": Case("get", "/imports/{import}/failures", EDITOR),
    "jobs": Case("get", "/jobs", KEEPER),
    "read_job": Case("get", "/jobs/{job}", KEEPER),
    "encoder_versions": Case("get", "/encoder-versions", REVIEWER),
    "decisions": Case("get", "/decisions", REVIEWER),
    "decide": Case("post", "/decisions", REVIEWER, 200, body={"hit": "{hit}", "judgement": "copy"}),
    "take_back_decision": Case("delete", "/decisions/{decision}", REVIEWER, 204),
    "saved_searches": Case("get", "/saved-searches", VIEWER),
    "save_search": Case("post", "/saved-searches", VIEWER, 201, body={"search": "image={image}"}),
    "read_saved_search": Case("get", "/saved-searches/{saved}", VIEWER),
    "rename_saved_search": Case("patch", "/saved-searches/{saved}", VIEWER, body={"name": "new"}),
    "delete_saved_search": Case("delete", "/saved-searches/{saved}", VIEWER, 204),
    "watches": Case("get", "/watches", VIEWER),
    "begin_watch": Case("post", "/watches", VIEWER, 201, body={"album": "{album}"}),
    "watch_hits": Case("get", "/watches/hits", VIEWER),
    "mark_hits_seen": Case("post", "/watches/hits/seen", VIEWER, body={"hits": [1]}),
    "read_watch": Case("get", "/watches/{watch}", VIEWER),
    "change_watch": Case("patch", "/watches/{watch}", VIEWER, body={"rung": "near-identical"}),
    "end_watch": Case("delete", "/watches/{watch}", VIEWER, 204),
    "read_image": Case("get", "/images/{image}", VISITOR),
    "read_original": Case("get", "/images/{image}/original", VISITOR),
    "read_thumbnail": Case("get", "/images/{image}/thumbnail", VISITOR),
}
CALLERS = (VISITOR, VIEWER, EDITOR, REVIEWER, KEEPER)


@pytest.fixture
def world(searchable) -> dict[str, Any]:
    """A row of each kind that addresses name."""
    ensure_roles()
    image = searchable(encoded(RED), "red")
    other = searchable(encoded(BLUE), "blue")
    version = EncoderVersion.objects.get()
    hit = ShownHit(
        *(str(other.pk), other.sha256, "", str(image.pk), "", "similar", 0.5, None, version.pk, "")
    )
    decision = Decision.objects.create(
        query_sha256="0" * 64,
        image=image,
        judgement="copy",
        decided_at=timezone.now(),
        encoder_version=version,
    )
    album = Album.objects.create(name="walls")
    watched = Album.objects.create(name="watched")
    nobody = User.objects.create_user("nobody")
    watch = Watch.objects.create(album=watched, owner=nobody)
    saved = save_search(nobody, address=f"image={other.pk}", name="saved")
    edit = services.ask_bulk_edit("set_owner", Image.objects.filter(pk=image.pk))
    services.start_bulk_edit(edit, {"value": "Ann"})
    return {
        "image": image.pk,
        "bulk_edit": edit.pk,
        "album": album.pk,
        "hit": hit,
        "decision": decision.pk,
        "watch": watch.pk,
        "saved": saved.pk,
        "tag": Tag.objects.create(name="warm").pk,
        "import": Import.objects.create(source="a folder").pk,
        "job": JobRecord.objects.create(name="workers.index_images", queue="bulk").pk,
    }


@pytest.fixture
def calls(world) -> Callable[..., Any]:
    """Ask an endpoint as a program of somebody."""

    def call(case: Case, program: Program) -> Any:
        path = case.path.format_map(world)
        send = getattr(program, case.method)
        give_rows_to(program)
        if case.files:
            return send(path, {name: upload(data) for name, data in case.files.items()})
        if case.body is None:
            return send(path)
        hit = world["hit"].signed(program.user or AnonymousUser())
        return send(path, _filled(case.body, world | {"hit": hit}), content_type=case.kind)

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


def give_rows_to(program: Program) -> None:
    """Have what is each account's own be this one's."""
    if program.user is not None:
        BulkEdit.objects.update(started_by=program.user, by_account=True)
        Decision.objects.update(decided_by=program.user)
        Watch.objects.update(owner=program.user)
        SavedSearch.objects.update(owner=program.user)


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
            assert not needs.scope.endswith(":write"), name
            continue
        # What is each account's own needs no permission.
        assert needs.permission or needs.scope.startswith("watches:"), name
        assert not needs.admits_visitors, name
        assert needs.scope.endswith(":write"), name


@pytest.mark.parametrize("name", CASES)
def test_the_first_role_that_may_can(name, calls) -> None:
    case = CASES[name]

    response = calls(case, member_of(case.first))

    assert response.status_code == case.status, response.content


@pytest.mark.parametrize("caller", CALLERS[:-1])
def test_who_may_not_leaves_all_as_it_was(caller, calls) -> None:
    program = member_of(caller)
    give_rows_to(program)
    before = everything()
    expected = (401, "missing") if caller == VISITOR else (403, "no-permission")
    refused = [case for case in CASES.values() if CALLERS.index(caller) < CALLERS.index(case.first)]

    for case in refused:
        response = calls(case, program)

        assert code_of(response) == (expected[0], f"token:user:{expected[1]}"), case
        if caller == VISITOR:
            assert response["WWW-Authenticate"] == "Bearer"
        assert everything() == before, case
    assert refused


def test_a_token_without_the_scope_may_not(calls) -> None:
    for *_, operation in operations():
        case, scope = CASES[operation.view_func.__name__], needs_of(operation).scope
        program = member_of(KEEPER, scopes=tuple(each for each in ALL_SCOPES if each != scope))
        give_rows_to(program)
        before = everything()

        response = calls(case, program)

        assert code_of(response) == (403, "token:user:no-scope"), case
        assert scope in response.json()["detail"]
        assert everything() == before, case


@pytest.mark.parametrize("ended", ["revoked", "expired", "inactive", "unknown"])
def test_a_token_that_has_ended_may_nothing(ended, calls) -> None:
    program = member_of(KEEPER)
    give_rows_to(program)
    if ended == "revoked":
        revoke_token(ApiToken.objects.get(), by_id=None)
    elif ended == "expired":
        ApiToken.objects.update(expires_at=timezone.now())
    elif ended == "inactive":
        User.objects.filter(pk=program.user.pk).update(is_active=False)
    else:
        program.secret += "x"
    before = everything()

    for case in CASES.values():
        response = calls(case, program)

        assert code_of(response) == (401, f"token:user:{ended}"), case
        assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert everything() == before, case


def test_where_people_have_to_log_in_visitors_may_nothing(calls, settings) -> None:
    settings.SEARCH_REQUIRES_LOGIN = True
    before = everything()

    for case in CASES.values():
        assert code_of(calls(case, Program())) == (401, "token:user:missing"), case
        assert everything() == before, case


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
