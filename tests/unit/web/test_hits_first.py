"""Hits first, proofs after: what is asked of the models, answered, and kept meanwhile."""

import json
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from PIL import Image as Pillow

from catalog import storage
from catalog.models import EncoderVersion
from kernel.errors import TransientError
from kernel.messages import sentence
from kernel.regions import FoundRegion
from kernel.task_messages import Copy, Overlap, QueryRegion
from ml.rules.layout import Layout
from search import query_files
from tests import pictures
from tests.pictures import plain
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

PAGE = "/"
JSON = {"headers": {"accept": "application/json"}}
LEFT, RIGHT, ALL = (0, 0, 30, 40), (30, 0, 60, 40), (0, 0, 60, 40)
PANELS = [QueryRegion("panel", 0, LEFT), QueryRegion("panel", 1, RIGHT)]


def ask(client, data, *, wait="hits", **extra):
    return client.post(PAGE, {"picture": upload(data), "wait": wait}, follow=True, **extra)


def copy_of(image) -> Copy:
    corners = ((0, 0), (60, 0), (60, 40), (0, 40))
    overlap = Overlap(40, False, query_percent=90.0, image_percent=90.0)
    return Copy(image.regions.get(kind="whole").pk, False, False, 90, corners, overlap)


def halves() -> bytes:
    picture = Pillow.new("RGB", (60, 40), RED)
    picture.paste(GREEN, RIGHT)
    return pictures.encoded(picture)


@pytest.fixture
def catalogue(searchable, version, worker):
    """Two pictures, of which the one that is less like a red query is a copy of it."""
    searchable(encoded(DARK_RED), "dark red")
    blue = searchable(encoded(BLUE), "blue")
    fake_worker.answer_with(version_id=version.pk, copies={ALL: [copy_of(blue)]})


def verdicts(body, group=0):
    return [(hit["title"], hit["verdict"]) for hit in body["groups"][group]["hits"]]


def test_hits_are_answered_before_anything_is_compared(client, catalogue):
    body = ask(client, encoded(RED), **JSON).json()

    assert verdicts(body) == [("dark red", "similar"), ("blue", "similar")]
    assert (body["copies"], body["are_copies_checked"]) == ("pending", False)
    assert [group["are_copies_checked"] for group in body["groups"]] == [False]
    assert body["model_ms"] == 12.5
    assert fake_worker.last_copies_request() is None


@pytest.mark.parametrize(("wait", "is_compared"), [("hits", False), ("proofs", True)])
def test_the_worker_is_told_whether_copies_are_asked_for_next(client, catalogue, wait, is_compared):
    ask(client, encoded(RED), wait=wait, **JSON)

    [request] = fake_worker.extract_requests()
    assert request.is_compared is is_compared


def test_proofs_are_at_their_address_and_run_no_model_again(client, catalogue):
    hits = ask(client, encoded(RED), **JSON).json()

    body = client.get(hits["proofs_url"], **JSON).json()

    assert verdicts(body) == [("blue", "edited-copy"), ("dark red", "similar")]
    assert (body["copies"], body["are_copies_checked"]) == ("checked", True)
    assert body["query"] == hits["query"]
    assert body["model_ms"] == 4.0  # of comparing alone
    assert len(fake_worker.extract_requests()) == 1


def test_hits_and_proofs_are_those_of_an_answer_that_waits_for_all(client, catalogue):
    at_once = ask(client, encoded(RED), wait="proofs", **JSON).json()
    hits = ask(client, encoded(RED), **JSON).json()
    after = client.get(hits["proofs_url"], **JSON).json()

    for body in (at_once, after):
        for name in ("total_ms", "model_ms", "proofs_url"):
            body.pop(name)
        body["query"].pop("id")
    assert after == at_once


@pytest.mark.parametrize("fields", [{}, {"wait": "proofs"}, {"wait": ""}], ids=str)
def test_without_a_wish_the_answer_waits_for_proofs(client, catalogue, fields):
    body = client.post(PAGE, {"picture": upload(encoded(RED)), **fields}, **JSON).json()

    assert (body["copies"], verdicts(body)[0]) == ("checked", ("blue", "edited-copy"))


@pytest.mark.parametrize("wait", ["hit", "HITS", "1", "hits,proofs", "\0"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_unknown_wait_is_refused_before_anything_is_asked(client, catalogue, wait, accept):
    response = ask(client, encoded(RED), wait=wait, headers={"accept": accept})

    assert response.status_code == 400
    said = sentence("search:user:bad-wait")
    if accept == "application/json":
        assert response.json() == {"error": {"code": "search:user:bad-wait", "sentence": said}}
    else:
        assert response.context["problem"].sentence == said
    assert fake_worker.extract_requests() == []
    assert list(storage.list_names(query_files.FOLDER)) == []


def test_the_page_says_that_it_is_still_comparing_and_where_the_proofs_are(client, catalogue):
    text = ask(client, encoded(RED)).content.decode()

    assert "Still comparing these pictures with yours" in text
    assert 'role="status" data-proving="/?query=' in text
    assert "Copies could not be checked" not in text.replace('data-failed="Copies could', "")
    result = ask(client, encoded(RED)).context["result"]
    fields = parse_qs(urlsplit(result.proofs_url).query)
    [query_id] = fields.pop("query")
    assert result.query_url == f"/queries/{query_id}.jpg"
    assert fields == {"name": ["query.png"], "wait": ["proofs"]}


def test_the_page_with_proofs_does_not_say_so(client, catalogue):
    text = ask(client, encoded(RED), wait="proofs").content.decode()

    assert "data-proving" not in text
    assert "edited copy" in text


def test_box_and_labels_are_kept_on_the_way_to_the_proofs(client, searchable, version, worker):
    dog = FoundRegion("object", 0, 0, 0, 30, 40, "dog", 0.9)
    searchable(encoded(DARK_RED), "a dog", dog)
    searchable(encoded(RED), "none")
    query = ask(client, encoded(RED), **JSON).json()["query"]["id"]

    hits = client.get(
        PAGE, {"query": query, "box": "0,0,30,40", "label": "dog", "wait": "hits"}, **JSON
    ).json()
    body = client.get(hits["proofs_url"], **JSON).json()

    for each in (hits, body):
        assert each["groups"][0]["region"]["box"] == [0, 0, 30, 40]
        assert [title for title, _ in verdicts(each)] == ["a dog"]
    assert [region.box for region in fake_worker.last_copies_request().regions] == [LEFT]


# What runs models again, and what does not


@pytest.fixture
def collage(client, searchable, version, worker) -> str:
    """The id of a kept query of two panels."""
    searchable(plain(RED), "red")
    searchable(plain(GREEN), "green")
    fake_worker.answer_with(version_id=version.pk, layout=Layout.COLLAGE, regions=PANELS)
    return ask(client, halves(), **JSON).json()["query"]["id"]


def test_a_region_of_the_query_was_extracted_with_the_others(client, collage):
    body = client.get(PAGE, {"query": collage, "box": "30,0,60,40"}, **JSON).json()

    assert [title for title, _ in verdicts(body)] == ["green", "red"]
    score = body["groups"][0]["hits"][0]["score"]
    assert score == pytest.approx(1.0, abs=1e-5)
    assert len(fake_worker.extract_requests()) == 1


def test_of_a_drawn_box_the_models_see_that_alone_and_only_once(client, collage):
    for _ in range(2):
        body = client.get(PAGE, {"query": collage, "box": "2,2,28,38"}, **JSON).json()

        assert [title for title, _ in verdicts(body)] == ["red", "green"]
        assert body["query"]["layout"] == "collage"
        assert len(body["query"]["regions"]) == 3

    _, drawn = fake_worker.extract_requests()
    assert (drawn.box, drawn.is_segmented) == ((2, 2, 28, 38), True)


def test_labels_run_no_model_again(client, collage):
    client.get(PAGE, {"query": collage, "label": "dog"}, **JSON)

    assert len(fake_worker.extract_requests()) == 1


def test_embeddings_of_an_earlier_encoder_are_not_searched_with(client, collage, version):
    EncoderVersion.objects.filter(pk=version.pk).update(state=EncoderVersion.State.RETIRED)
    later = EncoderVersion.objects.create(
        encoder="grid",
        choice="grid",
        weights="later",
        weights_sha256="2" * 64,
        preprocessing_sha256="1" * 64,
        dim=fake_worker.DIM,
        collection=fake_worker.new_collection(),
        state=EncoderVersion.State.LIVE,
    )
    fake_worker.answer_with(version_id=later.pk)

    client.get(PAGE, {"query": collage}, **JSON)

    assert len(fake_worker.extract_requests()) == 1


@pytest.mark.parametrize("damage", ["cut", "another release", "no JSON", "gone"])
def test_what_is_kept_and_damaged_is_extracted_again(client, collage, media, damage):
    [name, _facts] = storage.list_names(query_files.EXTRACTED)
    data = storage.read(name)
    if damage == "gone":
        storage.delete(name)
    elif damage == "another release":
        storage.write(name, json.dumps({**json.loads(data), "extracted": {}}).encode())
    else:
        storage.write(name, data[:-9] if damage == "cut" else b"\xff")

    body = client.get(PAGE, {"query": collage}, **JSON).json()

    assert body["query"]["layout"] == "collage"
    assert len(fake_worker.extract_requests()) == 2
    assert storage.read(name) == data


def test_a_storage_that_keeps_nothing_more_does_not_stop_a_search(client, catalogue, monkeypatch):
    def refuse(*_):
        raise TransientError("storage:transient:unavailable")

    monkeypatch.setattr(query_files, "write_extracted", refuse)

    body = ask(client, encoded(RED), **JSON).json()

    assert [title for title, _ in verdicts(body)] == ["dark red", "blue"]
    body = client.get(body["proofs_url"], **JSON).json()
    assert body["copies"] == "checked"
    assert len(fake_worker.extract_requests()) == 2


def test_a_picture_that_is_over_has_no_proofs(client, catalogue):
    hits = ask(client, encoded(RED), **JSON).json()
    query_files.delete(UUID(hits["query"]["id"]))
    for name in list(storage.list_names(query_files.EXTRACTED)):
        storage.delete(name)

    response = client.get(hits["proofs_url"], **JSON)

    assert response.status_code == 410
    assert response.json()["error"]["code"] == "search:user:query-expired"


def test_a_search_that_fails_keeps_nothing(client, version, worker):
    fake_worker.answer_with(error="encoder:transient:out-of-memory")

    assert ask(client, encoded(RED), **JSON).status_code == 503

    assert list(storage.list_names(query_files.FOLDER)) == []
    assert list(storage.list_names(query_files.EXTRACTED)) == []


# Who may see it


@pytest.mark.parametrize("wait", ["hits", "proofs"])
def test_where_searching_needs_an_account_hits_and_proofs_need_one(
    client, catalogue, log_in, settings, wait
):
    settings.SEARCH_REQUIRES_LOGIN = True
    log_in()
    address = ask(client, encoded(RED), **JSON).json()["proofs_url"].replace("=proofs", f"={wait}")
    assert client.get(address).status_code == 200
    asked = len(fake_worker.extract_requests())
    client.logout()

    response = client.get(address)

    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=")
    assert ask(client, encoded(RED), wait=wait).redirect_chain == [("/login/?next=/", 302)]
    assert len(fake_worker.extract_requests()) == asked


# Time that did not suffice


def test_only_the_groups_whose_time_was_over_say_so(client, searchable, version, worker):
    red, green = searchable(plain(RED), "red"), searchable(plain(GREEN), "green")
    fake_worker.answer_with(
        version_id=version.pk,
        layout=Layout.COLLAGE,
        regions=PANELS,
        copies={LEFT: [copy_of(red)], RIGHT: [copy_of(green)]},
        unchecked=[RIGHT, ALL],
    )

    body = ask(client, halves(), wait="proofs", **JSON).json()
    page = ask(client, halves(), wait="proofs")

    assert (body["copies"], body["are_copies_checked"]) == ("unchecked", False)
    assert [group["are_copies_checked"] for group in body["groups"]] == [True, False, False]
    # What is proved stays, even where not all could be compared.
    assert verdicts(body, 1)[0] == ("green", "edited-copy")
    left_out = [
        [hit["title"] for hit in group["hits"] if hit["is_unchecked"]] for group in body["groups"]
    ]
    assert left_out == [[], ["red"], ["red", "green"]]
    text = page.content.decode()
    assert text.count("not compared") == 3
    assert text.count("The time did not suffice to check all copies of this part.") == 2
    assert "Copies could not be checked just now" not in text
