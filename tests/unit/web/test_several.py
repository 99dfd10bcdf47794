"""Searches with several pictures: "these", and "not like this"."""

import io
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.http import QueryDict
from PIL import Image as Pillow

from catalog import storage
from catalog.models import Album, Image, Region
from catalog.vector_store import open_index
from kernel.messages import sentence
from kernel.task_messages import Copy
from search import query_files
from search.presenters.question_fields import QuestionFields
from search.question import Filters, Sort
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]

JSON = {"headers": {"accept": "application/json"}}
MAUVE = (130, 45, 125)  # half red, half blue
OUTLINE = ((0, 0), (60, 0), (60, 40), (0, 40))


@pytest.fixture
def catalogue(searchable) -> dict[str, Image]:
    colours = {"red": RED, "dark red": DARK_RED, "green": GREEN, "blue": BLUE, "mauve": MAUVE}
    return {
        title: searchable(encoded(colour, kind="JPEG"), title) for title, colour in colours.items()
    }


def kept(colour: tuple[int, int, int]) -> str:
    return str(query_files.write(encoded(colour)))


def ask(client, **fields: object) -> dict:
    response = client.get("/", fields, **JSON)
    assert response.status_code == 200, response.content
    return response.json()


def titles(answer: dict) -> list[str]:
    return [hit["title"] for hit in answer["hits"]]


def refusal(client, **fields: object) -> tuple[int, str]:
    response = client.get("/", fields, **JSON)
    return response.status_code, response.json()["error"]["code"]


def same_as(image: Image, *, design: bool = False) -> Copy:
    region = Region.objects.get(image=image)
    return Copy(region.pk, not design, design, 0, OUTLINE, None)


# These


def test_what_is_like_both_of_two_pictures_comes_before_what_is_like_one(client, catalogue):
    alone = client.get("/", {"query": kept(RED)}, **JSON).json()["groups"][0]["hits"]
    assert [hit["title"] for hit in alone[:3]] == ["red", "dark red", "mauve"]

    answer = ask(client, query=[kept(RED), kept(BLUE)])

    assert titles(answer)[0] == "mauve"
    assert {"red", "dark red", "blue"} < set(titles(answer))
    by_title = {hit["title"]: hit for hit in answer["hits"]}
    assert (by_title["red"]["picture"], by_title["blue"]["picture"]) == (0, 1)
    assert [hit["rank"] for hit in answer["hits"]] == list(range(1, 6))


def test_the_score_is_the_mean_of_those_of_each_picture(client, catalogue):
    asked = [kept(RED), kept(BLUE)]
    single = [
        {hit["title"]: hit["score"] for hit in hits}
        for hits in (
            client.get("/", {"query": one}, **JSON).json()["groups"][0]["hits"] for one in asked
        )
    ]

    answer = ask(client, query=asked)

    for hit in answer["hits"]:
        expected = (single[0][hit["title"]] + single[1][hit["title"]]) / 2
        assert hit["score"] == pytest.approx(expected, abs=1e-6)


def test_uploads_and_images_of_the_catalogue_are_asked_together(client, catalogue):
    answer = ask(client, query=kept(RED), image=str(catalogue["blue"].pk))

    assert [one["id"] is None for one in answer["these"]] == [False, True]
    assert answer["these"][1]["image_id"] == str(catalogue["blue"].pk)
    # The image itself is found, as it is alone.
    by_title = {hit["title"]: hit for hit in answer["hits"]}
    assert by_title["blue"]["verdict"] == "identical"
    assert titles(answer)[0] == "blue"


def test_a_copy_of_any_of_these_is_proved_and_first(client, catalogue, version):
    fake_worker.answer_with(
        version_id=version.pk, copies={(0, 0, 60, 40): [same_as(catalogue["green"])]}
    )

    answer = ask(client, query=[kept(RED), kept(BLUE)])

    assert titles(answer)[0] == "green"
    assert answer["hits"][0]["verdict"] == "near-identical"
    assert answer["copies"] == "checked"


def test_a_calibrated_percentage_is_that_of_the_mean_and_rises_with_it(client, catalogue, version):
    curve = {"slope": 4.0, "intercept": -2.0}
    threshold = {"asked_precision": 0.9, "threshold": 0.9, "precision": 0.9, "recall": 0.5}
    version.calibration = {"method": "platt", "curve": curve, "thresholds": [threshold]}
    version.save()

    answer = ask(client, query=[kept(RED), kept(DARK_RED)])

    for hit in answer["hits"]:
        expected = 1 / (1 + 2.718281828459045 ** -(4 * hit["score"] - 2))
        assert hit["probability"] == pytest.approx(expected, abs=1e-6)
        assert (hit["verdict"] == "same-subject") is (hit["score"] >= 0.9)
    assert {hit["verdict"] for hit in answer["hits"]} == {"same-subject", "similar"}


# Not like this


def test_what_is_more_like_the_unlike_falls_and_nobody_rises(client, catalogue):
    before = {
        hit["title"]: hit["score"] for hit in ask(client, query=[kept(RED), kept(MAUVE)])["hits"]
    }

    answer = ask(client, query=[kept(RED), kept(MAUVE)], unlike=kept((150, 30, 41)))

    after = {hit["title"]: hit["score"] for hit in answer["hits"]}
    assert after["dark red"] < before["dark red"] - 0.01
    assert all(after[title] <= before[title] + 1e-6 for title in after)
    assert after["blue"] == pytest.approx(before["blue"], abs=1e-6)


def test_the_image_that_is_unlike_is_not_shown(client, catalogue):
    answer = ask(client, query=kept(RED), unlike_image=str(catalogue["dark red"].pk))

    assert "dark red" not in titles(answer)
    assert answer["left_out"] == 1
    assert titles(answer)[0] == "red"


def test_copies_of_the_unlike_are_left_out_but_not_what_shares_its_design(
    client, catalogue, version
):
    # given: 60 × 40 is what is asked, 30 × 20 what is not
    fake_worker.answer_with(
        version_id=version.pk,
        copies={
            (0, 0, 30, 20): [same_as(catalogue["mauve"]), same_as(catalogue["blue"], design=True)]
        },
    )
    unlike = str(query_files.write(encoded(GREEN, size=(30, 20))))

    answer = ask(client, query=kept(RED), unlike=unlike)

    assert "mauve" not in titles(answer)
    assert "blue" in titles(answer)
    assert answer["left_out"] == 1


def test_hits_come_first_and_their_proofs_at_an_address(client, catalogue):
    answer = ask(client, query=[kept(RED), kept(BLUE)], wait="hits")

    assert answer["copies"] == "pending"
    proofs = urlsplit(answer["proofs_url"])
    fields = parse_qs(proofs.query)
    assert fields["wait"] == ["proofs"]
    assert len(fields["query"]) == 2
    assert client.get(answer["proofs_url"], **JSON).json()["copies"] == "checked"


def test_an_expired_picture_among_several_says_so(client, catalogue):
    assert refusal(client, query=[kept(RED), str(uuid4())]) == (410, "search:user:query-expired")


# What may be asked


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"unlike": "0f0e0d0c-0b0a-0908-0706-050403020100"}, "search:user:none-liked"),
        ({"query": [str(uuid4()) for _ in range(9)]}, "search:user:too-many-pictures"),
        ({"query": [str(uuid4()) for _ in range(5)], "unlike": [str(uuid4()) for _ in range(4)]},
         "search:user:too-many-pictures"),
        ({"query": ["x", "y"]}, "search:user:bad-id"),
        ({"query": [str(uuid4()), str(uuid4())], "box": "0,0,30,40"}, "search:user:bad-box"),
        ({"query": [str(uuid4()), str(uuid4())], "wait": "forever"}, "search:user:bad-wait"),
        ({"query": [str(uuid4()), str(uuid4())], "min_side": "x"}, "search:user:bad-filter"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_before_any_model_runs(client, catalogue, fields, code):
    assert refusal(client, **fields) == (400, code)
    assert fake_worker.extract_requests() == []


def test_an_image_that_one_may_not_see_is_none(client, catalogue):
    album = Album.objects.create(name="private")
    album.groups.add(Group.objects.create(name="owners"))
    catalogue["blue"].albums.add(album)

    for fields in (
        {"query": kept(RED), "image": str(catalogue["blue"].pk)},
        {"query": kept(RED), "unlike_image": str(catalogue["blue"].pk)},
        {"query": kept(RED), "image": str(uuid4())},
    ):
        assert client.get("/", fields, **JSON).status_code == 404
    answer = ask(client, query=[kept(RED), kept(BLUE)])
    assert "blue" not in titles(answer)


def test_filters_hold_for_several_pictures(client, catalogue, add_image, searchable):
    owned = encoded(MAUVE, kind="WEBP")
    add_image(owned, "owned", owner="Ann")
    searchable(owned, "owned")

    answer = ask(client, query=[kept(RED), kept(BLUE)], owner="Ann")

    assert titles(answer) == ["owned"]


def test_a_box_narrows_the_only_picture_beside_what_is_unlike(client, catalogue):
    answer = ask(client, query=kept(RED), unlike_image=str(catalogue["blue"].pk), box="20,10,50,30")

    assert fake_worker.extract_requests()[0].box == (20, 10, 50, 30)
    assert parse_qs(urlsplit(answer["proofs_url"]).query)["box"] == ["20,10,50,30"]


# The page


def post(client, *colours: tuple[int, int, int], **fields: object):
    files = [upload(encoded(colour), f"{number}.png") for number, colour in enumerate(colours)]
    return client.post("/", {"picture": files, **fields})


def test_several_files_lead_to_their_address(client, catalogue):
    response = post(client, RED, BLUE, wait="hits")

    assert response.status_code == 303
    address = urlsplit(response["Location"])
    fields = parse_qs(address.query)
    assert sorted(fields) == ["query", "wait"]
    names = {name.rpartition("/")[2] for name in storage.list_names(query_files.FOLDER)}
    assert set(fields["query"]) == names
    assert client.get(response["Location"]).status_code == 200


def test_a_program_is_answered_at_once(client, catalogue):
    files = [upload(encoded(RED)), upload(encoded(BLUE))]

    answer = client.post("/", {"picture": files}, **JSON).json()

    assert titles(answer)[0] == "mauve"


def test_of_files_with_one_that_is_no_picture_none_is_kept(client, catalogue):
    files = [upload(encoded(RED)), upload(b"no picture", "b.png")]

    response = client.post("/", {"picture": files})

    assert response.status_code == 400
    assert sentence("image:user:not-a-picture") in response.content.decode()
    assert list(storage.list_names(query_files.FOLDER)) == []


def test_more_files_than_may_be_asked_are_refused(client, catalogue):
    response = post(client, *[(number, 0, 0) for number in range(9)])

    assert response.status_code == 400
    assert "at most 8 pictures" in response.content.decode()
    assert list(storage.list_names(query_files.FOLDER)) == []


def test_each_hit_is_added_to_the_question_by_links(client, catalogue):
    query = kept(RED)
    page = client.get("/", {"query": query, "owner": "", "sort": "similarity"})
    [first, *_] = page.context["result"].groups[0].hits

    like, unlike = (parse_qs(urlsplit(url).query) for url in (first.like_url, first.unlike_url))

    image = str(catalogue["red"].pk)
    assert like == {"query": [query], "image": [image], "sort": ["similarity"]}
    assert unlike == {"query": [query], "unlike_image": [image], "sort": ["similarity"]}
    content = page.content.decode()
    assert first.like_url.replace("&", "&amp;") in content


def test_the_pictures_are_shown_with_their_role_and_can_be_taken_away(client, catalogue):
    query, image = kept(RED), catalogue["blue"]
    page = client.get("/", {"query": query, "unlike_image": str(image.pk)})

    shown = page.context["several"].asked

    assert [(one.number, one.name, one.is_unlike) for one in shown] == [
        (1, "Picture 1", False),
        (2, "blue", True),
    ]
    assert shown[0].remove_url == "/"
    assert parse_qs(urlsplit(shown[1].remove_url).query) == {"query": [query]}
    content = page.content.decode()
    assert "not like this" in content
    assert "1 copy of what you do not look for is left out." in content


def test_an_image_that_is_asked_with_is_not_offered_again(client, catalogue):
    page = client.get("/", {"query": kept(RED), "image": str(catalogue["mauve"].pk)})

    offered = {hit.title: hit.like_url != "" for hit in page.context["several"].hits}

    assert offered == {title: title != "mauve" for title in catalogue}


def test_no_more_pictures_are_offered_than_may_be_asked(client, catalogue):
    page = client.get("/", {"query": [kept(RED) for _ in range(8)]})

    assert {hit.like_url for hit in page.context["several"].hits} == {""}


def test_a_titles_markup_is_text(client, searchable):
    searchable(encoded(RED, kind="JPEG"), "<script>alert(1)</script>")

    page = client.get("/", {"query": [kept(RED), kept(BLUE)]}).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_empty_catalogue_says_so(client, version):
    open_index(version).ensure()
    page = client.get("/", {"query": [kept(RED), kept(BLUE)]})

    assert page.status_code == 200
    assert "The catalogue has no picture to compare with yet." in page.content.decode()


def test_a_file_that_is_not_upright_is_searched_upright(client, catalogue):
    buffer = io.BytesIO()
    Pillow.open(io.BytesIO(encoded(RED))).rotate(90, expand=True).save(
        buffer, "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03"
        b"\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00",
    )  # fmt: skip
    asked = str(query_files.write(buffer.getvalue()))

    answer = ask(client, query=[asked, kept(RED)])

    assert [(one["width"], one["height"]) for one in answer["these"]] == [(60, 40), (60, 40)]


def test_an_address_has_its_fields_in_one_order() -> None:
    fields = QuestionFields(
        (("query", "a"), ("image", "b"), ("unlike", "c")), Filters(labels=("dog",)), Sort.VERDICT
    )

    address = QueryDict(urlsplit(fields.with_image(uuid4(), is_unlike=False)).query)

    assert list(address) == ["query", "image", "unlike", "label"]
    assert len(address.getlist("image")) == 2


def test_the_headline_counts_what_is_marked_and_the_rest_is_folded(client, catalogue, version):
    curve = {"slope": 4.0, "intercept": -2.0}
    threshold = {"asked_precision": 0.9, "threshold": 0.9, "precision": 0.9, "recall": 0.5}
    version.calibration = {"method": "platt", "curve": curve, "thresholds": [threshold]}
    version.save()

    page = client.get("/", {"query": [kept(RED), kept(DARK_RED)]})

    shown = page.context["several"]
    assert shown.headline == f"No copy, but {len(shown.hits)} pictures of the same subject"
    assert {hit.verdict for hit in shown.hits} == {"same-subject"}
    assert {hit.verdict for hit in shown.less_similar} == {"similar"}
    assert len(shown.hits) + len(shown.less_similar) == len(catalogue)
    assert f"<h1>{shown.headline}</h1>" in page.content.decode()


def test_pictures_that_are_asked_with_are_no_copies_of_themselves(client, catalogue):
    images = [str(catalogue[title].pk) for title in ("red", "blue")]

    page = client.get("/", {"image": images})

    assert page.context["several"].headline == "No copy"


def test_a_copy_is_named_first(client, catalogue, version):
    fake_worker.answer_with(
        version_id=version.pk, copies={(0, 0, 60, 40): [same_as(catalogue["green"])]}
    )

    page = client.get("/", {"query": [kept(RED), kept(BLUE)]})

    assert page.context["several"].headline == "1 same picture"
    pending = client.get("/", {"query": [kept(RED), kept(BLUE)], "wait": "hits"})
    assert pending.context["several"].headline == "No copy so far; still looking for copies…"
