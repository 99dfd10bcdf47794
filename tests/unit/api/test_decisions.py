"""Decisions by the API: about a hit of a search of one's own, changed, listed, taken back."""

import pytest
from django.contrib.auth.models import User

from audit_log.models import AuditEntry
from catalog.models import Image
from kernel.hashing import sha256_hex
from review.models import Decision
from review.services import PERMISSION
from tests.unit.api.conftest import Program, code_of
from tests.unit.web.conftest import BLUE, DARK_RED, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "worker")]

JSON = {"content_type": "application/json"}
READS = "review.view_decision"


@pytest.fixture
def reviewer(program) -> Program:
    return program(READS, PERMISSION)


@pytest.fixture
def red(searchable) -> Image:
    return searchable(encoded(RED), "red")


def hit_of(program: Program, data: bytes | None = None) -> dict:
    """The first hit of a search."""
    answer = program.post("/search", {"picture": upload(data or encoded(DARK_RED))}).json()
    return answer["groups"][0]["hits"][0]


def decide(program: Program, hit: str | None, judgement: str = "copy"):
    return program.post("/decisions", {"hit": hit, "judgement": judgement}, **JSON)


def test_one_is_taken_read_changed_and_taken_back(reviewer, red) -> None:
    hit = hit_of(reviewer)

    taken = decide(reviewer, hit["decide_with"])
    assert taken.status_code == 200, taken.content
    decision = Decision.objects.get()
    assert (decision.image, decision.judgement, decision.decided_by) == (red, "copy", reviewer.user)
    assert decision.query_sha256 == sha256_hex(encoded(DARK_RED))
    assert (decision.shown_verdict, decision.score) == (hit["verdict"], hit["score"])
    assert reviewer.get("/decisions").json()["items"] == [taken.json()]
    assert taken.json()["decided_by"] == "robot"

    changed = decide(reviewer, hit["decide_with"], "different")
    assert changed.json()["id"] == taken.json()["id"]
    assert Decision.objects.get().judgement == "different"

    gone = reviewer.delete(f"/decisions/{decision.pk}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert reviewer.get("/decisions").json()["items"] == []
    entries = AuditEntry.objects.filter(object_type="review.decision").order_by("pk")
    assert list(entries.values_list("action", "details")) == [
        ("added", {"judgement": [None, "copy"]}),
        ("changed", {"judgement": ["copy", "different"]}),
        ("deleted", {"judgement": ["different", None]}),
    ]


def test_hits_name_what_decides_to_who_may_alone(program, visitor, red) -> None:
    without = program(READS, name="reader")
    no_scope = program(PERMISSION, scopes=("search",), name="searcher")

    assert [hit_of(each)["decide_with"] for each in (visitor, without, no_scope)] == [None] * 3


@pytest.mark.parametrize(
    ("hit", "judgement", "expected"),
    [
        ("x", "copy", (422, "review:user:stale-hit")),
        (None, "copy", (422, "request:user:invalid")),
        ("x", "perhaps", (422, "request:user:invalid")),
        ("x" * 2001, "copy", (422, "request:user:invalid")),
    ],
    ids=["not-ours", "none", "judgement", "long"],
)
def test_what_cannot_be_decided_is_a_problem(reviewer, red, hit, judgement, expected) -> None:
    assert code_of(decide(reviewer, hit, judgement)) == expected
    assert not Decision.objects.exists()


def test_an_image_that_is_gone_is_not_decided_about(reviewer, red) -> None:
    hit = hit_of(reviewer)["decide_with"]
    red.delete()

    assert code_of(decide(reviewer, hit)) == (422, "review:user:no-image")
    assert not Decision.objects.exists()


def test_others_decisions_are_read_and_not_taken_back(reviewer, red, version) -> None:
    other = Decision.objects.create(
        query_sha256="0" * 64,
        image=red,
        judgement="copy",
        decided_at=red.created_at,
        decided_by=User.objects.create_user("other"),
        encoder_version=version,
    )

    response = reviewer.delete(f"/decisions/{other.pk}")

    assert code_of(response) == (404, "request:user:not-found")
    assert [each["decided_by"] for each in reviewer.get("/decisions").json()["items"]] == ["other"]


def test_pages_begin_where_the_one_before_ended(reviewer, red) -> None:
    for data in (encoded(DARK_RED), encoded(BLUE), encoded((9, 99, 9))):
        decide(reviewer, hit_of(reviewer, data)["decide_with"])

    first = reviewer.get("/decisions?limit=2").json()
    second = reviewer.get(f"/decisions?limit=2&cursor={first['next_cursor']}").json()

    listed = [each["id"] for each in (*first["items"], *second["items"])]
    assert listed == list(Decision.objects.order_by("-decided_at").values_list("pk", flat=True))
    assert (len(first["items"]), second["next_cursor"]) == (2, None)


def test_a_hit_that_another_was_shown_is_refused(program, reviewer, red) -> None:
    other = program(READS, PERMISSION, name="other")
    hit = hit_of(other)["decide_with"]

    response = decide(reviewer, hit)

    assert code_of(response) == (422, "review:user:stale-hit")
    assert not Decision.objects.exists()
