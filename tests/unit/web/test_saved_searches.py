"""Saved searches: who may save, see, rename and delete them, and which pictures stay for them."""

import os
import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode

from catalog import storage
from catalog.models import Album, EncoderVersion, Image
from kernel.errors import ConflictError, FileMissing, UserInputError
from search import kept_queries, query_files
from search.models import SavedPicture, SavedSearch
from search.presenters.saved import present_saved
from search.saved import (
    find_saved,
    is_upload_saved,
    list_saved,
    list_saved_query_ids,
    read_address,
    rename_search,
    save_search,
)
from tests.unit.web import fake_worker
from tests.unit.web.conftest import GREEN, RED, encoded
from worker_api.queries import expire_queries

Backdate = Callable[[str], None]


@pytest.fixture
def owner(db) -> User:
    return User.objects.create_user("owner")


@pytest.fixture
def upload(db) -> UUID:
    return query_files.write(encoded(RED))


@pytest.fixture
def saved(owner: User, upload: UUID) -> SavedSearch:
    return save_search(owner, address=f"query={upload}&name=cup.png", name="My cup")


@pytest.fixture
def backdate(media) -> Backdate:
    """Have the files of a folder be of two hours ago."""

    def backdate(folder: str) -> None:
        for path in (media / folder).glob("*"):
            then = timezone.now().timestamp() - 7200
            os.utime(path, (then, then))

    return backdate


@pytest.fixture(params=["visitor", "another", "keeper", "owner"])
def caller(request, owner: User) -> Client:
    """A browser of each: only the last one's account has saved anything."""
    client = Client()
    if request.param == "another":
        client.force_login(User.objects.create_user("another"))
    elif request.param == "keeper":
        client.force_login(User.objects.create_superuser("chief"))
    elif request.param == "owner":
        client.force_login(owner)
    client.name = request.param
    return client


def test_an_address_is_read_as_it_is_without_what_is_no_part_of_it():
    query, image, other = uuid4(), uuid4(), uuid4()
    text = urlencode(
        [("query", query), ("box", "1,2,30,40"), ("label", "Ёж"), ("label", "cup"),
         ("wait", "hits"),
         ("unlike_image", image), ("image", other), ("name", "a b.png"), ("sure", "1")]
    )  # fmt: skip

    asked = read_address(text)

    assert asked.text == text.replace("&wait=hits", "")
    assert asked.box == (1, 2, 30, 40)
    assert asked.name == "a b.png"
    assert [(p.query_id, p.image_id, p.is_unlike) for p in asked.pictures] == [
        (query, None, False), (None, other, False), (None, image, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        *("", "label=cup", "query=", "query=1", "image=../..", f"unlike={uuid4()}", "words=+"),
        f"query={uuid4()}&name={'x' * 4000}",
        f"query={uuid4()}&name={'%00'}x\0",
        "&".join(f"query={uuid4()}" for _ in range(21)),
    ],
    ids=["nothing", "a filter", "empty", "no id", "a path", "only unlike", "no words", "long",
         "nul", "many"],
)  # fmt: skip
def test_what_is_no_search_cannot_be_saved(text: str, owner: User):
    with pytest.raises(UserInputError) as caught:
        save_search(owner, address=text, name="x")

    assert caught.value.code == "saved:user:no-search"
    assert not SavedSearch.objects.exists()


def test_words_can_be_saved_without_any_picture(owner: User):
    saved = save_search(owner, address="words=red+cup&medium=photo", name="")

    assert (saved.name, saved.address) == ("–", "words=red+cup&medium=photo")
    assert not saved.pictures.exists()
    [card] = present_saved([saved], owner)
    assert (card.pictures, card.is_watchable, card.thumbnail_url) == (0, False, "")


def test_saving_twice_is_saving_once(saved: SavedSearch, owner: User, upload: UUID):
    again = save_search(owner, address=f"query={upload}&name=cup.png&wait=proofs", name="Another")

    assert (again.pk, again.name) == (saved.pk, "My cup")
    assert SavedPicture.objects.count() == 1


def test_another_account_may_save_the_same(saved: SavedSearch, upload: UUID):
    other = User.objects.create_user("other")

    theirs = save_search(other, address=saved.address, name="Theirs")

    assert theirs.pk != saved.pk
    assert list_saved_query_ids() == {upload}


def test_there_may_be_so_many_and_no_more(saved: SavedSearch, owner: User, settings):
    settings.SAVED_SEARCHES_MAX = 2
    save_search(owner, address="words=one", name="")

    with pytest.raises(ConflictError) as caught:
        save_search(owner, address="words=two", name="")

    assert (caught.value.code, caught.value.context) == ("saved:conflict:too-many", {"most": 2})
    assert SavedSearch.objects.count() == 2
    assert save_search(owner, address="words=one", name="").name == "–"  # is there already


def test_names_are_one_line_that_fits(owner: User, saved: SavedSearch):
    name = "a\r\nBcc: b\t\u202e c" + "x" * 300

    rename_search(saved, name)

    assert saved.name == ("a Bcc: b c" + "x" * 300)[:200]
    with pytest.raises(UserInputError, match="saved:user:no-name"):
        rename_search(saved, " \n ")


def test_an_image_that_is_private_to_others_cannot_be_saved(owner: User, searchable):
    image = searchable(encoded(RED), "hidden")
    album = Album.objects.create(name="private")
    album.groups.set([Group.objects.create(name="insiders")])
    album.images.add(image)

    for address in (f"image={image.pk}", f"image={uuid4()}"):
        with pytest.raises(UserInputError, match="saved:user:no-picture"):
            save_search(owner, address=address, name="x")
    assert not SavedSearch.objects.exists()


def test_an_image_that_became_private_is_not_shown(owner: User, searchable):
    image = searchable(encoded(RED), "a cup")
    saved = save_search(owner, address=f"image={image.pk}", name="")
    album = Album.objects.create(name="private")
    album.groups.set([Group.objects.create(name="insiders")])
    [before] = present_saved(list_saved(owner), owner)

    album.images.add(image)
    [after] = present_saved(list_saved(owner), owner)

    assert saved.name == "a cup"
    assert before.thumbnail_url.endswith(f"{image.pk}/thumbnail.jpg")
    assert (after.thumbnail_url, after.pictures, after.is_watchable) == ("", 0, False)


def test_a_saved_search_outlives_its_image(owner: User, searchable):
    image = searchable(encoded(RED), "a cup")
    save_search(owner, address=f"image={image.pk}", name="")

    Image.objects.filter(pk=image.pk).delete()

    [card] = present_saved(list_saved(owner), owner)
    assert (card.name, card.thumbnail_url, card.pictures) == ("a cup", "", 0)


def test_an_expired_picture_cannot_be_saved(owner: User):
    with pytest.raises(UserInputError, match="search:user:query-expired"):
        save_search(owner, address=f"query={uuid4()}", name="")

    assert not SavedSearch.objects.exists()


def test_a_saved_picture_does_not_expire(media, owner: User, backdate: Backdate):
    upload, other = query_files.write(b"kept"), query_files.write(b"not kept")
    for box in (None, (0, 0, 9, 9), (1, 1, 9, 9)):
        query_files.write_extracted(str(upload), box, repr(box).encode())
    saved = save_search(owner, address=f"query={upload}&box=0,0,9,9", name="")

    for folder in (query_files.FOLDER, query_files.EXTRACTED, query_files.SAVED):
        backdate(folder)
    expire_queries()

    # then it is there with what was saved of it, and what else was drawn is not
    assert query_files.read(upload) == b"kept"
    assert query_files.read_extracted(str(upload), None) == b"None"
    assert query_files.read_extracted(str(upload), (0, 0, 9, 9)) == b"(0, 0, 9, 9)"
    for lost in (lambda: query_files.read(other),
                 lambda: query_files.read_extracted(str(upload), (1, 1, 9, 9))):  # fmt: skip
        with pytest.raises(FileMissing):
            lost()

    # and once it is deleted it expires
    saved.delete()
    expire_queries()
    with pytest.raises(FileMissing):
        query_files.read(upload)
    assert list(storage.list_names(query_files.SAVED)) == []


def test_what_was_just_copied_waits_for_its_row(media, upload: UUID):
    query_files.keep(upload, None)

    assert query_files.delete_unsaved(frozenset()) == 0
    assert list(storage.list_names(query_files.SAVED)) == [f"{query_files.SAVED}/{upload}"]


def test_saved_pictures_make_no_room_and_take_none(media, owner: User, settings):
    settings.QUERIES_MAX_BYTES = 1600
    upload = query_files.write(bytes(1000))
    save_search(owner, address=f"query={upload}", name="")
    later = [query_files.write(bytes(700)) for _ in range(5)]

    query_files.make_room()

    assert query_files.read(upload) == bytes(1000)
    assert [query_files.read(each) for each in later[-2:]] == [bytes(700)] * 2


def test_of_a_saved_picture_only_all_of_it_stays_extracted(media, owner: User, backdate: Backdate):
    upload = query_files.write(b"kept")
    save_search(owner, address=f"query={upload}", name="")

    query_files.write_extracted(str(upload), None, b"all")
    query_files.write_extracted(str(upload), (0, 0, 9, 9), b"a part")
    backdate(query_files.EXTRACTED)
    query_files.delete_expired()

    assert query_files.read_extracted(str(upload), None) == b"all"
    with pytest.raises(FileMissing):
        query_files.read_extracted(str(upload), (0, 0, 9, 9))


def test_deleting_the_account_deletes_its_searches(saved: SavedSearch, owner: User, upload: UUID):
    owner.delete()

    assert not SavedSearch.objects.exists()
    assert not is_upload_saved(upload)


def test_each_sees_their_own_list(caller: Client, saved: SavedSearch):
    answer = caller.get("/searches/")

    if caller.name == "visitor":
        assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/searches/")
    else:
        assert answer.status_code == 200
        assert ("My cup" in answer.content.decode()) == (caller.name == "owner")


@pytest.mark.parametrize("action", ["rename", "delete", "thumbnail"])
def test_only_the_owner_changes_or_sees_one(caller: Client, saved: SavedSearch, action: str):
    if action == "thumbnail":
        answer = caller.get(f"/searches/{saved.pk}.jpg")
    else:
        answer = caller.post(f"/searches/{saved.pk}/{action}", {"name": "Changed"})

    expected = {"visitor": 302, "another": 404, "keeper": 404}
    expected["owner"] = 200 if action == "thumbnail" else 303
    assert answer.status_code == expected[caller.name]
    names = list(SavedSearch.objects.values_list("name", flat=True))
    changed = {"rename": ["Changed"], "delete": [], "thumbnail": ["My cup"]}[action]
    assert names == (changed if caller.name == "owner" else ["My cup"])


def test_who_is_logged_in_saves(caller: Client, upload: UUID):
    answer = caller.post("/searches/save", {"address": f"query={upload}", "name": "Cups"})

    if caller.name == "visitor":
        assert answer.status_code == 302
        assert not SavedSearch.objects.exists()
        assert f"{query_files.SAVED}/{upload}" not in storage.list_names(query_files.SAVED)
    else:
        assert answer.status_code == 303
        assert answer["Location"] == f"/?query={upload}#saved"
        [saved] = SavedSearch.objects.all()
        assert (saved.name, saved.owner.username) == (
            "Cups",
            {"keeper": "chief"}.get(caller.name, caller.name),
        )


def test_saving_needs_the_forms_token(owner: User, upload: UUID):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)

    answer = client.post("/searches/save", {"address": f"query={upload}"})

    assert answer.status_code == 403
    assert not SavedSearch.objects.exists()


def test_a_refusal_says_why(client: Client, owner: User, saved: SavedSearch, settings):
    settings.SAVED_SEARCHES_MAX = 1
    client.force_login(owner)

    answer = client.post("/searches/save", {"address": "words=cup"})

    assert answer.status_code == 409
    assert "You have saved 1 searches" in answer.content.decode()


def test_the_result_page_offers_to_save_and_says_that_it_is_saved(
    client: Client, owner: User, searchable, worker
):
    searchable(encoded(GREEN), "green")
    upload = query_files.write(encoded(RED))
    address = f"/?query={upload}&name=cup.png"

    visitors = client.get(address).content.decode()
    client.force_login(owner)
    offered = client.get(address).content.decode()
    [field] = re.findall(r'name="address" value="([^"]*)"', offered)
    client.post("/searches/save", {"address": field.replace("&amp;", "&"), "name": "My cup"})
    done = client.get(address).content.decode()

    assert f"/login/?next=%2F%3Fquery%3D{upload}" in visitors
    assert "Save this search" in offered
    assert "Saved as “My cup”" in done
    assert "Save this search" not in done


@pytest.fixture
def red_cup(searchable) -> Image:
    return searchable(encoded(RED), "red cup")


@pytest.fixture
def saved_long_ago(
    client: Client, owner: User, worker, red_cup: Image, backdate: Backdate
) -> SavedSearch:
    """A search that was asked and saved two hours ago; no model has run since."""
    upload = query_files.write(encoded(RED))
    client.get(f"/?query={upload}")
    saved = save_search(owner, address=f"query={upload}", name="")
    backdate(query_files.FOLDER)
    backdate(query_files.EXTRACTED)
    expire_queries()
    fake_worker.answer_with(version_id=EncoderVersion.objects.get().pk)
    return saved


def test_others_with_the_address_see_the_search_after_an_hour(
    client: Client, red_cup: Image, saved_long_ago: SavedSearch
):
    answer = client.get(saved_long_ago.get_absolute_url())

    # then it is answered, and no model ran for it
    assert answer.status_code == 200
    assert red_cup.get_absolute_url() in answer.content.decode()
    assert fake_worker.extract_requests() == []


@pytest.mark.parametrize("damage", ["damaged", "missing"])
def test_what_is_damaged_is_extracted_again(
    damage: str, client: Client, saved_long_ago: SavedSearch
):
    [upload] = list_saved_query_ids()
    name = f"{query_files.SAVED}/{upload}.all"
    storage.write(name, b"{}") if damage == "damaged" else storage.delete(name)

    answers = [client.get(saved_long_ago.get_absolute_url()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(fake_worker.extract_requests()) == 1
    assert kept_queries.read(str(upload), None) is not None


def test_the_list_has_pages_and_an_empty_state(client: Client, owner: User):
    client.force_login(owner)
    empty = client.get("/searches/").content.decode()
    for number in range(30):
        save_search(owner, address=f"words={number}", name=f"Search {number}")

    first = client.get("/searches/").content.decode()
    last = client.get("/searches/?page=2").content.decode()

    assert "You have saved no search yet" in empty
    assert re.findall(r">Search (\d+)</a>", first) == [str(n) for n in range(29, 5, -1)]
    assert re.findall(r">Search (\d+)</a>", last) == [str(n) for n in range(5, -1, -1)]
    assert "Page 1 of 2" in first
    assert 'href="?page=2"' in first


def test_a_name_is_shown_as_text(client: Client, owner: User, saved: SavedSearch):
    rename_search(saved, '<img src=x onerror="alert(1)">')
    client.force_login(owner)

    page = client.get("/searches/").content.decode()

    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_find_saved_is_by_owner(saved: SavedSearch, owner: User):
    assert find_saved(owner, saved.address) == saved
    assert find_saved(User.objects.create_user("other"), saved.address) is None


def test_deleting_an_account_in_the_admin_takes_its_searches_along(
    client: Client, saved: SavedSearch, superuser: User, owner: User
):
    page = client.get(f"/admin/auth/user/{owner.pk}/delete/").content.decode()
    answer = client.post(f"/admin/auth/user/{owner.pk}/delete/", {"post": "yes"})

    assert "My cup" not in page
    assert answer.status_code == 302
    assert not SavedSearch.objects.exists()
