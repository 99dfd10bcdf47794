"""The admin: who may see and do what, and that files, rows and points go through the services."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.models import Album, EncoderVersion, Image, Region, Tag
from ingestion.models import Import, ImportFailure
from jobs.models import JobRecord
from kernel import task_names
from kernel.messages import sentence
from tests.unit.web.conftest import BLUE, GREEN, RED, encoded

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/image/"
READ_ONLY = ["catalog/encoderversion", "ingestion/import", "jobs/jobrecord"]
ALL = ["catalog/image", "catalog/tag", "catalog/album", *READ_ONLY, "auth/user", "auth/group"]


@pytest.fixture
def three(add_image):
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    return [add_image(encoded(rgb), name, status="indexed") for name, rgb in colours.items()]


@pytest.fixture
def superuser(client):
    user = User.objects.create_superuser("chief", password="secret")
    client.force_login(user)
    return user


def act(client, action, images, **extra):
    body = {"action": action, "_selected_action": [str(image.pk) for image in images]}
    return client.post(LIST, body | extra)


def statuses() -> dict[str, str]:
    return dict(Image.objects.values_list("title", "status"))


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


def test_a_longer_list_asks_the_database_no_more(
    client, superuser, three, add_image, django_assert_num_queries
):
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for shade in range(20):
        add_image(encoded((shade, 0, 0)), f"{shade}", status="indexed")

    with django_assert_num_queries(len(few)):
        client.get(LIST)


def test_start_page_opens(client, superuser):
    assert client.get("/admin/").status_code == 200


NEEDED = {"reindex": "catalog.change_image", "delete_selected": "catalog.delete_image"}


@pytest.mark.parametrize(
    ("caller", "status"),
    [("anonymous", 302), ("plain", 302), ("staff without", 403)],
)
@pytest.mark.parametrize("action", NEEDED)
def test_nobody_else_acts(client, log_in, three, caller, status, action):  # noqa: PLR0917  # pytest passes by name
    if caller != "anonymous":
        permissions = [] if caller == "staff without" else ["catalog.view_image", NEEDED[action]]
        log_in(*permissions, staff=caller.startswith("staff"))

    response = act(client, action, three, post="yes")

    assert response.status_code == status
    assert JobRecord.objects.count() == 0
    assert set(statuses().values()) == {"indexed"}


@pytest.mark.parametrize("action", NEEDED)
def test_staff_with_the_permission_acts(client, log_in, three, action):
    log_in("catalog.view_image", NEEDED[action], staff=True)

    response = act(client, action, three, post="yes")

    assert (response.status_code, response["Location"]) == (302, LIST)
    assert set(statuses().values()) == {"queued" if action == "reindex" else "deleting"}


@pytest.mark.parametrize("action", ["reindex", "delete_selected"])
def test_viewer_cannot_act(client, log_in, three, action):
    log_in("catalog.view_image", staff=True)

    act(client, action, three, post="yes")

    assert JobRecord.objects.count() == 0
    assert set(statuses().values()) == {"indexed"}


@pytest.mark.parametrize(
    ("action", "reached"), [("reindex", "queued"), ("delete_selected", "deleting")]
)
def test_action_on_many_images_makes_no_job_while_one_waits(
    client, superuser, add_image, action, reached
):
    images = [add_image(encoded((shade, 0, 0)), f"{shade}") for shade in range(70)]

    act(client, action, images[:1], select_across="1", post="yes")

    assert set(statuses().values()) == {reached}
    assert JobRecord.objects.count() == 0


def test_action_reaches_what_a_tag_filters(client, superuser, three):
    tags = [Tag.objects.create(name=name) for name in ("a", "b")]
    three[0].tags.set(tags)
    url = f"{LIST}?tags__id__exact={tags[0].pk}"
    body = {"action": "delete_selected", "_selected_action": [str(three[0].pk)], "post": "yes"}

    client.post(url, body | {"select_across": "1"})

    assert statuses() == {"red": "deleting", "green": "indexed", "blue": "indexed"}


@pytest.mark.parametrize("action", ["delete_selected", "reindex"])
def test_an_action_on_an_id_that_is_none_is_refused(client, superuser, three, action):
    body = {"action": action, "_selected_action": ["no-id"]}

    answer = client.post(LIST, body)

    assert answer.status_code == 400
    assert "request:user:malformed" in answer.content.decode()


def test_reindex_hands_the_chosen_images_to_the_bulk_queue(client, superuser, three):
    Image.objects.filter(title="green").update(status="failed", error_code="encoder:ours:failed")

    act(client, "reindex", three[:2])

    assert ids_of_jobs(task_names.INDEX_IMAGES) == ids_of(three[:2])
    assert statuses() == {"red": "queued", "green": "queued", "blue": "indexed"}
    assert Image.objects.get(title="green").error_code == ""


def test_reindex_leaves_out_what_is_being_deleted(client, superuser, three):
    Image.objects.filter(title="red").update(status="deleting")

    act(client, "reindex", three)

    assert ids_of_jobs(task_names.INDEX_IMAGES) == ids_of(three[1:])
    assert statuses() == {"red": "deleting", "green": "queued", "blue": "queued"}


def test_delete_asks_first(client, superuser, three):
    response = act(client, "delete_selected", three[:2])

    assert response.status_code == 200
    text = response.content.decode()
    assert "Delete 2 images?" in text
    assert all(str(image.pk) in text for image in three[:2])
    assert JobRecord.objects.count() == 0
    assert set(statuses().values()) == {"indexed"}


def test_delete_hides_at_once_and_leaves_the_rest_to_a_worker(client, superuser, three):
    act(client, "delete_selected", three[:2], post="yes")

    assert statuses() == {"red": "deleting", "green": "deleting", "blue": "indexed"}
    assert ids_of_jobs(task_names.DELETE_IMAGES) == ids_of(three[:2])


def test_delete_reaches_all_pages(client, superuser, three):
    page = act(client, "delete_selected", three[:1], select_across="1")
    assert "Delete 3 images?" in page.content.decode()

    act(client, "delete_selected", three[:1], select_across="1", post="yes")

    assert set(statuses().values()) == {"deleting"}


def test_delete_of_one_goes_the_same_way(client, superuser, three):
    client.post(f"{LIST}{three[0].pk}/delete/", {"post": "yes"})

    assert statuses() == {"red": "deleting", "green": "indexed", "blue": "indexed"}
    assert ids_of_jobs(task_names.DELETE_IMAGES) == ids_of(three[:1])


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


def test_title_changes_without_indexing_again(client, superuser, three):
    response = edit(client, three[0], title="crimson", owner="Ann")

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

    assert JobRecord.objects.get().arguments["image_ids"] == [str(three[0].pk)]
    assert statuses() == {"red": "queued", "green": "indexed", "blue": "indexed"}


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
    assert ids_of_jobs(task_names.INDEX_IMAGES) == ids_of(three[:2])


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
    Import.objects.create(source="0", started_by=superuser).images.set(three)
    one = number_of_queries(client, url, django_assert_max_num_queries)
    for number in range(1, 9):
        Import.objects.create(source=str(number), started_by=superuser).images.set(three)

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
    current = Import.objects.create(source="a", passed_over={"raw .nef": 2, "machine": 30})

    text = client.get(f"/admin/ingestion/import/{current.pk}/change/").content.decode()

    assert "folders of machines: 30, raw files of cameras (.nef): 2" in text


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
