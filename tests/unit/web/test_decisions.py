"""People say of a hit what it is: who may, what is recorded, and what is kept for it."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import signing
from django.test import Client
from django.utils import timezone

from accounts.roles import ensure_roles
from audit_log.models import AuditEntry
from catalog import storage
from catalog.calibrations import calibration_sha256
from catalog.models import Album, EncoderVersion, Image
from kernel.hashing import sha256_hex
from kernel.regions import FoundRegion
from kernel.task_messages import Copy, QueryRegion
from ml.rules.layout import Layout
from review import query_pictures
from review.models import Decision
from review.precision import precision_of_rungs
from review.selectors import list_decisions
from search import query_files
from search.verdicts import Verdict
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
CALIBRATION = {
    "method": "platt",
    "curve": {"slope": 10.0, "intercept": -5.0},
    "thresholds": [
        {"asked_precision": 0.9, "threshold": 0.5, "precision": 0.9, "recall": 0.9},
    ],
}


@pytest.fixture
def reviewer(client: Client, db) -> User:
    ensure_roles()
    user = User.objects.create_user("rita", is_staff=True)
    user.groups.add(Group.objects.get(name="Reviewer"))
    client.force_login(user)
    return user


@pytest.fixture
def ask(client: Client, worker) -> Callable[..., str]:
    """Search, and return the page."""

    def ask(data: bytes = b"", **more: object) -> str:
        picture = more or {"picture": upload(data or encoded(DARK_RED))}
        response = client.post("/", picture, follow=True)
        assert response.status_code == 200, response.content.decode()
        return response.content.decode()

    return ask


def forms(page: str) -> list[dict[str, str]]:
    """What the forms of the hits send, in their order."""
    return [
        {
            "id": form[0],
            "hit": re.search(r'name="hit" value="([^"]+)"', form[1])[1],
            "next": re.search(r'name="next" value="([^"]+)"', form[1])[1].replace("&amp;", "&"),
            "buttons": re.findall(r'value="(\w+)" aria-pressed="(\w+)"', form[1]),
        }
        for form in re.findall(r'<form class="decides" id="([^"]+)"(.+?)</form>', page, re.S)
    ]


def decide(client: Client, form: dict[str, Any], judgement: str, **headers: str) -> Any:
    data = {"hit": form["hit"], "next": form["next"], "judgement": judgement}
    return client.post("/decisions/", data, headers=headers)


@pytest.fixture
def one_form(searchable, ask, reviewer) -> dict[str, Any]:
    """The form of the one image there is."""
    searchable(encoded(RED), "red")
    [form] = forms(ask())
    return form


def test_a_decision_says_who_when_and_what_was_shown(
    client, searchable, ask, reviewer, version
) -> None:
    EncoderVersion.objects.filter(pk=version.pk).update(calibration=CALIBRATION)
    red, green = searchable(encoded(RED), "red"), searchable(encoded(GREEN), "green")
    before = timezone.now()

    shown = forms(ask())
    response = decide(client, shown[0], "same_subject")

    assert response.status_code == 303
    assert response["Location"] == shown[0]["next"]
    assert shown[0]["next"].endswith(f"#{shown[0]['id']}")
    decision = Decision.objects.get()
    score = float(fake_worker.embed(encoded(DARK_RED)) @ fake_worker.embed(encoded(RED)))
    assert decision.image == red
    assert red.pk != green.pk
    assert decision.query_sha256 == sha256_hex(encoded(DARK_RED))
    assert (decision.query_image, decision.query_box, decision.image_box) == (None, "", "")
    assert decision.judgement == "same_subject"
    assert decision.decided_by == reviewer
    assert before <= decision.decided_at <= timezone.now()
    assert decision.shown_verdict == Verdict.SAME_SUBJECT
    assert decision.score == pytest.approx(score, abs=1e-5)
    assert decision.probability == pytest.approx(
        1 / (1 + 2.718281828 ** (5 - 10 * score)), abs=1e-4
    )
    assert decision.encoder_version == version
    assert decision.calibration_sha256 == calibration_sha256(CALIBRATION)


def test_the_page_it_leads_back_to_shows_the_decision(client, searchable, ask, reviewer) -> None:
    searchable(encoded(RED), "red")
    [form] = forms(ask())
    assert form["buttons"] == [("copy", "false"), ("same_subject", "false"), ("different", "false")]

    response = decide(client, form, "different")
    [again] = forms(client.get(response["Location"].partition("#")[0]).content.decode())

    assert again["id"] == form["id"]
    assert again["buttons"] == [("copy", "false"), ("same_subject", "false"), ("none", "true")]


def test_deciding_again_replaces_and_is_logged(client, searchable, ask, reviewer) -> None:
    searchable(encoded(RED), "red")
    [form] = forms(ask())

    for judgement in ("copy", "different", "different", "none", "none"):
        assert decide(client, form, judgement).status_code == 303

    assert not Decision.objects.exists()
    entries = AuditEntry.objects.filter(object_type="review.decision").order_by("pk")
    assert [(entry.action, entry.details["judgement"]) for entry in entries] == [
        ("added", [None, "copy"]),
        ("changed", ["copy", "different"]),
        ("deleted", ["different", None]),
    ]
    assert {entry.actor_name for entry in entries} == {"rita"}


def test_each_person_decides_for_themselves(client, searchable, ask, reviewer) -> None:
    searchable(encoded(RED), "red")
    decide(client, forms(ask())[0], "copy")

    client.force_login(User.objects.create_superuser("chief"))
    [form] = forms(ask())
    decide(client, form, "different")

    assert form["buttons"][0] == ("copy", "false")
    decided = Decision.objects.order_by("pk").values_list("decided_by__username", "judgement")
    assert list(decided) == [("rita", "copy"), ("chief", "different")]


def test_the_asked_picture_outlives_its_query_and_goes_with_the_last_decision(
    client, searchable, ask, reviewer
) -> None:
    data = encoded(DARK_RED)
    searchable(encoded(RED), "red")
    searchable(encoded(GREEN), "green")
    first, second = forms(ask(data))
    decide(client, first, "copy")
    decide(client, second, "different")
    [name] = storage.list_names(query_pictures.FOLDER)

    for query in list(storage.list_names(query_files.FOLDER)):
        storage.delete(query)
    assert name == f"decided-queries/{sha256_hex(data)[:2]}/{sha256_hex(data)}"
    assert query_pictures.read(Decision.objects.first()) == data
    assert decide(client, second, "copy").status_code == 303  # it is kept by now
    decide(client, first, "none")
    assert list(storage.list_names(query_pictures.FOLDER)) == [name]
    decide(client, second, "none")
    assert list(storage.list_names(query_pictures.FOLDER)) == []


def test_of_an_image_of_the_catalogue_nothing_is_kept_twice(
    client, searchable, ask, reviewer
) -> None:
    red = searchable(encoded(RED), "red")
    searchable(encoded(DARK_RED), "dark")

    decide(client, forms(ask(image=str(red.pk)))[1], "copy")

    decision = Decision.objects.get()
    assert (decision.query_image, decision.image.title) == (red, "dark")
    assert list(storage.list_names(query_pictures.FOLDER)) == []
    assert query_pictures.read(decision) == encoded(RED)
    red.delete()
    assert not Decision.objects.exists()


def test_a_query_that_is_gone_cannot_be_decided_about(client, searchable, ask, reviewer) -> None:
    searchable(encoded(RED), "red")
    [form] = forms(ask())
    for query in list(storage.list_names(query_files.FOLDER)):
        storage.delete(query)

    response = decide(client, form, "copy", accept="application/json")

    assert (response.status_code, response.json()["error"]["code"]) == (
        410,
        "search:user:query-expired",
    )
    assert not Decision.objects.exists()


def test_a_part_of_a_collage_is_decided_about_apart(client, searchable, ask, reviewer, version):
    image = searchable(encoded(BLUE), "collage", FoundRegion("panel", 0, 0, 0, 30, 40))
    panel = image.regions.get(kind="panel")
    corners = ((0, 0), (30, 0), (30, 40), (0, 40))
    left, right = QueryRegion("panel", 0, (0, 0, 30, 40)), QueryRegion("panel", 1, (30, 0, 60, 40))
    fake_worker.answer_with(
        version_id=version.pk,
        layout=Layout.COLLAGE,
        regions=[left, right],
        copies={left.box: [Copy(panel.pk, True, False, 0, corners, None)]},
    )
    in_left, in_right, in_whole = forms(ask())

    decide(client, in_left, "copy")
    decide(client, in_right, "different")

    rows = Decision.objects.order_by("pk").values_list("query_box", "image_box", "judgement")
    assert list(rows) == [("0,0,30,40", "0,0,30,40", "copy"), ("30,0,60,40", "", "different")]
    assert in_whole["id"].startswith("decision-whole-0-")


@pytest.mark.parametrize("who", ["visitor", "account", "Editor"])
def test_who_may_not_decide_sees_no_buttons_and_is_refused(
    client, searchable, ask, reviewer, who
) -> None:
    searchable(encoded(RED), "red")
    [form] = forms(ask())
    client.logout()
    if who != "visitor":
        user = User.objects.create_user("somebody", is_staff=who == "Editor")
        user.groups.set(Group.objects.filter(name=who))
        client.force_login(user)

    page, response = ask(), decide(client, form, "copy")

    assert (forms(page), "decisions.js" in page) == ([], False)
    assert response.status_code == 403
    assert not Decision.objects.exists()
    assert list(storage.list_names(query_pictures.FOLDER)) == []


def test_a_picture_that_was_made_private_meanwhile_is_refused(
    client, searchable, ask, reviewer
) -> None:
    red = searchable(encoded(RED), "red")
    [form] = forms(ask())
    album = Album.objects.create(name="closed")
    album.groups.set([Group.objects.create(name="insiders")])
    album.images.add(red)

    response = decide(client, form, "copy", accept="application/json")

    assert (response.status_code, response.json()["error"]["code"]) == (
        400,
        "review:user:no-image",
    )
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("hit", "judgement", "code"),
    [
        ("", "copy", "review:user:stale-hit"),
        (signing.dumps(["x"], salt="review.shown-hit"), "copy", "review:user:stale-hit"),
        (signing.dumps(["x"] * 11, salt="another"), "copy", "review:user:stale-hit"),
        (None, "same", "review:user:bad-judgement"),
    ],
    ids=["empty", "short", "forged", "judgement"],
)
def test_what_no_page_sends_is_refused(one_form, hit, judgement, code, client) -> None:
    data = {"hit": one_form["hit"] if hit is None else hit, "judgement": judgement}

    response = client.post("/decisions/", data, headers={"accept": "application/json"})

    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    "address", ["//evil.example/", "https://evil.example/", "", "javascript:1"]
)
def test_nobody_is_led_to_another_site(client, searchable, ask, reviewer, address) -> None:
    searchable(encoded(RED), "red")
    [form] = forms(ask())

    assert decide(client, form | {"next": address}, "copy")["Location"] == "/"


def test_a_program_is_answered_in_json(client, searchable, ask, reviewer) -> None:
    searchable(encoded(RED), "red")
    [form] = forms(ask())

    answers = [
        decide(client, form, each, accept="application/json").json() for each in ("copy", "none")
    ]

    assert answers == [{"judgement": "copy"}, {"judgement": None}]


def test_decisions_are_asked_for_once_a_page(
    client, searchable, ask, reviewer, django_assert_max_num_queries
) -> None:
    for shade in range(6):
        searchable(encoded((200 + shade, 30, 30)), str(shade))
    page = ask()
    address = forms(page)[0]["next"].partition("#")[0]

    with django_assert_max_num_queries(60) as few:
        assert len(forms(client.get(address).content.decode())) == 6

    assert sum("review_decision" in query["sql"] for query in few.captured_queries) == 1


def test_pictures_that_no_decision_names_are_swept(media: Path, make_decision) -> None:
    kept, fresh = make_decision("copy"), f"{query_pictures.FOLDER}/ff/{'f' * 64}"
    storage.write(query_pictures.stored_name(kept.query_sha256), b"kept")
    storage.write(fresh, b"just written")
    lost = f"{query_pictures.FOLDER}/ee/{'e' * 64}"
    storage.write(lost, b"lost")
    for name in (lost, query_pictures.stored_name(kept.query_sha256)):
        os.utime(media / name, (1, 1))

    assert query_pictures.delete_unnamed() == 1

    assert set(storage.list_names(query_pictures.FOLDER)) == {
        query_pictures.stored_name(kept.query_sha256),
        fresh,
    }


@pytest.fixture
def make_decision(db, version, add_image) -> Callable[..., Decision]:
    """Record a decision about an image of its own, or of a pair that there is."""

    def make(judgement: str, verdict: str = "same-subject", by: str = "rita", **fields: Any):
        number = Decision.objects.count() + 1
        user, _ = User.objects.get_or_create(username=by)
        chosen = {
            "query_sha256": f"{number:064x}",
            "image": fields.get("image") or add_image(encoded((number, 90, 90)), f"n{number}"),
            "encoder_version": version,
            "decided_at": timezone.now(),
        }
        return Decision.objects.create(
            judgement=judgement, shown_verdict=verdict, decided_by=user, **(chosen | fields)
        )

    return make


def test_precision_of_each_rung(make_decision, version) -> None:
    for judgement in ("copy", "copy", "copy", "same_subject", "different"):
        make_decision(judgement, "edited-copy")
    for judgement in ("copy", "same_subject", "different"):
        make_decision(judgement, "same-subject")
    make_decision("different", "similar")
    # one pair that two people agree about, and one that they do not
    agreed = make_decision("copy", "identical")
    disputed = make_decision("copy", "identical")
    for one, judgement in ((agreed, "copy"), (disputed, "different")):
        make_decision(
            judgement, "identical", "otto", image=one.image, query_sha256=one.query_sha256
        )

    found = precision_of_rungs(list_decisions())

    assert list(found) == [version.pk]
    assert [
        (r.verdict.value, r.copies, r.same_subjects, r.different, r.disputed, r.right)
        for r in found[version.pk]
    ] == [
        ("identical", 1, 0, 0, 1, 1),
        ("edited-copy", 3, 1, 1, 0, 3),
        ("same-subject", 1, 1, 1, 0, 2),
        ("similar", 0, 0, 1, 0, None),
    ]
    edited = found[version.pk][1]
    assert edited.precision == pytest.approx(0.6)
    assert edited.interval == pytest.approx((0.2307, 0.8824), abs=1e-4)


def test_the_page_of_precision(client, reviewer, make_decision, version) -> None:
    url = "/admin/review/decision/precision/"
    assert "Nobody has decided about a hit yet." in client.get(url).content.decode()
    for judgement in ("copy", "copy", "copy", "same_subject", "different"):
        make_decision(judgement, "edited-copy")

    page = client.get(url).content.decode()

    assert str(version) in page
    row = re.search(r"<tr><th scope=\"row\">edited copy</th>(.+?)</tr>", page)[1]
    assert re.findall(r"<td>(.+?)</td>", row) == [
        *("3", "1", "1", "0"), "60.0%", "23.1% … 88.2%",
    ]  # fmt: skip


def test_the_page_of_precision_in_russian_says_what_was_right_and_not_which_side(
    client, reviewer, make_decision
) -> None:
    make_decision("copy", "edited-copy")

    page = client.get(
        "/admin/review/decision/precision/", headers={"accept-language": "ru"}
    ).content.decode()

    assert '<th scope="col">верно</th>' in page
    assert "справа" not in page


def test_decisions_about_private_pictures_are_for_who_sees_them(
    client, reviewer, make_decision, add_image
) -> None:
    shown = make_decision("copy")
    album = Album.objects.create(name="closed")
    album.groups.set([Group.objects.create(name="insiders")])
    asked_with = add_image(encoded((7, 7, 7)), "asked with")
    hidden = [make_decision("copy"), make_decision("copy", query_image=asked_with)]
    album.images.add(hidden[0].image, asked_with)

    assert list(list_decisions(reviewer)) == [shown]
    assert list_decisions().count() == 3
    page = client.get("/admin/review/decision/").content.decode()
    assert shown.image.title in page
    assert "asked with" not in page
    assert hidden[0].image.title not in page
    for one in hidden:
        address = f"/admin/review/decision/{one.pk}/query.jpg"
        assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("role", "may"), [("Editor", ()), ("Reviewer", ("see",)), ("Keeper", ("see", "delete"))]
)
def test_who_sees_and_deletes_decisions(client, make_decision, role, may) -> None:
    decision = make_decision("copy")
    storage.write(query_pictures.stored_name(decision.query_sha256), encoded(DARK_RED))
    ensure_roles()
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    base = "/admin/review/decision/"

    picture = client.get(f"{base}{decision.pk}/query.jpg")
    listed = client.get(base)
    client.post(f"{base}{decision.pk}/delete/", {"post": "yes"})

    assert listed.status_code == (200 if "see" in may else 403)
    assert picture.status_code == (200 if "see" in may else 403)
    assert Decision.objects.exists() == ("delete" not in may)
    assert storage.exists(query_pictures.stored_name(decision.query_sha256)) == (
        "delete" not in may
    )
    assert client.post(f"{base}add/").status_code == 403


@pytest.mark.parametrize(
    "query",
    ["judgement=copy", "shown_verdict=same-subject", "encoder_version=abc", "q=rita", "q=n1"],
)
def test_the_list_is_narrowed_down(client, reviewer, make_decision, query) -> None:
    first = make_decision("copy")
    make_decision("different", "similar", by="otto")

    page = client.get(f"/admin/review/decision/?{query}")

    assert page.status_code == 200
    found = [one.pk for one in page.context["cl"].result_list]
    assert found == ([] if "abc" in query else [first.pk])


def test_images_of_other_rows_are_asked_for_together(
    client, reviewer, make_decision, django_assert_max_num_queries
) -> None:
    for _ in range(8):
        make_decision("copy")

    with django_assert_max_num_queries(25):
        assert client.get("/admin/review/decision/").status_code == 200
    assert Image.objects.count() == 8
