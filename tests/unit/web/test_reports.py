"""An answer on paper and as a table: what stands there, who may have it, and what it costs."""

import csv
import io
import re
import subprocess
import sys
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from reportlab.pdfgen.canvas import Canvas

from catalog import storage
from catalog.calibrations import calibration_sha256
from catalog.models import Album, EncoderVersion, Region
from config.env import ROOT
from kernel.hashing import sha256_hex
from kernel.task_messages import Copy, Overlap, QueryRegion, RegionHash
from ml.rules.layout import Layout
from search import query_files
from search.presenters.report_csv import COLUMNS
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]

CORNERS = ((0, 0), (60, 0), (60, 40.5), (0, 40))
ADDRESSES = ("/result.csv", "/result.pdf")


def table(response: Any) -> list[dict[str, str]]:
    text = response.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def query(db) -> str:
    """A kept query."""
    return str(query_files.write(encoded(DARK_RED)))


def test_a_row_a_hit_with_what_it_rests_on(client, searchable, version, query):
    calibration = {"method": "platt", "curve": {"slope": 1.0, "intercept": 0.0}, "thresholds": []}
    EncoderVersion.objects.filter(pk=version.pk).update(calibration=calibration)
    red, green = searchable(encoded(RED), "red"), searchable(encoded(GREEN), "green")
    region = red.regions.get(kind="whole")
    Region.objects.filter(pk=region.pk).update(pdq=bytes(range(32)), pdq_quality=88)
    proof = Copy(region.pk, False, False, 9, CORNERS, Overlap(31, True, 90.04, 80.0))
    whole, own = (0, 0, 60, 40), RegionHash(b"\xff" * 32, 61)
    fake_worker.answer_with(version_id=version.pk, copies={whole: [proof]}, hashes={whole: own})

    response = client.get("/result.csv", {"query": query, "name": "mine.png"})

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    first, second = table(response)
    assert tuple(first) == COLUMNS
    score = float(fake_worker.embed(encoded(DARK_RED)) @ fake_worker.embed(encoded(RED)))
    assert float(first.pop("score")) == pytest.approx(score, abs=1e-5)
    assert first.pop("searched_at").endswith("+00:00")
    assert first.pop("probability")
    assert "1 edited copy" in first.pop("headline")
    assert first == {
        "part": "whole-0",
        "part_box": "0,0,60,40",
        "part_pdq": "ff" * 32,
        "part_pdq_quality": "61",
        "rank": "1",
        "image_id": str(red.pk),
        "title": "red",
        "width": "60",
        "height": "40",
        "verdict": "edited-copy",
        "is_unchecked": "False",
        "query_region": "whole-0",
        "query_box": "0,0,60,40",
        "image_region": "whole-0",
        "image_box": "0,0,60,40",
        "pdq": bytes(range(32)).hex(),
        "pdq_quality": "88",
        "pdq_bits": "9",
        "inliers": "31",
        "is_mirrored": "True",
        "query_percent": "90.0",
        "image_percent": "80.0",
        "outline": "0.0,0.0 60.0,0.0 60.0,40.5 0.0,40.0",
        "query_name": "mine.png",
        "query_sha256": sha256_hex(encoded(DARK_RED)),
        "query_pdq": "ff" * 32,
        "query_pdq_quality": "61",
        "query_width": "60",
        "query_height": "40",
        "copies": "checked",
        "encoder": "grid",
        "collection": version.collection,
        "weights_sha256": "0" * 64,
        "calibration_sha256": calibration_sha256(calibration),
    }
    told = (second["image_id"], second["verdict"], second["outline"])
    assert told == (str(green.pk), "similar", "")


FAR = bytes(31) + b"\x0f"  # four bits of 256


@pytest.mark.parametrize(
    ("own", "quality", "expected"),
    [
        (RegionHash(bytes(32), 50), 50, "4"),
        (RegionHash(bytes(32), 49), 50, ""),
        (RegionHash(bytes(32), 50), 49, ""),
        (None, 50, ""),
    ],
    ids=["known", "the query says too little", "the image says too little", "not known"],
)
def test_a_hit_without_a_proof_has_its_hashs_distance(  # noqa: PLR0917  # pytest passes by name
    client, searchable, version, query, own, quality, expected
):
    region = searchable(encoded(RED), "red").regions.get(kind="whole")
    Region.objects.filter(pk=region.pk).update(pdq=FAR, pdq_quality=quality)
    hashes = {} if own is None else {(0, 0, 60, 40): own}
    fake_worker.answer_with(version_id=version.pk, hashes=hashes)

    [row] = table(client.get("/result.csv", {"query": query}))

    assert (row["pdq"], row["pdq_bits"]) == (FAR.hex(), expected)


def test_hashes_are_said_of_the_picture_and_of_each_part(client, searchable, version, query):
    searchable(encoded(RED), "red")
    left, whole = QueryRegion("panel", 0, (0, 0, 30, 40)), (0, 0, 60, 40)
    hashes = {left.box: RegionHash(FAR, 90), whole: RegionHash(bytes(32), 80)}
    fake_worker.answer_with(
        version_id=version.pk, layout=Layout.COLLAGE, regions=[left], hashes=hashes
    )

    rows = table(client.get("/result.csv", {"query": query}))

    assert [(row["part"], row["part_pdq"], row["query_pdq"]) for row in rows] == [
        ("panel-0", FAR.hex(), "00" * 32),
        ("whole-0", "00" * 32, "00" * 32),
    ]


def test_a_page_of_paper_says_the_hash_and_the_distance(
    client, searchable, version, query, monkeypatch
):
    region = searchable(encoded(RED), "red").regions.get(kind="whole")
    Region.objects.filter(pk=region.pk).update(pdq=FAR, pdq_quality=90)
    own = RegionHash(bytes(32), 80)
    fake_worker.answer_with(version_id=version.pk, hashes={(0, 0, 60, 40): own})

    written: list[str] = []
    monkeypatch.setattr(Canvas, "drawString", lambda _canvas, _x, _y, text: written.append(text))

    client.get("/result.pdf", {"query": query})

    assert f"PDQ (80) {'00' * 16}" in written
    assert "4 of 256 bits of PDQ differ" in written


def test_no_cell_is_a_formula(client, searchable, query):
    searchable(encoded(RED), "=HYPERLINK(1)")

    [row] = table(client.get("/result.csv", {"query": query, "name": "@SUM(1)"}))

    assert (row["title"], row["query_name"]) == ("'=HYPERLINK(1)", "'@SUM(1)")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_one_page_with_its_fonts_whatever_there_is_to_say(client, searchable, query, language):
    for shade in range(12):
        searchable(encoded((200 + shade, 30, 30)), f"очень длинное название {'ы' * 200} {shade}")
    client.cookies["django_language"] = language

    response = client.get("/result.pdf", {"query": query, "name": "мой\u202e снимок.png"})

    assert response["Content-Type"] == "application/pdf"
    pdf = response.content
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    assert len(re.findall(rb"/FontFile2", pdf)) == 2
    assert len(pdf) < 400_000


def test_an_image_of_the_catalogue_is_reported_on(client, searchable):
    blue = searchable(encoded(BLUE), "blue")

    for address in ADDRESSES:
        assert client.get(address, {"image": blue.pk}).status_code == 200


def test_a_report_waits_for_proofs_where_the_page_did_not(client, searchable, version, query):
    red = searchable(encoded(RED), "red")
    proof = Copy(red.regions.get(kind="whole").pk, True, False, 9, CORNERS, None)
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): [proof]})

    [hit] = table(client.get("/result.csv", {"query": query, "wait": "hits"}))

    assert (hit["verdict"], hit["copies"]) == ("near-identical", "checked")


def test_a_thumbnail_that_is_lost_leaves_its_row(client, searchable, query):
    image = searchable(encoded(RED), "red")
    storage.delete(storage.thumbnail_name(image.sha256))

    assert client.get("/result.pdf", {"query": query}).content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("снимок.png", "semblance-снимок.png-"),
        ('a/b\r\n"c', "semblance-a-b---c-"),
        ("", f"semblance-{sha256_hex(encoded(DARK_RED))[:12]}-"),
    ],
)
def test_the_file_has_a_name_that_says_what_it_is(client, searchable, query, name, expected):
    searchable(encoded(RED), "red")

    for address in ADDRESSES:
        disposition = client.get(address, {"query": query, "name": name})["Content-Disposition"]
        assert disposition.startswith("attachment; ")
        assert expected in unquote(disposition)
        assert re.search(rf"-\d{{4}}-\d\d-\d\d\.{address[-3:]}", disposition)


def test_what_may_not_be_seen_is_in_neither(client, searchable, query):
    searchable(encoded(RED), "red")
    secret = searchable(encoded(GREEN), "secret")
    album = Album.objects.create(name="closed")
    album.groups.set([Group.objects.create(name="insiders")])
    album.images.add(secret)

    assert [row["title"] for row in table(client.get("/result.csv", {"query": query}))] == ["red"]
    for address in ADDRESSES:
        assert client.get(address, {"image": secret.pk}).status_code == 404


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_cannot_be_reported_is_a_page_with_its_status(client, searchable, settings, address):
    searchable(encoded(RED), "red")

    assert client.get(address).status_code == 400
    assert client.get(address, {"query": str(uuid4())}).status_code == 410
    assert client.post(address).status_code == 405
    settings.SEARCH_REQUIRES_LOGIN = True
    assert client.get(address, {"query": str(uuid4())}).status_code == 302


def test_no_other_page_loads_what_makes_paper():
    code = (
        "import sys; from django.core.wsgi import get_wsgi_application as start; start();"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        "sys.exit('reportlab' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        | {"DATA_DIR": "/nonexistent"},
        capture_output=True,
    )

    assert done.returncode == 0, done.stderr.decode()
