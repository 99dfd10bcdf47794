"""What speaks for a hit: why it is not higher, what both pictures share, and where."""

import base64
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.utils import translation

from catalog.models import Album, EncoderVersion
from kernel.regions import FoundRegion
from kernel.task_messages import (
    AlikeCells,
    CellGrid,
    ComparedRegions,
    Copy,
    Overlap,
    QueryRegion,
)
from ml.rules.layout import Layout
from search.in_flight import search_slot
from search.presenters.evidence import points_sentence
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

WHOLE = (0, 0, 60, 40)
CORNERS = ((0, 0), (60, 0), (60, 40), (0, 40))
CALIBRATION = {
    "method": "platt",
    "curve": {"slope": 20.0, "intercept": -17.0},
    "thresholds": [{"asked_precision": 0.9, "threshold": 0.9, "precision": 0.9, "recall": 0.9}],
}
GRIDS = CellGrid(1, 2, (0, 0, 60, 40)), CellGrid(2, 1, (0, 0, 60, 40))
CELLS = AlikeCells(*GRIDS, bytes([0, 1, 127, 255]))


@pytest.fixture
def ask(client, worker) -> Callable[..., list[dict[str, Any]]]:
    """Search, and return what the dialog is told of each hit."""

    def ask(data: bytes = b"", **more: object) -> list[dict[str, Any]]:
        picture = {"picture": upload(data or encoded(DARK_RED))} | more
        page = client.post("/", picture, follow=True).content.decode()
        found = re.findall(r'data-comparison="([^"]+)"', page)
        return [json.loads(html.unescape(each)) for each in found]

    return ask


def overlap(inliers: int) -> Overlap:
    return Overlap(inliers, False, query_percent=90.0, image_percent=80.0)


def prove(version, image, **copy: Any) -> None:
    region = image.regions.get(kind="whole")
    values = {"is_near_identical": False, "is_shared_design": False, "bits": None} | copy
    proof = Copy(region.pk, outline=CORNERS, **({"overlap": overlap(30)} | values))
    fake_worker.answer_with(version_id=version.pk, copies={WHOLE: [proof]})


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        (
            {"is_near_identical": True, "overlap": None},
            "The same picture, but not the same file: it was saved again.",
        ),
        ({}, "A copy, but more differs than saving again changes."),
        (
            {"is_shared_design": True},
            "30 points agree: a form or a thing is the same. What differs is no edit of one "
            "picture.",
        ),
        (
            {"is_shared_design": True, "overlap": overlap(1)},
            "1 point agrees: a form or a thing is the same. What differs is no edit of one "
            "picture.",
        ),
        (
            {"is_shared_design": True, "overlap": None},
            "A form or a thing is the same, but what differs is no edit of one picture.",
        ),
    ],
    ids=["near-identical", "edited", "design", "one point", "design by hash"],
)
def test_what_keeps_a_proved_hit_from_the_next_rung(ask, searchable, version, copy, expected):
    prove(version, searchable(encoded(RED), "red"), **copy)

    [told] = ask()

    assert told["why"] == expected
    assert told["outline"] == [list(corner) for corner in CORNERS]


def test_the_same_file_lacks_nothing(ask, searchable):
    searchable(encoded(DARK_RED), "the same")

    assert ask()[0]["why"] == ""


def test_a_score_below_the_threshold_is_said_with_both(ask, searchable, version):
    EncoderVersion.objects.filter(pk=version.pk).update(calibration=CALIBRATION)
    for name, colour in (("red", RED), ("green", GREEN)):
        searchable(encoded(colour), name)
    query = fake_worker.embed(encoded(DARK_RED))
    red, green = (float(query @ fake_worker.embed(encoded(each))) for each in (RED, GREEN))
    assert red > 0.9 > green  # what the two sentences rest on

    above, below = ask()

    unproved = "That one is a copy of the other was not proved by their pixels."
    assert above["why"] == unproved
    assert below["why"] == (
        f"The score of {green:.3f} is below 0.900, from where on “same subject” is said. {unproved}"
    )


@pytest.fixture
def one_image(searchable, version) -> EncoderVersion:
    """The version that the catalogue's one image is indexed with."""
    searchable(encoded(RED), "red")
    return version


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"unchecked": (WHOLE,)}, "The time did not suffice to compare the pixels of both."),
        ({"is_plain": True}, "There is hardly anything to see in your picture"),
        ({}, "What scores mean is not known of this encoder"),
    ],
    ids=["unchecked", "plain", "not calibrated"],
)
def test_what_is_not_known_is_said(ask, one_image, answer, expected):
    fake_worker.answer_with(version_id=one_image.pk, **answer)

    assert expected in ask()[0]["why"]


def test_before_the_proofs_a_page_compares_and_no_dialog(client, worker, one_image):
    fake_worker.answer_with(version_id=one_image.pk)
    hits = client.post("/", {"picture": upload(encoded(DARK_RED)), "wait": "hits"}, follow=True)

    [address] = re.findall('class="compare" rel="nofollow" href="([^"]+)"', hits.text)
    compared = client.get(html.unescape(address) + "&wait=hits")

    assert "data-comparison" not in hits.text
    assert "kept for an hour" not in hits.text  # nor what else comes with the proofs
    assert "The pixels of both are still to be compared." in compared.text


def test_objects_in_both_are_named_in_the_readers_language(client, ask, searchable, version):
    dog = FoundRegion("object", 0, 10, 10, 40, 30, "dog", 0.9)
    searchable(encoded(RED), "red", dog, FoundRegion("object", 1, 0, 0, 9, 9, "cat", 0.9))
    regions = [
        QueryRegion("object", 0, (5, 5, 20, 20), "dog", 0.8),
        QueryRegion("object", 1, (5, 5, 20, 20), "tree", 0.8),
    ]
    fake_worker.answer_with(version_id=version.pk, regions=regions)

    english = ask()[0]["objects"]
    client.cookies["django_language"] = "ru"
    russian = ask()[0]["objects"]

    assert english == ["dog"]
    assert [name.lower() for name in russian] == ["собака"]


def test_objects_of_another_part_do_not_count(ask, searchable, version):
    searchable(encoded(RED), "red", FoundRegion("object", 0, 10, 10, 40, 30, "dog", 0.9))
    left, right = QueryRegion("panel", 0, (0, 0, 30, 40)), QueryRegion("panel", 1, (30, 0, 60, 40))
    dog = QueryRegion("object", 0, (35, 5, 50, 20), "dog", 0.8)
    fake_worker.answer_with(
        version_id=version.pk, layout=Layout.COLLAGE, regions=[left, right, dog]
    )

    in_left, in_right, in_whole = ask()

    assert (in_left["objects"], in_right["objects"], in_whole["objects"]) == ([], ["dog"], ["dog"])


# The comparison on demand


def test_more_of_a_hit_is_asked_for_with_what_met(client, ask, searchable, version):
    image = searchable(encoded(BLUE), "blue", FoundRegion("panel", 3, 0, 0, 30, 40))
    panel = image.regions.get(kind="panel")
    left = QueryRegion("panel", 0, (0, 0, 30, 40))
    copies = {left.box: [Copy(panel.pk, True, False, 0, CORNERS, None)]}
    fake_worker.answer_with(
        version_id=version.pk,
        layout=Layout.COLLAGE,
        regions=[left],
        copies=copies,
        compared=ComparedRegions(5, 8, CELLS, 4.0),
    )
    told = ask()[0]

    response = client.get(told["more_url"])

    asked = parse_qs(urlsplit(told["more_url"]).query)
    assert (asked["found"], asked["box"], asked["panel"]) == ([str(image.pk)], ["0,0,30,40"], ["3"])
    request = fake_worker.last_compare_request()
    assert (request.box, request.region_id) == (left.box, panel.pk)
    assert request.encoder_version == version.pk
    assert (request.query.width, request.query.height) == (60, 40)
    assert response.json() == {
        "points": 5,
        "points_needed": 8,
        "sentence": "5 points of the two pictures agree; 8 are needed at least.",
        "cells": {
            "query": {"rows": 1, "columns": 2, "box": [0, 0, 60, 40]},
            "image": {"rows": 2, "columns": 1, "box": [0, 0, 60, 40]},
            "likeness": base64.b64encode(bytes([0, 1, 127, 255])).decode(),
        },
    }
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (0, "No points of the two pictures agree."),
        (1, "1 point of the two pictures agrees; 8 are needed at least."),
        (7, "7 points of the two pictures agree; 8 are needed at least."),
        (8, "8 points of the two pictures agree."),
    ],
)
def test_points_are_said_beside_what_is_needed(points, expected):
    assert points_sentence(ComparedRegions(points, 8, None, 0.0)) == expected


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (1, "Совпала 1 точка двух изображений; нужно не меньше 8."),
        (3, "Совпали 3 точки двух изображений; нужно не меньше 8."),
        (5, "Совпало 5 точек двух изображений; нужно не меньше 8."),
    ],
)
def test_points_have_their_plurals_in_russian(points, expected):
    with translation.override("ru"):
        assert points_sentence(ComparedRegions(points, 8, None, 0.0)) == expected


def test_an_image_of_the_catalogue_is_compared_where_it_lies(client, worker, searchable):
    red, green = searchable(encoded(RED), "red"), searchable(encoded(GREEN), "green")

    response = client.get("/comparisons/", {"image": red.pk, "found": green.pk})

    assert response.json()["cells"] is None
    request = fake_worker.last_compare_request()
    assert request.query.original_sha256 == red.sha256
    assert request.box == WHOLE


@pytest.fixture
def pair(searchable) -> dict[str, Any]:
    return {
        "image": searchable(encoded(RED), "red").pk,
        "found": searchable(encoded(GREEN), "green").pk,
    }


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"found": ""}, 400, "search:user:no-region"),
        ({"found": "x"}, 400, "search:user:no-region"),
        ({"panel": "4"}, 400, "search:user:no-region"),
        ({"panel": "-1"}, 400, "search:user:no-region"),
        ({"panel": "9" * 30}, 400, "search:user:no-region"),
        ({"box": "a"}, 400, "search:user:bad-box"),
        ({"image": "", "query": str(uuid4())}, 410, "search:user:query-expired"),
        ({"image": ""}, 400, "image:user:none-chosen"),
    ],
)
@pytest.mark.usefixtures("worker")
def test_what_cannot_be_asked_is_refused(client, pair, change, status, code):
    response = client.get("/comparisons/", pair | change)

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert fake_worker.last_compare_request() is None


@pytest.mark.parametrize("role", ["image", "found"])
def test_an_image_that_is_private_to_others_is_not_there(client, worker, pair, role):
    album = Album.objects.create(name="closed")
    album.groups.set([Group.objects.create(name="insiders")])
    album.images.add(pair[role])

    assert client.get("/comparisons/", pair).status_code == 404
    assert fake_worker.last_compare_request() is None


@pytest.mark.parametrize(
    ("code", "status"),
    [("search:user:no-region", 400), ("encoder:transient:changing", 503)],
)
@pytest.mark.usefixtures("worker")
def test_what_a_worker_fails_of_is_a_sentence(client, version, pair, code, status):
    fake_worker.answer_with(version_id=version.pk, compared=code)

    response = client.get("/comparisons/", pair)

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["error"]["sentence"]


def test_without_a_worker_nobody_waits_for_ever(client, no_worker, version, pair, settings):
    settings.SEARCH_TIMEOUT_S = 0.3

    response = client.get("/comparisons/", pair)

    assert (response.status_code, response.json()["error"]["code"]) == (
        503,
        "search:transient:no-answer",
    )


def test_a_comparison_takes_a_slot_of_searches(client, worker, pair, settings):
    slots = [search_slot() for _ in range(settings.SEARCHES_IN_FLIGHT)]
    for slot in slots:
        slot.__enter__()
    try:
        response = client.get("/comparisons/", pair)
    finally:
        for slot in slots:
            slot.__exit__(None, None, None)

    assert response.json()["error"]["code"] == "search:transient:busy"


def test_it_is_only_looked_at(client, worker, pair):
    assert client.post("/comparisons/", pair).status_code == 405


def test_it_may_need_an_account(client, worker, pair, settings):
    settings.SEARCH_REQUIRES_LOGIN = True

    assert client.get("/comparisons/", pair).status_code == 302


# The page for who has no scripts


@pytest.fixture
def page_of(client) -> Callable[..., str]:
    """Search, and return the page that the one hit's *Compare* leads to."""

    def page_of(address: str = "", **picture: object) -> str:
        found = client.get(address) if address else client.post("/", picture, follow=True)
        text = found.content.decode()
        [link] = re.findall(r'class="compare" rel="nofollow" href="([^"]+)"', text)
        response = client.get(html.unescape(link))
        assert response["Cache-Control"] == "private, no-store"
        return response.content.decode()

    return page_of


def test_a_page_says_what_the_dialog_says(page_of, searchable, version, worker):
    dog = FoundRegion("object", 0, 10, 10, 40, 30, "dog", 0.9)
    image = searchable(encoded(RED), "red", dog)
    fake_worker.answer_with(
        version_id=version.pk,
        regions=[QueryRegion("object", 0, (5, 5, 20, 20), "dog", 0.8)],
        copies={
            WHOLE: [
                Copy(
                    *(image.regions.get(kind="whole").pk, False, False, None),
                    outline=((0.25, 0), (60, 0), (60, 40), (0, 40)),
                    overlap=Overlap(30, True, query_percent=90.0, image_percent=80.0),
                )
            ]
        },
    )

    page = page_of(picture=upload(encoded(DARK_RED)))

    assert "edited copy" in page
    assert "A copy, but more differs than saving again changes." in page
    assert "The image shows 90% of your picture; it is mirrored." in page
    assert "Found in both: dog." in page
    assert '<polygon class="met" points="0.2,0.0 60.0,0.0 60.0,40.0 0.0,40.0"/>' in page
    assert page.count('viewBox="0 0 60 40"') == 2


def test_a_page_frames_the_regions_that_met(page_of, searchable, version, worker):
    searchable(encoded(BLUE), "blue")
    red = searchable(encoded(RED), "red", FoundRegion("panel", 3, 30, 0, 60, 40))

    page = page_of(f"/?image={red.pk}&box=0,0,30,40&scope=panels")

    frames = re.findall(r'<rect class="met" ([^/]+)/>', page)
    assert frames == ['x="0" y="0" width="30" height="40"', 'x="30" y="0" width="30" height="40"']
    assert f'href="/?image={red.pk}&amp;scope=panels&amp;box=0%2C0%2C30%2C40"' in page


def test_a_page_of_what_the_search_no_longer_finds_is_not_there(client, pair, worker):
    address = {"image": pair["image"], "found": pair["found"], "part": "whole-0"}

    assert client.get("/comparisons/page", address).status_code == 200
    for change in ({"found": uuid4()}, {"part": "panel-0"}, {"part": "x"}, {"found": "x"}):
        assert client.get("/comparisons/page", address | change).status_code == 404


def test_a_page_of_a_query_that_is_over_says_so(client, pair, worker):
    address = {"query": uuid4(), "found": pair["found"], "part": "whole-0"}

    assert client.get("/comparisons/page", address).status_code == 410
