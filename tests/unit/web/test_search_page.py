"""The search page over the real queue, storage and vector store, with a small encoder behind."""

import io
import json
import math
import time
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from PIL import Image as Pillow

from catalog import services, storage
from catalog.models import Album, CopyCheck, Image, Region
from catalog.vector_store import open_index
from kernel.messages import sentence
from kernel.regions import MAX_PANELS, FoundRegion
from kernel.task_messages import Copy, Overlap, QueryRegion
from ml.rules.layout import Layout
from ml.rules.pair_score import OBJECT_PENALTY
from search import groups, query_files, verdicts
from search.in_flight import search_slot
from tests import pictures
from tests.pictures import plain
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload
from vectors.index import EditablePayload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

PAGE = "/"
JSON = {"headers": {"accept": "application/json"}}


def ask(client, data=None, *, name="query.png", **extra):
    """Send a picture, and be led to its address, as people are."""
    body = {} if data is None else {"picture": upload(data, name)}
    return client.post(PAGE, body, follow=True, **extra)


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
    hits = hits_of(response)
    assert [hit.title for hit in hits] == ["red", "dark red", "green", "blue"]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert [hit.verdict for hit in hits] == ["identical", "similar", "similar", "similar"]
    query = fake_worker.embed(encoded(RED))
    expected = [float(query @ fake_worker.embed(encoded(COLOURS[hit.title]))) for hit in hits]
    assert [hit.score for hit in hits] == pytest.approx(expected, abs=1e-5)
    text = response.content.decode()
    for hit in hits:
        url = f"/images/{images[hit.title].pk}/"
        assert f'href="{url}"' in text
        assert f'src="{url}thumbnail.jpg"' in text
    assert text.count("data-proved>identical file</span>") == 1
    assert "<h1>1 identical file among 4 pictures</h1>" in text
    [query] = storage.list_names(query_files.FOLDER)
    assert f'href="/{query}.jpg"' in text


COLOURS = {"red": RED, "dark red": DARK_RED, "green": GREEN, "blue": BLUE}


@pytest.mark.parametrize("has_payload", [False, True], ids=["at-once", "points-told"])
def test_what_is_in_the_bin_is_never_found(client, searchable, worker, version, has_payload):
    images = {name: searchable(encoded(colour), name) for name, colour in COLOURS.items()}
    services.move_to_bin(Image.objects.filter(title__in=("red", "green")))
    if has_payload:
        due = services.list_due_payloads(limit=9)
        for payload, image_ids in services.group_payloads(due).items():
            open_index(version).set_payload(image_ids, payload)

    response = ask(client, encoded(RED))

    assert [hit.title for hit in hits_of(response)] == ["dark red", "blue"]
    text = response.content.decode()
    assert all(str(images[name].pk) not in text for name in ("red", "green"))
    assert "data-proved>" not in text
    assert "<h1>No copy among 2 pictures</h1>" in text
    assert "2 pictures can be found." in client.get(PAGE).content.decode()
    for part in ("", "original", "thumbnail.jpg", "whole-0.jpg"):
        assert client.get(f"/images/{images['red'].pk}/{part}").status_code == 404
    assert client.get(PAGE, {"image": images["red"].pk}).status_code == 404


def hits_of(response):
    """The cards of the first group."""
    return response.context["result"].groups[0].hits


def query_id_of(response):
    """The id in the address that the picture led to."""
    return parse_qs(urlsplit(response.redirect_chain[-1][0]).query)["query"][0]


def test_query_is_kept_to_search_with_its_parts(client, searchable, worker):
    searchable(encoded(RED), "red")

    result = ask(client, encoded(RED)).context["result"]

    [name] = storage.list_names(query_files.FOLDER)
    assert storage.read(name) == encoded(RED)
    assert result.query_url == f"/{name}.jpg"
    preview = client.get(result.query_url)
    assert (preview["Content-Type"], preview["Cache-Control"]) == (
        "image/jpeg",
        "private, max-age=3600, immutable",
    )
    assert Pillow.open(io.BytesIO(preview.content)).size == (60, 40)


def test_preview_of_a_query_that_is_over_is_404(client, db, media):
    assert client.get(f"/queries/{uuid4()}.jpg").status_code == 404


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_query_that_is_over_is_gone_and_says_what_to_do(client, db, media, accept):
    response = client.get(PAGE, {"query": str(uuid4())}, headers={"accept": accept})

    assert response.status_code == 410
    said = sentence("search:user:query-expired")
    if accept == "application/json":
        code = "search:user:query-expired"
        assert response.json() == {"error": {"code": code, "sentence": said}}
    else:
        text = response.content.decode()
        assert "<h1>This search is over</h1>" in text
        assert said in text
        assert 'type="file" id="picture"' in text


def test_what_follows_a_picture_in_its_file_is_not_kept(client, searchable, worker):
    picture = encoded(RED)
    searchable(picture, "red")

    result = ask(client, picture + bytes(100_000)).context["result"]

    assert storage.read(result.query_url.strip("/").removesuffix(".jpg")) == picture


def test_part_of_a_kept_query_is_searched_alone(client, searchable, worker):
    # given a query whose left half is red and whose right half is green
    searchable(plain(RED), "red")
    searchable(plain(GREEN), "green")
    halves = Pillow.new("RGB", (60, 40), RED)
    halves.paste(GREEN, (30, 0, 60, 40))
    query_id = query_id_of(ask(client, pictures.encoded(halves)))

    for box, title in (("0,0,30,40", "red"), ("30,0,60,40", "green")):
        result = client.get(PAGE, {"query": query_id, "name": "halves.png", "box": box})

        assert hits_of(result)[0].title == title
        assert result.context["result"].query_name == "halves.png"
        [chosen] = [part for part in result.context["result"].parts if part.is_chosen]
        assert chosen.key == "box-0"
    assert len(list(storage.list_names(query_files.FOLDER))) == 1


@pytest.mark.parametrize(
    "box", ["1,2,3", "a,b,c,d", "-1,0,5,5", "1,2,3,4,5", "0,0,61,40", "9,9,9,20", "0,0,7,40"]
)
def test_box_that_is_none_is_refused(client, version, box):
    response = client.post(PAGE, {"picture": upload(encoded(RED)), "box": box}, **JSON)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "search:user:bad-box"


LEFT = FoundRegion("panel", 0, 0, 0, 30, 40)
RIGHT = FoundRegion("panel", 1, 30, 0, 60, 40)
COLLAGE = [
    QueryRegion("panel", 0, (0, 0, 30, 40), confidence=0.9),
    QueryRegion("panel", 1, (30, 0, 60, 40), confidence=0.8),
    QueryRegion("object", 0, (35, 5, 50, 35), "dog", 0.7),
]


def two_halves(left, right) -> bytes:
    picture = Pillow.new("RGB", (60, 40), left)
    picture.paste(right, (30, 0, 60, 40))
    return pictures.encoded(picture)


def test_each_panel_of_a_collage_has_a_group_of_its_own(client, searchable, version, worker):
    searchable(plain(RED), "red")
    searchable(plain(GREEN), "green")
    fake_worker.answer_with(version_id=version.pk, layout=Layout.COLLAGE, regions=COLLAGE)

    result = ask(client, two_halves(RED, GREEN)).context["result"]

    assert result.layout == "collage"
    assert [group.part.key for group in result.groups] == ["panel-0", "panel-1", "whole-0"]
    assert [group.hits[0].title for group in result.groups[:2]] == ["red", "green"]
    assert [part.key for part in result.parts] == ["whole-0", "panel-0", "panel-1", "object-0"]


@pytest.mark.parametrize(
    ("language", "text"), [("en", "A comic with 2 panels"), ("ru", "Комикс из 2 кадров")]
)
@pytest.mark.usefixtures("worker")
def test_a_comic_says_what_it_is(client, searchable, version, language, text):
    searchable(plain(RED), "red")
    fake_worker.answer_with(version_id=version.pk, layout=Layout.COMIC, regions=COLLAGE)

    response = ask(client, two_halves(RED, GREEN), HTTP_ACCEPT_LANGUAGE=language)

    assert response.context["result"].layout == "comic"
    assert text in response.content.decode()


def test_photo_inside_a_collage_of_the_catalogue_is_found_by_its_panel(client, searchable, worker):
    searchable(two_halves(BLUE, GREEN), "collage", LEFT, RIGHT)

    response = ask(client, plain(GREEN), **JSON)

    [hit] = response.json()["groups"][0]["hits"]
    assert hit["image_region"]["key"] == "panel-1"
    assert hit["image_region"]["box"] == [30, 0, 60, 40]
    assert hit["score"] == pytest.approx(1.0, abs=1e-5)


def test_pair_with_an_object_is_worth_less_than_one_without(client, searchable, worker):
    part = FoundRegion("object", 0, 30, 0, 60, 40, label="dog", confidence=0.8)
    searchable(two_halves(BLUE, GREEN), "scene", part)

    [hit] = ask(client, plain(GREEN), **JSON).json()["groups"][0]["hits"]

    assert hit["image_region"]["key"] == "object-0"
    assert hit["score"] == pytest.approx(1.0 - OBJECT_PENALTY, abs=1e-5)


OVERLAP = Overlap(inliers=40, is_mirrored=True, query_percent=90.4, image_percent=31.0)


def copy_of(image: Image, **changes) -> Copy:
    copy = Copy(
        region_id=image.regions.get(kind="whole").pk,
        is_near_identical=False,
        is_shared_design=False,
        bits=70,
        outline=((60, 0), (0, 0), (0, 40), (60, 40)),
        overlap=OVERLAP,
    )
    return replace(copy, **changes)


def test_proved_copies_come_first_with_their_proof(client, searchable, version, worker):
    near, edited = searchable(plain(GREEN), "near"), searchable(plain(BLUE), "edited")
    searchable(encoded(DARK_RED), "alike")
    same = searchable(encoded(RED), "same")
    box = (0, 0, 60, 40)
    copies = [
        copy_of(edited),
        copy_of(near, is_near_identical=True, bits=3, overlap=None),
    ]
    fake_worker.answer_with(version_id=version.pk, copies={box: copies})

    response = ask(client, encoded(RED))

    hits = hits_of(response)
    assert [(hit.title, hit.verdict) for hit in hits] == [
        ("same", "identical"),
        ("near", "near-identical"),
        ("edited", "edited-copy"),
        ("alike", "similar"),
    ]
    proof = json.loads(hits[2].comparison)
    assert proof["outline"] == [[60, 0], [0, 0], [0, 40], [60, 40]]
    assert proof["said"] == "The image shows 90% of your picture; it is mirrored."
    # the encoder's best are compared, all four full images here
    [asked] = fake_worker.last_copies_request().regions
    assert asked.box == (0, 0, 60, 40)
    assert set(asked.region_ids) == set(Region.objects.values_list("pk", flat=True))
    assert same.regions.get().pk in asked.region_ids


def test_what_shares_a_design_stands_below_copies_the_most_inliers_first(
    client, searchable, version, worker
):
    searchable(encoded(DARK_RED), "alike")
    copied = searchable(plain(BLUE), "copied")
    little, much = searchable(plain(GREEN), "little"), searchable(plain((9, 9, 9)), "much")
    copies = [
        copy_of(little, is_shared_design=True, overlap=replace(OVERLAP, inliers=14)),
        copy_of(much, is_shared_design=True, overlap=replace(OVERLAP, inliers=90)),
        copy_of(copied),
    ]
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): copies})

    response = ask(client, encoded(RED))

    assert [(hit.title, hit.verdict) for hit in hits_of(response)] == [
        ("copied", "edited-copy"),
        ("much", "shared-design"),
        ("little", "shared-design"),
        ("alike", "similar"),
    ]
    body = response.content.decode()
    assert body.count('badge quiet">same design or object') == 2
    assert body.count("data-proved") == 1


def test_of_a_picture_with_nothing_in_it_only_copies_are_told(client, searchable, version, worker):
    version.calibration = CALIBRATION
    version.save()
    copied = searchable(plain(BLUE), "copied")
    searchable(plain(RED), "alike")
    copies = {(0, 0, 60, 40): [copy_of(copied)]}
    fake_worker.answer_with(version_id=version.pk, is_plain=True, copies=copies)

    response = ask(client, encoded(RED))
    body = ask(client, encoded(RED), **JSON).json()

    assert "data-plain" in response.content.decode()
    [group] = body["groups"]
    assert group["is_plain"]
    assert [(hit["title"], hit["verdict"], hit["probability"]) for hit in group["hits"]] == [
        ("copied", "edited-copy", None),
        ("alike", "similar", None),
    ]


def test_image_that_only_its_hash_finds_is_a_hit_without_a_score(
    client, searchable, version, worker
):
    # given 24 images that are more alike than the true one
    for shade in range(1, 24 * 4 + 2):
        searchable(plain((220, 30 + shade, 30)), f"shade {shade}")
    far = searchable(plain(BLUE), "far")
    copy = copy_of(far, is_near_identical=True, bits=0)
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): [copy]})

    first, *others = ask(client, plain(RED), **JSON).json()["groups"][0]["hits"]

    assert (first["title"], first["verdict"], first["score"]) == ("far", "near-identical", None)
    assert len(others) == 23


def test_labels_narrow_the_search_and_are_counted(client, searchable, worker):
    dog = FoundRegion("object", 0, 5, 5, 40, 30, label="dog", confidence=0.9)
    doubtful = FoundRegion("object", 1, 5, 5, 20, 20, label="", confidence=0.2)
    searchable(encoded(DARK_RED), "with a dog", dog, doubtful)
    searchable(encoded(RED), "without")

    response = ask(client, encoded(RED))
    labels = response.context["filters"].lists[0]
    [choice] = labels.choices
    assert (labels.field, choice.value, choice.images) == ("label", "dog", 1)

    address = dict(response.context["filters"].fields)
    narrowed = client.get(PAGE, {**address, "label": "dog"})
    assert [hit.title for hit in hits_of(narrowed)] == ["with a dog"]
    panel = narrowed.context["filters"]
    assert panel.lists[0].choices[0].is_chosen
    [chip] = panel.chips
    assert chip.name == "Objects: dog"
    assert "label=" not in chip.url


CALIBRATION = {
    "method": "isotonic",
    "curve": {"scores": [0.0, 0.5, 1.0], "probabilities": [0.0, 0.2, 0.9]},
    "thresholds": [
        {"asked_precision": 0.8, "threshold": 0.3, "precision": 0.8, "recall": 0.9},
        {"asked_precision": 0.9, "threshold": 0.75, "precision": 0.9, "recall": 0.4},
    ],
}


@pytest.mark.parametrize(
    ("score", "expected", "verdict"),
    [
        (-0.5, 0.0, "similar"),
        (0.25, 0.1, "similar"),
        (0.7499, 0.54986, "similar"),
        (0.75, 0.55, "same-subject"),
        (1.0, 0.9, "same-subject"),
    ],
)
def test_calibration_says_what_a_score_means(score, expected, verdict):
    assert verdicts.probability(score, verdicts.curve_of(CALIBRATION)) == pytest.approx(expected)
    assert verdicts.by_score(score, CALIBRATION) == verdict


def test_platts_curve_is_a_logistic_one():
    calibration = {"method": "platt", "curve": {"slope": 4.0, "intercept": -2.0}}

    curve = verdicts.curve_of(calibration)

    assert verdicts.probability(0.75, curve) == pytest.approx(1 / (1 + math.exp(-1.0)))


@pytest.mark.parametrize(
    "calibration",
    [
        {"method": "isotonic", "curve": {"scores": [0.5, 0.4], "probabilities": [0.1, 0.2]}},
        {"method": "platt", "curve": {"slope": -1.0, "intercept": 0.0}},
        {"method": "platt", "curve": {}},
        {},
    ],
    ids=["back", "falls", "empty", "nothing"],
)
def test_a_damaged_curve_of_an_earlier_release_gives_no_probability(calibration):
    assert verdicts.curve_of(calibration) is None


def test_without_a_calibration_nothing_is_called_the_same_subject():
    assert verdicts.by_score(1.0, None) == "similar"
    assert verdicts.probability(1.0, verdicts.curve_of(None)) is None


def test_image_that_is_being_deleted_is_no_hit(client, searchable, worker):
    searchable(encoded(RED), "red")
    gone = searchable(encoded(DARK_RED), "dark red")
    Image.objects.filter(pk=gone.pk).update(status=Image.Status.DELETING)

    response = ask(client, encoded(RED))

    assert [hit.title for hit in hits_of(response)] == ["red"]


def test_others_take_the_places_of_images_that_are_being_deleted(
    client, searchable, worker, monkeypatch
):
    monkeypatch.setattr(groups, "MAX_HITS", 1)
    monkeypatch.setattr(groups, "_MIN_HITS", 1)
    gone = searchable(encoded(RED), "red")
    searchable(encoded(DARK_RED), "dark red")
    Image.objects.filter(pk=gone.pk).update(status=Image.Status.DELETING)

    response = ask(client, encoded(RED))

    assert [hit.title for hit in hits_of(response)] == ["dark red"]


NO_FILTERS = {
    **{key: [] for key in ("label", "medium", "tag", "album", "owner", "licence", "folder")},
    **dict.fromkeys(("added_from", "added_to", "min_side", "max_side"), None),
    **{"sure": False, "other_media": False, "scope": []},
}


def test_json_answer_is_exact(client, searchable, worker):
    image = searchable(encoded(RED), "red")

    body = ask(client, encoded(RED), **JSON).json()

    assert body.pop("total_ms") > 0
    [query] = storage.list_names(query_files.FOLDER)
    whole = {"key": "whole-0", "box": [0, 0, 60, 40], "label": "", "confidence": 1.0}
    score = body["groups"][0]["hits"][0].pop("score")
    assert score == pytest.approx(1.0, abs=1e-5)
    url = f"/images/{image.pk}/"
    hit = {
        "image_id": str(image.pk),
        "rank": 1,
        "verdict": "identical",
        "probability": None,
        "title": "red",
        "url": url,
        "thumbnail_url": f"{url}thumbnail.jpg",
        "width": 60,
        "height": 40,
        "query_region": whole,
        "image_region": {**whole, "thumbnail_url": f"{url}thumbnail.jpg"},
        "is_unchecked": False,
        "copy": None,
    }
    assert body == {
        "query": {
            "id": query.removeprefix("queries/"),
            "image_id": None,
            "width": 60,
            "height": 40,
            "layout": "single",
            "medium": "unknown",
            "regions": [whole],
        },
        "filters": NO_FILTERS,
        "sort": "verdict",
        "headline": "1 identical file among 1 picture",
        "verdict_counts": {
            "identical": 1,
            "near-identical": 0,
            "edited-copy": 0,
            "shared-design": 0,
            "same-subject": 0,
            "copies": 1,
            "searched": 1,
            "may_be_more": False,
        },
        "groups": [{"region": whole, "hits": [hit], "is_plain": False, "are_copies_checked": True}],
        "facets": [],
        "are_copies_checked": True,
        "copies": "checked",
        "proofs_url": f"/?query={query.removeprefix('queries/')}&wait=proofs",
        "model_ms": 16.5,
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


@pytest.mark.parametrize(
    "name", ["picture.jpg_large", "picture.orig", "picture.cr2", "picture.txt", "picture"]
)
def test_name_of_a_query_does_not_matter(client, searchable, worker, name):
    searchable(encoded(RED), "red")

    response = ask(client, encoded(RED), name=name)

    assert response.status_code == 200
    assert [hit.verdict for hit in hits_of(response)] == ["identical"]


def test_name_of_a_query_that_is_none_helps_to_say_what_it_is(client, db):
    response = ask(client, b"8BPS", name="layers.psd", headers={"accept": "application/json"})

    assert response.json()["error"]["code"] == "image:user:unsupported-format"


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
    if accept == "text/html":  # the picture is kept: at its address one only asks again
        address = response.redirect_chain[-1][0].replace("&", "&amp;")
        assert f'href="{address}">Search again</a>' in response.content.decode()
    else:
        assert list(storage.list_names(query_files.FOLDER)) == []


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_beyond_the_searches_in_flight_the_page_says_so_at_once(client, version, settings, accept):
    with ExitStack() as others:
        for _ in range(settings.SEARCHES_IN_FLIGHT):
            others.enter_context(search_slot())

        response = ask(client, encoded(RED), headers={"accept": accept})
        page = client.get("/")

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert sentence("search:transient:busy") in response.content.decode()
    assert list(storage.list_names(query_files.FOLDER)) == []
    assert page.status_code == 200


def test_a_search_that_fails_leaves_its_slot(client, version, no_worker, settings):
    settings.SEARCH_TIMEOUT_S = 0.01
    for _ in range(settings.SEARCHES_IN_FLIGHT + 1):
        response = ask(client, encoded(RED))

    assert sentence("search:transient:no-answer") in response.content.decode()


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


@pytest.mark.parametrize(
    "code", ["encoder:transient:weights-unavailable", "encoder:ours:weights-changed"]
)
def test_error_of_the_worker_tells_visitors_nothing_of_the_server(client, worker, caplog, code):
    client.raise_request_exception = False
    path = "/models/their own clip"
    fake_worker.answer_with(error=code, detail=f"{path} is missing.", choice=f"clip:{path}")

    for accept in (JSON, {}):
        response = ask(client, encoded(RED), **accept)

        assert code in response.content.decode() or not accept
        assert path not in response.content.decode()
    assert response.status_code in {500, 503}
    assert path in str([vars(record) for record in caplog.records])  # the keeper is told


def test_query_that_expires_while_it_waits_is_to_be_chosen_again(client, worker):
    fake_worker.answer_with(error="storage:ours:file-missing", name="queries/0")

    response = ask(client, encoded(RED), **JSON)

    assert response.status_code == 410
    assert response.json()["error"]["code"] == "search:user:query-expired"


def test_answer_that_the_web_does_not_understand_is_our_defect(client, worker):
    fake_worker.answer_with(raw={"layout": "single", "regions": []})
    client.raise_request_exception = False

    response = ask(client, encoded(RED), **JSON)

    assert response.status_code == 500
    assert response.json()["error"]["code"] == "messages:ours:malformed"


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

    response = client.post(PAGE, {"image": str(image.pk)}, follow=True)

    assert response.redirect_chain == [(f"/?image={image.pk}", 303)]
    assert [(hit.title, hit.verdict) for hit in hits_of(response)] == [
        ("red", "identical"),
        ("dark red", "similar"),
    ]


@pytest.mark.parametrize("panels", [None, [], [[0, 0, 30, 40], [30, 0, 60, 40]]])
@pytest.mark.parametrize("is_upload", [False, True], ids=["link", "upload"])
def test_a_catalogue_picture_is_searched_with_the_panels_that_a_person_drew(
    client, searchable, worker, panels, is_upload
):
    image = searchable(encoded(RED), "red")
    Image.objects.update(drawn_panels=panels)

    if is_upload:
        ask(client, encoded(RED))
    else:
        client.get(PAGE, {"image": image.pk})

    [request] = fake_worker.extract_requests()
    assert request.panels == (None if panels is None else tuple(map(tuple, panels)))


def test_panels_of_an_image_that_the_viewer_may_not_see_are_not_used(client, searchable, worker):
    image = searchable(encoded(RED), "red")
    Image.objects.update(drawn_panels=[[0, 0, 30, 40]])
    album = Album.objects.create(name="private")
    album.groups.add(Group.objects.create(name="owners"))
    image.albums.add(album)

    ask(client, encoded(RED))

    [request] = fake_worker.extract_requests()
    assert request.panels is None


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

    [(address, status)] = ask(client, encoded(RED)).redirect_chain
    assert (address, status) == ("/login/?next=/", 302)
    assert list(storage.list_names(query_files.FOLDER)) == []
    assert ask(client, encoded(RED), **JSON).status_code == 401


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


def test_the_admin_may_do_what_its_pages_need_and_no_more(client, db):
    policy = client.get("/admin/login/")["Content-Security-Policy"].split("; ")

    assert "default-src 'self'" in policy
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert {name for name in policy if "unsafe-inline" in name} == {
        "style-src 'self' 'unsafe-inline'"
    }


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

    # live encoder, panels that were drawn, the medium, whether some are kept back, the
    # hits' images, their regions, their tags and albums, the counts
    with django_assert_num_queries(12):
        response = ask(client, encoded(RED))

    assert len(hits_of(response)) == 10


@pytest.mark.parametrize(
    "error", ["search:transient:no-answer", "storage:ours:misconfigured", "crash"]
)
def test_without_the_check_for_copies_the_hits_are_shown_and_it_is_said(
    client, searchable, version, worker, error
):
    searchable(encoded(DARK_RED), "dark red")
    fake_worker.answer_with(version_id=version.pk, copies_error=error)

    response = ask(client, encoded(RED))

    assert [hit.title for hit in hits_of(response)] == ["dark red"]
    assert response.context["result"].copies == "unchecked"
    assert "Copies could not be checked" in response.content.decode()


@pytest.mark.parametrize("title", ["Screenshot 2026-11-24 at 10.15.30", "Mr. Smith", "draft.psd"])
def test_title_of_an_image_is_no_file_name(client, searchable, worker, title):
    image = searchable(encoded(RED), title)

    response = client.get(PAGE, {"image": str(image.pk), "box": "0,0,30,40"})

    assert response.status_code == 200
    assert hits_of(response)[0].title == title


@pytest.mark.parametrize("name", ["\x01", "x" * 5000])
def test_strange_name_of_a_kept_query_does_no_harm(client, searchable, worker, name):
    searchable(encoded(RED), "red")
    query_id = query_id_of(ask(client, encoded(RED)))

    assert client.get(PAGE, {"query": query_id, "name": name}).status_code == 200


def test_empty_labels_ask_for_nothing(client, searchable, worker):
    searchable(encoded(RED), "red")

    asked = {"picture": upload(encoded(RED)), "label": ["", " "]}
    response = client.post(PAGE, asked, follow=True)

    assert [hit.title for hit in hits_of(response)] == ["red"]


def test_head_asks_no_worker(client, searchable, no_worker):
    image = searchable(encoded(RED), "red")

    assert client.head(f"{PAGE}?image={image.pk}").status_code == 200


def test_proving_copies_has_the_time_that_is_left(client, searchable, worker, settings):
    searchable(encoded(DARK_RED), "dark red")
    settings.SEARCH_TIMEOUT_S = 50.0

    ask(client, encoded(RED))

    asked = fake_worker.last_copies_request()
    assert asked.max_near_identical == 48  # twice as many as a group of its own shows
    assert 1.0 < asked.timeout_s < 50.0


def test_a_few_images_of_many_alike_regions_hide_no_others(client, searchable, version, worker):
    # given contact sheets with enough red panels each for all places of an answer
    panels = [FoundRegion("panel", ordinal, 20, 0, 60, 40) for ordinal in range(MAX_PANELS)]
    for number in range(3):
        searchable(plain(RED, size=(60, 40 + number)), f"sheet {number}", *panels)
    searchable(encoded(DARK_RED), "dark red")

    hits = hits_of(ask(client, plain(RED)))

    assert sorted(hit.title for hit in hits) == ["dark red", "sheet 0", "sheet 1", "sheet 2"]


def test_of_proved_copies_the_one_that_shares_most_comes_first(client, searchable, version, worker):
    part, most = searchable(encoded(RED), "part"), searchable(encoded(BLUE), "most")
    copies = [
        copy_of(part, overlap=Overlap(40, False, query_percent=100.0, image_percent=60.0)),
        copy_of(most, overlap=Overlap(40, False, query_percent=100.0, image_percent=99.0)),
    ]
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): copies})

    hits = hits_of(ask(client, encoded(DARK_RED)))

    assert [hit.title for hit in hits] == ["most", "part"]


def test_of_two_edits_of_the_whole_the_more_alike_comes_first(client, searchable, version, worker):
    # given areas that differ by no more than they are measured to
    alike, recoloured = searchable(encoded(RED), "alike"), searchable(encoded(BLUE), "recoloured")
    copies = [
        copy_of(alike, overlap=Overlap(40, False, query_percent=97.0, image_percent=98.0)),
        copy_of(recoloured, overlap=Overlap(40, False, query_percent=99.0, image_percent=99.0)),
    ]
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): copies})

    hits = hits_of(ask(client, encoded(DARK_RED)))

    assert [hit.title for hit in hits] == ["alike", "recoloured"]


def test_labels_narrow_proved_copies_down_too(client, searchable, version, worker):
    dog = FoundRegion("object", 0, 0, 0, 30, 40, "Dog", 0.9)
    images = [searchable(encoded(BLUE), "no dog"), searchable(encoded(GREEN), "a dog", dog)]
    copies = {(0, 0, 60, 40): [copy_of(image) for image in images]}
    fake_worker.answer_with(version_id=version.pk, copies=copies)

    for label, titles in (("", ["a dog", "no dog"]), ("Dog", ["a dog"])):
        asked = {"picture": upload(encoded(DARK_RED)), "label": label}
        response = client.post(PAGE, asked, follow=True)

        assert sorted(hit.title for hit in hits_of(response)) == titles


def test_photo_in_a_panel_makes_the_collage_no_same_picture(client, searchable, version, worker):
    collage = searchable(two_halves(BLUE, GREEN), "collage", LEFT, RIGHT)
    copy = copy_of(
        collage, region_id=collage.regions.get(kind="panel", ordinal=1).pk, is_near_identical=True
    )
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): [copy]})

    [hit] = ask(client, plain(GREEN), **JSON).json()["groups"][0]["hits"]

    assert (hit["verdict"], hit["image_region"]["key"]) == ("edited-copy", "panel-1")


@pytest.mark.parametrize("where", ["in the bin", "held", "not compared yet"])
@pytest.mark.usefixtures("worker")
def test_what_is_kept_back_takes_no_rank_of_a_search(client, searchable, index, monkeypatch, where):
    # given one rank, and the nearest point, which carries that its image is kept back
    monkeypatch.setattr("search.services.hits_a_part", lambda parts: 1)
    monkeypatch.setattr("search.nearest._POINTS_AN_IMAGE", 1)
    nearest = searchable(encoded(RED), "nearest")
    searchable(encoded(DARK_RED), "next")
    if where == "in the bin":
        Image.objects.filter(pk=nearest.pk).update(binned_at=timezone.now())
    else:
        state = "held" if where == "held" else "waiting"
        CopyCheck.objects.create(image=nearest, policy="hold", state=state, import_id=uuid4())
        Image.objects.filter(pk=nearest.pk).update(held_at=timezone.now())
    index.set_payload([nearest.pk], EditablePayload("unknown", (), (), is_binned=True))

    page = ask(client, encoded(RED), headers={"accept": "application/json"}).json()

    assert [hit["title"] for group in page["groups"] for hit in group["hits"]] == ["next"]
