"""Watches: who begins, sees, changes and ends them; what may be told; how it is told."""

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Album, Image
from kernel.errors import ConflictError, UserInputError
from search import query_files
from search.models import SavedSearch
from search.saved import save_search
from tests.unit.web.conftest import RED, encoded
from watches import mail, notices
from watches.models import Notice, Rung, Watch, WatchHit, Webhook
from watches.selectors import count_unseen, list_hits, list_watches
from watches.services import MAX_WATCHES, Wishes, begin_watch, change_watch

QUIET = timedelta(minutes=2)


def wishes(**said: Any) -> Wishes:
    return Wishes(
        **{"rung": Rung.EDITED_COPY, "by_mail": False, "url": "", "language": "en"} | said
    )


@pytest.fixture
def owner(db) -> User:
    return User.objects.create_user("owner", email="owner@example.org")


@pytest.fixture
def album(db) -> Album:
    return Album.objects.create(name="ours")


@pytest.fixture
def images(db) -> list[Image]:
    rows = [
        Image(
            sha256=f"{n:064}", format="png", width=3, height=2, file_bytes=1, status="indexed",
            title=f"picture {n}", indexed_at=timezone.now(),
        )
        for n in range(4)
    ]  # fmt: skip
    return Image.objects.bulk_create(rows)


@pytest.fixture
def watch(owner: User, album: Album, images: list[Image]) -> Watch:
    album.images.add(images[0])
    return begin_watch(owner, album, wishes())


@pytest.fixture
def hit(watch: Watch, images: list[Image]) -> WatchHit:
    return found(watch, images[1], images[0])


def found(watch: Watch, image: Image, watched: Image | None, **fields: Any) -> WatchHit:
    """A hit of some minutes ago, of a watch that is older, and so are the ways to tell of it."""
    long_ago = timezone.now() - timedelta(days=1)
    Watch.objects.filter(by_mail=True).update(mail_since=long_ago)
    Webhook.objects.update(created_at=long_ago)
    row = WatchHit.objects.create(
        watch=watch, image=image, watched_image=watched, rung="edited-copy", **fields
    )
    WatchHit.objects.filter(pk=row.pk).update(found_at=timezone.now() - QUIET)
    return row


@pytest.fixture(params=["visitor", "another", "keeper", "owner"])
def caller(request, owner: User) -> Client:
    """A browser of each; the last one's account owns the watch."""
    client = Client()
    accounts = {
        "another": lambda: User.objects.create_user("another"),
        "keeper": lambda: User.objects.create_superuser("chief"),
        "owner": lambda: owner,
    }
    if request.param != "visitor":
        client.force_login(accounts[request.param]())
    client.name = request.param
    return client


@pytest.fixture
def private(images: list[Image]) -> Album:
    """An album that no caller but a superuser sees."""
    album = Album.objects.create(name="private")
    album.groups.set([Group.objects.create(name="insiders")])
    return album


@pytest.fixture
def mailing(settings) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    settings.SITE_URL = "https://pictures.example.org"


class Endpoint:
    """A server that takes calls, and answers with what is chosen."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.answer, self.location = 204, ""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.calls.append((dict(self.headers.items()), body))
                self.send_response(endpoint.answer)
                if endpoint.location:
                    self.send_header("Location", endpoint.location)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint(settings) -> Iterator[Endpoint]:
    settings.FETCH_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()


@pytest.fixture
def hooked(watch: Watch, endpoint: Endpoint) -> Watch:
    change_watch(watch, wishes(url=endpoint.url))
    return watch


def pass_time(**by: float) -> None:
    """Have all that waits be due."""
    Notice.objects.filter(state="waiting").update(next_at=timezone.now() - timedelta(seconds=1))


# Beginning and ending


def test_watching_twice_is_watching_once(watch: Watch, owner: User, album: Album):
    again = begin_watch(owner, album, wishes(rung=Rung.NEAR_IDENTICAL))

    assert again.pk == watch.pk
    assert Watch.objects.get().rung == "near-identical"


def test_a_search_by_words_has_nothing_to_watch(owner: User):
    saved = save_search(owner, address="words=cup", name="")

    with pytest.raises(UserInputError, match="watch:user:no-picture"):
        begin_watch(owner, saved, wishes())
    assert not Watch.objects.exists()


def test_so_many_are_watched_and_no_more(watch: Watch, owner: User):
    albums = Album.objects.bulk_create(Album(name=f"a{n}") for n in range(MAX_WATCHES))
    for album in albums[:-1]:
        begin_watch(owner, album, wishes())

    with pytest.raises(ConflictError) as caught:
        begin_watch(owner, albums[-1], wishes())
    assert caught.value.context == {"most": MAX_WATCHES}


@pytest.mark.parametrize(
    "url", ["ftp://a.b/", "https://me:secret@a.b/", "//a.b", "https://a b/", "x"]
)
def test_a_webhook_is_an_address_of_the_web(owner: User, album: Album, url: str):
    with pytest.raises(UserInputError, match="fetch:user:not-http"):
        begin_watch(owner, album, wishes(url=url))
    assert not Watch.objects.exists()


def test_deleting_the_search_or_the_account_ends_its_watch(owner: User, hit: WatchHit):
    saved = save_search(owner, address=f"query={query_files.write(encoded(RED))}", name="")
    begin_watch(owner, saved, wishes(url="https://a.b/"))

    saved.delete()
    assert Watch.objects.count() == 1
    owner.delete()
    assert (Watch.objects.count(), WatchHit.objects.count(), Webhook.objects.count()) == (0, 0, 0)


# Who sees and does what


PAGES = {
    "list": "/watches/",
    "new": "/watches/new",
    "one": "/watches/{watch}/",
    "there": "/watches/{watch}/?there=1",
}


@pytest.mark.parametrize("page", PAGES)
def test_each_sees_their_own(caller: Client, hit: WatchHit, page: str):
    answer = caller.get(PAGES[page].format(watch=hit.watch_id))

    is_one = page in ("one", "there")
    expected = {"visitor": 302, "another": 404 if is_one else 200, "keeper": 404 if is_one else 200}
    assert answer.status_code == expected.get(caller.name, 200)
    if page in ("list", "one"):
        assert ("picture 1" in answer.content.decode()) == (caller.name == "owner")


ACTIONS: dict[str, Callable[[WatchHit], dict[str, Any]]] = {
    "change": lambda _: {"rung": "same-subject", "url": "https://a.b/"},
    "secret": lambda _: {},
    "end": lambda _: {},
}


@pytest.mark.parametrize("action", ACTIONS)
def test_only_the_owner_changes_one(caller: Client, hit: WatchHit, action: str):
    change_watch(hit.watch, wishes(url="https://before.example/"))
    secret = Webhook.objects.get().secret

    answer = caller.post(f"/watches/{hit.watch_id}/{action}", ACTIONS[action](hit))

    expected = {"visitor": 302, "another": 404, "keeper": 404, "owner": 303}
    assert answer.status_code == expected[caller.name]
    if caller.name != "owner":
        watch, hook = Watch.objects.get(), Webhook.objects.get()
        assert (watch.rung, hook.url, hook.secret) == (
            "edited-copy", "https://before.example/", secret,
        )  # fmt: skip
    elif action == "change":
        assert (Watch.objects.get().rung, Webhook.objects.get().url) == (
            "same-subject", "https://a.b/",
        )  # fmt: skip
        assert Webhook.objects.get().secret == secret
    elif action == "secret":
        assert Webhook.objects.get().secret != secret
    else:
        assert not Watch.objects.exists()


@pytest.mark.parametrize("data", [{"hit": "{hit}"}, {"all": "1"}, {"all": "1", "watch": "{watch}"}])
def test_only_the_owner_marks_as_seen(caller: Client, hit: WatchHit, data: dict[str, str]):
    said = {key: text.format(hit=hit.pk, watch=hit.watch_id) for key, text in data.items()}

    answer = caller.post("/watches/seen", said)

    is_theirs = caller.name == "owner"
    others = 404 if "watch" in data else 303
    assert answer.status_code == {"visitor": 302, "owner": 303}.get(caller.name, others)
    assert (WatchHit.objects.get().seen_at is not None) == is_theirs


def test_who_is_logged_in_watches_an_album(caller: Client, album: Album):
    answer = caller.post("/watches/new", {"album": album.pk, "rung": "edited-copy"})

    if caller.name == "visitor":
        assert (answer.status_code, Watch.objects.count()) == (302, 0)
    else:
        watch = Watch.objects.get()
        assert (answer.status_code, answer["Location"]) == (303, f"/watches/{watch.pk}/")
        assert watch.album == album


def test_the_form_is_sent_to_the_address_that_it_stands_at(
    client: Client, owner: User, album: Album
):
    client.force_login(owner)

    answer = client.post(f"/watches/new?album={album.pk}", {"rung": "edited-copy"})

    assert answer.status_code == 303
    assert Watch.objects.get().album == album


def test_nobody_watches_an_album_that_is_private_to_others(caller: Client, private: Album):
    answer = caller.post("/watches/new", {"album": private.pk, "rung": "edited-copy"})

    expected = {"visitor": 302, "another": 404, "owner": 404, "keeper": 303}
    assert answer.status_code == expected[caller.name]
    assert Watch.objects.count() == (caller.name == "keeper")


def test_nobody_watches_the_search_of_another(caller: Client, owner: User):
    saved = save_search(owner, address=f"query={query_files.write(encoded(RED))}", name="mine")

    answer = caller.post("/watches/new", {"search": str(saved.pk), "rung": "edited-copy"})

    expected = {"visitor": 302, "another": 404, "keeper": 404, "owner": 303}
    assert answer.status_code == expected[caller.name]
    assert Watch.objects.count() == (caller.name == "owner")


@pytest.mark.parametrize("said", [{"album": "x"}, {"search": "x"}, {"album": str(2**70)},
                                  {"search": str(uuid4())}, {"album": "-1"}])  # fmt: skip
def test_what_is_no_key_is_not_found(client: Client, owner: User, said: dict[str, str]):
    client.force_login(owner)

    assert client.get("/watches/new", said).status_code == 404
    assert client.post("/watches/new", said | {"rung": "edited-copy"}).status_code == 404


def test_a_form_that_is_wrong_says_so_and_changes_nothing(
    client: Client, owner: User, album: Album
):
    client.force_login(owner)

    said = {"album": album.pk, "rung": "edited-copy", "url": "javascript:alert(1)"}
    answer = client.post("/watches/new", said)

    assert answer.status_code == 200
    assert "begins with http:// or https://" in answer.content.decode()
    assert not Watch.objects.exists()


# What may be told


def test_what_is_hidden_is_not_told(watch: Watch, owner: User, images: list[Image], private: Album):
    rows = [found(watch, images[n], images[0]) for n in (1, 2, 3)]
    assert set(list_hits(owner)) == set(rows)

    private.images.add(images[1])
    Image.objects.filter(pk=images[2].pk).update(binned_at=timezone.now())
    Image.objects.filter(pk=images[3].pk).update(held_at=timezone.now())

    assert list(list_hits(owner)) == []
    assert count_unseen(owner) == 0
    # and is once it may be seen
    private.images.clear()
    assert list(list_hits(owner)) == rows[:1]


def test_a_copy_of_what_is_hidden_is_not_told(hit: WatchHit, owner: User, private: Album):
    private.images.add(hit.watched_image)

    assert list(list_hits(owner)) == []


@pytest.mark.parametrize("gone", ["private", "binned", "held"])
def test_a_copy_of_a_saved_image_that_may_not_be_seen_is_not_told(
    owner: User, images: list[Image], private: Album, client: Client, gone: str
):
    saved = save_search(owner, address=f"image={images[0].pk}", name="mine")
    watch = begin_watch(owner, saved, wishes())
    hit = found(watch, images[1], None, saved_picture=saved.pictures.get())
    assert list(list_hits(owner)) == [hit]

    if gone == "private":
        private.images.add(images[0])
        Image.objects.filter(pk=images[0].pk).update(title="renamed since")
    else:
        Image.objects.filter(pk=images[0].pk).update(**{f"{gone}_at": timezone.now()})

    assert list(list_hits(owner)) == []
    client.force_login(owner)
    assert "renamed since" not in client.get("/watches/").content.decode()


def test_an_album_that_became_private_is_not_watched(hit: WatchHit, owner: User, album: Album):
    album.groups.set([Group.objects.create(name="insiders")])
    Image.albums.through.objects.all().delete()  # the pictures themselves may be seen

    assert list(list_hits(owner)) == []
    assert list(list_watches(owner)) == []


def test_the_header_counts_what_is_new(client: Client, owner: User, watch: Watch, images):
    client.force_login(owner)
    before = client.get("/account/password/").content.decode()
    found(watch, images[1], images[0])
    found(watch, images[2], images[0])
    found(watch, images[3], images[0], is_before=True)

    after = client.get("/account/password/").content.decode()
    client.post("/watches/seen", {"all": "1"})

    assert "data-unseen" not in before
    assert ">2<span" in after
    assert "data-unseen" not in client.get("/account/password/").content.decode()


def test_names_are_shown_as_text(client: Client, owner: User, hit: WatchHit):
    Image.objects.update(title='<script>alert("x")</script>')
    client.force_login(owner)

    for page in PAGES.values():
        assert "<script>alert" not in client.get(page.format(watch=hit.watch_id)).content.decode()


# E-mails


def test_a_person_gets_one_mail_a_run(mailing, owner: User, album: Album, images: list[Image]):
    watch = begin_watch(owner, album, wishes(by_mail=True))
    other = begin_watch(owner, Album.objects.create(name="theirs"), wishes(by_mail=True))
    for one, image in ((watch, images[1]), (watch, images[2]), (other, images[3])):
        found(one, image, images[0])
    found(watch, images[0], images[1], is_before=True)

    assert notices.tell() == 1
    notices.tell()

    [message] = outbox.outbox
    assert message.to == ["owner@example.org"]
    assert message.subject == "Semblance: 3 new copies of what you watch"
    assert message.body.splitlines() == [
        "New pictures are like those that you watch.",
        "",
        "ours:",
        "  picture 1 (edited copy)",
        "  picture 2 (edited copy)",
        "",
        "theirs:",
        "  picture 3 (edited copy)",
        "",
        "See and compare them: https://pictures.example.org/watches/",
        "There you also choose what you are told of, and how.",
    ]
    assert message.attachments == []
    assert Notice.objects.get().state == "delivered"


def test_the_address_in_mails_is_that_of_the_page():
    assert reverse("watches:watches") == mail.PATH


def test_what_was_found_before_it_was_wished_is_not_mailed_or_called(
    mailing, hit: WatchHit, endpoint: Endpoint
):
    change_watch(hit.watch, wishes(by_mail=True, url=endpoint.url))

    notices.tell()

    assert (outbox.outbox, endpoint.calls, Notice.objects.count()) == ([], [], 0)


def test_a_mail_is_in_the_language_of_the_person(mailing, owner: User, album: Album, images):
    found(begin_watch(owner, album, wishes(by_mail=True, language="ru")), images[1], images[0])

    notices.tell()

    assert outbox.outbox[0].subject == "Semblance: 1 новая копия того, за чем вы следите"


def test_names_inject_no_header(mailing, owner: User, album: Album, images: list[Image]):
    Album.objects.update(name="a\r\nBcc: all@example.org")
    Image.objects.update(title="b\r\n\r\nFrom: chief@example.org" + "x" * 300)
    found(begin_watch(owner, album, wishes(by_mail=True)), images[1], images[0])

    notices.tell()

    [message] = outbox.outbox
    sent = message.message()
    assert (sent["Bcc"], sent["To"]) == (None, "owner@example.org")
    lines = message.body.splitlines()
    assert not any(line.startswith(("Bcc:", "From:")) for line in lines)
    assert max(map(len, lines)) < 120


@pytest.mark.parametrize("lacks", ["server", "site", "address", "wish", "account"])
def test_where_no_mail_can_be_sent_none_is_made(hit: WatchHit, mailing, settings, lacks: str):
    change_watch(hit.watch, wishes(by_mail=lacks != "wish"))
    if lacks == "server":
        settings.EMAIL_HOST = ""
    elif lacks == "site":
        settings.SITE_URL = None
    elif lacks == "address":
        User.objects.update(email="")
    elif lacks == "account":
        User.objects.update(is_active=False)

    notices.tell()

    assert (outbox.outbox, Notice.objects.count()) == ([], 0)


def test_what_was_hidden_since_is_not_mailed(
    mailing, owner: User, album: Album, images: list[Image], private: Album
):
    watch = begin_watch(owner, album, wishes(by_mail=True))
    found(watch, images[1], images[0])
    notices.make_notices()

    private.images.add(images[1])
    notices.tell()

    assert outbox.outbox == []
    assert Notice.objects.get().state == "dropped"


def test_a_run_that_goes_on_is_waited_for(mailing, owner: User, album: Album, images: list[Image]):
    watch = begin_watch(owner, album, wishes(by_mail=True))
    first = found(watch, images[1], images[0])
    WatchHit.objects.create(
        watch=watch, image=images[2], watched_image=images[0], rung="edited-copy"
    )

    notices.tell()
    assert outbox.outbox == []
    # nor is it over while pictures wait to be described
    WatchHit.objects.update(found_at=timezone.now() - QUIET)
    Image.objects.filter(pk=images[3].pk).update(status="queued")
    notices.tell()
    assert outbox.outbox == []
    # but not for ever
    WatchHit.objects.filter(pk=first.pk).update(found_at=timezone.now() - timedelta(minutes=16))
    notices.tell()

    assert outbox.outbox[0].subject == "Semblance: 2 new copies of what you watch"


def test_a_mail_server_that_is_away_is_asked_again(
    mailing, owner: User, album: Album, images: list[Image], settings
):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", taken.getsockname()[1]
        found(begin_watch(owner, album, wishes(by_mail=True)), images[1], images[0])
        assert notices.tell() == 0
    notice = Notice.objects.get()
    assert (notice.state, notice.tries, notice.error_code) == (
        "waiting", 1, "mail:transient:unavailable",
    )  # fmt: skip
    assert notices.tell() == 0  # not before its pause is over

    pass_time()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert notices.tell() == 1
    assert len(outbox.outbox) == 1


def test_the_form_says_why_no_mail_can_be_chosen(client: Client, owner: User, album, settings):
    client.force_login(owner)
    address = f"/watches/new?album={album.pk}"

    without = client.get(address).content.decode()
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example.org", "https://a.b"
    configured = client.get(address).content.decode()
    User.objects.update(email="")
    no_address = client.get(address).content.decode()

    assert "This site sends no e-mails" in without
    assert "One for all that is found at a time, to owner@example.org." in configured
    assert "Your account has no e-mail address" in no_address


# Webhooks


def test_a_call_says_what_was_found_and_is_signed(
    hooked: Watch, endpoint: Endpoint, images: list[Image], settings
):
    settings.SITE_URL = "https://pictures.example.org"
    hit = found(hooked, images[1], images[0], score=0.5)

    assert notices.tell() == 1
    notices.tell()

    [(headers, body)] = endpoint.calls
    notice = Notice.objects.get()
    hit.refresh_from_db()
    assert json.loads(body) == {
        "event": "watch.hits",
        "delivery": str(notice.pk),
        "watch": {"id": str(hooked.pk), "name": "ours"},
        "count": 1,
        "hits": [
            {
                "id": hit.pk,
                "found_at": hit.found_at.isoformat(),
                "verdict": "edited-copy",
                "score": 0.5,
                "image": {
                    "id": str(images[1].pk),
                    "title": "picture 1",
                    "url": f"https://pictures.example.org/images/{images[1].pk}/",
                },
                "copy_of": {"id": str(images[0].pk), "title": "picture 0"},
            }
        ],
    }
    fields = dict(part.split("=") for part in headers["Semblance-Signature"].split(","))
    secret = Webhook.objects.get().secret.encode()
    expected = hmac.new(secret, fields["t"].encode() + b"." + body, hashlib.sha256)
    assert hmac.compare_digest(fields["v1"], expected.hexdigest())
    assert headers["Semblance-Delivery"] == str(notice.pk)
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert (notice.state, notice.status, notice.tries) == ("delivered", 204, 1)


def test_the_address_of_an_image_in_calls_is_that_of_its_page(images: list[Image]):
    assert images[0].get_absolute_url() == f"/images/{images[0].pk}/"


@pytest.mark.parametrize("answer", [500, 404, 301])
def test_a_call_that_fails_is_made_again_with_growing_pauses(
    hooked: Watch, endpoint: Endpoint, images: list[Image], answer: int
):
    endpoint.answer, endpoint.location = answer, endpoint.url + "/elsewhere"
    found(hooked, images[1], images[0])
    pauses = []
    for _ in range(3):
        notices.tell()
        notice = Notice.objects.get()
        pauses.append(round((notice.next_at - timezone.now()).total_seconds() / 60))
        pass_time()

    endpoint.answer, endpoint.location = 200, ""
    assert notices.tell() == 1

    assert pauses == [1, 5, 15]
    assert len(endpoint.calls) == 4  # a redirect is not followed
    assert len({headers["Semblance-Delivery"] for headers, _ in endpoint.calls}) == 1
    notice.refresh_from_db()
    assert (notice.state, notice.status, notice.tries) == ("delivered", 200, 4)
    assert Webhook.objects.get().failing_since is None


def test_a_dead_webhook_is_switched_off_and_its_page_says_so(
    client: Client, owner: User, hooked: Watch, endpoint: Endpoint, images: list[Image]
):
    endpoint.answer = 500
    found(hooked, images[1], images[0])
    for _ in range(len(notices.PAUSES) + 3):
        notices.tell()
        pass_time()
    assert len(endpoint.calls) == len(notices.PAUSES) + 1
    assert Notice.objects.get().state == "failed"
    client.force_login(owner)
    page = client.get(f"/watches/{hooked.pk}/").content.decode()
    assert "Its webhook was switched off" in page

    # nothing is called any more, until its owner saves it anew
    found(hooked, images[2], images[0])
    notices.tell()
    assert len(endpoint.calls) == len(notices.PAUSES) + 1
    endpoint.answer = 200
    change_watch(hooked, wishes(url=endpoint.url))
    assert notices.tell() == 1
    assert json.loads(endpoint.calls[-1][1])["hits"][0]["image"]["title"] == "picture 2"


def test_no_address_inside_the_network_is_called(
    hooked: Watch, endpoint: Endpoint, images: list[Image], settings
):
    settings.FETCH_ALLOWED_NETWORKS = ()
    found(hooked, images[1], images[0])

    notices.tell()

    assert endpoint.calls == []
    assert Notice.objects.get().error_code == "fetch:user:forbidden-address"


def test_what_was_hidden_since_is_not_called(
    hooked: Watch, endpoint: Endpoint, images: list[Image], private: Album
):
    for n in (1, 2):
        found(hooked, images[n], images[0])
    notices.make_notices()
    private.images.add(images[1])

    notices.tell()

    [(_, body)] = endpoint.calls
    assert [hit["image"]["title"] for hit in json.loads(body)["hits"]] == ["picture 2"]
    assert json.loads(body)["count"] == 1


def test_two_processes_call_once(hooked: Watch, endpoint: Endpoint, images: list[Image]):
    found(hooked, images[1], images[0])
    [notice] = notices.make_notices()

    stale = Notice.objects.get(pk=notice.pk)
    assert notices._claim(notice)
    assert not notices._claim(stale)


def test_the_owner_reads_the_secret(client: Client, owner: User, hooked: Watch):
    client.force_login(owner)

    page = client.get(f"/watches/{hooked.pk}/").content.decode()

    assert Webhook.objects.get().secret in page
    assert len(Webhook.objects.get().secret) == 43


# The admin


def test_the_admin_tells_nothing_of_what_is_watched(client: Client, hit: WatchHit, superuser: User):
    pages = [
        client.get("/admin/watches/watch/"),
        client.get(f"/admin/watches/watch/{hit.watch_id}/change/"),
    ]

    assert [page.status_code for page in pages] == [200, 200]
    assert not any("picture 1" in page.content.decode() for page in pages)


def test_an_album_that_is_watched_can_be_deleted_in_the_admin(
    client: Client, watch: Watch, album: Album, superuser: User
):
    Image.albums.through.objects.all().delete()

    answer = client.post(f"/admin/catalog/album/{album.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 302
    assert (Album.objects.count(), Watch.objects.count()) == (0, 0)
    assert SavedSearch.objects.count() == 0


def test_a_notice_that_fails_in_no_known_way_holds_up_no_other_and_ends(
    mailing, owner: User, album: Album, images: list[Image], monkeypatch
):
    other = User.objects.create_user("other", email="other@example.org")
    for each in (owner, other):
        found(begin_watch(each, album, wishes(by_mail=True)), images[1], images[0])
    sending = outbox.EmailMessage.send

    def send(message, *args, **kwargs):
        if message.to == [owner.email]:
            raise ValueError("no address that this server takes")
        return sending(message, *args, **kwargs)

    monkeypatch.setattr(outbox.EmailMessage, "send", send)

    notices.tell()

    assert [message.to for message in outbox.outbox] == [[other.email]]
    waiting = Notice.objects.get(owner=owner)
    assert (waiting.state, waiting.error_code) == ("waiting", "request:ours:failed")


def test_a_search_whose_image_may_not_be_seen_any_more_is_not_offered(
    client: Client, owner: User, images: list[Image], private: Album
):
    saved = save_search(owner, address=f"image={images[0].pk}", name="mine")
    client.force_login(owner)
    assert str(saved.pk) in client.get("/watches/new").content.decode()

    private.images.add(images[0])

    assert str(saved.pk) not in client.get("/watches/new").content.decode()
    with pytest.raises(UserInputError, match="watch:user:no-picture"):
        begin_watch(owner, saved, wishes())
