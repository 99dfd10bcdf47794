"""The audit log on pages: what they write to it, and who may read it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit_log.models import AuditEntry
from audit_log.services import record_images
from catalog.models import Album, Image, Tag
from tests.unit.web.conftest import RED, encoded

pytestmark = pytest.mark.django_db

LOG = "/admin/audit_log/auditentry/"


@pytest.fixture
def chief(client):
    user = User.objects.create_superuser("chief", password="secret")
    client.force_login(user)
    AuditEntry.objects.all().delete()
    return user


def entries():
    rows = AuditEntry.objects.order_by("id")
    return list(rows.values_list("actor_name", "action", "object_type", "object_name", "details"))


def edit(client, image, **changes):
    body = {
        "title": image.title,
        "medium": image.medium,
        "tags": [tag.pk for tag in image.tags.all()],
        "albums": [album.pk for album in image.albums.all()],
        "regions-TOTAL_FORMS": 0,
        "regions-INITIAL_FORMS": 0,
    }
    answer = client.post(f"/admin/catalog/image/{image.pk}/change/", body | changes)
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def test_an_edit_is_recorded_with_old_and_new_values(client, chief, add_image):
    image = add_image(encoded(RED), "old")
    sea, sky = Tag.objects.create(name="sea"), Tag.objects.create(name="sky")
    album = Album.objects.create(name="2024")
    image.tags.add(sea)

    edit(client, image, title="new", medium="photo", tags=[sky.pk], albums=[album.pk])
    image.refresh_from_db()
    edit(client, image)  # changes nothing

    assert entries() == [
        (
            *("chief", "changed", "catalog.image", "new"),
            {
                "title": ["old", "new"],
                "medium": ["unknown", "photo"],
                "tags": [["sea"], ["sky"]],
                "albums": [[], ["2024"]],
            },
        )
    ]


def test_tags_are_recorded_as_they_come_change_and_go(client, chief):
    client.post("/admin/catalog/tag/add/", {"name": "sea"})
    url = f"/admin/catalog/tag/{Tag.objects.get().pk}"
    client.post(f"{url}/change/", {"name": "ocean"})
    client.post(f"{url}/delete/", {"post": "yes"})
    other = Tag.objects.create(name="sky")
    body = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
    client.post("/admin/catalog/tag/", body)

    assert entries() == [
        ("chief", "added", "catalog.tag", "sea", {"name": [None, "sea"]}),
        ("chief", "changed", "catalog.tag", "ocean", {"name": ["sea", "ocean"]}),
        ("chief", "deleted", "catalog.tag", "ocean", {}),
        ("chief", "deleted", "catalog.tag", "sky", {}),
    ]


@pytest.mark.parametrize("model", [Tag, Album])
def test_which_images_lose_a_deleted_tag_is_recorded(client, chief, add_image, model):
    image, _ = add_image(encoded(RED)), add_image(encoded((1, 2, 3)))
    named = model.objects.create(name="sea")
    named.images.add(image)

    client.post(f"/admin/catalog/{model._meta.model_name}/{named.pk}/delete/", {"post": "yes"})

    [part] = AuditEntry.objects.get().images.all()
    assert part.image_ids == {"": [image.pk.hex]}


def test_a_deletion_is_recorded_as_the_way_into_the_bin(client, chief, add_image):
    image = add_image(encoded(RED), "red")

    client.post(f"/admin/catalog/image/{image.pk}/delete/", {"post": "yes"})

    assert entries() == [("chief", "binned", "catalog.image", "red", {})]


def test_accounts_are_recorded_with_groups_and_permissions_and_no_password(client, chief):
    keepers = Group.objects.create(name="keepers")
    bob = User.objects.create_user("bob", password="old secret")
    permission = Permission.objects.get(codename="purge_image")
    joined = bob.date_joined.replace(microsecond=0)
    User.objects.filter(pk=bob.pk).update(date_joined=joined)

    client.post(
        f"/admin/auth/user/{bob.pk}/change/",
        {
            "username": "bob",
            "is_active": "on",
            "is_staff": "on",
            "groups": [keepers.pk],
            "user_permissions": [permission.pk],
            "date_joined_0": joined.strftime("%Y-%m-%d"),
            "date_joined_1": joined.strftime("%H:%M:%S"),
        },
        HTTP_ACCEPT_LANGUAGE="ru",
    )
    client.post(
        f"/admin/auth/group/{keepers.pk}/change/",
        {"name": "keepers", "permissions": [permission.pk]},
    )
    client.post(
        f"/admin/auth/user/{bob.pk}/password/",
        {"password1": "zx81-zx81-zx", "password2": "zx81-zx81-zx", "usable_password": "true"},
    )

    name = "Catalogue | image | Can delete images in the bin for good"
    assert entries() == [
        (
            *("chief", "changed", "auth.user", "bob"),
            {
                "is_staff": [False, True],
                "groups": [[], ["keepers"]],
                "user_permissions": [[], [name]],
            },
        ),
        ("chief", "changed", "auth.group", "keepers", {"permissions": [[], [name]]}),
        ("chief", "changed", "auth.user", "bob", {"password": [None, None]}),
    ]
    bob.refresh_from_db()
    assert bob.check_password("zx81-zx81-zx")


def test_a_password_that_is_refused_is_no_change(client, chief):
    client.post(
        f"/admin/auth/user/{chief.pk}/password/",
        {"password1": "one", "password2": "other", "usable_password": "true"},
    )

    assert entries() == []


def test_log_ins_and_their_failures_are_recorded_until_nobody_may_try(client, settings):
    User.objects.create_user("bob", password="right")

    def log_in(password):
        return client.post("/login/", {"username": "bob", "password": password})

    log_in("right")
    client.post("/logout/")
    for _ in range(settings.AXES_FAILURE_LIMIT + 3):
        log_in("wrong")

    failed = ("bob", "login_failed", "", "", {"address": "127.0.0.1"})
    assert entries() == [
        ("bob", "logged_in", "auth.user", "bob", {}),
        ("bob", "logged_out", "auth.user", "bob", {}),
        *[failed] * settings.AXES_FAILURE_LIMIT,
    ]
    assert "wrong" not in str(list(AuditEntry.objects.values()))


def test_originals_are_recorded_for_who_is_logged_in_and_as_often_as_they_are_sent(
    client, log_in, add_image
):
    image = add_image(encoded(RED), "red")
    url = f"/images/{image.pk}/original"
    etag = client.get(url)["ETag"]  # a visitor: nobody that could be named
    log_in()
    AuditEntry.objects.all().delete()

    client.get(url)
    client.get(url, headers={"if-none-match": etag})
    client.get(f"/images/{image.pk}/thumbnail.jpg")
    Image.objects.update(binned_at=timezone.now())
    client.get(url)

    assert entries() == [("somebody", "downloaded", "catalog.image", "red", {})]


def test_a_visitors_download_is_recorded_nowhere(client, add_image):
    client.get(f"/images/{add_image(encoded(RED)).pk}/original")

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("caller", "status"),
    [("anonymous", 302), ("plain", 302), ("staff without", 403), ("staff with", 200)],
)
def test_only_who_may_read_it_reads_it(client, log_in, caller, status):
    if caller != "anonymous":
        permissions = [] if caller == "staff without" else ["audit_log.view_auditentry"]
        log_in(*permissions, staff=caller.startswith("staff"))
    entry = AuditEntry.objects.create(action="changed")

    assert client.get(LOG).status_code == status
    assert client.get(f"{LOG}{entry.pk}/change/").status_code == status


@pytest.mark.parametrize("way", ["change", "delete", "add", "delete many"])
def test_nobody_changes_or_deletes_an_entry(client, chief, way):
    entry = AuditEntry.objects.create(action="changed", actor_name="bob")
    before = AuditEntry.objects.values().get()

    if way == "delete many":
        body = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
        client.post(LOG, body)
    else:
        url = f"{LOG}add/" if way == "add" else f"{LOG}{entry.pk}/{way}/"
        answer = client.post(url, {"post": "yes", "action": "added", "actor_name": "eve"})
        assert answer.status_code == 403

    assert AuditEntry.objects.values().get() == before


def test_the_log_is_narrowed_down_by_who_what_kind_and_date(client, chief, add_image):
    image = add_image(encoded(RED), "red")
    now = timezone.now()
    for days, (actor, action, kind) in enumerate(
        [
            ("ann", "changed", "catalog.image"),
            ("bob", "changed", "catalog.tag"),
            ("ann", "purged", "catalog.image"),
        ]
    ):
        entry = AuditEntry.objects.create(
            actor_name=actor, action=action, object_type=kind, object_id=str(image.pk)
        )
        AuditEntry.objects.filter(pk=entry.pk).update(at=now - timedelta(days=10 * days))
    first = [pk for (pk,) in AuditEntry.objects.order_by("id").values_list("pk")]

    def found(**query):
        page = client.get(LOG, query)
        assert page.status_code == 200
        return [first.index(entry.pk) for entry in page.context["cl"].result_list]

    assert found() == [0, 1, 2]
    assert found(q="ann") == [0, 2]
    assert found(q=str(image.pk)) == [0, 1, 2]
    assert found(action="purged") == [2]
    assert found(object_type="catalog.tag") == [1]
    day = (now - timedelta(days=10)).strftime("%Y-%m-%d")
    assert found(at_from=day, at_to=day) == [1]
    assert found(at_from=day) == [0, 1]
    assert found(at_to=day) == [1, 2]
    assert found(at_from="no day") == [0, 1, 2]
    assert found(at_to="9999-12-31") == [0, 1, 2]


def test_the_log_leads_to_what_it_tells_of(client, chief, add_image):
    image = add_image(encoded(RED), "old <b>")
    edit(client, image, title="new <b>")

    text = client.get(LOG).content.decode()

    assert f'href="/admin/catalog/image/{image.pk}/change/"' in text
    assert "title: old &lt;b&gt; → new &lt;b&gt;" in text


def test_an_entry_of_many_images_leads_to_them(client, chief, add_image):
    images = [add_image(encoded((shade, 0, 0))) for shade in range(3)]
    entry = AuditEntry.objects.create(
        action="started", object_type="catalog.bulkedit", details={"kind": "set_owner", "images": 3}
    )
    record_images(entry, {"Bob <b>": [images[0].pk], "": [image.pk for image in images[1:]]})

    text = client.get(f"{LOG}{entry.pk}/change/").content.decode()

    assert all(f'href="/admin/catalog/image/{image.pk}/change/"' in text for image in images)
    assert "Bob &lt;b&gt;:" in text
    assert "change: Set the owner" in text


def test_a_longer_log_asks_the_database_no_more_and_counts_nothing(
    client, chief, django_assert_num_queries
):
    AuditEntry.objects.create(action="changed", object_type="catalog.image", object_name="one")
    with CaptureQueriesContext(connection) as few:
        client.get(LOG)
    AuditEntry.objects.bulk_create(
        AuditEntry(action="changed", object_type="catalog.image", object_name=str(number))
        for number in range(200)
    )

    with CaptureQueriesContext(connection) as many:
        page = client.get(LOG)

    assert len(many) == len(few)
    assert not [each["sql"] for each in many if "COUNT(" in each["sql"]]
    assert len(page.context["cl"].result_list) == 50
    assert len(client.get(LOG, {"p": "4"}).context["cl"].result_list) == 50
