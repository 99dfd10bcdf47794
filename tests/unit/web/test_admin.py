"""The admin: who may see and do what, and that files, rows and points go through the services."""

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog import services, storage
from catalog.exports import part_name
from catalog.models import Album, BulkEdit, EncoderVersion, Image, Region, Tag
from catalog.presenters import thumbnail_url
from ingestion.models import Import, ImportFailure
from jobs.models import JobRecord
from jobs.services import claim
from kernel import task_names
from kernel.messages import sentence
from tests.unit.web.conftest import BLUE, GREEN, RED, encoded

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/image/"
BIN = "/admin/catalog/binnedimage/"
READ_ONLY = ["catalog/encoderversion", "catalog/bulkedit", "jobs/jobrecord"]
IMAGES = ["catalog/image", "catalog/binnedimage", "catalog/heldimage"]
CATALOGUE = [*IMAGES, "catalog/tag", "catalog/album"]
ALL = [*CATALOGUE, *READ_ONLY, "ingestion/import", "auth/user", "auth/group"]


@pytest.fixture
def three(add_image):
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    return [add_image(encoded(rgb), name, status="indexed") for name, rgb in colours.items()]


def act(client, action, images, **extra):
    body = {"action": action, "_selected_action": [str(image.pk) for image in images]}
    return client.post(LIST, body | extra)


def statuses() -> dict[str, str]:
    return dict(Image.objects.values_list("title", "status"))


def binned() -> set[str]:
    return set(Image.objects.filter(binned_at__isnull=False).values_list("title", flat=True))


def titles_due() -> set[str]:
    """Of the images whose points wait for what they carry."""
    return set(Image.objects.filter(payload_due_at__isnull=False).values_list("title", flat=True))


def ids_of_jobs(name: str) -> list[str]:
    """What the next sweep hands to the workers, in jobs of this name."""
    services.requeue_stalled()
    services.redelete_stalled()
    jobs = JobRecord.objects.filter(name=name)
    return sorted(image_id for job in jobs for image_id in job.arguments["image_ids"])


def ids_of(images) -> list[str]:
    return sorted(str(image.pk) for image in images)


@pytest.mark.parametrize("model", ALL)
def test_every_list_opens_for_a_superuser(client, superuser, three, version, model):
    JobRecord.objects.create(name=task_names.DELETE_IMAGES, queue="maintenance", state="failed")
    current = Import.objects.create(source="folder")
    current.images.set(three)

    response = client.get(f"/admin/{model}/")

    assert response.status_code == 200
    for row in response.context["cl"].result_list:
        assert client.get(f"/admin/{model}/{row.pk}/change/").status_code == 200


def test_the_list_says_what_is_wrong_and_is_come_back_to_as_it_was(client, superuser, three):
    Image.objects.filter(pk=three[0].pk).update(status="failed", error_code="image:user:broken")

    text = client.get(f"{LIST}?status__exact=failed").content.decode()

    assert sentence("image:user:broken") in text
    assert f"{three[0].pk}/change/?_changelist_filters=status__exact%3Dfailed" in text
    assert str(three[1].pk) not in text


def test_who_may_not_act_is_offered_no_choice_of_rows(client, log_in, three):
    log_in("catalog.view_image", staff=True)

    text = client.get(LIST).content.decode()

    assert f"{three[0].pk}/change/" in text
    assert "_selected_action" not in text


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("owner=Ann", {"red"}),
        ("owner=ann", set()),
        ("licence=CC+BY", {"green"}),
        ("folder=walks/2024/", {"red", "green"}),
        ("folder=/walks", {"red", "green", "blue"}),
        ("folder=walks/20", set()),
        ("folder=%25", set()),
        ("label=Dog", {"blue"}),
        ("label=", {"red", "green", "blue"}),
        ("file_size=0-100", {"red"}),
        ("file_size=100-1024", {"green"}),
        ("file_size=10240-", {"blue"}),
        ("file_size=x", {"red", "green", "blue"}),
        ("created_at_from=2024-02-02", {"green", "blue"}),
        ("created_at_from=2024-02-02&created_at_to=2024-02-02", {"green"}),
        ("created_at_to=never", {"red", "green", "blue"}),
        ("created_at_to=9999-12-31", {"red", "green", "blue"}),
    ],
)
def test_the_list_is_narrowed_down(client, superuser, three, asked, expected):
    red, green, blue = three
    sizes = (100, 200 * 1024, 2**30)
    for number, image in enumerate(three):
        moment = timezone.make_aware(datetime(2024, 2, 1 + number, 23, 30))  # noqa: DTZ001
        folder = "walks/2024" if number < 2 else "walks"
        Image.objects.filter(pk=image.pk).update(
            created_at=moment, path=f"{folder}/{number}.png", file_bytes=sizes[number]
        )
    Image.objects.filter(pk=red.pk).update(owner="Ann")
    Image.objects.filter(pk=green.pk).update(licence="CC BY")
    Region.objects.create(image=blue, kind="object", ordinal=0, x0=0, y0=0, x1=1, y1=1, label="Dog")

    page = client.get(f"{LIST}?{asked}")

    assert {image.title for image in page.context["cl"].result_list} == expected


def test_every_row_leads_to_a_search_with_its_picture(client, superuser, three):
    address = f"/?image={three[0].pk}"

    assert f'href="{address}"' in client.get(LIST).content.decode()
    assert f'href="{address}"' in client.get(f"{LIST}{three[0].pk}/change/").content.decode()


def test_a_longer_list_asks_the_database_no_more(
    client, superuser, three, add_image, django_assert_num_queries
):
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for shade in range(20):
        add_image(encoded((shade, 0, 0)), f"{shade}", status="indexed")

    with django_assert_num_queries(len(few)):
        client.get(LIST)


def test_the_list_does_not_carry_every_tag(client, superuser, three):
    tags = Tag.objects.bulk_create(Tag(name=f"word {number}") for number in range(3000))
    three[0].tags.add(tags[7])

    text = client.get(LIST, {"_facets": "True"}).content.decode()
    found = client.get(LIST, {"tags__id__exact": tags[7].pk})

    assert text.count("word ") < 5
    assert [image.title for image in found.context["cl"].result_list] == ["red"]
    assert "word 7" in found.content.decode()


def test_start_page_opens(client, superuser):
    assert client.get("/admin/").status_code == 200


NEEDED = {
    action: "catalog.delete_image" if action == "delete_selected" else "catalog.change_image"
    for action in (
        *("delete_selected", "reindex", "add_tags", "remove_tags", "add_albums", "remove_albums"),
        *("set_medium", "set_title", "replace_in_title", "set_owner", "set_licence"),
    )
} | {"export": "catalog.export_image"}


def confirm(client, asked, **arguments):
    """Say yes on the page that an action led to."""
    assert asked.status_code == 302, asked.content
    return client.post(asked["Location"], arguments)


def run_edits() -> None:
    """Do what workers do of the bulk edits that were started."""
    for edit in BulkEdit.objects.filter(state="running"):
        delivery = claim(edit.job.pk)
        while services.apply_next_chunk(edit.pk, delivery=delivery):
            pass


@pytest.mark.parametrize(
    ("caller", "status"),
    [("anonymous", 302), ("plain", 302), ("staff without", 403)],
)
@pytest.mark.parametrize("action", NEEDED)
def test_nobody_else_acts(client, log_in, three, caller, status, action):  # noqa: PLR0917  # pytest passes by name
    if caller != "anonymous":
        permissions = [] if caller == "staff without" else ["catalog.view_image", NEEDED[action]]
        log_in(*permissions, staff=caller.startswith("staff"))

    response = act(client, action, three)

    assert response.status_code == status
    assert not BulkEdit.objects.exists()
    assert set(statuses().values()) == {"indexed"}


@pytest.mark.parametrize("action", NEEDED)
def test_viewer_cannot_act(client, log_in, three, action):
    log_in("catalog.view_image", staff=True)

    act(client, action, three)

    assert not BulkEdit.objects.exists()


@pytest.mark.parametrize("action", ["reindex", "delete_selected"])
def test_staff_with_the_permission_acts_and_watches(client, log_in, three, action):
    log_in("catalog.view_image", NEEDED[action], staff=True)

    response = confirm(client, act(client, action, three))
    run_edits()

    assert set(statuses().values()) == {"queued" if action == "reindex" else "indexed"}
    assert binned() == (set() if action == "reindex" else set(statuses()))
    page = client.get(response["Location"])
    assert page.status_code == 200
    assert "3 of 3" in page.content.decode()
    assert len(client.get("/admin/catalog/bulkedit/").context["cl"].result_list) == 1


def test_whoever_lost_the_permission_cannot_confirm(client, log_in, three):
    user = log_in("catalog.view_image", "catalog.delete_image", staff=True)
    asked = act(client, "delete_selected", three)
    user.user_permissions.clear()

    assert client.post(asked["Location"]).status_code == 403
    assert BulkEdit.objects.get().state == "asked"


def test_nobody_confirms_or_watches_what_another_person_asked_for(client, superuser, log_in, three):
    asked = act(client, "delete_selected", three)
    started = services.ask_bulk_edit("reindex", Image.objects.all(), started_by_id=superuser.pk)
    services.start_bulk_edit(started, {})
    log_in("catalog.view_image", "catalog.delete_image", staff=True)

    assert client.get(asked["Location"]).status_code == 404
    assert client.post(asked["Location"]).status_code == 404
    watched = client.get(f"/admin/catalog/bulkedit/{started.pk}/change/")
    assert watched.status_code == 302  # as of one that is not there
    assert not client.get("/admin/catalog/bulkedit/").context["cl"].result_list


def test_action_reaches_what_a_tag_filters(client, superuser, three):
    tags = [Tag.objects.create(name=name) for name in ("a", "b")]
    three[0].tags.set(tags)
    url = f"{LIST}?tags__id__exact={tags[0].pk}"
    body = {"action": "delete_selected", "_selected_action": [str(three[0].pk)]}

    confirm(client, client.post(url, body | {"select_across": "1"}))
    run_edits()

    assert binned() == {"red"}


@pytest.mark.parametrize("action", ["delete_selected", "reindex"])
def test_an_action_on_an_id_that_is_none_is_refused(client, superuser, three, action):
    body = {"action": action, "_selected_action": ["no-id"]}

    answer = client.post(LIST, body)

    assert answer.status_code == 400
    assert "request:user:malformed" in answer.content.decode()


def test_reindex_hands_the_chosen_images_to_the_bulk_queue(client, superuser, three):
    Image.objects.filter(title="green").update(status="failed", error_code="encoder:ours:failed")

    confirm(client, act(client, "reindex", three[:2]))
    run_edits()

    assert ids_of_jobs(task_names.INDEX_IMAGES) == ids_of(three[:2])
    assert statuses() == {"red": "queued", "green": "queued", "blue": "indexed"}
    assert Image.objects.get(title="green").error_code == ""


def test_reindex_leaves_out_what_is_being_deleted(client, superuser, three):
    Image.objects.filter(title="red").update(status="deleting")

    confirm(client, act(client, "reindex", three))
    run_edits()

    assert ids_of_jobs(task_names.INDEX_IMAGES) == ids_of(three[1:])
    assert statuses() == {"red": "deleting", "green": "queued", "blue": "queued"}


QUESTION = {
    "delete_selected": "The bin keeps them",
    "reindex": "The models describe each of them again",
    "add_tags": "no picture is described again",
    "remove_albums": "seen by everybody",
    "set_medium": "no picture is described again",
    "set_title": "The audit log keeps what each has now",
    "set_owner": "What each of them has now is replaced",
}


@pytest.mark.parametrize("action", QUESTION)
def test_the_question_says_how_many_which_and_what_follows(client, superuser, three, action):
    asked = act(client, action, three[:2])

    page = client.get(asked["Location"])

    text = page.content.decode()
    assert page.status_code == 200
    assert "2 images" in text
    assert QUESTION[action] in text
    assert [thumbnail_url(image) in text for image in three] == [True, True, False]
    assert set(statuses().values()) == {"indexed"}
    assert not JobRecord.objects.exists()


def test_the_question_shows_twelve_of_many(client, superuser, add_image):
    for shade in range(15):
        add_image(encoded((shade, 0, 0)), f"{shade}")

    asked = act(client, "delete_selected", Image.objects.all()[:1], select_across="1")
    text = client.get(asked["Location"]).content.decode()

    assert "15 images" in text
    assert "and 3 more" in text
    assert sum(thumbnail_url(image) in text for image in Image.objects.all()) == 12


def test_the_question_speaks_russian(client, superuser, three):
    asked = act(client, "delete_selected", three)

    text = client.get(asked["Location"], HTTP_ACCEPT_LANGUAGE="ru").content.decode()

    assert "Переместить в корзину" in text
    assert "3 изображения" in text
    assert "поступающие с этого момента в их число не входят" in text


def test_what_arrives_between_question_and_answer_is_not_touched(client, superuser, add_image):
    for shade in range(4):
        add_image(encoded((shade, 0, 0)), f"asked {shade}")
    asked = act(client, "delete_selected", Image.objects.all()[:1], select_across="1")
    assert "4 images" in client.get(asked["Location"]).content.decode()
    for shade in range(4, 7):
        add_image(encoded((shade, 0, 0)), f"late {shade}")

    confirm(client, asked)
    run_edits()

    assert binned() == {f"asked {shade}" for shade in range(4)}


def test_a_confirmed_question_is_answered_once(client, superuser, three):
    asked = act(client, "delete_selected", three)

    answers = [confirm(client, asked) for _ in range(2)]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert JobRecord.objects.count() == 1


@pytest.mark.parametrize("field", ["tags", "albums"])
def test_tags_and_albums_are_chosen_on_the_page_of_the_question(client, superuser, three, field):
    model = {"tags": Tag, "albums": Album}[field]
    one, other = model.objects.create(name="one"), model.objects.create(name="other")

    confirm(client, act(client, f"add_{field}", three[:2]), names=[one.pk, other.pk])
    run_edits()
    page = confirm(client, act(client, f"remove_{field}", three[:1]), names=[other.pk])
    run_edits()

    assert set(one.images.all()) == set(three[:2])
    assert set(other.images.all()) == {three[1]}
    assert titles_due() == {"red", "green"}
    assert "other" in client.get(page["Location"]).content.decode()


@pytest.mark.parametrize(
    ("field", "value"), [("medium", "drawing"), ("owner", "Ann"), ("licence", ""), ("owner", "")]
)
def test_a_field_is_set_for_all_that_were_chosen(client, superuser, three, field, value):
    Image.objects.update(**{field: "photo"})

    confirm(client, act(client, f"set_{field}", three[:2]), value=value)
    run_edits()

    rows = dict(Image.objects.values_list("title", field))
    assert rows == {"red": value, "green": value, "blue": "photo"}
    assert titles_due() == {"red", "green"}


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("add_tags", {}),
        ("add_tags", {"names": [999]}),
        ("set_medium", {"value": "statue"}),
        ("set_owner", {"value": "x" * 201}),
        ("set_title", {"value": "  "}),
        ("set_title", {"value": "x" * 301}),
        ("replace_in_title", {"find": "", "value": "x"}),
        ("replace_in_title", {"find": "\0", "value": ""}),
    ],
)
def test_an_answer_that_does_not_fit_asks_again(client, superuser, three, action, arguments):
    again = confirm(client, act(client, action, three), **arguments)

    assert again.status_code == 200
    assert again.context["form"].errors
    assert BulkEdit.objects.get().state == "asked"


def test_the_page_of_a_bulk_edit_fetches_itself_until_it_is_done(client, superuser, three):
    page = confirm(client, act(client, "reindex", three))["Location"]

    running = client.get(page)
    run_edits()
    done = client.get(page)

    assert (running["Refresh"], "Refresh" in done) == ("5", False)
    assert "0 of 3" in running.content.decode()
    assert "3 of 3" in done.content.decode()
    assert client.get("/admin/catalog/bulkedit/none/change/").status_code == 302


def test_unconfirmed_questions_are_not_listed(client, superuser, three):
    act(client, "delete_selected", three)

    assert not client.get("/admin/catalog/bulkedit/").context["cl"].result_list


def test_a_bulk_edit_that_is_stuck_says_why(client, superuser, three):
    page = confirm(client, act(client, "reindex", three))
    JobRecord.objects.update(state="failed", error_code="vectors:transient:unavailable")

    text = client.get(page["Location"]).content.decode()

    assert sentence("vectors:transient:unavailable") in text


def export(client, images, *parts: bytes) -> str:
    """Ask for an export and do what workers do; return the page that shows how far it is."""
    page = confirm(client, act(client, "export", images), format="csv")["Location"]
    edit = BulkEdit.objects.get()
    delivery = claim(edit.job.pk)
    for number, part in enumerate(parts):
        storage.write(part_name(edit.pk, number), part)
        chunks = edit.chunks.values_list("pk", flat=True) if number == len(parts) - 1 else ()
        services.record_part(
            edit.pk, chunks, file_bytes=len(part), done=1, gone=0, delivery=delivery
        )
    return page


def test_an_export_is_downloaded_by_whoever_may_export(client, log_in, three):
    log_in("catalog.view_image", "catalog.export_image", staff=True)

    page = export(client, three[:2], b"path\n", b"a.png\n")

    text = client.get(page).content.decode()
    [link] = re.findall(r'href="(/admin/catalog/bulkedit/\d+/files/0/)"', text)
    file = client.get(link)
    assert file.getvalue() == b"path\na.png\n"
    assert (
        file["Content-Disposition"]
        == f'attachment; filename="semblance-{BulkEdit.objects.get().pk}.csv"'
    )
    assert file["Content-Length"] == "11"
    assert client.get(link.replace("/0/", "/1/")).status_code == 404
    assert Image.objects.filter(status="indexed").count() == 3


def test_an_export_is_kept_from_everybody_else(client, log_in, three):
    user = log_in("catalog.view_image", "catalog.export_image", staff=True)
    link = export(client, three, b"path\n").replace("change", "files/0")
    assert client.get(link).status_code == 200
    user.user_permissions.remove(Permission.objects.get(codename="export_image"))
    assert client.get(link).status_code == 403
    BulkEdit.objects.update(started_by=None)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="export"))
    assert client.get(link).status_code == 404
    user.user_permissions.set(Permission.objects.filter(codename="view_bulkedit"))
    assert client.get(link).status_code == 403
    client.logout()
    assert client.get(link).status_code == 302


def test_an_export_is_gone_after_a_day(client, superuser, three):
    page = export(client, three, b"path\n")
    BulkEdit.objects.update(finished_at=timezone.now() - timedelta(hours=25))

    assert client.get(page.replace("change", "files/0")).status_code == 404
    assert "/files/" not in client.get(page).content.decode()


def test_delete_of_one_goes_the_same_way(client, superuser, three):
    response = client.post(f"{LIST}{three[0].pk}/delete/", {"post": "yes"}, follow=True)

    assert binned() == {"red"}
    assert ids_of_jobs(task_names.DELETE_IMAGES) == []
    assert "The image is in the bin" in response.content.decode()
    assert client.get(f"{LIST}{three[0].pk}/change/").status_code == 302  # as of one not there


def test_add_leads_to_the_upload_form(client, superuser):
    response = client.get(f"{LIST}add/")

    assert (response.status_code, response["Location"]) == (302, "/upload/")


def edit(client, image, **changes):
    body = {
        "title": image.title,
        "source": image.source,
        "owner": image.owner,
        "licence": image.licence,
        "medium": image.medium,
        "tags": [tag.pk for tag in image.tags.all()],
        "albums": [album.pk for album in image.albums.all()],
        "regions-TOTAL_FORMS": 0,
        "regions-INITIAL_FORMS": 0,
    }
    return client.post(f"{LIST}{image.pk}/change/", body | changes)


@pytest.mark.parametrize("stated", ["2024-05-31", "2024-05-31T12:00:00+02:00", ""])
def test_the_time_is_stated_as_manifests_state_it(client, superuser, three, stated):
    Image.objects.filter(pk=three[0].pk).update(taken_at="2020-01-01")

    assert edit(client, three[0], taken_at=stated).status_code == 302
    assert Image.objects.get(pk=three[0].pk).taken_at == stated


def test_a_time_that_is_none_is_refused_with_an_example(client, superuser, three):
    page = edit(client, three[0], taken_at="last summer")

    assert page.status_code == 200
    assert "This is no date, such as 2024-05-31" in page.content.decode()
    assert Image.objects.get(pk=three[0].pk).taken_at == ""


def test_a_time_that_an_earlier_release_kept_stops_no_other_change(client, superuser, three):
    Image.objects.filter(pk=three[0].pk).update(taken_at="last summer")

    assert edit(client, three[0], title="crimson", taken_at="last summer").status_code == 302
    assert Image.objects.get(pk=three[0].pk).title == "crimson"


def test_title_changes_without_indexing_again(client, superuser, three):
    response = edit(client, three[0], title="crimson", credit="Ann")

    assert response.status_code == 302
    assert Image.objects.get(pk=three[0].pk).title == "crimson"
    assert JobRecord.objects.count() == 0


@pytest.mark.parametrize("field", ["medium", "tags", "albums"])
def test_what_the_points_carry_reaches_them(client, superuser, three, field):
    value = {
        "medium": "drawing",
        "tags": [Tag.objects.create(name="sea").pk],
        "albums": [Album.objects.create(name="Summer").pk],
    }[field]

    edit(client, three[0], **{field: value})

    assert titles_due() == {"red"}
    assert JobRecord.objects.get().name == task_names.UPDATE_PAYLOADS
    assert set(statuses().values()) == {"indexed"}


@pytest.mark.parametrize(
    ("changes", "is_suggested"), [({"medium": "photo"}, False), ({"title": "new"}, True)]
)
def test_a_medium_that_is_saved_is_no_suggestion(client, superuser, three, changes, is_suggested):
    image = three[0]
    Image.objects.filter(pk=image.pk).update(medium="sketch", medium_suggested_at=timezone.now())
    image.refresh_from_db()
    assert "told from the picture" in client.get(f"{LIST}{image.pk}/change/").content.decode()

    edit(client, image, **changes)

    image.refresh_from_db()
    assert (image.is_medium_suggested, image.medium == "sketch") == (is_suggested, is_suggested)


@pytest.mark.parametrize("model", [Tag, Album])
@pytest.mark.parametrize("way", ["rename", "delete", "delete many"])
def test_points_follow_a_tag_or_album(client, superuser, three, model, way):
    group = model.objects.create(name="old")
    group.images.add(three[0], three[1])
    url = f"/admin/catalog/{model._meta.model_name}/"

    if way == "rename":
        client.post(f"{url}{group.pk}/change/", {"name": "new"})
    elif way == "delete":
        client.post(f"{url}{group.pk}/delete/", {"post": "yes"})
    else:
        body = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
        client.post(url, body)

    assert list(model.objects.values_list("name", flat=True)) == (
        ["new"] if way == "rename" else []
    )
    assert titles_due() == {"red", "green"}
    assert JobRecord.objects.get().name == task_names.UPDATE_PAYLOADS
    assert set(statuses().values()) == {"indexed"}


@pytest.mark.parametrize("model", READ_ONLY)
def test_records_of_the_system_are_read_only_even_for_superusers(client, superuser, model):
    assert client.get(f"/admin/{model}/add/").status_code == 403
    assert (
        client.get(f"/admin/{model}/")
        .context["cl"]
        .model_admin.get_actions(client.get(f"/admin/{model}/").wsgi_request)
        == {}
    )


def test_regions_are_shown_and_cannot_be_edited(client, superuser, three):
    Region.objects.create(image=three[0], kind="whole", ordinal=0, x0=0, y0=0, x1=60, y1=40)

    text = client.get(f"{LIST}{three[0].pk}/change/").content.decode()

    assert "(0, 0) – (60, 40)" in text
    assert 'name="regions-0-ordinal"' not in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status__exact=failed", {"red"}),
        ("medium__exact=photo", {"green"}),
        ("medium_suggested=1", {"blue"}),
        ("medium_suggested=0", {"red", "green"}),
        ("error_code=encoder:ours:failed", {"red"}),
        ("format=jpeg", {"blue"}),
        ("tags__id__exact={tag}", {"green"}),
        ("albums__id__exact={album}", {"blue"}),
        ("imports__id__exact={current}", {"red", "blue"}),
        ("q=blu", {"blue"}),
        ("q={sha}", {"red"}),
    ],
)
def test_list_filters_and_searches(client, superuser, add_image, query, expected):
    red = add_image(encoded(RED), "red", status="failed", error_code="encoder:ours:failed")
    green = add_image(encoded(GREEN), "green", medium="photo")
    blue = add_image(encoded(BLUE, kind="JPEG"), "blue")
    Image.objects.filter(pk=blue.pk).update(medium="sketch", medium_suggested_at=timezone.now())
    tag, album = Tag.objects.create(name="t"), Album.objects.create(name="a")
    green.tags.add(tag)
    blue.albums.add(album)
    current = Import.objects.create(source="folder")
    current.images.set([red, blue])

    found = client.get(
        f"{LIST}?{query}".format(tag=tag.pk, album=album.pk, current=current.pk, sha=red.sha256[:9])
    )

    assert found.status_code == 200
    assert {image.title for image in found.context["cl"].result_list} == expected


def test_failed_image_says_why_in_the_list(client, superuser, add_image):
    add_image(encoded(RED), status="failed", error_code="encoder:ours:failed")

    assert sentence("encoder:ours:failed") in client.get(LIST).content.decode()


def number_of_queries(client, url, django_assert_max_num_queries) -> int:
    with django_assert_max_num_queries(30) as captured:
        client.get(url)
    return len(captured)


def test_image_list_costs_the_same_queries_for_any_number(
    client, superuser, add_image, django_assert_max_num_queries
):
    tag = Tag.objects.create(name="sea")
    add_image(encoded((0, 0, 0))).tags.add(tag)
    one = number_of_queries(client, LIST, django_assert_max_num_queries)
    for shade in range(1, 12):
        add_image(encoded((shade, 0, 0))).tags.add(tag)

    assert number_of_queries(client, LIST, django_assert_max_num_queries) == one


def test_import_list_costs_the_same_queries_for_any_number(
    client, superuser, three, django_assert_max_num_queries
):
    url = "/admin/ingestion/import/"
    Import.objects.create(source="0", started_by=superuser, by_account=True).images.set(three)
    one = number_of_queries(client, url, django_assert_max_num_queries)
    for number in range(1, 9):
        current = Import.objects.create(source=str(number), started_by=superuser, by_account=True)
        current.images.set(three)

    assert number_of_queries(client, url, django_assert_max_num_queries) == one


def test_import_shows_its_progress_and_what_it_refused(client, superuser, three):
    Image.objects.filter(title="green").update(status="failed")
    Image.objects.filter(title="blue").update(status="queued")
    current = Import.objects.create(source="holiday", found=4, added=3, failed=1)
    current.images.set(three)
    ImportFailure.objects.create(
        of=current, name="notes.txt", error_code="image:user:not-a-picture"
    )

    for url in ("/admin/ingestion/import/", f"/admin/ingestion/import/{current.pk}/change/"):
        text = client.get(url).content.decode()
        assert "1 of 3 · waiting: 1 · failed: 1" in text
    assert "notes.txt" in text
    assert sentence("image:user:not-a-picture") in text


def test_import_shows_what_its_source_passed_over(client, superuser):
    current = Import.objects.create(source="a", passed_over={"video .mp4": 2, "machine": 30})

    text = client.get(f"/admin/ingestion/import/{current.pk}/change/").content.decode()

    assert "folders of machines: 30, videos (.mp4): 2" in text


@pytest.mark.parametrize("words", ["Paris", "A-17", "by the sea"])
def test_images_are_found_by_what_their_source_says(client, superuser, three, words):
    Image.objects.filter(title="red").update(
        path="2019/Paris/1.png", external_id="A-17", description="A house by the sea"
    )

    text = client.get(LIST, {"q": words}).content.decode()

    assert [str(image.pk) in text for image in three] == [True, False, False]


def test_the_form_shows_the_path_and_keeps_what_is_edited(client, superuser, three):
    Image.objects.filter(pk=three[0].pk).update(path="2019/Paris/1.png")

    edit(client, three[0], rights="© Ann", description="A house", external_id="A-17")

    text = client.get(f"{LIST}{three[0].pk}/change/").content.decode()
    for said in ("2019/Paris/1.png", "© Ann", "A house", "A-17"):
        assert said in text


def test_import_with_thousands_of_refusals_opens_page_by_page(client, superuser):
    current = Import.objects.create(source="holiday")
    ImportFailure.objects.bulk_create(
        ImportFailure(of=current, name=f"{number:04}.txt", error_code="image:user:not-a-picture")
        for number in range(2000)
    )

    text = client.get(f"/admin/ingestion/import/{current.pk}/change/").content.decode()

    assert "0049.txt" in text
    assert "0050.txt" not in text


@pytest.mark.parametrize(
    ("permissions", "shown"),
    [
        ((), []),
        (("catalog.view_image",), ["Images"]),
        (("catalog.add_image", "jobs.view_jobrecord"), ["Add pictures", "Jobs"]),
    ],
)
def test_sidebar_shows_what_one_may_open(client, log_in, permissions, shown):
    log_in(*permissions, staff=True)

    groups = client.get("/admin/").context["sidebar_navigation"]

    assert [item["title"] for group in groups for item in group["items"]] == ["Search page", *shown]


def test_accounts_and_groups_can_be_edited(client, superuser):
    group = Group.objects.create(name="keepers")

    client.post(f"/admin/auth/group/{group.pk}/change/", {"name": "curators", "permissions": []})

    assert Group.objects.get().name == "curators"
    assert client.get("/admin/auth/user/add/").status_code == 200
    assert EncoderVersion.objects.count() == 0


@pytest.fixture
def in_bin(three):
    """Red and green are in the bin, blue is not."""
    services.move_to_bin(Image.objects.filter(title__in=("red", "green")))
    return three


def test_the_bin_says_who_when_and_how_long_still(client, superuser, three, settings):
    settings.BIN_RETENTION_DAYS = 30
    services.move_to_bin(Image.objects.filter(title="red"), by_id=superuser.pk)
    Image.objects.filter(title="red").update(binned_at=timezone.now() - timedelta(days=9.5))

    page = client.get(BIN)

    assert [image.title for image in page.context["cl"].result_list] == ["red"]
    text = page.content.decode()
    assert "chief" in text
    assert "21 days" in text
    assert [image.title for image in client.get(LIST).context["cl"].result_list] == [
        *("blue", "green"),
    ]


def test_a_longer_bin_asks_the_database_no_more(
    client, superuser, in_bin, add_image, django_assert_num_queries
):
    with CaptureQueriesContext(connection) as few:
        client.get(BIN)
    for shade in range(20):
        add_image(encoded((shade, 0, 0)), f"{shade}", binned_at=timezone.now())

    with django_assert_num_queries(len(few)):
        client.get(BIN)


@pytest.mark.parametrize("kind", ["restore", "purge"])
@pytest.mark.parametrize("way", ["one", "chosen", "all"])
def test_what_is_in_the_bin_comes_back_or_goes_for_good(client, superuser, in_bin, kind, way):
    red = in_bin[0]
    if way == "one":
        asked = client.get(f"{BIN}{red.pk}/{kind}/")
    elif way == "all":
        asked = client.get(f"{BIN}{kind}-all/")
    else:
        asked = client.post(BIN, {"action": kind, "_selected_action": [str(red.pk)]})
    page = client.get(asked["Location"]).content.decode()
    assert f"{BIN}{red.pk}/thumbnail.jpg" in page
    expected = {"red", "green"} if way == "all" else {"red"}
    assert binned() == {"red", "green"}

    confirm(client, asked)
    run_edits()

    if kind == "restore":
        assert binned() == {"red", "green"} - expected
        assert set(statuses().values()) == {"indexed"}
    else:
        deleting = {title for title, status in statuses().items() if status == "deleting"}
        assert deleting == expected


BIN_ACTIONS = {
    "restore": "catalog.delete_image",
    "restore-all": "catalog.delete_image",
    "purge": "catalog.purge_image",
    "purge-all": "catalog.purge_image",
}


@pytest.mark.parametrize("action", BIN_ACTIONS)
@pytest.mark.parametrize("caller", ["anonymous", "staff without", "staff with the other"])
def test_nobody_else_restores_or_purges(client, log_in, in_bin, action, caller):
    needed = BIN_ACTIONS[action]
    others = {*BIN_ACTIONS.values(), "catalog.view_image", "catalog.change_image"} - {needed}
    if caller != "anonymous":
        log_in(*(others if caller == "staff with the other" else ()), staff=True)
    url = f"{BIN}{action}/" if action.endswith("-all") else f"{BIN}{in_bin[0].pk}/{action}/"

    response = client.get(url)

    assert response.status_code == (302 if caller == "anonymous" else 403)
    assert not BulkEdit.objects.exists()


@pytest.mark.parametrize(
    ("permission", "status"), [("delete_image", 200), ("purge_image", 200), ("change_image", 403)]
)
def test_thumbnails_of_the_bin_are_for_its_keepers(client, log_in, in_bin, permission, status):
    log_in(f"catalog.{permission}", staff=True)

    answer = client.get(f"{BIN}{in_bin[0].pk}/thumbnail.jpg")

    assert answer.status_code == status
    assert client.get(BIN).status_code == status
    if status == 200:
        assert "no-store" in answer["Cache-Control"]
        assert client.get(f"{BIN}{in_bin[2].pk}/thumbnail.jpg").status_code == 404


def test_a_lost_thumbnail_of_the_bin_is_404(client, superuser, in_bin):
    storage.delete(storage.thumbnail_name(in_bin[0].sha256))

    assert client.get(f"{BIN}{in_bin[0].pk}/thumbnail.jpg").status_code == 404


def test_the_page_before_a_deletion_says_that_it_leads_to_the_bin(client, superuser, three):
    text = client.get(f"{LIST}{three[0].pk}/delete/").content.decode()

    assert "to the bin?" in text
    assert "to be restored" in text


def test_the_list_is_a_grid_where_its_address_says_so(client, superuser, three):
    rows = client.get(f"{LIST}?q=red")
    grid = client.get(f"{LIST}?q=red&view=grid")

    assert [image.title for image in grid.context["cl"].result_list] == ["red"]
    for page, is_grid in ((rows, False), (grid, True)):
        text = page.content.decode()
        assert ("image-grid" in text) == is_grid
        assert (f"{three[0].pk}/small.webp" in text) != is_grid
        assert 'href="?q=red&amp;view=grid"' in text
        assert 'href="?q=red"' in text


def test_actions_work_in_the_grid(client, superuser, three):
    body = {"action": "reindex", "_selected_action": [str(three[0].pk)]}

    confirm(client, client.post(f"{LIST}?view=grid", body))

    assert BulkEdit.objects.get().total == 1
