"""The search page over the real queue, storage and vector store, with a small encoder behind."""

import time

import pytest
from django.urls import reverse

from catalog import storage
from catalog.models import Image
from kernel.messages import sentence
from search import query_files
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

pytestmark = pytest.mark.django_db

PAGE = "/"
JSON = {"headers": {"accept": "application/json"}}


def ask(client, data=None, *, name="query.png", **extra):
    body = {} if data is None else {"picture": upload(data, name)}
    return client.post(PAGE, body, **extra)


def test_page_of_an_empty_catalogue_says_how_to_fill_it(client, db):
    response = client.get(PAGE)

    assert response.status_code == 200
    text = response.content.decode()
    assert "python manage.py sample" in text
    assert "python manage.py ingest FOLDER" in text
    assert "No picture can be found yet." in text


def test_page_says_how_many_pictures_can_be_found(client, searchable, add_image):
    searchable(encoded(RED), "red")
    searchable(encoded(GREEN), "green")
    add_image(encoded(BLUE), "blue")

    text = client.get(PAGE).content.decode()

    assert "2 pictures can be found. 1 picture waits to be described." in text
    assert "manage.py" not in text


def test_hits_are_ranked_by_score_with_title_score_and_link(client, searchable, worker):
    images = {name: searchable(encoded(colour), name) for name, colour in COLOURS.items()}

    response = ask(client, encoded(RED))

    assert response.status_code == 200
    hits = response.context["result"].hits
    assert [hit.title for hit in hits] == ["red", "dark red", "green", "blue"]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert [hit.is_identical for hit in hits] == [True, False, False, False]
    query = fake_worker.embed(encoded(RED))
    expected = [float(query @ fake_worker.embed(encoded(COLOURS[hit.title]))) for hit in hits]
    assert [hit.score for hit in hits] == pytest.approx(expected, abs=1e-5)
    text = response.content.decode()
    for hit in hits:
        url = f"/images/{images[hit.title].pk}/"
        assert f'href="{url}"' in text
        assert f'src="{url}thumbnail.jpg"' in text
        assert f"</span>{hit.score:.2f}</span>" in text
    assert text.count("identical file") == 1
    assert "data:image/jpeg;base64," in text


COLOURS = {"red": RED, "dark red": DARK_RED, "green": GREEN, "blue": BLUE}


def test_search_leaves_no_query_file_behind(client, searchable, worker):
    searchable(encoded(RED), "red")

    ask(client, encoded(RED))

    assert list(storage.list_names(query_files.FOLDER)) == []


def test_image_that_is_being_deleted_is_no_hit(client, searchable, worker):
    searchable(encoded(RED), "red")
    gone = searchable(encoded(DARK_RED), "dark red")
    Image.objects.filter(pk=gone.pk).update(status=Image.Status.DELETING)

    response = ask(client, encoded(RED))

    assert [hit.title for hit in response.context["result"].hits] == ["red"]


def test_json_answer_is_exact(client, searchable, worker):
    image = searchable(encoded(RED), "red")

    response = ask(client, encoded(RED), **JSON)

    body = response.json()
    assert body.pop("total_ms") > 0
    score = body["hits"][0].pop("score")
    assert score == pytest.approx(1.0, abs=1e-5)
    assert body == {
        "hits": [
            {
                "image_id": str(image.pk),
                "rank": 1,
                "title": "red",
                "url": f"/images/{image.pk}/",
                "thumbnail_url": f"/images/{image.pk}/thumbnail.jpg",
                "width": 60,
                "height": 40,
                "is_identical": True,
            }
        ],
        "encode_ms": 12.5,
    }


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (None, "", "image:user:none-chosen"),
        (b"", "empty.png", "image:user:empty-file"),
        (b"hello", "notes.txt", "image:user:not-a-picture"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "drawing.svg",
            "image:user:unsupported-format",
        ),
        (encoded(RED)[:90], "cut.png", "image:user:broken"),
    ],
    ids=["nothing", "empty", "text", "svg", "truncated"],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_bad_query_is_refused_with_400_and_a_sentence(client, data, name, code, accept):
    response = ask(client, data, name=name, headers={"accept": accept})

    assert response.status_code == 400
    assert "Retry-After" not in response
    if accept == "application/json":
        said = sentence(code, extension=".svg")
        assert response.json() == {"error": {"code": code, "sentence": said}}
    else:
        assert response.context["problem"].code == code
        assert response.context["problem"].sentence in response.content.decode()


def test_oversized_query_is_refused_before_it_is_read(client, db, settings):
    settings.UPLOAD_MAX_BYTES = 1024 * 1024

    response = ask(client, b"\0" * (1024 * 1024 + 1))

    assert response.status_code == 400
    assert "larger than 1 MB" in response.content.decode()


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_without_a_worker_the_page_says_so(client, version, no_worker, settings, accept):
    settings.SEARCH_TIMEOUT_S = 0.2
    started = time.perf_counter()

    response = ask(client, encoded(RED), headers={"accept": accept})

    assert time.perf_counter() - started < 5
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert sentence("search:transient:no-answer") in response.content.decode()
    assert list(storage.list_names(query_files.FOLDER)) == []


def test_before_the_encoder_is_chosen_the_page_says_so(client, db):
    response = ask(client, encoded(RED))

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert sentence("encoder:transient:not-chosen") in response.content.decode()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("image:user:broken", 400),
        ("encoder:transient:out-of-memory", 503),
        ("encoder:ours:failed", 500),
    ],
)
def test_error_of_the_worker_keeps_its_class(client, worker, code, status):
    fake_worker.answer_with(error=code)
    client.raise_request_exception = False

    response = ask(client, encoded(RED), **JSON)

    assert response.status_code == status
    assert response.json()["error"]["code"] == code


def test_error_of_the_worker_keeps_what_its_sentence_names(client, worker):
    code, detail = "encoder:transient:weights-unavailable", "The hub does not answer."
    fake_worker.answer_with(error=code, detail=detail)

    response = ask(client, encoded(RED), **JSON)

    assert response.json()["error"]["sentence"] == sentence(code, detail=detail)


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_defect_is_a_500_with_its_code(client, searchable, worker, version, accept):
    # given a live version whose collection was never made
    version.collection = fake_worker.new_collection()
    version.save()
    client.raise_request_exception = False

    response = ask(client, encoded(RED), headers={"accept": accept})

    assert response.status_code == 500
    assert "vectors:ours:unknown-collection" in response.content.decode()


def test_search_with_an_image_of_the_catalogue(client, searchable, worker):
    image = searchable(encoded(RED, kind="JPEG"), "red")
    searchable(encoded(DARK_RED), "dark red")

    response = client.post(PAGE, {"image": str(image.pk)})

    hits = response.context["result"].hits
    assert [(hit.title, hit.is_identical) for hit in hits] == [("red", True), ("dark red", False)]


def test_search_with_an_image_that_is_gone_is_404(client, add_image):
    image = add_image(encoded(RED), status=Image.Status.DELETING)

    assert client.post(PAGE, {"image": str(image.pk)}).status_code == 404


@pytest.mark.parametrize(
    ("name", "expected"),
    [("search:page", 302), ("catalog:image", 302), ("catalog:original", 302), ("healthz", 200)],
)
def test_closed_catalogue_asks_anonymous_people_to_log_in(
    client, add_image, settings, name, expected
):
    settings.SEARCH_REQUIRES_LOGIN = True
    image = add_image(encoded(RED))
    url = reverse(name, args=(image.pk,) if name.startswith("catalog") else ())

    response = client.get(url)

    assert response.status_code == expected
    if expected == 302:
        assert response["Location"] == f"/login/?next={url}"


def test_closed_catalogue_answers_no_search_of_anonymous_people(client, version, settings):
    settings.SEARCH_REQUIRES_LOGIN = True
    settings.SEARCH_TIMEOUT_S = 0.2

    response = ask(client, encoded(RED), **JSON)

    assert response.status_code == 302


def test_closed_catalogue_is_open_to_who_is_logged_in(client, log_in, add_image, settings):
    settings.SEARCH_REQUIRES_LOGIN = True
    image = add_image(encoded(RED))
    log_in()

    assert client.get(PAGE).status_code == 200
    thumbnail = client.get(f"/images/{image.pk}/thumbnail.jpg")
    assert thumbnail.status_code == 200
    assert thumbnail["Cache-Control"].startswith("private, ")


def test_form_is_protected_against_forgery(db, client):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)

    response = ask(strict, encoded(RED))

    assert response.status_code == 403
    assert "keeps no cookies" in response.content.decode()


def test_pages_forbid_inline_scripts(client, db):
    policy = client.get(PAGE)["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "<script>" not in client.get(PAGE).content.decode()


def test_page_costs_the_same_queries_for_any_number_of_hits(
    client, searchable, worker, django_assert_num_queries
):
    for shade in range(10):
        searchable(encoded((shade * 20, 10, 10)), f"shade {shade}")

    with django_assert_num_queries(3):  # live encoder, the hits' images, the counts
        response = ask(client, encoded(RED))

    assert len(response.context["result"].hits) == 10
