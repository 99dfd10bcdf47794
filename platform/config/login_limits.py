"""What django-axes asks us: who calls, and what is said to who failed to log in too often."""

from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from kernel.messages import sentence
from site_http.responses import Problem, answer

# What providers give one customer at least; within it a caller may take any address.
_IPV6_PREFIX = 64


def caller_address(request: HttpRequest) -> str | None:
    """Return the address that log-ins are counted by; of IPv6, its network's.

    Behind a proxy it is the caller's only where the web server was told to believe that proxy
    (`config.web_server`): callers can write anything into a header.

    Returns:
        None where there is none, as behind a unix socket.
    """
    try:
        parsed = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed.packed, _IPV6_PREFIX), strict=False).network_address)
    return str(parsed)


def too_many_failures(request: HttpRequest, *_: Any) -> HttpResponse:
    """Return what is said instead of the log-in page, to people and to programs."""
    code = "login:user:too-many-failures"
    wait_s = round(settings.AXES_COOLOFF_TIME.total_seconds())
    text = sentence(code, minutes=wait_s // 60)
    return answer(request, Problem(HTTPStatus.TOO_MANY_REQUESTS, code, text, wait_s))
