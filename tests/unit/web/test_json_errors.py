"""A program that asks for JSON is answered in JSON, whoever refuses it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from kernel.messages import sentence

JSON = {"accept": "application/json"}
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def assert_refused(response, status, code):
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"error": {"code": code, "sentence": sentence(code)}}
    assert "Accept" in response["Vary"]
    assert response["X-Request-ID"]


@pytest.fixture
def plain_user(db):
    return User.objects.create_user("vera", password="a long enough one")


def test_an_address_without_anything(client, db):
    assert_refused(client.get("/nowhere/", headers=JSON), 404, "request:user:not-found")


def test_a_method_that_is_not_taken_names_those_that_are(client, db):
    response = client.put("/", headers=JSON)

    assert_refused(response, 405, "request:user:wrong-method")
    assert response["Allow"] == "GET, HEAD, POST"


def test_a_form_without_its_token_is_led_to_the_api(db):
    response = Client(enforce_csrf_checks=True).post("/", {"picture": "x"}, headers=JSON)

    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    told = response.json()
    assert told["code"] == "request:user:no-csrf-token"
    assert told["see"] == "/api/v1/search"
    assert told["detail"] == sentence("request:user:no-csrf-token", address="/api/v1/search")


def test_who_has_to_log_in_is_not_sent_to_a_page(client, db, settings):
    settings.SEARCH_REQUIRES_LOGIN = True

    assert_refused(client.get("/", headers=JSON), 401, "request:user:logged-out")
    assert_refused(client.get(reverse("admin:index"), headers=JSON), 401, "request:user:logged-out")


def test_who_may_not_do_it(client, plain_user):
    client.force_login(plain_user)

    response = client.get(reverse("ingestion:upload"), headers=JSON)

    assert_refused(response, 403, "request:user:forbidden")


def test_a_form_with_too_many_files(client, db, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2

    response = client.post("/", {"a": "1", "b": "2", "c": "3"}, headers=JSON)

    assert_refused(response, 400, "request:user:malformed")


def test_a_crash_says_that_it_is_ours(client, version, monkeypatch):
    def crash(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("search.views.count_findable_and_waiting", crash)
    client.raise_request_exception = False

    assert_refused(client.get("/", headers=JSON), 500, "request:ours:failed")


@pytest.mark.parametrize("headers", [BROWSER, {"accept": "*/*"}, {}], ids=["page", "any", "none"])
def test_people_get_pages(client, db, headers):
    response = client.get("/nowhere/", headers=headers)

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_what_was_answered_in_json_stays_as_it_is(client, version, no_worker, settings):
    settings.SEARCH_TIMEOUT_S = 0.01
    response = client.post("/", {"image": "no id"}, headers=JSON)

    assert response.status_code == 400
    assert not response.json()["error"]["code"].startswith("request:")
