"""Watches and saved searches by the API: begun, read, changed, ended; what was found and seen."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db.models.signals import post_init
from django.utils import timezone

from catalog.models import Album, EncoderVersion, Image, Tag
from search import query_files
from search.models import SavedSearch
from search.saved import save_search
from tests.unit.api.conftest import Program, code_of
from tests.unit.web.conftest import BLUE, GREEN, RED, encoded
from watches.models import Rung, Watch, WatchHit, Webhook
from watches.services import Wishes, begin_watch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

JSON = {"content_type": "application/json"}
HOOK = "https://example.org/hook"


@pytest.fixture
def owner(program) -> Program:
    return program()


@pytest.fixture
def other(program) -> Program:
    return program(name="another")


@pytest.fixture
def album(db) -> Album:
    return Album.objects.create(name="walls")


@pytest.fixture
def red(add_image) -> Image:
    return add_image(encoded(RED), "red")


def begin(program: Program, **said: Any) -> Any:
    return program.post("/watches", said, **JSON)


# Watches


def test_one_is_begun_read_changed_and_ended(owner, album) -> None:
    begun = begin(owner, album=album.pk, rung="near-identical", webhook_url=HOOK)
    watch = Watch.objects.get()
    assert begun.status_code == 201, begun.content
    assert begun["Location"] == f"/api/v1/watches/{watch.pk}"
    assert (watch.owner, watch.album, watch.rung) == (owner.user, album, "near-identical")
    assert begun.json()["webhook"]["secret"] == Webhook.objects.get().secret

    read = owner.get(f"/watches/{watch.pk}").json()
    assert (read["name"], read["webhook"]["url"], read["webhook"]["secret"]) == (
        *("walls", HOOK),
        None,  # told to writes alone
    )
    assert owner.get("/watches").json()["items"] == [read]

    changed = owner.patch(f"/watches/{watch.pk}", {"rung": "same-subject"}, **JSON)
    watch.refresh_from_db()
    assert (changed.status_code, changed.json()["webhook"]) == (200, None)
    assert watch.rung == "same-subject"
    assert not Webhook.objects.exists()

    ended = owner.delete(f"/watches/{watch.pk}")
    assert (ended.status_code, ended.content) == (204, b"")
    assert not Watch.objects.exists()


def test_what_is_watched_already_is_said_anew(owner, album) -> None:
    first = begin(owner, album=album.pk)
    again = begin(owner, album=album.pk, rung="shared-design")

    assert first.json()["id"] == again.json()["id"]
    assert Watch.objects.get().rung == "shared-design"


def test_a_search_is_saved_and_watched(owner, red) -> None:
    begun = begin(owner, search=f"image={red.pk}&tag=a&wait=hits")

    saved = SavedSearch.objects.get()
    assert (saved.owner, saved.address) == (owner.user, f"image={red.pk}&tag=a")
    assert begun.json()["saved_search"] == str(saved.pk)
    assert begun.json()["name"] == "red"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (422, "watch:user:what")),
        ({"album": "{album}", "search": "image={image}"}, (422, "watch:user:what")),
        ({"album": 999}, (404, "request:user:not-found")),
        ({"saved_search": str(uuid4())}, (404, "request:user:not-found")),
        ({"saved_search": "{other}"}, (404, "request:user:not-found")),
        ({"search": "words=red"}, (422, "watch:user:no-picture")),
        ({"search": "tag=a"}, (422, "saved:user:no-search")),
        ({"search": f"image={uuid4()}"}, (422, "saved:user:no-picture")),
        ({"search": f"query={uuid4()}"}, (410, "search:user:query-expired")),
        ({"search": "image={image}", "by_mail": True}, (422, "watch:user:no-mail")),
        ({"search": "image={image}", "webhook_url": "ftp://a.org"}, (422, "fetch:user:not-http")),
        ({"album": "{album}", "rung": "deep"}, (422, "request:user:invalid")),
        ({"album": "{album}", "colour": "red"}, (422, "request:user:invalid")),
    ],
    ids=[
        *("nothing", "two", "no-album", "not-saved", "another's", "words", "no-search"),
        *("no-image", "expired", "no-mail", "no-address", "rung", "member"),
    ],
)
def test_what_cannot_be_watched_is_a_problem_and_leaves_nothing(
    owner, album, red, said, expected
) -> None:
    others = save_search(User.objects.create_user("other"), address=f"image={red.pk}", name="x")
    known = {"{album}": album.pk, "{other}": str(others.pk), "image={image}": f"image={red.pk}"}

    response = begin(owner, **{name: known.get(value, value) for name, value in said.items()})

    assert code_of(response) == expected
    assert not Watch.objects.exists()
    assert list(SavedSearch.objects.all()) == [others]


def test_an_album_that_one_may_not_know_of_is_not_there(owner, album) -> None:
    album.groups.add(Group.objects.create(name="insiders"))

    assert code_of(begin(owner, album=album.pk)) == (404, "request:user:not-found")


def test_others_watches_are_not_there(owner, other, album) -> None:
    watch_id = begin(owner, album=album.pk).json()["id"]

    for response in (
        other.get(f"/watches/{watch_id}"),
        other.patch(f"/watches/{watch_id}", {"rung": "same-subject"}, **JSON),
        other.delete(f"/watches/{watch_id}"),
    ):
        assert code_of(response) == (404, "request:user:not-found")
    assert Watch.objects.get().rung == "edited-copy"
    assert other.get("/watches").json()["items"] == []


# What they found


@pytest.fixture
def hits(owner, album, red, add_image) -> list[WatchHit]:
    """Two hits of a watch, the newest first, of which one was there before."""
    watch = Watch.objects.get(pk=begin(owner, album=album.pk).json()["id"])
    now = timezone.now()
    rows = []
    for age, (colour, is_before) in enumerate([(GREEN, False), (BLUE, True)]):
        row = WatchHit.objects.create(
            watch=watch,
            image=add_image(encoded(colour), f"{age}"),
            watched_image=red,
            rung="edited-copy",
            is_before=is_before,
        )
        WatchHit.objects.filter(pk=row.pk).update(found_at=now - timedelta(minutes=age))
        rows.append(row)
    return rows


def found(program: Program, **asked: Any) -> list[int]:
    response = program.get("/watches/hits", asked)
    assert response.status_code == 200, response.content
    return [each["id"] for each in response.json()["items"]]


def test_hits_are_listed_and_marked_as_seen(owner, other, hits, album) -> None:
    new, before = (each.pk for each in hits)
    watch = str(hits[0].watch_id)
    assert found(owner) == found(owner, watch=watch) == [new, before]
    assert found(owner, watch=str(uuid4())) == found(other) == []
    assert found(owner, unseen="1") == [new]

    marked = owner.post("/watches/hits/seen", {"hits": [new, new, 2**40]}, **JSON)
    again = owner.post("/watches/hits/seen", {"hits": [new]}, **JSON)

    assert (marked.json(), again.json()) == ({"marked": 1}, {"marked": 0})
    assert WatchHit.objects.get(pk=new).seen_at is not None
    assert WatchHit.objects.get(pk=before).seen_at is None
    assert found(owner, unseen="1") == []


def test_others_hits_are_not_marked(other, hits) -> None:
    marked = other.post("/watches/hits/seen", {"hits": [each.pk for each in hits]}, **JSON)

    assert marked.json() == {"marked": 0}
    assert not WatchHit.objects.filter(seen_at__isnull=False).exists()


@pytest.mark.parametrize("said", [{}, {"hits": ["x"]}, {"hits": [-1]}, {"hits": [1] * 201}])
def test_marks_that_cannot_be_are_a_problem(owner, said) -> None:
    response = owner.post("/watches/hits/seen", said, **JSON)

    assert code_of(response) == (422, "request:user:invalid")


# Saved searches


def test_a_search_is_saved_read_renamed_and_deleted(owner, other) -> None:
    query = query_files.write(encoded(RED))
    made = owner.post("/saved-searches", {"search": f"query={query}&wait=hits"}, **JSON)
    assert made.status_code == 201, made.content
    saved = SavedSearch.objects.get()
    assert made["Location"] == f"/api/v1/saved-searches/{saved.pk}"
    assert (saved.owner, saved.address) == (owner.user, f"query={query}")
    query_files.delete(query)  # it expires
    assert query_files.read(query) == encoded(RED)

    address = f"/saved-searches/{saved.pk}"
    assert owner.get(address).json() == owner.get("/saved-searches").json()["items"][0]
    assert owner.get(address).json()["search"] == f"query={query}"
    assert owner.get(address).json()["url"] == f"/?query={query}"

    renamed = owner.patch(address, {"name": "  the  red one "}, **JSON)
    assert renamed.json()["name"] == SavedSearch.objects.get().name == "the red one"

    for response in (
        other.get(address),
        other.patch(address, {"name": "mine"}, **JSON),
        other.delete(address),
    ):
        assert code_of(response) == (404, "request:user:not-found")
    assert SavedSearch.objects.get().name == "the red one"

    assert owner.delete(address).status_code == 204
    assert not SavedSearch.objects.exists()


def test_saving_twice_is_saving_once(owner, red) -> None:
    said = {"search": f"image={red.pk}", "name": "first"}

    first, again = (
        owner.post("/saved-searches", said | {"name": name}, **JSON) for name in ("first", "again")
    )

    assert first.json() == again.json()
    assert SavedSearch.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (422, "request:user:invalid")),
        ({"search": ""}, (422, "saved:user:no-search")),
        ({"search": "image=x"}, (422, "saved:user:no-search")),
        ({"search": f"query={uuid4()}"}, (410, "search:user:query-expired")),
        ({"search": f"image={uuid4()}"}, (422, "saved:user:no-picture")),
        ({"search": "words=" + "x" * 4000}, (422, "request:user:invalid")),
    ],
    ids=["nothing", "empty", "no-id", "expired", "no-image", "long"],
)
def test_what_cannot_be_saved_is_a_problem(owner, said, expected) -> None:
    assert code_of(owner.post("/saved-searches", said, **JSON)) == expected
    assert not SavedSearch.objects.exists()


def test_a_name_has_to_say_something_and_so_many_are_saved(owner, red, settings) -> None:
    saved = owner.post("/saved-searches", {"search": f"image={red.pk}"}, **JSON).json()
    settings.SAVED_SEARCHES_MAX = 1

    unnamed = owner.patch(f"/saved-searches/{saved['id']}", {"name": " "}, **JSON)
    more = owner.post("/saved-searches", {"search": "words=red"}, **JSON)

    assert code_of(unnamed) == (422, "saved:user:no-name")
    assert code_of(more) == (409, "saved:conflict:too-many")
    assert SavedSearch.objects.get().name == "red"


def test_a_saved_search_is_asked_again_by_its_address(owner, searchable, worker) -> None:
    image = searchable(encoded(RED), "red")
    EncoderVersion.objects.update(knows_words=True)
    address = f"image={image.pk}&words=red"
    saved = owner.post("/saved-searches", {"search": address}, **JSON).json()

    answer = owner.get(f"/search?{saved['search']}").json()

    assert [hit["title"] for hit in answer["hits"]] == ["red"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/saved-searches/{saved}", {"name": "other"}),
        ("/watches/{watch}", {"rung": "near-identical", "webhook_url": "https://example.org/"}),
        ("/albums/{album}", {"name": "other"}),
        ("/tags/{tag}", {"name": "other"}),
    ],
    ids=["saved search", "watch", "album", "tag"],
)
def test_what_is_deleted_between_reading_and_writing_is_not_there(
    program, album, red, path, body
) -> None:
    owner = program("catalog.change_album", "catalog.change_tag", name="late")
    saved = save_search(owner.user, address=f"image={red.pk}", name="mine")
    watch = begin_watch(
        owner.user, saved, Wishes(Rung.EDITED_COPY, by_mail=False, url="", language="en")
    )
    rows = {"saved": saved, "watch": watch, "album": album, "tag": Tag.objects.create(name="t")}
    kind = next(name for name in rows if f"{{{name}}}" in path)

    def gone(sender, instance, **_):
        post_init.disconnect(gone, sender=sender)
        sender.objects.filter(pk=instance.pk).delete()

    post_init.connect(gone, sender=type(rows[kind]))  # as soon as it is read
    response = owner.patch(
        path.format(**{name: row.pk for name, row in rows.items()}), body, **JSON
    )

    assert code_of(response) == (404, "request:user:not-found")
