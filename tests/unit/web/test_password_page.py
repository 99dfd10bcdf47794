"""Everybody with an account changes their own password, in the site's own pages."""

import pytest
from django.contrib.auth.models import User

OLD, NEW = "the old one 1", "a much newer one 2"
PAGE, DONE = "/account/password/", "/account/password/changed/"


@pytest.fixture
def account(client, db) -> User:
    user = User.objects.create_user("olga", password=OLD)
    client.force_login(user)
    return user


def change(client, *, old: str = OLD, new: str = NEW, again: str | None = None):
    fields = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post(PAGE, fields)


def test_an_account_that_is_no_staff_changes_its_password(client, account) -> None:
    response = change(client)

    assert (response.status_code, response["Location"]) == (302, DONE)
    account.refresh_from_db()
    assert account.check_password(NEW)
    assert "Password changed" in client.get(DONE).content.decode()  # still logged in


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"old": "not it"}, id="wrong old one"),
        pytest.param({"again": "another one 3"}, id="two different ones"),
        pytest.param({"new": "short"}, id="too short"),
        pytest.param({"new": "password123"}, id="too common"),
        pytest.param({"new": "1234567890123"}, id="digits alone"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(client, account, fields) -> None:
    response = change(client, **fields)

    assert response.status_code == 200
    assert 'class="problem"' in response.content.decode()
    account.refresh_from_db()
    assert account.check_password(OLD)


@pytest.mark.parametrize("page", [PAGE, DONE])
def test_visitors_are_asked_to_log_in(client, db, page) -> None:
    response = client.get(page)

    assert (response.status_code, response["Location"]) == (302, f"/login/?next={page}")


def test_other_sessions_of_the_account_end(client, account) -> None:
    elsewhere = type(client)()
    elsewhere.force_login(account)

    change(client)

    assert elsewhere.get(PAGE).status_code == 302


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Change password"), ("ru", "Сменить пароль")]
)
def test_the_page_is_in_both_languages_and_linked_from_every_page(
    client, account, language, said
) -> None:
    accepted = {"accept-language": language}

    assert f"<h1>{said}</h1>" in client.get(PAGE, headers=accepted).content.decode()
    assert f'href="{PAGE}"' in client.get("/", headers=accepted).content.decode()
