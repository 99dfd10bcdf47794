"""Passwords cannot be guessed in a row: neither on the site's log-in nor on the admin's."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from kernel.messages import sentence
from site_http.callers import caller_address

PASSWORD = "a long enough one"
CODE = "login:user:too-many-failures"
DOORS = ("/login/", "/admin/login/")


@pytest.fixture
def account(db) -> User:
    return User.objects.create_superuser("vera", password=PASSWORD)


def log_in(client: Client, password: str, *, name: str = "vera", door: str = "/login/", **more):
    return client.post(door, {"username": name, "password": password}, **more)


def fail(client: Client, times: int = 5, **more) -> list[int]:
    return [log_in(client, "wrong", **more).status_code for _ in range(times)]


@pytest.mark.parametrize("door", DOORS)
def test_after_five_failures_even_the_right_password_waits(client, account, door) -> None:
    assert fail(client, door=door) == [200, 200, 200, 200, 429]

    response = log_in(client, PASSWORD, door=door)

    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert "Wait 15 minutes" in response.content.decode()
    assert CODE in response.content.decode()
    assert "_auth_user_id" not in client.session
    assert client.get(door).status_code == 200  # the page itself is shown


def test_the_doors_count_together(client, account) -> None:
    fail(client, 3, door=DOORS[0])

    assert fail(client, 2, door=DOORS[1]) == [200, 429]


def test_programs_are_told_in_json_and_people_in_their_language(client, account) -> None:
    fail(client)

    answer = log_in(client, PASSWORD, headers={"accept": "application/json"})
    page = log_in(client, PASSWORD, headers={"accept-language": "ru"})

    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    with override("en"):
        assert answer.json() == {"error": {"code": CODE, "sentence": sentence(CODE, minutes=15)}}
    assert "Подождите 15 мин." in page.content.decode()


def test_another_address_and_another_name_are_not_locked_out(client, account) -> None:
    User.objects.create_user("adam", password=PASSWORD)
    fail(client, 7, REMOTE_ADDR="203.0.113.7")

    assert log_in(Client(), PASSWORD, REMOTE_ADDR="203.0.113.8").status_code == 302
    adam = log_in(Client(), PASSWORD, name="adam", REMOTE_ADDR="203.0.113.7")
    assert adam.status_code == 302


def test_a_success_forgets_the_failures_before_it(client, account) -> None:
    fail(client, 4)
    assert log_in(client, PASSWORD).status_code == 302
    assert AccessAttempt.objects.count() == 0

    assert fail(client, 4) == [200] * 4


def test_the_pause_ends_however_often_somebody_tries_meanwhile(client, account) -> None:
    fail(client)
    before = AccessAttempt.objects.get().attempt_time
    assert fail(client, 3) == [429] * 3
    assert AccessAttempt.objects.get().attempt_time == before

    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))

    assert log_in(client, PASSWORD).status_code == 302


def test_old_rows_go_at_the_next_log_in_and_successes_leave_none(client, account) -> None:
    for number in range(20):
        fail(client, 1, name=f"nobody-{number}", headers={"user-agent": str(number)})
    assert AccessAttempt.objects.count() == 20
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

    assert log_in(client, PASSWORD).status_code == 302

    assert AccessAttempt.objects.count() == AccessLog.objects.count() == 0


def test_no_password_is_kept(client, account) -> None:
    log_in(client, "a secret that was nearly right")

    row = AccessAttempt.objects.get()
    assert "nearly" not in row.post_data + row.get_data
    assert row.username == "vera"


def test_the_admin_shows_no_pages_of_it(client, account) -> None:
    client.force_login(account)

    page = client.get(reverse("admin:index")).content.decode()

    assert account.has_perm("axes.view_accessattempt")
    assert "/axes/" not in page


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        pytest.param("203.0.113.7", "203.0.113.7", id="ipv4"),
        pytest.param("", None, id="unix-socket"),
        pytest.param("<script>", None, id="no-address"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", id="a-network-of-ipv6"),
        pytest.param("::ffff:203.0.113.7", "203.0.113.7", id="ipv4-in-ipv6"),
    ],
)
def test_who_calls(remote, address) -> None:
    request = RequestFactory().get("/login/", REMOTE_ADDR=remote)

    assert caller_address(request) == address


def test_an_address_that_the_caller_made_up_is_no_way_round(client, account) -> None:
    told = [
        log_in(client, "wrong", headers={"x-forwarded-for": f"198.51.100.{number}"}).status_code
        for number in range(5)
    ]

    assert told == [200, 200, 200, 200, 429]
