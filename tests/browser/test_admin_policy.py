"""The admin's pages work under its Content-Security-Policy, and what somebody slips in does not."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import Page, expect

from catalog import services
from catalog.models import Album, CopyCheck, Image, Tag
from ingestion.models import Import, WatchedFolder
from jobs.models import JobRecord
from kernel import task_names
from tests.unit.web.conftest import BLUE, GREEN, RED, encoded

pytestmark = pytest.mark.django_db(transaction=True)

IMAGES = "/admin/catalog/image/"


@pytest.fixture
def rows(add_image, version) -> dict[str, object]:
    """One row at least of everything that the admin shows, by its address."""
    images = [
        add_image(encoded(colour), name, status="indexed")
        for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE))
    ]
    current = Import.objects.create(source="folder")
    current.images.set(images)
    edit = services.ask_bulk_edit("reindex", Image.objects.all())
    services.start_bulk_edit(edit, {})
    held = add_image(encoded((90, 90, 90)), "held", status="indexed", held_at=timezone.now())
    CopyCheck.objects.create(
        **{"image": held, "copy_of": images[0], "state": "held", "policy": "hold"},
        import_id=current.pk,
    )
    folder = WatchedFolder.objects.create(path="/srv/pictures", last_import=current)
    name = task_names.DELETE_IMAGES
    job = JobRecord.objects.create(name=name, queue="maintenance", state="failed")
    return {
        "catalog/image": images[0].pk,
        "catalog/heldimage": held.pk,
        "catalog/tag": Tag.objects.create(name="warm").pk,
        "catalog/album": Album.objects.create(name="walls").pk,
        "catalog/bulkedit": edit.pk,
        "catalog/encoderversion": version.pk,
        "ingestion/import": current.pk,
        "ingestion/watchedfolder": folder.pk,
        "jobs/jobrecord": job.pk,
        "auth/user": User.objects.create_superuser("chief", password="secret").pk,
        "auth/group": Group.objects.create(name="keepers").pk,
    }


def log_in(page: Page) -> None:
    page.locator("[name=username]").fill("chief")
    page.locator("[name=password]").fill("secret")
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "login" not in url)


def test_every_page_opens_without_a_complaint(open_page, rows):
    page = open_page("/admin/login/?next=/admin/")
    log_in(page)

    for model, pk in rows.items():
        for address in ("", "?q=a", f"{pk}/change/", f"{pk}/history/", f"{pk}/delete/", "add/"):
            answer = page.goto(f"/admin/{model}/{address}", wait_until="networkidle")
            refused = answer.status == 403  # of what is only looked at, some pages are not there
            assert answer.ok or refused, (model, address, answer.status)
            if not refused:
                expect(page.locator("#content-main, #content, main").first).to_be_attached()


def test_what_is_clicked_answers(open_page, rows):
    page = open_page(f"/admin/login/?next={IMAGES}")
    log_in(page)

    sheet = page.locator("#changelist-filter")
    expect(sheet).to_be_hidden()
    page.locator("[x-on\\:click='filterOpen = true']").click()
    expect(sheet).to_be_visible()
    sheet.get_by_role("link", name="indexed").click()
    page.wait_for_url("**status__exact=indexed*")
    page.goto(IMAGES)
    page.locator("[x-on\\:click='filterOpen = true']").click()
    page.locator("#changelist-filter .select2-selection").first.click()
    page.locator(".select2-search__field").fill("war")
    page.locator(".select2-results__option", has_text="warm").click()
    page.get_by_role("button", name="Apply Filters").click()
    page.wait_for_url("**tags__id__exact=*")
    expect(page.get_by_text("No results found")).to_be_visible()
    page.goto(IMAGES)
    page.locator("#action-toggle").check()  # Django's own script ticks every row
    assert page.locator("input[name=_selected_action]:checked").count() == 3
    page.locator("select[name=action]").select_option("delete_selected")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("Move to the bin: 3 images")).to_be_visible()
    page.get_by_role("link", name="No, take me back").click()
    expect(page.locator("input[name=_selected_action]")).to_have_count(3)

    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("add_tags")
    page.get_by_role("button", name="Run").click()
    page.locator(".select2-selection").click()  # what is typed is looked for
    page.locator(".select2-search__field").press_sequentially("wa")
    page.get_by_role("option", name="warm").click()
    page.get_by_role("button", name="Add tags").click()
    expect(page.get_by_text("0 of 3")).to_be_visible()

    page.goto(f"/admin/catalog/image/{rows['catalog/image']}/change/")
    page.get_by_label("Title").fill("a red one")
    page.locator("[name=_continue]").click()
    expect(page.get_by_label("Title")).to_have_value("a red one")


def test_theme_and_language_are_switched(open_page, rows):
    page = open_page(f"/admin/login/?next={IMAGES}")
    log_in(page)

    for theme, other in (("dark", "light"), ("light", "dark")):
        page.locator(f"[x-on\\:click=\"switchTheme('{theme}')\"]").first.dispatch_event("click")
        expect(page.locator("html")).to_have_class(re.compile(theme))
        expect(page.locator("html")).not_to_have_class(re.compile(other))
    page.locator("form:has([name=language][value=ru]) button").first.dispatch_event("click")
    expect(page.get_by_text("Изображения").first).to_be_visible()


def test_what_somebody_slips_into_a_page_does_not_run(chromium, live_server, rows):
    page = chromium.new_page(base_url=live_server.url)
    page.goto(f"/admin/login/?next={IMAGES}")
    log_in(page)
    page.evaluate(
        """() => {
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = 1'>");
            for (const source of ["", "https://elsewhere.example/x.js", "data:,window.ran=3"]) {
                const script = document.createElement("script");
                if (source) script.src = source; else script.textContent = "window.ran = 2";
                document.body.append(script);
            }
        }"""
    )
    page.wait_for_timeout(500)

    assert page.evaluate("window.ran") is None
    page.close()
