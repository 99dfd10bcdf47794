"""Pictures added, changed and deleted by programs; a key that has a request done once."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from api.adding import add_sent_pictures
from api.models import KeptAnswer
from audit_log.models import AuditEntry
from catalog.models import Album, Image, Tag
from ingestion.models import Import
from tests.unit.api.conftest import code_of
from tests.unit.web.conftest import BLUE, GREEN, RED, encoded, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "version", "broker")]

EDITOR = ("catalog.add_image", "catalog.change_image", "catalog.delete_image", "catalog.add_tag")


@pytest.fixture
def editor(program):
    return program(*EDITOR)


def send(program, *pictures, query="", **more):
    files = [upload(data, f"{number}.png") for number, data in enumerate(pictures)]
    return program.post(f"/images{query}", {"file": files}, **more)


def test_several_pictures_each_end_in_their_own_way(editor, add_image) -> None:
    known = add_image(encoded(RED), "red")

    response = send(editor, encoded(GREEN), encoded(RED), b"no picture", query="?title=x&tags=new")

    results = response.json()["results"]
    assert response.status_code == 201
    assert [each["result"] for each in results] == ["added", "duplicates", "failed"]
    new = Image.objects.exclude(pk=known.pk).get()
    assert (new.title, [tag.name for tag in new.tags.all()]) == ("x", ["new"])
    assert [results[0]["image"]["id"], results[1]["image"]["id"]] == [str(new.pk), str(known.pk)]
    assert results[0]["image"]["tags"] == ["new"]
    assert results[2]["image"] is None
    assert results[2]["problem"]["code"] == "image:user:not-a-picture"
    assert Import.objects.get().started_by == editor.user
    assert response.json()["import_id"] == str(Import.objects.get().pk)


def test_one_picture_has_its_address_and_then_is_there_already(editor) -> None:
    first = editor.post("/images", encoded(BLUE), content_type="image/png")
    again = editor.post("/images", encoded(BLUE), content_type="image/png")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first["Location"] == again["Location"] == f"/api/v1/images/{Image.objects.get().pk}"
    assert again.json()["results"][0]["result"] == "duplicates"


@pytest.mark.parametrize(
    ("pictures", "query", "expected"),
    [
        ([b"no picture"], "", (422, "image:user:not-a-picture")),
        ([], "", (422, "image:user:none-chosen")),
        ([encoded(RED)], "?albums=none", (422, "request:user:unknown-names")),
        ([encoded(RED)], "?taken_at=yesterday", (422, "request:user:invalid")),
    ],
    ids=["no-picture", "nothing", "unknown-album", "no-date"],
)
def test_what_cannot_be_added_leaves_nothing(editor, pictures, query, expected) -> None:
    response = send(editor, *pictures, query=query)

    assert code_of(response) == expected
    assert Image.objects.count() == 0


def test_only_who_may_make_tags_names_new_ones(program) -> None:
    program = program("catalog.add_image")

    refused = send(program, encoded(RED), query="?tags=new")

    assert code_of(refused) == (422, "request:user:unknown-names")
    assert Tag.objects.count() == Image.objects.count() == 0


def test_an_album_that_is_hidden_is_one_that_is_not_there(editor) -> None:
    album = Album.objects.create(name="secret")
    album.groups.add(Group.objects.create(name="insiders"))

    refused = send(editor, encoded(RED), query="?albums=secret")

    assert code_of(refused) == (422, "request:user:unknown-names")
    assert album.images.count() == 0


def test_a_change_changes_what_it_names_and_is_recorded(editor, add_image) -> None:
    image = add_image(encoded(RED), "before")
    image.tags.add(Tag.objects.create(name="old"))
    album = Album.objects.create(name="walls")
    AuditEntry.objects.all().delete()

    response = editor.patch(
        f"/images/{image.pk}",
        {"title": "after", "tags": ["new"], "albums": ["walls"]},
        content_type="application/json",
    )

    told = response.json()
    assert (told["title"], told["tags"], told["albums"]) == ("after", ["new"], ["walls"])
    assert list(album.images.all()) == [image]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_id) == ("changed", editor.user.pk)
    assert entry.details == {
        "title": ["before", "after"],
        "tags": [["old"], ["new"]],
        "albums": [[], ["walls"]],
    }
    assert Image.objects.get().payload_due_at is not None


def test_a_change_that_names_the_medium_confirms_it(editor, add_image) -> None:
    image = add_image(encoded(RED), "a")
    Image.objects.update(medium="sketch", medium_suggested_at=timezone.now())
    assert editor.get(f"/images/{image.pk}").json()["is_medium_suggested"]

    body = {"medium": "sketch"}
    told = editor.patch(f"/images/{image.pk}", body, content_type="application/json").json()

    assert (told["medium"], told["is_medium_suggested"]) == ("sketch", False)
    assert not Image.objects.get().is_medium_suggested


def test_a_change_that_changes_nothing_is_not_recorded(editor, add_image) -> None:
    image = add_image(encoded(RED), "same")
    AuditEntry.objects.all().delete()

    response = editor.patch(
        f"/images/{image.pk}", {"title": "same"}, content_type="application/json"
    )

    assert response.status_code == 200
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"sha256": "0" * 64}, (422, "request:user:invalid")),
        ({"title": "x" * 301}, (422, "request:user:invalid")),
        ({"medium": "stone"}, (422, "request:user:invalid")),
        ({"title": None}, (422, "request:user:invalid")),
        ({"title": "a\0b"}, (422, "request:user:invalid")),
    ],
)
def test_a_change_that_cannot_be_is_refused(editor, add_image, body, expected) -> None:
    image = add_image(encoded(RED), "same")

    response = editor.patch(f"/images/{image.pk}", body, content_type="application/json")

    assert code_of(response) == expected
    assert Image.objects.get().title == "same"


def test_who_has_read_something_else_changes_nothing(editor, add_image) -> None:
    image = add_image(encoded(RED), "before")
    address, json = f"/images/{image.pk}", "application/json"
    etag = editor.get(address)["ETag"]
    mine = editor.patch(address, {"title": "b"}, content_type=json, headers={"if-match": etag})

    late = editor.patch(address, {"title": "c"}, content_type=json, headers={"if-match": etag})
    deleted = editor.delete(address, headers={"if-match": etag})

    assert mine.status_code == 200
    assert code_of(late) == code_of(deleted) == (412, "request:user:changed-meanwhile")
    assert Image.objects.get().title == "b"
    assert Image.objects.get().binned_at is None
    assert editor.delete(address, headers={"if-match": mine["ETag"]}).status_code == 204


def test_a_deleted_image_is_in_the_bin(editor, add_image) -> None:
    image = add_image(encoded(RED), "red")

    response = editor.delete(f"/images/{image.pk}")

    assert (response.status_code, response.content) == (204, b"")
    image.refresh_from_db()
    assert image.binned_by == editor.user
    assert code_of(editor.delete(f"/images/{image.pk}"))[0] == 404


KEY = {"idempotency-key": "one"}


@pytest.mark.parametrize("kind", ["form", "bytes"])
def test_a_request_that_comes_twice_is_done_once(editor, kind) -> None:
    def ask(data: bytes):
        if kind == "form":
            return send(editor, data, headers=KEY)
        return editor.post("/images", data, content_type="image/png", headers=KEY)

    first = ask(encoded(RED))
    again = ask(encoded(RED))
    other = ask(encoded(GREEN))

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert code_of(other) == (422, "request:user:idempotency-key-reused")
    assert Import.objects.count() == 1


def test_keys_are_each_tokens_own(editor, program) -> None:
    other = program(*EDITOR, name="other")

    answers = [send(each, encoded(RED), headers=KEY) for each in (editor, other)]

    assert [each.status_code for each in answers] == [201, 200]
    assert not answers[1].has_header("Idempotency-Replayed")


def test_a_request_that_is_under_way_is_not_begun_again(editor) -> None:
    send(editor, encoded(RED), headers=KEY)
    KeptAnswer.objects.update(status=None)

    response = send(editor, encoded(RED), headers=KEY)

    assert code_of(response) == (409, "request:conflict:under-way")


def test_a_key_counts_for_a_day_also_where_nothing_was_swept(editor) -> None:
    send(editor, encoded(RED), headers=KEY)
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))

    response = send(editor, encoded(RED), headers=KEY)

    assert response.status_code == 200  # it is there by now
    assert not response.has_header("Idempotency-Replayed")


def test_a_refusal_is_not_kept(editor) -> None:
    refused = send(editor, b"no picture", headers=KEY)

    assert code_of(refused) == (422, "image:user:not-a-picture")
    assert KeptAnswer.objects.count() == 0


def test_who_may_not_change_images_changes_none_by_sending_it_again(program, add_image) -> None:
    image = add_image(encoded(RED), "red")
    adder = program("catalog.add_image", staff=False)

    answers = [
        send(adder, encoded(RED), query=f"?known={known}&title=mine&owner=me")
        for known in ("update", "keep")
    ]

    assert [code_of(each) for each in answers] == [(403, "token:user:no-permission")] * 2
    image.refresh_from_db()
    assert (image.title, image.owner, image.occurrences.count()) == ("red", "", 0)
    assert Import.objects.count() == 0


def test_nobody_brings_back_what_they_may_not_see(editor, add_image) -> None:
    image = add_image(encoded(RED), "red")
    album = Album.objects.create(name="hidden")
    album.groups.add(Group.objects.create(name="insiders"))
    album.images.add(image)
    Image.objects.filter(pk=image.pk).update(binned_at=timezone.now())

    response = send(editor, encoded(RED))

    image.refresh_from_db()
    assert image.binned_at is not None
    assert str(image.pk) not in response.content.decode()


def test_a_key_that_is_swept_meanwhile_spoils_no_answer(editor, monkeypatch) -> None:
    answer = add_sent_pictures

    def swept(*args):
        KeptAnswer.objects.all().delete()  # as when the token is deleted, or it took very long
        return answer(*args)

    monkeypatch.setattr("api.endpoints.images.add_sent_pictures", swept)

    response = send(editor, encoded(RED), headers=KEY)

    assert response.status_code == 201
    assert Image.objects.count() == 1
