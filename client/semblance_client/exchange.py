"""What both clients do with a request and its answer, whatever sends them."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from semblance_client.call import Call
from semblance_client.errors import ApiError, NotReachable, SemblanceError, UnexpectedAnswer
from semblance_client.retries import retry_after_s
from semblance_client.uploads import FormFile

logger = logging.getLogger("semblance_client")

VERSION = "1.0.0"
_FIRST_ERROR = 400
_FIRST_REDIRECT = 300
_SHOWN_CHARS = 200


def settings_of(url: str, token: str | None, timeout_s: float) -> dict[str, Any]:
    """Return httpx's settings for a site.

    Raises:
        ValueError: the address is none of a site.
    """
    address = urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError(f"{url!r} is no address such as https://pictures.example.org")
    headers = {"Accept": "application/json", "User-Agent": f"semblance-client/{VERSION}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return {
        "base_url": url.rstrip("/"),
        "headers": headers,
        "timeout": httpx.Timeout(timeout_s, connect=min(timeout_s, 10.0)),
        # A token goes to the site that it is for, and nowhere else.
        "follow_redirects": False,
    }


def arguments_of(call: Call[Any], files: Sequence[FormFile]) -> dict[str, Any]:
    """Return what httpx's `build_request` takes."""
    arguments: dict[str, Any] = {
        "method": call.method,
        "url": call.path,
        "params": list(call.params),
        "headers": dict(call.headers),
    }
    if call.json is not None:
        arguments["json"] = call.json
    if files:
        arguments["files"] = list(files)
    return arguments


def failure_of(response: httpx.Response) -> ApiError | UnexpectedAnswer | None:
    """Return what an answer refuses; None where it does not. Its body has to be read."""
    if response.status_code < _FIRST_REDIRECT:
        return None
    if response.status_code < _FIRST_ERROR:
        to = response.headers.get("Location", "")
        return UnexpectedAnswer(f"the site answers at another address: {to}")
    problem = _problem(response)
    errors = problem.get("errors")
    return ApiError(
        response.status_code,
        code=str(problem.get("code", "")),
        detail=str(problem.get("detail") or response.reason_phrase),
        errors=errors if isinstance(errors, list) else (),
        retry_after_s=retry_after_s(response.headers.get("Retry-After")),
        request_id=response.headers.get("X-Request-ID", ""),
    )


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {"detail": response.text[:_SHOWN_CHARS]} if _is_text(response) else {}
    return body if isinstance(body, dict) else {}


def _is_text(response: httpx.Response) -> bool:
    kind: str = response.headers.get("Content-Type", "")
    return kind.startswith("text/plain")


def unreachable(error: httpx.TransportError) -> SemblanceError:
    """Return the error of a site that did not answer."""
    return NotReachable(str(error) or type(error).__name__)


def log_retry(call: Call[Any], error: Exception, pause_s: float) -> None:
    """Say that a request is sent again."""
    fields = {"path": call.path, "reason": str(error), "pause_s": round(pause_s, 1)}
    logger.info("trying again", extra=fields)
