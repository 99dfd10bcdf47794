"""A private picture shows nowhere: every address is asked, with it there and with it gone.

Both answers have to be the same for whoever may not see it: then neither words nor counts tell of
it. An address that is new to the site has to be added here.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core import signing
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.roles import ensure_roles
from api.models import ApiToken
from audit_log.models import AuditEntry
from audit_log.services import record
from catalog import services, storage
from catalog.models import Album, BulkEdit, CopyCheck, EncoderVersion, Image, Region, Tag
from catalog.vector_store import open_index
from ingestion.models import Import, ImportFailure, WatchedFolder
from jobs.models import JobRecord
from kernel.hashing import sha256_hex
from kernel.regions import FULL_IMAGE_KEY, FoundRegion, RegionKey
from kernel.task_messages import Copy
from review.models import Decision
from review.shown_hits import ShownHit
from search.models import SavedPicture, SavedSearch
from search.saved import save_search
from tests.unit.web import fake_worker
from tests.unit.web.conftest import DARK_RED, RED, encoded, upload
from vectors.index import EditablePayload
from watches.models import Rung, Watch, WatchHit
from watches.services import Wishes, begin_watch

# Every text of the picture and of what belongs to it begins so.
WORD = "zq"
PICTURE = encoded(DARK_RED)
TEXTS = (
    *("title", "description", "source", "path", "external_id", "owner", "licence", "rights"),
    *("creator", "credit", "usage_terms", "licensor", "taken_at"),
)
WISHES = Wishes(Rung.EDITED_COPY, by_mail=False, url="", language="en")
VIEWERS = ("visitor", "Keeper", "every permission")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `data` is posted where `is_post`, else it is in the address."""

    path: str
    data: dict[str, Any] = field(default_factory=dict)
    is_post: bool = False
    accept: str = "text/html"

    def __str__(self) -> str:
        shown = {name: value for name, value in self.data.items() if value != PICTURE}
        return f"{'POST' if self.is_post else 'GET'} {self.path} {shown} {self.accept}"

    def says(self, word: str) -> bool:
        """Whether it says the word itself, which a page may repeat; who sends a file, its hash."""
        is_its_hash = PICTURE in self.data.values() and word == sha256_hex(PICTURE)
        return is_its_hash or word in f"{self.path}{self.data}"


@dataclass(frozen=True, slots=True)
class Secret:
    """The private picture, and everything that says something of it."""

    image: Image
    album: Album
    tag: Tag
    current: Import
    failure: ImportFailure
    folder: WatchedFolder
    edit: BulkEdit
    job: JobRecord
    binned: Image
    held: Image
    held_copy_of_it: Image
    entry: AuditEntry
    decision: Decision
    # Of its album; and one of an album in the open, of which it is a copy.
    watch: Watch
    own_watch: Watch

    def remove(self) -> None:
        """Have it be as if it had never been; jobs are rows of the work, and stay."""
        LogEntry.objects.all().delete()
        AuditEntry.objects.all().delete()
        self.album.images.all().delete()
        self.held_copy_of_it.delete()
        for row in (self.edit, self.folder, self.current, self.tag, self.album):
            row.delete()


@pytest.fixture
def open_image(searchable) -> Image:
    image = searchable(encoded(RED), "in the open")
    Album.objects.create(name="for all").images.add(image)
    # Whoever asks has something hidden from them, whether the picture is there or not.
    Album.objects.create(name="empty").groups.set([Group.objects.create(name="nobody")])
    return image


@pytest.fixture
def secret(request, searchable, add_image, open_image, version: EncoderVersion) -> Secret:
    parts = [
        FoundRegion("panel", 0, 0, 0, 30, 40),
        FoundRegion("object", 0, 5, 5, 25, 25, f"{WORD}label", 0.9),
    ]
    image = searchable(PICTURE, "", *parts)
    for region in (FULL_IMAGE_KEY, RegionKey("panel", 0), RegionKey("object", 0)):
        storage.write(storage.region_thumbnail_name(image.sha256, region), b"\xff\xd8" + PICTURE)
    texts = {name: f"{WORD}{name}" for name in TEXTS}
    Image.objects.filter(pk=image.pk).update(**texts)
    failed = {"status": "failed", "error_code": "image:user:broken"}
    others = [  # one that waits, one that failed
        add_image(encoded((shade, shade, 90)), f"{WORD}{shade}", **fields)
        for shade, fields in ((70, {}), (80, failed))
    ]
    album, tag = Album.objects.create(name=f"{WORD}album"), Tag.objects.create(name=f"{WORD}tag")
    album.groups.set([Group.objects.create(name="insiders")])
    album.images.add(image, *others)
    tag.images.add(image)
    carried = EditablePayload("unknown", (tag.name,), (album.name,))
    open_index(version).set_payload([image.pk], carried)
    binned = add_image(encoded((90, 90, 90)), f"{WORD}binned", binned_at=timezone.now())
    album.images.add(binned)
    held_ones = make_held_ones(add_image, album, image, open_image)
    current = Import.objects.create(source=f"/srv/{WORD}import", found=2, added=1, failed=1)
    current.images.add(image, *others)
    failure = ImportFailure.objects.create(
        of=current, name=f"{WORD}refused.png", error_code="image:user:broken"
    )
    folder = WatchedFolder.objects.create(path=current.source, last_import=current)
    chief = User.objects.create_superuser("chief")
    edit = services.ask_bulk_edit("set_owner", Image.objects.filter(pk=image.pk))
    BulkEdit.objects.filter(pk=edit.pk).update(
        state="running",
        arguments={"value": f"{WORD}new owner"},
        started_by=chief,
        by_account=True,
    )
    # Saved by who sees it.
    save_search(chief, address=f"image={image.pk}&label={WORD}label", name=f"{WORD}saved")
    job = JobRecord.objects.create(
        name="workers.describe_images", queue="bulk", arguments={"image_ids": [str(image.pk)]}
    )
    image.refresh_from_db()
    changed = {"title": ["", f"{WORD}title"]}
    entry = record(AuditEntry.Action.CHANGED, image, actor_id=chief.pk, details=changed)
    # One about it, and one that was taken when it was asked with.
    pairs = {"judgement": "copy", "decided_at": timezone.now(), "encoder_version": version}
    decision = Decision.objects.create(image=image, query_sha256=f"{WORD}sha", **pairs)
    Decision.objects.create(image=open_image, query_image=image, query_sha256=image.sha256, **pairs)
    rows = (current, failure, folder, edit, job, binned, *held_ones, entry, decision)
    watch = begin_watch(chief, album, WISHES)
    own_watch = begin_watch(viewer_of(request) or chief, Album.objects.get(name="for all"), WISHES)
    for each, copy, copied in ((watch, open_image, image), (own_watch, image, open_image)):
        WatchHit.objects.create(watch=each, image=copy, watched_image=copied, rung="edited-copy")
    watch_saved(viewer_of(request) or chief, image, copy=open_image)
    return Secret(image, album, tag, *rows, watch, own_watch)


def watch_saved(owner: User, image: Image, *, copy: Image) -> None:
    """Have somebody watch an image that they saved before it was private, and find a copy."""
    mine = SavedSearch.objects.create(owner=owner, name="mine", address="words=sea")
    named = SavedPicture.objects.create(search=mine, image=image)
    watch = Watch.objects.create(owner=owner, saved_search=mine, rung=WISHES.rung)
    WatchHit.objects.create(watch=watch, image=copy, saved_picture=named, rung="edited-copy")


def make_held_ones(
    add_image: Any, album: Album, image: Image, open_image: Image
) -> tuple[Image, Image]:
    """One in the private album, and one in the open that tells of the private picture."""
    held = add_image(encoded((90, 91, 90)), f"{WORD}held", held_at=timezone.now())
    album.images.add(held)
    held_copy_of_it = add_image(encoded((90, 92, 90)), f"{WORD}copy", held_at=timezone.now())
    for each, copy_of in ((held, open_image), (held_copy_of_it, image)):
        CopyCheck.objects.create(
            image=each, copy_of=copy_of, state="held", policy="hold", import_id=uuid4()
        )
    return held, held_copy_of_it


@pytest.fixture
def ask(request: pytest.FixtureRequest, db) -> Callable[[Asked], Any]:
    """Ask as one of the viewers, each time with a browser that has not been there before."""
    name = request.param
    user = None
    if name != "visitor":
        user = User.objects.create_user("somebody", is_staff=name != "account")
        if name == "Keeper":
            ensure_roles()
            user.groups.add(Group.objects.get(name=name))
        elif name == "every permission":  # who may edit accounts may join any group
            user.user_permissions.set(Permission.objects.exclude(content_type__app_label="auth"))

    def sent(value: Any) -> Any:
        if isinstance(value, ShownHit):
            return value.signed(user or AnonymousUser())
        return upload(value) if isinstance(value, bytes) else value

    def ask(asked: Asked) -> Any:
        client = Client(raise_request_exception=False)
        if user is not None:
            client.force_login(user)
        send = client.post if asked.is_post else client.get
        data = {name: sent(value) for name, value in asked.data.items()}
        answer = send(asked.path, data, headers={"accept": asked.accept})
        if answer.status_code == HTTPStatus.SEE_OTHER:  # to the address of a search
            return client.get(answer["Location"], headers={"accept": asked.accept})
        return answer

    ask.user = user  # type: ignore[attr-defined]
    return ask


def viewer_of(request: pytest.FixtureRequest) -> User | None:
    """The account that asks, in a test where one does."""
    if "ask" not in request.fixturenames:
        return None
    user: User | None = request.getfixturevalue("ask").user
    return user


def routes() -> set[str]:
    """The name of every address of the site, or how it looks where it has none."""

    def walk(patterns: Sequence[Any], prefix: str, path: str) -> Iterator[tuple[str, str]]:
        for one in patterns:
            here = f"{path}{one.pattern}"
            if isinstance(one, URLResolver):
                inner = f"{prefix}{one.namespace}:" if one.namespace else prefix
                yield from walk(one.url_patterns, inner, here)
            else:
                yield here, f"{prefix}{one.name}" if one.name else here

    names: dict[str, str] = {}
    for address, name in walk(get_resolver().url_patterns, "", ""):
        names.setdefault(address, name)  # the API names each method of an address
    return set(names.values())


def requests_of(secret: Secret, open_image: Image) -> dict[str, list[Asked]]:
    """What is asked of each address, by its name."""
    asked = {
        **asked_of_searches(secret, open_image),
        **asked_of_pictures(secret, open_image),
        **asked_of_the_site(secret, open_image),
        **asked_of_the_admin(secret),
        **asked_of_single_rows(secret, open_image),
        **asked_of_tables(secret),
    }
    asked["admin:catalog_image_changelist"] += [
        Asked("/admin/catalog/image/", data)
        for data in (
            {"albums__id__exact": secret.album.pk},
            {"tags__id__exact": secret.tag.pk},
            {"imports__id__exact": str(secret.current.pk)},
            {"albums__name__startswith": WORD},
            {"status__exact": "failed"},
            {"error_code": "image:user:broken"},
            {"medium__exact": "unknown", "o": "2"},
            *({"q": f"{WORD}{name}"} for name in TEXTS),
            {"q": secret.image.sha256[:8]},
        )
    ]
    wrong = {"title": "", "albums": secret.album.pk, "tags": secret.tag.pk, "medium": "none"}
    asked["admin:catalog_image_change"] += [
        Asked(f"/admin/catalog/image/{open_image.pk}/change/"),
        Asked(f"/admin/catalog/image/{open_image.pk}/change/", wrong, is_post=True),
    ]
    return asked


def asked_of_searches(secret: Secret, open_image: Image) -> dict[str, list[Asked]]:
    """Searches, and those that are saved."""
    search, images = "/", (secret.image, open_image)
    saved = SavedSearch.objects.get(name=f"{WORD}saved")
    return {
        "search:page": [
            Asked(search),
            *(Asked(search, {"image": str(image.pk)}) for image in images),
            *(Asked(search, {"query": str(image.pk)}) for image in images),
            *(
                Asked(
                    search,
                    {"image": str(open_image.pk), field: str(secret.image.pk)},
                    accept=accept,
                )
                for accept in ("text/html", "application/json")
                for field in ("query", "unlike", "unlike_image")
            ),
            *(Asked(search, {"words": word}) for word in (f"{WORD}title", "red")),
            *(
                Asked(search, {"picture": PICTURE} | more, is_post=True, accept=accept)
                for accept in ("text/html", "application/json")
                for more in ({}, {"wait": "hits"}, {"wait": "proofs"}, {"label": f"{WORD}label"},
                             {"box": "0,0,30,40"})
            ),
        ],
        "search:known_values": [Asked("/filters/values")],
        "search:comparison": [
            Asked("/comparisons/", {"image": str(one.pk), "found": str(other.pk)})
            for one in images
            for other in images
        ],
        "search:comparison_page": [
            Asked("/comparisons/page", {"image": str(one.pk), "found": str(other.pk),
                                        "part": "whole-0"})
            for one in images
            for other in images
        ],
        "search:result_pdf": [
            Asked("/result.pdf", {"image": str(secret.image.pk)}),
        ],
        "search:result_csv": [
            Asked("/result.csv", {"image": str(image.pk)}) for image in images
        ],
        "search:query": [Asked(f"/queries/{secret.image.pk}.jpg")],
        "search:saved": [Asked("/searches/")],
        "search:save": [  # not of one in the open: it would be there when all is asked again
            Asked("/searches/save", {"address": f"image={secret.image.pk}"}, is_post=True)
        ],
        "search:saved_rename": [
            Asked(f"/searches/{saved.pk}/rename", {"name": "mine now"}, is_post=True)
        ],
        "search:saved_delete": [Asked(f"/searches/{saved.pk}/delete", is_post=True)],
        "search:saved_thumbnail": [Asked(f"/searches/{saved.pk}.jpg")],
    }  # fmt: skip


def asked_of_pictures(secret: Secret, open_image: Image) -> dict[str, list[Asked]]:
    """Watches, files and decisions."""
    images, watch, own = (secret.image, open_image), secret.watch, secret.own_watch
    return {
        "watches:watches": [Asked("/watches/")],
        "watches:new": [
            Asked("/watches/new"),
            Asked("/watches/new", {"album": watch.album_id}),
            Asked("/watches/new", {"album": watch.album_id, "rung": "edited-copy"}, is_post=True),
        ],
        "watches:watch": [Asked(f"/watches/{watch.pk}/"), Asked(f"/watches/{own.pk}/")],
        "watches:seen": [
            Asked("/watches/seen", {"all": "1", "watch": one.pk}, is_post=True)
            for one in (watch, own)
        ],
        "watches:change": [
            Asked(f"/watches/{watch.pk}/change", {"rung": "same-subject"}, is_post=True)
        ],
        "watches:renew": [Asked(f"/watches/{watch.pk}/secret", is_post=True)],
        "watches:end": [Asked(f"/watches/{watch.pk}/end", is_post=True)],
        "search:image_preview": [Asked(f"/images/{i.pk}/preview.jpg") for i in images],
        "catalog:image": [Asked(reverse("catalog:image", args=[i.pk])) for i in images],
        "catalog:thumbnail": [Asked(reverse("catalog:thumbnail", args=[i.pk])) for i in images],
        "catalog:region_webp_thumbnail": [
            Asked(reverse("catalog:region_webp_thumbnail", args=[i.pk, "panel-0", size]))
            for i in images for size in ("small", "medium")
        ],
        "catalog:webp_thumbnail": [
            Asked(reverse("catalog:webp_thumbnail", args=[i.pk, size]))
            for i in images
            for size in ("small", "medium", "large")
        ],
        "catalog:original": [Asked(reverse("catalog:original", args=[i.pk])) for i in images],
        "catalog:region_thumbnail": [
            Asked(reverse("catalog:region_thumbnail", args=[secret.image.pk, key]))
            for key in ("whole-0", "panel-0", "object-0")
        ],
        "review:decide": [
            Asked("/decisions/", {"hit": hit_of(image), "judgement": each}, is_post=True)
            for image in images
            for each in ("copy", "none")
        ],
        "admin:review_decision_query": [
            Asked(f"/admin/review/decision/{secret.decision.pk}/query.jpg")
        ],
        "admin:review_decision_precision_page": [Asked("/admin/review/decision/precision/")],
    }  # fmt: skip


def asked_of_the_site(secret: Secret, open_image: Image) -> dict[str, list[Asked]]:
    """What is no picture's: accounts, health; and the API."""
    images = (secret.image, open_image)
    return {
        "ingestion:upload": [Asked("/upload/")],  # its own test is below
        "accounts:password": [Asked("/account/password/")],
        "accounts:password_changed": [Asked("/account/password/changed/")],
        "api:root": [Asked("/api/v1/")],
        "api:openapi": [Asked("/api/v1/openapi.json")],
        "api:docs": [Asked("/api/v1/docs")],
        **{f"api:{name}": asked for name, asked in asked_of_the_api(secret, images).items()},
        "login": [Asked("/login/")],
        "logout": [Asked("/logout/", is_post=True)],
        "set_language": [Asked("/i18n/setlang/", {"language": "en"}, is_post=True)],
        "healthz": [Asked("/healthz")],
        "readyz": [Asked("/readyz")],
        "metrics": [Asked("/metrics")],  # for who has the token, of all images
    }  # fmt: skip


def asked_of_the_admin(secret: Secret) -> dict[str, list[Asked]]:
    """Pages of the admin that are of no table."""
    return {
        "^admin/r/": [Asked(f"/admin/r/{content_type(Image).pk}/{secret.image.pk}/")],
        "admin:index": [Asked("/admin/")],
        "admin:login": [Asked("/admin/login/")],
        "admin:logout": [Asked("/admin/logout/", is_post=True)],
        "admin:password_change": [Asked("/admin/password_change/")],
        "admin:password_change_done": [Asked("/admin/password_change/done/")],
        "admin:jsi18n": [Asked("/admin/jsi18n/")],
        "admin:view_on_site": [Asked(f"/admin/r/{content_type(Image).pk}/{secret.image.pk}/")],
        "admin:search": [Asked("/admin/search/", {"s": WORD})],
        "admin:app_list": [
            Asked(f"/admin/{app}/") for app in ("catalog", "ingestion", "jobs", "review")
        ],
        "admin/(?P<url>.*)$": [Asked(f"/admin/{secret.image.pk}")],
        "admin:autocomplete": [
            Asked("/admin/autocomplete/", {
                "app_label": "catalog", "model_name": "image", "field_name": name, "term": term,
            })
            for name in ("tags", "albums")
            for term in ("", WORD)
        ],
    }  # fmt: skip


def asked_of_single_rows(secret: Secret, open_image: Image) -> dict[str, list[Asked]]:
    """What the admin shows, and does, of one row beside its form."""
    images = (secret.image, open_image)
    binned, imports = "/admin/catalog/binnedimage/", "/admin/ingestion/import/"
    held = [f"/admin/catalog/heldimage/{i.pk}" for i in (secret.held, secret.held_copy_of_it)]
    return {
        "admin:catalog_bulkedit_confirm": [
            Asked(f"/admin/catalog/bulkedit/{secret.edit.pk}/confirm/")
        ],
        "admin:catalog_bulkedit_cancel": [
            Asked(f"/admin/catalog/bulkedit/{secret.edit.pk}/cancel/", is_post=True)
        ],
        "admin:catalog_bulkedit_file": [
            Asked(f"/admin/catalog/bulkedit/{secret.edit.pk}/files/1/")
        ],
        "admin:catalog_image_panels": [
            Asked(f"/admin/catalog/image/{image.pk}/panels/") for image in images
        ],
        "admin:catalog_binnedimage_restore_one": [Asked(f"{binned}{secret.binned.pk}/restore/")],
        "admin:catalog_binnedimage_purge_one": [Asked(f"{binned}{secret.binned.pk}/purge/")],
        "admin:catalog_binnedimage_restore_all": [Asked(f"{binned}restore-all/")],
        "admin:catalog_binnedimage_purge_all": [Asked(f"{binned}purge-all/")],
        "admin:catalog_binnedimage_thumbnail": [Asked(f"{binned}{secret.binned.pk}/thumbnail.jpg")],
        "admin:catalog_heldimage_take_in_one": [Asked(f"{one}/take_in/") for one in held],
        "admin:catalog_heldimage_refuse_one": [Asked(f"{one}/refuse/") for one in held],
        "admin:catalog_heldimage_thumbnail": [Asked(f"{one}/thumbnail.jpg") for one in held],
        "admin:ingestion_import_do": [
            Asked(f"{imports}{secret.current.pk}/do/", {"action": each}, is_post=True)
            for each in ("pause", "resume", "cancel", "retry")
        ],
        "admin:ingestion_import_failures_csv": [
            Asked(f"{imports}{secret.current.pk}/failures.csv")
        ],
        "admin_parts": [Asked("/admin/parts/")],
        "admin:api_apitoken_revoke": [Asked("/admin/api/apitoken/1/revoke/", is_post=True)],
        "admin:auth_user_password_change": [Asked("/admin/auth/user/1/password/")],
    }  # fmt: skip


def asked_of_tables(secret: Secret) -> dict[str, list[Asked]]:
    """Lists and forms of each table in the admin."""
    asked: dict[str, list[Asked]] = {}
    word, saved, own = (
        f"{WORD}title",
        SavedSearch.objects.get(name=f"{WORD}saved"),
        secret.own_watch,
    )
    rows: dict[str, Any] = {
        "catalog_image": secret.image, "catalog_album": secret.album, "catalog_tag": secret.tag,
        "catalog_bulkedit": secret.edit, "catalog_encoderversion": EncoderVersion.objects.get(),
        "catalog_binnedimage": secret.binned, "audit_log_auditentry": secret.entry,
        "catalog_heldimage": secret.held_copy_of_it,
        "review_decision": secret.decision,
        "ingestion_import": secret.current, "ingestion_importfailure": secret.failure,
        "ingestion_watchedfolder": secret.folder,
        "jobs_jobrecord": secret.job, "search_savedsearch": saved,
        "watches_watch": own, "api_apitoken": ApiToken(pk=1),
        "auth_user": User.objects.get(username="chief"), "auth_group": Group.objects.first(),
    }  # fmt: skip
    for model, row in rows.items():
        path = f"/admin/{'/'.join(model.rsplit('_', 1))}/"
        asked |= {
            f"admin:{model}_changelist": [
                Asked(path),
                Asked(path, {"q": word}),
                Asked(path, {"e": 1}),
            ],
            f"admin:{model}_add": [Asked(f"{path}add/")],
            f"admin:{model}_change": [Asked(f"{path}{row.pk}/change/")],
            f"admin:{model}_delete": [Asked(f"{path}{row.pk}/delete/")],
            f"admin:{model}_history": [Asked(f"{path}{row.pk}/history/")],
            f"{path[1:]}<path:object_id>/": [Asked(f"{path}{row.pk}/")],
        }
    return asked


def hit_of(image: Image) -> ShownHit:
    """An image as a page shows it to who may decide, asked with itself."""
    shown = (str(image.pk), image.sha256, "", str(image.pk), "", "similar", 0.5, None)
    return ShownHit(*shown, EncoderVersion.objects.get().pk, "")


def asked_of_the_api(secret: Secret, images: Sequence[Image]) -> dict[str, list[Asked]]:
    """What is asked below /api/, by the name of the address."""
    root = "/api/v1"
    lists = (
        *("", "?q=zqtitle", f"?tag={WORD}tag", f"?album={WORD}album", f"?label={WORD}label"),
        *("?limit=1", f"?sha256={secret.image.sha256}", f"?owner={WORD}owner"),
    )
    return {
        "search": [
            *(Asked(f"{root}/search", {"image": str(image.pk)}) for image in images),
            *(
                Asked(f"{root}/search", {"picture": PICTURE} | more, is_post=True)
                for more in ({}, {"wait": "hits"}, {"label": f"{WORD}label"})
            ),
            *(
                Asked(f"{root}/search", {"picture": PICTURE, role: str(image.pk)}, is_post=True)
                for image in images
                for role in ("image", "unlike_image")
            ),
        ],
        "images": [Asked(f"{root}/images{asked}") for asked in lists],
        "image": [Asked(f"{root}/images/{image.pk}") for image in images],
        "original": [Asked(f"{root}/images/{image.pk}/original") for image in images],
        "thumbnail": [Asked(f"{root}/images/{image.pk}/thumbnail") for image in images],
        # For who has a token: what they are told of private pictures is asked in tests/unit/api.
        "bulk": [Asked(f"{root}/images/bulk", is_post=True)],
        "bulk_edit": [Asked(f"{root}/bulk-edits/{secret.edit.pk}")],
        "cancel_bulk_edit": [Asked(f"{root}/bulk-edits/{secret.edit.pk}/cancel", is_post=True)],
        "albums": [Asked(f"{root}/albums")],
        "album": [Asked(f"{root}/albums/{secret.album.pk}")],
        "tags": [Asked(f"{root}/tags")],
        "tag": [Asked(f"{root}/tags/{secret.tag.pk}")],
        "imports": [Asked(f"{root}/imports")],
        "import_files": [Asked(f"{root}/imports/files", is_post=True)],
        "import": [Asked(f"{root}/imports/{secret.current.pk}")],
        "do_import": [Asked(f"{root}/imports/{secret.current.pk}/pause", is_post=True)],
        "failures": [Asked(f"{root}/imports/{secret.current.pk}/failures")],
        "decisions": [Asked(f"{root}/decisions")],
        "decision": [Asked(f"{root}/decisions/{secret.decision.pk}")],
        "watches": [Asked(f"{root}/watches")],
        "watch_hits": [Asked(f"{root}/watches/hits")],
        "hits_seen": [Asked(f"{root}/watches/hits/seen", is_post=True)],
        "saved_searches": [Asked(f"{root}/saved-searches")],
        "saved_search": [Asked(f"{root}/saved-searches/{secret.image.pk}")],
        "watch": [Asked(f"{root}/watches/{secret.image.pk}")],
        "jobs": [Asked(f"{root}/jobs")],
        "job": [Asked(f"{root}/jobs/{secret.job.pk}")],
        "encoder_versions": [Asked(f"{root}/encoder-versions")],
    }


def content_type(model: type[Any]) -> ContentType:
    return ContentType.objects.get_for_model(model)


def said(response: Any) -> str:
    """What an answer says, without what is another each time."""
    text = response.content.decode(errors="replace")
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
    text = re.sub(r'("(?:model|total)_ms": |· )[\d.]+', r"\1", text)
    text = re.sub(
        r'((?:query(?:=|%3D)|queries/|"id": ")|name="query" value=")[0-9a-f-]{36}', r"\1", text
    )
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}\+00:00", "", text)
    text = re.sub(r'(?<=name="hit" value=")[^"]+', _unsigned, text)
    text = re.sub(r"(<strong>)[\d.]+\xa0GB", r"\1", text)  # of the disk, others write on it
    heads = {name: response.get(name) for name in ("Location", "Content-Disposition", "ETag")}
    told = f"{response.status_code} {json.dumps(heads)} {text}"
    return re.sub(r"(/bulkedit/)\d+(/confirm/)", r"\1\2", told)


def _unsigned(token: re.Match[str]) -> str:
    """What a signed hit says, but for the query's id."""
    _account, _query, *values = signing.loads(token[0], salt="review.shown-hit")
    return escape(json.dumps(values))


def difference(expected: str, got: str) -> list[str]:
    """The lines that differ, with their signs."""
    lines = difflib.ndiff(expected.splitlines(), got.splitlines())
    return [line for line in lines if line[0] in "+-"] if expected != got else []


def test_no_address_of_the_site_is_left_out(secret: Secret, open_image: Image) -> None:
    assert set(requests_of(secret, open_image)) == routes()


@pytest.mark.parametrize("ask", VIEWERS, indirect=True)
def test_a_private_picture_shows_nowhere(ask, secret, open_image, version, worker) -> None:
    # given a worker that proves copies of it all the same, and a person who once edited it
    regions = Region.objects.filter(image=secret.image).exclude(kind="object")
    corners = ((0, 0), (60, 0), (60, 40), (0, 40))
    proved = [Copy(region.pk, True, False, 0, corners, None) for region in regions]
    fake_worker.answer_with(version_id=version.pk, copies={(0, 0, 60, 40): proved})
    if ask.user is not None:
        LogEntry.objects.create(
            user=ask.user,
            content_type=content_type(Image),
            object_id=str(secret.image.pk),
            object_repr=f"{WORD}log",
            action_flag=CHANGE,
        )
    files = [
        storage.original_name(secret.image.sha256),
        storage.thumbnail_name(secret.image.sha256),
    ]
    contents = [storage.read(name) for name in files] + [b"\xff\xd8" + PICTURE]
    hidden = (WORD, str(secret.image.pk), secret.image.pk.hex, secret.image.sha256)
    hidden += (str(secret.current.pk),)
    asked = [one for several in requests_of(secret, open_image).values() for one in several]

    # when everything is asked, and again when there is no such picture
    answers = [ask(one) for one in asked]
    secret.remove()
    without = [ask(one) for one in asked]

    told = []
    for one, answer, other in zip(asked, answers, without, strict=True):
        words = [word for word in hidden if word in said(answer) and not one.says(word)]
        differences = difference(said(other), said(answer))
        if words or differences or answer.status_code == 500 or answer.content in contents:
            told.append((str(one), answer.status_code, words, differences))
    assert not told, "\n".join(map(str, told))


@pytest.mark.parametrize("ask", ["visitor", "account"], indirect=True)
def test_only_staff_see_where_a_picture_came_from(
    ask, secret, open_image, worker, settings
) -> None:
    source, path = "/srv/scans/box-7", "1987/letters/in the open.png"
    Image.objects.filter(pk=open_image.pk).update(source=source, path=path)
    asked = [one for several in requests_of(secret, open_image).values() for one in several]

    answers = [said(ask(one)) for one in asked]

    told = (str(settings.DATA_DIR), "/srv/scans", "box-7", "1987/letters")
    found = [
        (str(one), word)
        for one, text in zip(asked, answers, strict=True)
        for word in told
        if word in text
    ]
    assert found == []
    assert sum("in the open" in text for text in answers) > 10  # they are about the picture
