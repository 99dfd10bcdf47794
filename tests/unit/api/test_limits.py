"""Nobody takes what is there for all: by minute, at once, by kept bytes; visitors and tokens."""

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.exceptions import RedisError

from deploy.local.broker import arguments, binary
from site_http import counters
from site_http.counters import BrokerCounters, OwnCounters, PatientCounters
from tests.unit.api.conftest import code_of
from tests.unit.web.conftest import RED, encoded, upload

FAR = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(autouse=True)
def fresh_counts(monkeypatch) -> None:
    counters._counters_at.cache_clear()


class Clock:
    """A time that stands until it is told to go on; it begins at the beginning of a window."""

    def __init__(self) -> None:
        self.at = 60_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture(scope="module")
def valkey(tmp_path_factory) -> Iterator[str]:
    """The broker that the product starts, on a socket of its own; returns its address."""
    folder = tmp_path_factory.mktemp("valkey")
    socket = folder / "v.sock"
    running = subprocess.Popen(
        arguments(binary(), folder=folder, socket=socket), stdout=subprocess.DEVNULL
    )
    try:
        while not socket.exists():
            assert running.poll() is None
            time.sleep(0.02)
        yield f"redis+socket://{socket}"
    finally:
        running.terminate()
        running.wait(timeout=10)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["own", "broker"])
def counts(request, clock):
    if request.param == "own":
        return OwnCounters(clock)
    url = request.getfixturevalue("valkey")
    redis.Redis.from_url(url.replace("redis+socket", "unix")).flushall()
    return BrokerCounters(url, clock)


def test_a_window_has_so_many_and_they_come_back_bit_by_bit(counts, clock) -> None:
    def take() -> bool:
        return counts.take("a", 1, limit=4, window_s=60).is_given

    assert [take() for _ in range(6)] == [True] * 4 + [False] * 2
    clock.at += 60  # those of the last minute still count in full
    assert take() is False
    clock.at += 15  # a quarter of them has left
    assert [take(), take()] == [True, False]
    clock.at += 45 + 60
    assert [take() for _ in range(5)] == [True] * 4 + [False]


def test_the_wait_is_how_long_it_takes(counts, clock) -> None:
    for _ in range(4):
        counts.take("a", 1, limit=4, window_s=60)
    clock.at += 10

    refused = counts.take("a", 1, limit=4, window_s=60)

    assert refused.wait_s == pytest.approx(50 + 15)
    clock.at += refused.wait_s - 0.5
    assert not counts.take("a", 1, limit=4, window_s=60).is_given
    clock.at += 1
    assert counts.take("a", 1, limit=4, window_s=60).is_given


def test_keys_do_not_meet_and_what_is_left_is_told(counts) -> None:
    assert counts.take("a", 3, limit=4, window_s=60).left == 1
    assert counts.take("b", 1, limit=4, window_s=60).left == 3
    assert counts.take("a", 2, limit=4, window_s=60).left == 1


def test_more_than_the_limit_fits_where_nothing_was_before(counts) -> None:
    assert counts.take("a", 9, limit=4, window_s=60).is_given
    assert not counts.take("a", 1, limit=4, window_s=60).is_given


def test_so_many_at_once_until_they_leave_or_are_lost(counts, clock) -> None:
    def enter(ticket: str) -> bool:
        return counts.enter("a", ticket, limit=2, lease_s=10)

    assert [enter("1"), enter("2"), enter("3")] == [True, True, False]
    counts.leave("a", "1")
    assert [enter("4"), enter("5")] == [True, False]
    clock.at += 11
    assert [enter("6"), enter("7"), enter("8")] == [True, True, False]


def test_where_the_broker_is_away_each_process_counts_for_itself() -> None:
    class Away(OwnCounters):
        asked = 0

        def take(self, *args, **kwargs):
            Away.asked += 1
            raise RedisError("away")

    patient = PatientCounters(Away(), OwnCounters())

    given = [patient.take("a", 1, limit=2, window_s=60).is_given for _ in range(3)]

    assert given == [True, True, False]
    assert Away.asked == 1  # and it is left alone for a while


def test_a_broker_that_does_not_answer_costs_a_moment(tmp_path) -> None:
    patient = PatientCounters(BrokerCounters(f"redis+socket://{tmp_path}/none"), OwnCounters())

    started = time.monotonic()
    assert patient.take("a", 1, limit=2, window_s=60).is_given
    assert time.monotonic() - started < 1


@pytest.fixture
def few(settings, db, media, worker, searchable):
    """Two searches a minute for visitors, three for accounts and tokens."""
    settings.LIMITS = settings.LIMITS | {"searches": (2, 3)}
    return searchable(encoded(RED), "red")


def test_a_visitor_who_searches_too_often_is_told_when_again(visitor, few) -> None:
    answers = [visitor.get(f"/search?image={few.pk}", **FAR) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert code_of(answers[2]) == (429, "limit:transient:searches")
    assert 0 < int(answers[2]["Retry-After"]) <= 120
    assert answers[0]["RateLimit-Policy"] == '"searches";q=2;w=60'
    assert answers[0]["RateLimit"] == '"searches";r=1;t=0'
    other = visitor.get(f"/search?image={few.pk}", REMOTE_ADDR="203.0.113.8")
    assert other.status_code == 200


def test_the_page_says_it_and_its_form_stays(client, few) -> None:
    answers = [client.get(f"/?image={few.pk}", **FAR) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    page = answers[2].content.decode()
    assert "You may search 2 times a minute." in page
    assert 'name="picture"' in page
    assert int(answers[2]["Retry-After"]) > 0


@pytest.mark.parametrize("path", ["/result.csv?", "/result.pdf?", "/comparisons/?found={pk}&"])
def test_every_address_that_searches_is_counted(client, few, path) -> None:
    address = path.format(pk=few.pk) + f"image={few.pk}"
    answers = [client.get(address, **FAR) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0


def test_a_search_that_leads_to_its_address_is_counted_once(client, few) -> None:
    answers = []
    for _ in range(3):
        answers.append(client.post("/", {"picture": upload(encoded(RED))}, **FAR))
        if answers[-1].status_code == 303:
            answers.append(client.get(answers[-1]["Location"], **FAR))

    assert [each.status_code for each in answers] == [303, 200, 303, 200, 429]


def test_a_token_is_counted_wherever_it_asks_from(program, few) -> None:
    first, second = program(name="a"), program(name="b")

    answers = [
        first.get(f"/search?image={few.pk}", REMOTE_ADDR=f"203.0.113.{number}")
        for number in range(4)
    ]

    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert second.get(f"/search?image={few.pk}", **FAR).status_code == 200


def test_callers_on_this_machine_share_no_limit(visitor, few) -> None:
    answers = [visitor.get(f"/search?image={few.pk}").status_code for _ in range(5)]

    assert answers == [200] * 5


def test_kept_bytes_are_bounded(visitor, settings, few) -> None:
    settings.LIMITS = settings.LIMITS | {"kept-bytes": (100, 0)}
    data = encoded(RED)
    assert len(data) > 50

    answers = [visitor.post("/search", data, content_type="image/png", **FAR) for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 429]
    assert code_of(answers[1])[1] == "limit:transient:kept-bytes"


def test_guessing_tokens_is_slowed_down(visitor, settings, db) -> None:
    settings.LIMITS = settings.LIMITS | {"unknown-tokens": (3, 0)}

    answers = [
        visitor.get("/images", headers={"authorization": f"Bearer smb_{number}"}, **FAR)
        for number in range(5)
    ]

    assert [each.status_code for each in answers] == [401, 401, 401, 429, 429]


@pytest.mark.django_db(transaction=True)
def test_of_many_searches_at_once_some_are_told_to_come_back(
    program, settings, media, worker, searchable
) -> None:
    image = searchable(encoded(RED), "red")
    settings.LIMITS_AT_ONCE = {"searches": (0, 2)}
    robot = program()

    def ask(_: int) -> tuple[int, float]:
        started = time.monotonic()
        response = robot.get(f"/search?image={image.pk}")
        return response.status_code, time.monotonic() - started

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(20)))

    statuses = {status for status, _ in answers}
    assert statuses == {200, 429}
    assert robot.get(f"/search?image={image.pk}").status_code == 200  # all have left
