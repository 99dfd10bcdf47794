import json
import logging
import sys

import pytest
from django.http import HttpRequest, HttpResponse

from config.logs import JsonFormatter, TextFormatter, log_context, logging_config
from config.middleware import RequestIdMiddleware


def record(message: str = "image embedded", **extra: object) -> logging.LogRecord:
    return logging.getLogger("workers.indexing").makeRecord(
        "workers.indexing", logging.WARNING, "f.py", 1, message, (), None, extra=extra
    )


@pytest.fixture
def job_context():
    token = log_context.set({"job_id": "j1"})
    yield
    log_context.reset(token)


def test_json_is_one_object_a_line_with_every_extra_key(job_context: None) -> None:
    line = JsonFormatter().format(record("ended\nwell", image_id="i1", ms=12, path=object))

    assert "\n" not in line
    said = json.loads(line)
    assert said.pop("time")
    assert said == {
        "level": "WARNING",
        "logger": "workers.indexing",
        "message": "ended\nwell",
        "image_id": "i1",
        "ms": 12,
        "path": "<class 'object'>",
        "job_id": "j1",
    }


def test_json_carries_the_traceback() -> None:
    try:
        raise ValueError("no")
    except ValueError:
        entry = record()
        entry.exc_info = sys.exc_info()

    said = json.loads(JsonFormatter().format(entry))

    assert said["exception"].startswith("Traceback")
    assert said["exception"].endswith("ValueError: no")


def test_text_ends_with_the_extra_keys(job_context: None) -> None:
    line = TextFormatter().format(record(code="a:b:c"))

    assert line.endswith(" WARNING workers.indexing: image embedded job_id=j1 code=a:b:c")


def test_a_line_outside_of_requests_has_no_id() -> None:
    line = TextFormatter().format(record())

    assert line.endswith(" WARNING workers.indexing: image embedded")


@pytest.mark.parametrize(
    ("style", "formatter"), [("json", JsonFormatter), ("text", TextFormatter)], ids=["json", "text"]
)
def test_the_configuration_names_the_formatter(style: str, formatter: type) -> None:
    config = logging_config(style=style, level="DEBUG")

    assert config["formatters"]["line"] == {"()": formatter}
    assert config["root"] == {"handlers": ["stderr"], "level": "DEBUG"}


def test_a_request_has_one_id_on_its_lines_and_its_answer() -> None:
    seen = []

    def view(_: HttpRequest) -> HttpResponse:
        seen.append(json.loads(JsonFormatter().format(record()))["request_id"])
        return HttpResponse()

    middleware = RequestIdMiddleware(view)
    answers = [middleware(HttpRequest())["X-Request-ID"] for _ in range(2)]

    assert seen == answers
    assert len(set(answers)) == 2
    assert log_context.get() is None


def test_the_id_is_forgotten_when_a_view_fails() -> None:
    def view(_: HttpRequest) -> HttpResponse:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        RequestIdMiddleware(view)(HttpRequest())

    assert log_context.get() is None
