"""The admin over many rows: queries that do not grow with them, and counts that end."""

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bench import admin_pages, made_catalogue
from catalog import text_search
from catalog.admin import image_filters
from catalog.admin.images import ImageAdmin
from catalog.models import Album, Image, Tag
from ingestion.models import Import
from jobs.models import JobRecord
from site_http import capped_lists
from tests.rows import new_images

pytestmark = pytest.mark.django_db

LIST = "/admin/catalog/image/"
PAGES = (
    *("list of images", "by a rare status", "by medium", "by format", "by damage", "by error"),
    *("by a rare tag", "by a common tag", "by album", "by a private album", "by import"),
    *("by an object", "by owner", "by licence", "by folder", "by file size", "by days"),
    *("by a common word", "by a rare word", "list, half of it hidden", "dashboard"),
    *("dashboard, half hidden", "bin", "tags", "albums", "bulk edits", "imports", "jobs"),
    "audit log",
)


def number_of_queries(*, images: int, tags: int) -> dict[str, int]:
    """Page → queries, in a catalogue of that size, which is gone afterwards."""
    counts = {}
    with transaction.atomic():
        made_catalogue.fill(images=images, tags=tags)
        accounts = (made_catalogue.KEEPER, made_catalogue.VIEWER)
        clients = {account: admin_pages.log_in(account) for account in accounts}
        for page in admin_pages.list_pages():
            with CaptureQueriesContext(connection) as captured:
                assert clients[page.account].get(page.path).status_code == 200, page
            counts[page.name] = len(captured)
        transaction.set_rollback(True)
    return counts


def test_a_larger_catalogue_asks_the_database_no_more(settings, monkeypatch):
    settings.ALLOWED_HOSTS = ["bench"]
    monkeypatch.setattr(capped_lists, "COUNTED", 50)

    few, many = number_of_queries(images=60, tags=2), number_of_queries(images=400, tags=90)

    assert many == few
    assert set(PAGES) <= set(few)
    assert max(few.values()) <= 17


@pytest.fixture
def five(admin_client) -> list[Image]:
    return list(Image.objects.filter(pk__in=new_images(5)).order_by("-created_at", "id"))


def test_a_list_counts_so_far_and_goes_on_from_page_to_page(admin_client, five, monkeypatch):
    monkeypatch.setattr(capped_lists, "COUNTED", 2)
    monkeypatch.setattr(ImageAdmin, "list_per_page", 1)
    seen = []

    for page, count in enumerate(["more than 2", "more than 2", "more than 3", "more than 4", "5"]):
        answer = admin_client.get(f"{LIST}?p={page + 1}")
        seen += answer.context["cl"].result_list
        text = answer.content.decode()
        assert f"Images: {count}<" in text
        assert (f"?p={page + 2}" in text) == (page < 4)
    assert seen == five


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 30, "9" * 5000])
def test_a_page_that_is_none_breaks_nothing(admin_client, five, page):
    assert admin_client.get(LIST, {"p": page}, follow=True).status_code == 200


def test_no_noun_has_to_agree_with_a_number(admin_client, five):
    for ordinal in range(25):
        five[0].regions.create(kind="object", ordinal=ordinal, x0=0, y0=0, x1=1, y1=1)
    russian = {"accept-language": "ru"}

    listed = admin_client.get(LIST, headers=russian).content.decode()
    shown = admin_client.get(f"{LIST}{five[0].pk}/change/", headers=russian).content.decode()

    assert "Изображения: 5<" in listed
    assert re.search(r"Области: 25\s*<", shown)


def test_a_short_list_says_how_many_there_are(admin_client):
    JobRecord.objects.create(name="a", queue="bulk")

    text = admin_client.get("/admin/jobs/jobrecord/").content.decode()

    assert "Jobs: 1<" in text


@pytest.mark.parametrize("counted", [1, 100], ids=["many", "few"])
@pytest.mark.parametrize("kind", ["tags", "albums", "imports", "label"])
def test_images_of_a_set_are_the_same_where_they_are_many(
    admin_client, five, monkeypatch, kind, counted
):
    monkeypatch.setattr(image_filters, "COUNTED", counted)
    some = five[1:4]
    if kind == "label":
        for image in some:
            for ordinal in range(2):
                image.regions.create(
                    kind="object", ordinal=ordinal, x1=1, y1=1, label="dog", x0=0, y0=0
                )
        asked = {"label": "dog"}
    else:
        rows = {"tags": Tag, "albums": Album}.get(kind)
        made = rows.objects.create(name="chosen") if rows else Import.objects.create(source="a")
        made.images.set(some)
        asked = {f"{kind}__id__exact": made.pk}

    listed = admin_client.get(LIST, asked).context["cl"]

    assert list(listed.result_list) == some
    assert listed.result_count == 3


@pytest.mark.parametrize("kind", ["tags", "albums", "imports"])
def test_sets_are_offered_by_what_is_typed(admin_client, five, kind):
    for name in ("chosen", "another"):
        rows = {"tags": Tag, "albums": Album}.get(kind)
        made = rows.objects.create(name=name) if rows else Import.objects.create(source=name)
    listed = admin_client.get(LIST, {f"{kind}__id__exact": made.pk})
    select = re.search(
        f'<select name="{kind}__id__exact".*?</select>', listed.content.decode(), re.S
    )
    asked = {
        name.removeprefix("data-").replace("-", "_"): re.search(f'{name}="(.*?)"', select[0])[1]
        for name in ("data-app-label", "data-model-name", "data-field-name")
    }

    offered = admin_client.get("/admin/autocomplete/", {**asked, "term": "chos"}).json()["results"]

    assert [each["text"].split(" · ")[0] for each in offered] == ["chosen"]
    assert re.search(f'value="{made.pk}" selected.*?>another', select[0], re.S)


@pytest.mark.parametrize("kind", ["tags", "albums", "imports"])
def test_a_set_that_is_none_breaks_nothing(admin_client, five, kind):
    assert admin_client.get(LIST, {f"{kind}__id__exact": "x"}, follow=True).status_code == 200


def test_a_lookup_of_many_rows_brings_no_image_twice(admin_client, five):
    for name in ("a", "b"):
        five[0].tags.create(name=name)

    listed = admin_client.get(
        LIST, {"tags__id__in": ",".join(str(tag.pk) for tag in five[0].tags.all())}
    ).context["cl"]

    assert list(listed.result_list) == [five[0]]


@pytest.mark.parametrize("few", [0, 100], ids=["many", "few"])
def test_words_find_the_same_where_they_are_common(admin_client, five, monkeypatch, few):
    monkeypatch.setattr(text_search, "_FEW", few)
    monkeypatch.setattr(text_search, "_FEW_OF_SQLITE", few)
    Image.objects.filter(pk__in=[image.pk for image in five[:2]]).update(title="a harbour")

    listed = admin_client.get(LIST, {"q": "harb"}).context["cl"]

    assert list(listed.result_list) == five[:2]
