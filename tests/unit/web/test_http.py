"""HTTP as it should be: compression, caching, Vary, HEAD, parts of files, what crawlers may see."""

import gzip
import io
import re

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpResponse, StreamingHttpResponse
from django.templatetags.static import static
from django.test import Client, RequestFactory
from PIL import Image as Pillow

from audit_log.models import AuditEntry
from catalog.models import Image
from kernel.messages import sentence
from site_http.compression import CompressionMiddleware, accepts_gzip
from site_http.static_files import digests
from tests.unit.web.conftest import RED, encoded

pytestmark = pytest.mark.django_db

GZIP = {"accept-encoding": "gzip, deflate, br, zstd"}
YEAR = "max-age=31536000, public, immutable"
SITE_CSS = finders.find("semblance/site.css")


def content_of(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


# Compression


@pytest.mark.parametrize(
    ("header", "is_taken"),
    [
        ("gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br", False),
        ("gzipped", False),
        ("", False),
        ("*", False),
    ],
)
def test_gzip_is_taken_by_who_names_it(header, is_taken):
    assert accepts_gzip(header) is is_taken


def test_a_page_travels_compressed(client, db):
    plain = client.get("/", headers={"accept-encoding": "identity"})
    packed = client.get("/", headers=GZIP)

    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert packed["Content-Length"] == str(len(packed.content))
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer["Vary"].split(", ")
    mask = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"')
    pages = [mask.sub(b"", text) for text in (plain.content, gzip.decompress(packed.content))]
    assert pages[0] == pages[1]
    assert len(packed.content) * 2 < len(plain.content)


def test_a_page_is_as_long_as_chance_has_it_and_its_token_another_each_time(client, db):
    answers = [client.get("/", headers=GZIP).content for _ in range(12)]

    pages = [gzip.decompress(answer).decode() for answer in answers]
    tokens = {re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1] for page in pages}
    assert len(tokens) == 12
    # 12 answers of up to 100 random bytes are hardly ever of a few lengths.
    assert len({len(answer) for answer in answers}) > 3


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json; charset=utf-8"])
def test_json_travels_compressed(kind):
    asked = RequestFactory().get("/", headers=GZIP)
    body = HttpResponse(b"[" + b"1, " * 100 + b"1]", content_type=kind)

    answer = CompressionMiddleware(lambda _: body)(asked)

    assert answer["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == b"[" + b"1, " * 100 + b"1]"


@pytest.mark.parametrize("part", ["original", "thumbnail.jpg", "medium.webp"])
def test_pictures_travel_as_they_are(client, add_image, part):
    image = add_image(encoded(RED, kind="BMP"))  # gzip would make it shorter

    answer = client.get(f"/images/{image.pk}/{part}", headers=GZIP)

    assert "Content-Encoding" not in answer
    assert "Vary" not in answer


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(b"x" * 500, content_type="application/zip"),
        HttpResponse(b"x" * 500, headers={"Content-Range": "bytes 0-499/900"}),
        HttpResponse(b"x" * 500, headers={"Content-Encoding": "br"}),
    ],
    ids=["archive", "part", "compressed"],
)
def test_what_must_not_be_compressed_is_left(response):
    asked = RequestFactory().get("/", headers=GZIP)

    answer = CompressionMiddleware(lambda _: response)(asked)

    assert answer.content == b"x" * 500


def test_lines_that_are_streamed_are_compressed_as_they_come():
    asked = RequestFactory().get("/", headers=GZIP)
    lines = StreamingHttpResponse((b"a,b\n" for _ in range(100)), content_type="text/csv")

    answer = CompressionMiddleware(lambda _: lines)(asked)

    assert gzip.decompress(content_of(answer)) == b"a,b\n" * 100


def test_a_validator_that_compressing_made_weak_is_known_again():
    def answer(request):
        known = request.headers.get("If-Match", "")
        return HttpResponse(b"x" * 500, headers={"ETag": '"abc"', "X-Known": known})

    site = CompressionMiddleware(answer)
    etag = site(RequestFactory().get("/", headers=GZIP))["ETag"]

    again = site(RequestFactory().patch("/", headers={"if-match": f'"x", {etag}'}))

    assert (etag, again["X-Known"]) == ('W/"abc"', '"x", "abc"')


# Static files


def test_a_static_file_has_an_address_that_changes_with_its_content(client):
    url = static("semblance/site.css")
    answer = client.get(url, headers=GZIP)

    assert url == f"/static/{digests()['semblance']}/semblance/site.css"
    assert re.fullmatch("[0-9a-f]{12}", digests()["semblance"])
    assert answer["Cache-Control"] == YEAR
    assert answer["Content-Type"] == 'text/css; charset="utf-8"'
    assert answer["Content-Encoding"] == "gzip"
    assert answer["Vary"] == "Accept-Encoding"
    assert answer["X-Content-Type-Options"] == "nosniff"
    with open(SITE_CSS, "rb") as file:  # noqa: PTH123  # a finder's path
        assert gzip.decompress(content_of(answer)) == file.read()


def test_a_static_file_is_sent_as_it_is_to_who_takes_nothing_else(client):
    answer = client.get(static("semblance/site.css"))

    assert "Content-Encoding" not in answer
    assert answer["Vary"] == "Accept-Encoding"
    with open(SITE_CSS, "rb") as file:  # noqa: PTH123  # a finder's path
        assert content_of(answer) == file.read()


@pytest.mark.parametrize("headers", [{}, GZIP], ids=["plain", "gzip"])
def test_a_static_file_that_the_browser_has_is_not_sent_again(client, headers):
    url = static("semblance/site.css")
    etag = client.get(url, headers=headers)["ETag"]

    answer = client.get(url, headers={**headers, "if-none-match": f'"other", {etag}'})

    assert (answer.status_code, content_of(answer)) == (304, b"")
    assert answer["Cache-Control"] == YEAR


def test_who_asks_with_an_old_digest_gets_todays_file_for_once(client):
    answer = client.get("/static/0123456789ab/semblance/site.css")

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-cache"


def test_a_plain_address_of_a_static_file_is_kept_for_an_hour(client):
    assert client.get("/static/semblance/site.css")["Cache-Control"] == "max-age=3600, public"


@pytest.mark.parametrize(
    "path",
    ["semblance/missing.css", "../manage.py", "semblance/../../../manage.py", "", "semblance"],
)
def test_no_other_file_is_served(client, db, path):
    for digest in (digests()["semblance"], "0123456789ab"):
        assert client.get(f"/static/{digest}/{path}").status_code == 404


def test_pictures_and_fonts_that_a_style_sheet_names_are_kept_for_ever_too(client):
    url = static("admin/css/base.css")
    text = content_of(client.get(url)).decode()
    named = re.search(r"url\((\.\./img/[\w-]+\.svg)\)", text)[1]

    answer = client.get(f"{url.rsplit('/', 2)[0]}/{named.removeprefix('../')}")

    assert answer.status_code == 200
    assert answer["Cache-Control"] == YEAR


def test_all_that_pages_load_may_be_kept_for_ever(client, superuser):
    for page in ("/", "/login/", "/admin/", "/admin/catalog/image/"):
        text = client.get(page).content.decode()
        urls = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
        assert len(urls) > 1
        assert {client.get(url)["Cache-Control"] for url in urls} == {YEAR}, page


def test_a_static_file_has_a_plain_address_while_debugging(settings):
    settings.DEBUG = True

    assert static("semblance/site.css") == "/static/semblance/site.css"


# Crawlers and browsers' own questions


def test_crawlers_may_see_the_front_page_alone(client):
    answer = client.get("/robots.txt")

    lines = content_of(answer).decode().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert answer["Content-Type"] == 'text/plain; charset="utf-8"'
    assert rules == ["User-agent: *", "Allow: /$", "Allow: /static/", "Disallow: /"]


def test_there_is_an_icon_where_browsers_ask_for_one(client):
    answer = client.get("/favicon.ico")

    assert answer["Content-Type"] == "image/x-icon"
    assert answer["Cache-Control"] == "max-age=3600, public"
    assert "Vary" not in answer
    with Pillow.open(io.BytesIO(content_of(answer))) as icon:
        assert icon.info["sizes"] == {(16, 16), (32, 32), (48, 48)}


# What an answer varies by


@pytest.mark.parametrize(
    "path", ["/healthz", "/robots.txt", "/favicon.ico", "/static/semblance/site.css"]
)
@pytest.mark.parametrize("is_known", [False, True], ids=["visitor", "account"])
def test_what_is_the_same_for_all_says_so(client, superuser, path, is_known):
    answer = (client if is_known else Client()).get(path)

    assert set(answer.get("Vary", "Accept-Encoding").split(", ")) == {"Accept-Encoding"}


@pytest.fixture
def pictured(add_image) -> Image:
    return add_image(encoded(RED))


@pytest.mark.parametrize("part", ["original", "thumbnail.jpg", "small.webp", "large.webp"])
@pytest.mark.parametrize("is_known", [False, True], ids=["first", "unchanged"])
def test_a_picture_varies_by_nothing(client, log_in, pictured, part, is_known):
    log_in()
    url = f"/images/{pictured.pk}/{part}"
    headers = {"if-none-match": client.get(url)["ETag"]} if is_known else {}

    answer = client.get(url, headers=headers)

    assert answer.status_code == (304 if is_known else 200)
    assert "Vary" not in answer


@pytest.mark.parametrize("path", ["/", "/login/"])
def test_a_page_says_that_it_varies_by_account_and_language(client, db, path):
    named = set(client.get(path)["Vary"].split(", "))

    assert named == {"Cookie", "Accept-Language", "Accept-Encoding"}


def test_an_answer_that_is_a_page_or_json_says_so(client, db):
    for accept in ("text/html", "application/json"):
        answer = client.get("/nothing/here", headers={"accept": accept})
        assert "Accept" in answer["Vary"].split(", ")


# HEAD, and methods that an address does not take


PAGES = ["/", "/login/", "/upload/", "/admin/", "/admin/catalog/image/", "/healthz", "/robots.txt"]
FILES = ["original", "thumbnail.jpg", "small.webp", "large.webp", ""]
CHANGING = {"X-Request-ID", "Content-Length", "Expires"}


@pytest.mark.parametrize("path", [*PAGES, static("semblance/site.css")])
def test_head_of_a_page_is_its_get_without_the_body(client, superuser, path):
    get, head = client.get(path), client.head(path)

    assert (get.status_code, head.status_code, content_of(head)) == (200, 200, b"")
    kept = [{k: v for k, v in each.items() if k not in CHANGING} for each in (get, head)]
    assert kept[0] == kept[1]
    # Not exactly: a page's own tokens and times may differ.
    assert int(head["Content-Length"]) == pytest.approx(len(content_of(get)), rel=0.02)


@pytest.mark.parametrize("part", FILES)
def test_head_of_a_file_is_its_get_without_the_body(client, pictured, part):
    url = f"/images/{pictured.pk}/{part}"
    get, head = client.get(url), client.head(url)

    assert (get.status_code, head.status_code, head.content) == (200, 200, b"")
    assert int(head["Content-Length"]) == len(get.content)
    kept = [{k: v for k, v in each.items() if k not in CHANGING} for each in (get, head)]
    assert kept[0] == kept[1]


def test_head_of_an_original_is_no_download(client, log_in, pictured):
    log_in()

    client.head(f"/images/{pictured.pk}/original")

    assert not AuditEntry.objects.filter(action=AuditEntry.Action.DOWNLOADED).exists()


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/", "GET, HEAD, POST"), ("/healthz", "GET, HEAD"), ("/static/semblance/site.css", None)],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_other_methods_are_refused_with_those_there_are(client, db, path, allowed, accept):
    answer = client.delete(path, headers={"accept": accept})

    assert answer.status_code == 405
    assert answer["Allow"] == (allowed or "GET, HEAD")


# Parts of originals


@pytest.fixture
def original(add_image) -> tuple[str, bytes, str]:
    """An original's address, its content and its validator."""
    data = encoded(RED)
    image = add_image(data)
    return f"/images/{image.pk}/original", data, f'"{image.sha256}"'


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=10-10", 10, 10),
        ("bytes=5-", 5, None),
        ("bytes=0-999999999", 0, None),
        ("bytes=-7", -7, None),
        ("bytes=-999999999", 0, None),
        ("Bytes = 0-3".replace(" ", ""), 0, 3),
    ],
)
def test_a_part_of_an_original_is_sent_alone(client, original, asked, first, last):
    url, data, etag = original
    start = first % len(data)
    end = len(data) - 1 if last is None else last

    answer = client.get(url, headers={"range": asked, **GZIP})

    assert answer.status_code == 206
    assert answer.content == data[start : end + 1]
    assert answer["Content-Range"] == f"bytes {start}-{end}/{len(data)}"
    assert answer["Content-Length"] == str(end + 1 - start)
    assert answer["Content-Type"] == "image/png"
    assert answer["ETag"] == etag
    assert "Content-Encoding" not in answer
    assert "Vary" not in answer


@pytest.mark.parametrize("asked", ["bytes=99999-", "bytes=-0", "bytes=99999-100000"])
def test_a_part_beyond_the_end_is_refused_with_the_size(client, original, asked):
    url, data, _ = original

    answer = client.get(url, headers={"range": asked, "accept": "application/json"})

    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(data)}"
    code = "request:user:no-such-part"
    assert answer.json()["error"] == {"code": code, "sentence": sentence(code)}


@pytest.mark.parametrize(
    "asked",
    [
        *("bytes=0-1,5-6", "lines=0-1", "bytes=", "bytes=-", "bytes=9-3", "bytes=a-b"),
        *("bytes", "bytes=" + "9" * 5000 + "-", "bytes=٣-٤"),
    ],
    ids=range(9),
)
def test_what_asks_for_no_single_part_gets_the_whole(client, original, asked):
    url, data, _ = original

    answer = client.get(url, headers={"range": asked})

    assert (answer.status_code, answer.content) == (200, data)
    assert answer["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("validator", "status"),
    [(None, 206), ('"another"', 200), ("Wed, 01 Jan 2025 00:00:00 GMT", 200)],
    ids=["this", "another", "date"],
)
def test_a_part_is_sent_of_the_file_that_the_caller_has_the_rest_of(
    client, original, validator, status
):
    url, _, etag = original

    answer = client.get(url, headers={"range": "bytes=0-3", "if-range": validator or etag})

    assert answer.status_code == status


def test_a_part_that_the_browser_has_is_not_sent_again(client, original):
    url, _, etag = original

    answer = client.get(url, headers={"range": "bytes=0-3", "if-none-match": etag})

    assert (answer.status_code, answer.content) == (304, b"")


def test_who_reads_an_original_in_parts_is_in_the_audit_log_too(client, log_in, original):
    log_in()

    client.get(original[0], headers={"range": "bytes=1-"})

    assert AuditEntry.objects.filter(action=AuditEntry.Action.DOWNLOADED).count() == 1
