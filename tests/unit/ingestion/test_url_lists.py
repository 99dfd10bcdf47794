"""Lists of addresses, and one address, as sources."""

from collections import Counter
from ipaddress import ip_network
from pathlib import Path

import pytest

from catalog.models import Image
from ingestion.models import ImportFailure
from ingestion.services import start_import, take_in
from ingestion.sources import UrlListSource, UrlSource, recognise
from kernel.errors import UserInputError
from tests.conftest import Broker
from tests.pictures import numbered
from tests.unit.ingestion.sites import body, site


def write(tmp_path: Path, content: bytes) -> UrlListSource:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    source = recognise(str(path))
    assert isinstance(source, UrlListSource)
    return source


def refusal(source: UrlListSource | UrlSource) -> UserInputError:
    with pytest.raises(UserInputError) as caught:
        source.check()
    return caught.value


def test_a_list_has_an_address_a_line(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        b"\xef\xbb\xbfhttps://a.org/x/1.png\r\n\r\n# a note\n http://b.org:80/%D1%84.jpg?key=1 ",
    )

    source.check()
    found = list(source.files(Counter()))

    assert [(file.name, file.path) for file in found] == [
        ("https://a.org/x/1.png", "a.org/x/1.png"),
        ("http://b.org:80/%D1%84.jpg?key=1", "b.org/ф.jpg"),
    ]


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"http://a.org/\nhttp://\xff.org/\n", "manifest:user:wrong-encoding", 2),
        (b"http://a.org/\n" + b"x" * 5_000_000, "manifest:user:long-line", 2),
    ],
    ids=["encoding", "long-line"],
)
def test_a_list_that_cannot_be_read(tmp_path: Path, content: bytes, code: str, line: int) -> None:
    error = refusal(write(tmp_path, content))

    assert (error.code, error.context["line"]) == (code, line)


def test_a_list_that_is_gone(tmp_path: Path) -> None:
    assert refusal(UrlListSource(tmp_path / "no.txt")).code == "file:user:missing"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://a.org/", "http://u:p@a.org/"])
def test_an_address_that_is_none_of_the_web(url: str) -> None:
    source = recognise(url)

    assert isinstance(source, UrlSource)
    assert refusal(source).code == "fetch:user:not-http"


@pytest.mark.django_db(transaction=True)
def test_a_list_is_taken_in_and_what_cannot_be_fetched_stops_nothing(
    tmp_path: Path, media: Path, broker: Broker, settings
) -> None:
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.1/32"),)
    answers = {
        "/x/1.php": body(numbered(1)),  # whatever its ending
        "/2.png": body(b"<html>", content_type="image/png"),
        "/3.png": body(b"", "404 Not Found"),
        "/4": body(numbered(4)),
    }
    with site(answers) as running:
        urls = [f"{running.url}{path}" for path in answers]
        bad = ["file:///etc/passwd", "http://127.0.0.2/5.png", "red\x1b[31m"]
        source = write(tmp_path, "\n".join([*urls, *bad]).encode())
        list(take_in(start_import("list"), source.files(Counter())))

    assert set(Image.objects.values_list("path", "title")) == {
        ("127.0.0.1/x/1.php", "1"),
        ("127.0.0.1/4", "4"),
    }
    assert dict(ImportFailure.objects.values_list("name", "error_code")) == {
        urls[1]: "image:user:not-a-picture",
        urls[2]: "fetch:user:status",
        bad[0]: "fetch:user:not-http",
        bad[1]: "fetch:user:forbidden-address",
        "red\ufffd[31m": "fetch:user:not-http",
    }


def test_a_key_in_an_address_is_no_part_of_where_a_picture_is_from() -> None:
    assert recognise("https://photos.example/a.jpg?key=17").name == "https://photos.example/a.jpg"
