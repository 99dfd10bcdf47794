"""The client that fetches what somebody names, against sites that mean it well and ill."""

import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

from ingestion.fetching import fetch, is_public
from kernel.errors import UserInputError
from tests.pictures import numbered
from tests.unit.ingestion.sites import Site, body, endless, raw, redirect, site, trickle

PICTURE = numbered(1)
LOOPBACK = ip_network("127.0.0.1/32")


@pytest.fixture
def allowed(settings) -> None:
    """Let the client fetch from 127.0.0.1, and from no other private address."""
    settings.FETCH_ALLOWED_NETWORKS = (LOOPBACK,)


def code_of(url: str) -> str:
    with pytest.raises(UserInputError) as caught:
        fetch(url)
    return caught.value.code


@pytest.fixture
def good(allowed: None) -> Iterator[Site]:
    answers = {
        "/a.png": body(PICTURE),
        "/gone": body(b"", "404 Not Found"),
        "/empty": body(b""),
        "/once": redirect("/a.png"),
        "/relative/x": redirect("../a.png", "307 Temporary Redirect"),
        "/chunked": raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"%x\r\n%s\r\n0\r\n\r\n" % (len(PICTURE), PICTURE)
        ),
        "/until-the-end": raw(b"HTTP/1.0 200 OK\r\n\r\n" + PICTURE),
    }
    with site(answers) as running:
        yield running


@pytest.mark.parametrize(
    "path", ["/a.png", "/a.png?size=1#top", "/once", "/relative/x", "/chunked", "/until-the-end"]
)
def test_a_picture_is_fetched_whatever_type_the_site_says_it_has(good: Site, path: str) -> None:
    assert fetch(good.url + path) == PICTURE


def test_what_is_asked_for(good: Site) -> None:
    fetch(f"{good.url}/a.png")

    head = good.asked[0].decode().split("\r\n")
    assert head[0] == "GET /a.png HTTP/1.1"
    assert f"Host: 127.0.0.1:{good.port}" in head
    assert "Accept-Encoding: identity" in head


def test_a_name_is_resolved(good: Site) -> None:
    assert fetch(f"http://localhost:{good.port}/a.png") == PICTURE
    assert f"Host: localhost:{good.port}".encode() in good.asked[0]


def test_proxies_of_the_environment_are_not_used(
    good: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert fetch(f"{good.url}/a.png") == PICTURE


@pytest.mark.parametrize(
    ("path", "code"),
    [("/gone", "fetch:user:status"), ("/empty", "image:user:empty-file")],
)
def test_what_is_no_file(good: Site, path: str, code: str) -> None:
    assert code_of(good.url + path) == code


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "gopher://example.org/1", "ftp://example.org/a.png"),
        *("data:image/png;base64,AAAA", "javascript:alert(1)", "//example.org/a.png"),
        *("http://", "http:///a.png", "a.png", "", "http://[::1", "http://example.org:99999/"),
        *("http://user:password@example.org/a.png", "http://user@example.org/a.png"),
        *("http://example.org/\na.png", "http://exa mple.org/", "http://example.org\0/"),
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_never_asked(url: str) -> None:
    assert code_of(url) == "fetch:user:not-http"


PRIVATE = {
    "127.0.0.1": "loopback",
    "127.8.9.1": "loopback-elsewhere",
    "10.0.0.1": "private-10",
    "172.16.0.1": "private-172",
    "192.168.1.1": "private-192",
    "169.254.169.254": "link-local-metadata",
    "100.64.0.1": "carrier",
    "0.0.0.0": "unspecified",  # noqa: S104  # nothing is bound to it
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast-local",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "192.0.2.1": "documentation",
    "198.18.0.1": "benchmarks",
    "::": "unspecified-6",
    "::1": "loopback-6",
    "::ffff:127.0.0.1": "mapped-loopback",
    "::ffff:10.0.0.1": "mapped-private",
    "::ffff:169.254.169.254": "mapped-link-local",
    "::127.0.0.1": "compatible",
    "64:ff9b::7f00:1": "translated-loopback",
    "64:ff9b::a9fe:a9fe": "translated-link-local",
    "2002:7f00:1::": "6to4-loopback",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "teredo",
    "fe80::1": "link-local-6",
    "fc00::1": "private-6",
    "fd12:3456::1": "unique-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast-6",
    "2001:db8::1": "documentation-6",
}


@pytest.mark.parametrize("address", PRIVATE, ids=PRIVATE.values())
def test_addresses_that_are_not_everybodys(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)
def test_addresses_that_are_everybodys(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0", "[::]", "127.0.0.1."),
    ],
)
def test_no_way_of_writing_it_leads_to_loopback(settings, host: str) -> None:
    settings.FETCH_ALLOWED_NETWORKS = ()
    with site({"/a.png": body(PICTURE)}) as running:
        code = code_of(f"http://{host}:{running.port}/a.png")
        assert running.asked == []
    # Some of them are no address to some systems.
    codes = ("forbidden-address", "unreachable", "not-http")
    assert code in {f"fetch:user:{each}" for each in codes}


def resolving_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Have names resolve to these addresses, each time to the next; return the names asked for."""
    system, asked, left = socket.getaddrinfo, [], list(answers)

    def getaddrinfo(host: str, port: int, *args: object, **options: object) -> object:
        if not host.endswith(".example"):
            return system(host, port, *args, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_that_resolves_to_a_private_address_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving_to(monkeypatch, ["127.0.0.1"])
    with site({"/a.png": body(PICTURE)}) as running:
        assert (
            code_of(f"http://evil.example:{running.port}/a.png") == "fetch:user:forbidden-address"
        )
        assert running.asked == []


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, settings
) -> None:
    """A name that is rebound between the check and the connection leads nowhere."""
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.2/32"),)
    asked = resolving_to(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
    with site({"/a.png": body(PICTURE)}) as private:  # on 127.0.0.1 alone
        assert code_of(f"http://evil.example:{private.port}/a.png") == "fetch:user:unreachable"
        assert private.asked == []
    assert asked == ["evil.example"]


def test_of_several_addresses_only_those_that_are_allowed_are_tried(
    monkeypatch: pytest.MonkeyPatch, good: Site
) -> None:
    resolving_to(monkeypatch, ["127.0.0.2", "10.0.0.1", "127.0.0.1"])

    assert fetch(f"http://many.example:{good.port}/a.png") == PICTURE


def test_a_name_that_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    assert code_of("http://nowhere.example/") == "fetch:user:unreachable"


def test_a_site_that_does_not_listen(allowed: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert code_of(f"http://127.0.0.1:{port}/") == "fetch:user:unreachable"


# Redirects


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("http://127.0.0.2/", "fetch:user:forbidden-address"),
        ("http://169.254.169.254/latest/meta-data/", "fetch:user:forbidden-address"),
        ("http://[::ffff:10.0.0.1]/", "fetch:user:forbidden-address"),
        ("https://10.0.0.1/", "fetch:user:forbidden-address"),
        ("//192.168.0.1/a.png", "fetch:user:forbidden-address"),
        ("file:///etc/passwd", "fetch:user:not-http"),
        ("gopher://127.0.0.1/", "fetch:user:not-http"),
        ("http://user:password@127.0.0.1/", "fetch:user:not-http"),
        ("http://[", "fetch:user:not-http"),
    ],
)
@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_a_redirect_is_checked_like_an_address_that_somebody_names(
    allowed: None, target: str, code: str, status: str
) -> None:
    with site({"/": redirect(target, f"{status} Moved")}) as running:
        assert code_of(f"{running.url}/") == code
        assert len(running.asked) == 1


def test_redirects_for_ever_end(allowed: None) -> None:
    with site({"/": redirect("/")}) as running:
        assert code_of(f"{running.url}/") == "fetch:user:too-many-redirects"
        assert len(running.asked) == 6


def test_five_redirects_are_followed(allowed: None) -> None:
    answers = {f"/{n}": redirect(f"/{n + 1}") for n in range(5)} | {"/5": body(PICTURE)}
    with site(answers) as running:
        assert fetch(f"{running.url}/0") == PICTURE


# Size and time


@pytest.mark.parametrize("says_length", [True, False], ids=["another-length", "no-length"])
def test_a_body_without_end_is_left(allowed: None, settings, says_length: bool) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000_000
    with site({"/": endless(says_length=says_length)}) as running:
        if says_length:  # more than was promised is not looked at
            assert fetch(f"{running.url}/") == bytes(1000)
        else:
            assert code_of(f"{running.url}/") == "image:user:too-large"


def test_a_length_that_is_too_much_is_not_waited_for(allowed: None, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    head = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
    with site({"/": head}) as running:
        assert code_of(f"{running.url}/") == "image:user:too-large"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ntoo little",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000,
        b"not HTTP\r\n\r\n",
        b"",
    ],
    ids=["shorter", "two-lengths", "bad-chunk", "long-head", "another-protocol", "nothing"],
)
def test_an_answer_that_is_not_what_it_says(allowed: None, answer: bytes) -> None:
    with site({"/": raw(answer)}) as running:
        assert code_of(f"{running.url}/") == "fetch:user:broken"


def test_a_packed_answer_is_not_unpacked(allowed: None) -> None:
    with site({"/": body(b"\x1f\x8bpacked", content_encoding="gzip")}) as running:
        assert fetch(f"{running.url}/") == b"\x1f\x8bpacked"


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["first-line", "head", "body"],
)
def test_a_site_that_sends_a_byte_at_a_time_is_left_at_the_deadline(
    allowed: None, settings, start: bytes
) -> None:
    settings.FETCH_TIMEOUT_S = 0.5
    with site({"/": trickle(start)}) as running:
        began = time.monotonic()
        assert code_of(f"{running.url}/") == "fetch:user:too-slow"
        assert 0.4 < time.monotonic() - began < 2


def test_a_site_that_says_nothing_is_left_at_the_deadline(allowed: None, settings) -> None:
    settings.FETCH_TIMEOUT_S = 0.3
    with socket.create_server(("127.0.0.1", 0)) as listener:  # connects, and never answers
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert code_of(url) == "fetch:user:too-slow"


def test_a_handshake_that_does_not_end_is_left_at_the_deadline(allowed: None, settings) -> None:
    settings.FETCH_TIMEOUT_S = 0.3
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert code_of(url) in {"fetch:user:too-slow", "fetch:user:unreachable"}


def test_redirects_have_one_deadline_together(allowed: None, settings) -> None:
    settings.FETCH_TIMEOUT_S = 0.5

    def slowly(connection: socket.socket, head: bytes) -> None:
        time.sleep(0.2)
        redirect("/")(connection, head)

    with site({"/": slowly}) as running:
        assert code_of(f"{running.url}/") == "fetch:user:too-slow"


def test_a_resolver_that_does_not_answer_is_left_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, settings
) -> None:
    settings.FETCH_TIMEOUT_S = 0.3
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [] * ended.wait(10))

    assert code_of("http://slow.example/") == "fetch:user:too-slow"
    ended.set()
