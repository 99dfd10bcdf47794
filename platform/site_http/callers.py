"""Who calls, as far as an address says."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.http import HttpRequest

# What providers give one customer at least; within it a caller may take any address.
_IPV6_PREFIX = 64


def caller_address(request: HttpRequest) -> str | None:
    """Return the address that callers are counted by; of IPv6, its network's.

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
        if parsed.is_loopback:
            return str(parsed)
        return str(ip_network((parsed.packed, _IPV6_PREFIX), strict=False).network_address)
    return str(parsed)


def is_this_machine(address: str | None) -> bool:
    """Whether a caller is on this machine, or a proxy on it that nobody was told to believe."""
    return address is None or ip_address(address).is_loopback
