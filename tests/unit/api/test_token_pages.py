"""Tokens in the admin: made once, shown once, revoked by their owner or by who may."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from api.models import ApiToken
from api.services import hash_secret, make_token
from audit_log.models import AuditEntry
from tests.unit.api.conftest import Program
from tests.unit.web.conftest import log_in  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db
PAGES = "/admin/api/apitoken/"


def make(client: Client) -> str:
    """Make a token by its form and return the secret that is shown."""
    form = {"name": "robot", "scopes": ["search", "images:read"], "days": "30"}
    page = client.post(f"{PAGES}add/", form)
    assert page.status_code == 200, page.content
    assert "no-store" in page["Cache-Control"]
    (secret,) = re.findall(r"smb_[\w-]{43}", page.content.decode())
    return secret


def test_a_token_is_shown_once_and_kept_as_a_hash(client, log_in) -> None:  # noqa: F811
    log_in("api.add_apitoken", staff=True)

    secret = make(client)

    token = ApiToken.objects.get()
    assert token.secret_sha256 == hash_secret(secret)
    assert secret.startswith(token.prefix)
    assert token.scopes == ["images:read", "search"]
    assert round((token.expires_at - token.created_at).total_seconds() / 86400) == 30
    for path in (PAGES, f"{PAGES}{token.pk}/change/"):
        shown = client.get(path).content.decode()
        assert token.prefix in shown
        assert secret not in shown
    assert Program(secret).get("/images").status_code == 200
    entry = AuditEntry.objects.get(action="added")
    assert entry.details["scopes"] == ["images:read", "search"]
    assert secret not in str(entry.details) + entry.object_name
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_its_owner_revokes_it(client, log_in) -> None:  # noqa: F811
    log_in("api.add_apitoken", staff=True)
    secret = make(client)
    token = ApiToken.objects.get()

    client.post(f"{PAGES}{token.pk}/revoke/")

    assert Program(secret).get("/images").status_code == 401
    assert AuditEntry.objects.filter(action="ended", object_type="api.apitoken").count() == 1
    again = client.get(f"{PAGES}{token.pk}/change/").content.decode()
    assert "/revoke/" not in again


@pytest.mark.parametrize(
    ("permission", "sees", "may_revoke"),
    [("add", False, False), ("view", True, False), ("delete", True, True)],
)
def test_those_of_others_are_for_who_may(client, log_in, permission, sees, may_revoke) -> None:  # noqa: F811
    owner = User.objects.create_user("owner")
    token, _ = make_token(owner=owner, name="theirs", scopes=["search"], expires_at=None)
    log_in(f"api.{permission}_apitoken", staff=True)

    listed = "theirs" in client.get(PAGES).content.decode()
    client.post(f"{PAGES}{token.pk}/revoke/")
    client.post(PAGES, {"action": "revoke_chosen", "_selected_action": [token.pk]})

    token.refresh_from_db()
    assert listed is sees
    assert (token.revoked_at is not None) is may_revoke


def test_nobody_without_a_permission_has_any(client, log_in) -> None:  # noqa: F811
    log_in("catalog.view_image", staff=True)

    answers = [client.get(PAGES), client.get(f"{PAGES}add/"), client.post(f"{PAGES}add/", {})]

    assert [each.status_code for each in answers] == [403] * 3
    assert ApiToken.objects.count() == 0
    assert "/admin/api/" not in client.get("/admin/").content.decode()


def test_a_token_is_never_deleted_or_changed(client, log_in) -> None:  # noqa: F811
    user = log_in("api.add_apitoken", "api.delete_apitoken", staff=True)
    token, _ = make_token(owner=user, name="mine", scopes=["search"], expires_at=None)

    client.post(f"{PAGES}{token.pk}/delete/", {"post": "yes"})
    client.post(f"{PAGES}{token.pk}/change/", {"name": "other", "scopes": ["images:write"]})

    token.refresh_from_db()
    assert (token.name, token.scopes) == ("mine", ["search"])
