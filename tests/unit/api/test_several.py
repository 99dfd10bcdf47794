"""Searching by the API with several pictures and with words: as the page does."""

import json
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from api.document import document
from catalog.models import EncoderVersion
from search.several import MAX_PICTURES
from tests.unit.api.conftest import code_of
from tests.unit.ingestion.sites import body, site
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]

MAUVE = (130, 45, 125)  # half red, half blue
JSON = {"accept": "application/json"}


@pytest.fixture
def catalogue(searchable):
    colours = {"red": RED, "dark red": DARK_RED, "green": GREEN, "blue": BLUE, "mauve": MAUVE}
    return {
        name: searchable(encoded(colour, kind="JPEG"), name) for name, colour in colours.items()
    }


@pytest.fixture
def knows_words(version):
    EncoderVersion.objects.filter(pk=version.pk).update(knows_words=True)


def answer_of(response) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    return response.json()


def titles(response) -> list[str]:
    return [hit["title"] for hit in answer_of(response)["hits"]]


def files(*colours: tuple[int, int, int]) -> list[SimpleUploadedFile]:
    return [upload(encoded(colour)) for colour in colours]


def test_a_form_an_address_and_json_ask_the_same(visitor, catalogue) -> None:
    red, blue = catalogue["red"].pk, catalogue["blue"].pk
    by_form = visitor.post("/search", {"picture": files(RED, BLUE)})
    kept = [each["id"] for each in answer_of(by_form)["these"]]

    by_ids = visitor.get(f"/search?query={kept[0]}&query={kept[1]}")
    in_json = visitor.post("/search", json.dumps({"query": kept}), content_type="application/json")
    mixed = visitor.post(f"/search?image={blue}", {"picture": files(RED)})
    one_in_bytes = visitor.post(f"/search?image={blue}", encoded(RED), content_type="image/png")
    of_catalogue = visitor.post(
        "/search", {"image": [str(red), str(blue)]}, content_type="application/json"
    )

    assert titles(by_form)[0] == "mauve"
    assert sorted(titles(by_form)) == sorted(catalogue)
    assert titles(by_ids) == titles(in_json) == titles(by_form)
    assert titles(mixed) == titles(one_in_bytes)
    assert [each["image_id"] for each in answer_of(mixed)["these"]] == [None, str(blue)]
    assert set(titles(of_catalogue)[:2]) == {"red", "blue"}


def test_the_answer_is_the_pages_own(client, visitor, catalogue) -> None:
    green = str(catalogue["green"].pk)

    def form() -> dict[str, Any]:
        return {"picture": files(RED, BLUE), "unlike_image": green, "sort": "newest"}

    page = client.post("/", form(), headers=JSON).json()
    api = answer_of(visitor.post("/search", form()))

    assert api["proofs_url"].startswith("/api/v1/search?query=")
    for answer in (page, api):
        for changing in ("model_ms", "total_ms", "proofs_url"):
            del answer[changing]
        for asked in answer["these"]:
            del asked["id"]
        for hit in answer["hits"]:
            del hit["thumbnail_url"]
            assert hit.pop("decide_with", None) is None
    assert api == page
    assert api["headline"]
    assert api["sort"] == "newest"


def test_what_a_file_shows_is_not_wanted(visitor, client, catalogue) -> None:
    def form() -> dict[str, Any]:
        return {"picture": files(RED), "unlike_picture": files(BLUE)}

    api = visitor.post("/search", form())

    assert titles(api)[-1] == "blue"
    assert len(answer_of(api)["unlike"]) == 1
    assert answer_of(api)["unlike"][0]["id"]
    page = client.post("/", form(), headers=JSON).json()
    assert [hit["title"] for hit in page["hits"]] == titles(api)


def test_hits_come_first_and_proofs_after(visitor, catalogue) -> None:
    early = answer_of(visitor.post("/search?wait=hits", {"picture": files(RED, BLUE)}))

    proved = answer_of(visitor.get(early["proofs_url"].removeprefix("/api/v1")))

    assert (early["copies"], proved["copies"]) == ("pending", "checked")
    assert [one["id"] for one in proved["these"]] == [one["id"] for one in early["these"]]


def test_a_box_is_of_the_only_picture_that_is_liked(visitor, catalogue) -> None:
    red, blue = catalogue["red"].pk, catalogue["blue"].pk
    box = "box=0,0,30,40"

    assert "red" in titles(visitor.get(f"/search?image={red}&unlike_image={blue}&{box}"))
    two = visitor.get(f"/search?image={red}&image={blue}&{box}")
    assert code_of(two) == (422, "search:user:bad-box")


def test_a_picture_that_is_fetched_is_one_of_several(visitor, catalogue, settings) -> None:
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
    blue = str(catalogue["blue"].pk)

    with site({"/red.png": body(encoded(RED))}) as web:
        asked = {"url": f"{web.url}/red.png", "image": blue}
        response = visitor.post("/search", asked, content_type="application/json")

    assert [one["image_id"] for one in answer_of(response)["these"]] == [None, blue]


def test_words_find_what_fits_them(visitor, catalogue, knows_words) -> None:
    by_address = visitor.get("/search?words=red")
    in_json = visitor.post("/search", {"words": "red"}, content_type="application/json")
    in_a_form = visitor.post("/search", {"words": "red"})
    beside = visitor.post("/search", {"words": "зелёный", "picture": files(BLUE)})

    assert titles(by_address)[0] == "red"
    assert titles(in_json) == titles(in_a_form) == titles(by_address)
    assert answer_of(by_address)["words"] == "red"
    assert {hit["picture"] for hit in answer_of(by_address)["hits"]} == {None}
    assert {hit["probability"] for hit in answer_of(by_address)["hits"]} == {None}
    assert set(titles(beside)[:2]) == {"green", "blue"}


def test_an_encoder_that_knows_no_words_says_so(visitor, catalogue) -> None:
    assert code_of(visitor.get("/search?words=red")) == (422, "search:user:no-words")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (f"unlike={uuid4()}", (422, "search:user:none-liked")),
        (f"words={'x' * 201}", (422, "search:user:long-words")),
        ("words=red&unlike=x", (422, "request:user:invalid")),
        ("&".join(f"query={uuid4()}" for _ in range(9)), (422, "search:user:too-many-pictures")),
        (f"query={uuid4()}&query={uuid4()}", (410, "search:user:query-expired")),
        (f"image={uuid4()}&image={uuid4()}", (404, "request:user:not-found")),
        ("words=red&box=1", (422, "request:user:invalid")),
    ],
    ids=["none", "long-words", "id", "many", "expired", "unknown", "box"],
)
def test_what_cannot_be_asked_is_a_problem(visitor, version, knows_words, address, expected):
    assert code_of(visitor.get(f"/search?{address}")) == expected


def test_more_than_eight_pictures_are_refused_and_none_is_kept(visitor, catalogue, media) -> None:
    red = catalogue["red"].pk

    files_alone = visitor.post("/search", {"picture": files(*[RED] * (MAX_PICTURES + 1))})
    with_an_image = visitor.post(f"/search?image={red}", {"picture": files(*[RED] * MAX_PICTURES)})
    one_is_broken = visitor.post("/search", {"picture": [*files(RED), upload(b"no picture")]})

    too_many = (422, "search:user:too-many-pictures")
    assert code_of(files_alone) == code_of(with_an_image) == too_many
    assert code_of(one_is_broken) == (422, "image:user:not-a-picture")
    assert list(media.glob("**/queries/*")) == []


def test_a_form_with_another_kind_of_id_is_a_problem(visitor, version) -> None:
    response = visitor.post("/search", {"query": ["x", "y"]})

    assert code_of(response) == (422, "search:user:bad-id")


def test_the_document_says_how_to_ask_with_several() -> None:
    search = document()["paths"]["/api/v1/search"]
    asked = {"image", "query", "unlike", "unlike_image", "words"}

    for method in ("get", "post"):
        assert asked <= {each["name"] for each in search[method]["parameters"]}
        shape = search[method]["responses"]["200"]["content"]["application/json"]["schema"]
        assert [each["$ref"].rsplit("/")[-1] for each in shape["anyOf"]] == [
            "SearchJson",
            "SeveralJson",
        ]
    content = search["post"]["requestBody"]["content"]
    form = content["multipart/form-data"]["schema"]["properties"]
    assert set(form) == {"picture", "unlike_picture"}
    in_json = document()["components"]["schemas"]["PicturesAsked"]["properties"]
    assert asked | {"url"} <= set(in_json)


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        ({"words": "red", "unlike_imge": []}, ["body", "unlike_imge"]),
        ({"url": f"https://example.org/{'x' * 2000}"}, ["body", "url"]),
        ({"image": "x"}, ["body", "image"]),
    ],
    ids=["member", "long-address", "id"],
)
def test_json_that_says_something_else_is_a_problem(visitor, version, sent, place) -> None:
    response = visitor.post("/search", sent, content_type="application/json")

    assert code_of(response) == (422, "request:user:invalid")
    assert response.json()["errors"][0]["at"][: len(place)] == place


def test_a_forms_address_of_a_picture_can_be_too_long(visitor, version) -> None:
    response = visitor.post("/search", {"url": f"https://example.org/{'x' * 2000}"})

    assert code_of(response) == (422, "request:user:invalid")
