"""Log lines: one JSON object or one plain line each, with the request's or job's id on it."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# What the lines written now belong to: a request, an import, a job, or several of them.
log_context: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)
# What goes along with work that is handed to another process, so that its lines say it, too.
_CARRIED = ("request_id", "import_id")

# Celery's lines carry a `data` that repeats what they say.
_STANDARD_KEYS = set(logging.makeLogRecord({}).__dict__) | {
    *("message", "asctime", "taskName", "data"),
}


@contextmanager
def log_fields(**fields: str) -> Iterator[None]:
    """Have all lines that are written meanwhile say this, beside what they say already."""
    token = log_context.set({**(log_context.get() or {}), **fields})
    try:
        yield
    finally:
        log_context.reset(token)


def carried_fields(source: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return what goes along with handed work: of these arguments, or of the lines written now."""
    fields = (log_context.get() or {}) if source is None else source
    return {key: str(fields[key]) for key in _CARRIED if key in fields}


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    own = {key: value for key, value in record.__dict__.items() if key not in _STANDARD_KEYS}
    return {**(log_context.get() or {}), **own}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and every `extra` key."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON; values that JSON lacks are written as text."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Time, level, logger, message, then `key=value` for every `extra` key."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # logging's name
        """Return the line without a traceback, which logging adds itself."""
        pairs = "".join(f" {key}={value}" for key, value in _extra(record).items())
        return super().formatMessage(record) + pairs


def logging_config(*, style: str, level: str) -> dict[str, Any]:
    """Return the dictionary for `logging.config`; `style` is "text" or "json"."""
    formatter = JsonFormatter if style == "json" else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        # httpx writes a line for every request to the vector store.
        "loggers": {
            "httpx": {"level": "WARNING"},
            "faiss.loader": {"level": "WARNING"},
            # It writes every task's result, embeddings included.
            "celery.app.trace": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
            # It warns of every request that waits for a thread.
            "waitress.queue": {"level": "ERROR"},
            # It writes three lines for every log-in.
            "axes": {"level": "WARNING"},
        },
    }
