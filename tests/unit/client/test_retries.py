"""When a request is sent again, what it says then, and how long is waited."""

import io
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from semblance_client import ApiError, NotReachable, Retries, UnexpectedAnswer
from semblance_client.retries import retry_after_s
from tests.unit.client.conftest import Script, answered, problem

ALBUM = {"id": 1, "name": "Sea"}
LIST = {"items": [], "next_cursor": None}


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_site_is_asked_again_after_the_pause_that_it_names(status):
    script = Script(problem(status, "limit:transient:x", Retry_After="7"), answered(ALBUM, 201))

    made = script.client(retries=Retries(first_pause_s=0.1)).make_album("Sea")

    assert (made.id, made.name) == (1, "Sea")
    assert script.pauses == [7.0]


def test_a_site_that_stays_busy_is_left_alone_for_longer_each_time():
    busy = problem(503, "search:transient:busy", Retry_After="1")
    script = Script(*[busy] * 3, answered(LIST))

    script.client().images_page()

    for pause, whole in zip(script.pauses, (8, 16, 32), strict=True):
        assert whole / 2 <= pause <= whole


def test_a_post_that_is_sent_again_bears_the_same_key():
    script = Script(*[problem(503, "x")] * 2, answered(ALBUM, 201), answered(ALBUM, 201))
    client = script.client()

    client.make_album("Sea")
    client.make_album("Sea")

    keys = [request.headers["Idempotency-Key"] for request in script.asked]
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_pauses_double_less_a_random_part_and_end():
    script = Script(*[problem(503, "x")] * 4)

    with pytest.raises(ApiError) as raised:
        list(script.client().albums())

    assert raised.value.status == 503
    assert [4 <= script.pauses[0] <= 8, 8 <= script.pauses[1] <= 16, 16 <= script.pauses[2] <= 32]
    assert len(script.pauses) == 3
    for pause, whole in zip(script.pauses, (8, 16, 32), strict=True):
        assert whole / 2 <= pause <= whole


def test_a_pause_that_is_too_long_is_left_to_the_caller():
    script = Script(problem(429, "limit:transient:searches", Retry_After="3600"))

    with pytest.raises(ApiError) as raised:
        script.client().images_page()

    assert raised.value.retry_after_s == 3600
    assert script.pauses == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 415, 422, 500])
def test_what_waiting_does_not_mend_is_not_sent_again(status):
    script = Script(problem(status, "image:user:broken", X_Request_ID="abc"))

    with pytest.raises(ApiError) as raised:
        script.client().add_image(b"picture")

    error = raised.value
    assert (error.status, error.code, error.detail) == (status, "image:user:broken", "Said.")
    assert error.request_id == "abc"
    assert len(script.asked) == 1


def test_a_key_whose_first_request_is_under_way_is_waited_for():
    script = Script(problem(409, "request:conflict:under-way"), answered(ALBUM, 201))

    assert script.client().make_tag("Sea").id == 1


FAILURES = [
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("closed"),
    httpx.WriteError("reset"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: type(each).__name__)
def test_a_broken_connection_is_tried_again_where_twice_is_as_once(failure):
    script = Script(failure, answered(LIST), failure, answered(ALBUM, 201))
    client = script.client()

    assert client.images_page().items == []
    assert client.make_album("Sea").id == 1


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: type(each).__name__)
def test_what_may_have_been_done_is_not_done_again(failure):
    script = Script(failure)

    with pytest.raises(NotReachable):
        script.client().delete_image("1")

    assert len(script.asked) == 1


def test_who_was_never_connected_has_done_nothing():
    script = Script(httpx.ConnectError("refused"), answered(None, 204))

    script.client().delete_image("1")

    assert len(script.asked) == 2


def test_a_gateway_that_did_not_hear_is_asked_again_only_where_twice_is_as_once():
    script = Script(answered(status=502), answered(LIST), answered(status=504))
    client = script.client()

    assert client.images_page().items == []
    with pytest.raises(ApiError) as raised:
        client.cancel_bulk_edit(1)
    assert raised.value.status == 504


def test_a_site_that_is_away_is_said_to_be_so():
    script = Script(*[httpx.ConnectError("refused")] * 4)

    with pytest.raises(NotReachable, match="refused"):
        script.client().images_page()


def test_a_file_is_sent_again_from_its_beginning():
    script = Script(problem(503, "x"), answered({"results": [{"name": "a", "result": "added"}]}))

    script.client().add_image(io.BytesIO(b"the whole picture"))

    assert [b"the whole picture" in body for body in script.bodies] == [True, True]


class Pipe(io.RawIOBase):
    """A file that cannot go back."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._file.readinto(buffer)


def test_a_pipe_is_sent_again_too():
    script = Script(problem(503, "x"), answered({"results": [{"name": "a", "result": "added"}]}))

    script.client().add_image(Pipe(b"the whole picture"), name="a.png")

    assert [b"the whole picture" in body for body in script.bodies] == [True, True]
    assert b'filename="a.png"' in script.bodies[1]


def test_attempts_of_one_are_none_again():
    script = Script(problem(503, "x"))

    with pytest.raises(ApiError):
        script.client(retries=Retries(attempts=1)).images_page()


@pytest.mark.parametrize(
    ("header", "seconds"), [("0", 0), (" 12 ", 12), (None, None), ("soon", None), ("-1", None)]
)
def test_retry_after_in_seconds(header, seconds):
    assert retry_after_s(header) == seconds


@pytest.mark.parametrize(("ahead", "least", "most"), [(100, 90, 100), (-100, 0, 0)])
def test_retry_after_as_a_moment(ahead, least, most):
    moment = datetime.now(UTC) + timedelta(seconds=ahead)

    assert least <= retry_after_s(format_datetime(moment, usegmt=True)) <= most


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<!doctype html>"),
        httpx.Response(200, content=b"[]"),
        answered({"items": [{"id": "no uuid"}], "next_cursor": None}),
        httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
    ],
    ids=["page", "list", "shape", "redirect"],
)
def test_what_is_no_answer_of_the_api_is_said_to_be_none(answer):
    script = Script(answer)

    with pytest.raises(UnexpectedAnswer):
        script.client(token="secret").images_page()

    assert len(script.asked) == 1  # a token is not sent to where a redirect leads
