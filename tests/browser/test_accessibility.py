"""Every page that is ours, light and dark, by axe-core: nothing of a serious or critical impact."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import Page, expect

from audit_log.models import AuditEntry
from audit_log.services import record
from catalog import services
from catalog.models import Album, AlbumGroup, BulkEdit, EncoderVersion, Image, Tag
from ingestion.models import Import
from ingestion.services.plans import ImportPlan
from jobs.models import JobRecord
from kernel import task_names
from kernel.regions import FoundRegion
from kernel.task_messages import AlikeCells, CellGrid, ComparedRegions, Copy, Overlap
from review.models import Decision
from search.saved import save_search
from tests.unit.web import fake_worker
from tests.unit.web.conftest import BLUE, DARK_RED, GREEN, RED, encoded
from watches.models import Notice, Rung, WatchHit, Webhook
from watches.services import Wishes, begin_watch

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = {"name": "query.png", "mimeType": "image/png", "buffer": encoded(RED)}
LISTS = (
    *("catalog/image", "catalog/binnedimage", "catalog/tag", "catalog/album", "catalog/bulkedit"),
    *("catalog/encoderversion", "ingestion/import", "ingestion/importfailure", "jobs/jobrecord"),
    *("audit_log/auditentry", "auth/user", "auth/group", "review/decision"),
    *("search/savedsearch", "watches/watch"),
)
# Rule, part of the element's markup → why it stays.
EXCEPTIONS = {
    ("list", "select2-selection__rendered"): "select2, which Django brings, puts the cross that "
    "empties a field into the list of what was chosen; its page is made by its script alone",
}
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture
def keeper(db) -> User:
    return User.objects.create_superuser("chief", password="secret")


@pytest.fixture
def catalogue(searchable, add_image, worker, keeper) -> Image:
    """One row at least of everything that the admin shows; returns an image with an object."""
    dog = FoundRegion("object", 0, 10, 10, 40, 30, "dog", 0.9)
    image = searchable(encoded(RED), "red", dog)
    add_image(encoded(GREEN), "green", status="failed", error_code="image:user:broken")
    add_image(encoded(BLUE), "blue")
    add_image(encoded((9, 9, 9)), "grey", binned_at=timezone.now(), binned_by=keeper)
    image.tags.create(name="warm")
    walls = Album.objects.create(name="walls")
    AlbumGroup.objects.create(album=walls, group=Group.objects.create(name="others"))
    for kind in (BulkEdit.Kind.REINDEX, BulkEdit.Kind.EXPORT):
        edit = services.ask_bulk_edit(kind, Image.objects.all(), started_by_id=keeper.pk)
        services.start_bulk_edit(edit, {"format": "csv"} if kind == "export" else {})
    for state in ("planned", "running", "failed", "finished"):
        plan = (
            ImportPlan(files=2, passed_over={"document .pdf": 1}).to_json()
            if state == "planned"
            else None
        )
        current = Import.objects.create(
            source=f"a folder that is {state}", state=state, failed=1, found=3, total=9, plan=plan
        )
        current.images.add(image)
        current.failures.create(name="notes.jpg", error_code="image:user:broken")
    for state in ("running", "succeeded", "failed"):
        JobRecord.objects.create(name=task_names.INDEX_IMAGES, queue="bulk", state=state)
    for verdict in ("edited-copy", "similar"):
        Decision.objects.create(
            query_sha256=f"{verdict:0>64}",
            image=image,
            judgement="copy",
            shown_verdict=verdict,
            decided_by=keeper,
            decided_at=timezone.now(),
            encoder_version=EncoderVersion.objects.get(),
        )
    for action in AuditEntry.Action:
        record(action, image, actor_id=keeper.pk, details={"title": ["", "red"]})
    return image


def admin_pages(image: Image, keeper: User) -> list[str]:
    edits = [
        services.ask_bulk_edit(kind, Image.objects.all(), started_by_id=keeper.pk)
        for kind in ("bin", "add_tags", "set_medium", "set_owner", "export")
    ]
    shown = {
        "catalog/image": image,
        "catalog/binnedimage": Image.objects.get(title="grey"),
        "catalog/tag": Tag.objects.get(),
        "catalog/album": Album.objects.get(),
        "catalog/encoderversion": EncoderVersion.objects.get(),
        "jobs/jobrecord": JobRecord.objects.get(state="failed"),
        "audit_log/auditentry": AuditEntry.objects.earliest("pk"),
        "auth/user": keeper,
        "review/decision": Decision.objects.latest("pk"),
        "auth/group": Group.objects.get(name="others"),
    }
    started = BulkEdit.objects.exclude(state=BulkEdit.State.ASKED)
    paths = [
        *("", "catalog/image/?view=grid", "catalog/image/?q=red&status__exact=indexed", "nowhere/"),
        *(f"{model}/" for model in LISTS),
        *(f"{model}/{row.pk}/change/" for model, row in shown.items()),
        *(f"catalog/image/{image.pk}/{page}/" for page in ("panels", "delete", "history")),
        *(f"catalog/tag/{shown['catalog/tag'].pk}/delete/", "catalog/album/add/"),
        "review/decision/precision/",
        *(f"auth/user/{keeper.pk}/password/", "auth/user/add/", "ingestion/import/add/"),
        "api/apitoken/add/",
        *(f"catalog/bulkedit/{edit.pk}/confirm/" for edit in edits),
        *(f"catalog/bulkedit/{edit.pk}/change/" for edit in started),
        *(f"ingestion/import/{each.pk}/change/" for each in Import.objects.all()),
    ]
    return [f"/admin/{path}" for path in paths]


def kept_pages(image: Image, keeper: User) -> list[str]:
    """Pages of saved searches and watches, with a row at least of everything that they show."""
    saved = save_search(keeper, address=f"image={image.pk}", name="red")
    wishes = Wishes(Rung.EDITED_COPY, by_mail=False, url="https://a.example/", language="en")
    watch = begin_watch(keeper, saved, wishes)
    copy = Image.objects.get(title="green")
    for each, is_before in ((copy, False), (Image.objects.get(title="blue"), True)):
        WatchHit.objects.create(
            watch=watch,
            image=each,
            saved_picture=saved.pictures.get(),
            rung="edited-copy",
            is_before=is_before,
        )
    now = timezone.now()
    Notice.objects.create(owner=keeper, webhook=watch.webhook, next_at=now, status=500)
    Webhook.objects.update(switched_off_at=now)
    one = f"/watches/{watch.pk}/"
    return ["/searches/", "/watches/", one, f"{one}?there=1", f"/watches/new?search={saved.pk}"]


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong that keeps people from a page, a line an element."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]} {node['target']} {node['failureSummary'][:300]}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
        if not any(rule["id"] == name and part in node["html"] for name, part in EXCEPTIONS)
    ]


def log_in(page: Page) -> None:
    page.locator("[name=username]").fill("chief")
    page.locator("[name=password]").fill("secret")
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "login" not in url)


@THEMES
def test_pages_of_the_admin(open_page, catalogue, keeper, theme):
    page = open_page("/admin/login/?next=/account/password/", color_scheme=theme)
    wrong = {"log-in": violations(page)}
    log_in(page)

    for path in admin_pages(catalogue, keeper):
        page.goto(path)
        page.wait_for_function("!document.querySelector('.select2-selection:not([aria-label])')")
        wrong[path] = violations(page)

    assert {path: found for path, found in wrong.items() if found} == {}


def test_no_page_of_the_admin_is_wider_than_a_phone(open_page, catalogue, keeper):
    page = open_page(
        "/admin/login/", viewport={"width": 390, "height": 844}, locale="ru-RU"
    )  # whose words are long
    log_in(page)
    too_wide = {}

    for path in admin_pages(catalogue, keeper):
        page.goto(path)
        root = page.locator("html")
        over_px = root.evaluate("page => page.scrollWidth - page.clientWidth")
        if over_px:
            too_wide[path] = over_px

    assert too_wide == {}


@THEMES
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_what_opens_on_a_page_of_the_admin(open_page, catalogue, keeper, theme, width):
    viewport = {"width": width, "height": 900}
    page = open_page(
        "/admin/login/?next=/admin/catalog/image/", color_scheme=theme, viewport=viewport
    )
    log_in(page)
    page.locator(".action-select").first.check()
    expect(page.locator("select[name=action]")).to_be_visible()
    selected = violations(page)
    page.locator("[x-on\\:click='filterOpen = true']").click()
    expect(page.locator("#changelist-filter")).to_be_visible()

    filtered = violations(page)

    assert selected + filtered == []


@THEMES
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_pages_of_visitors(open_page, catalogue, keeper, theme, width):
    page = open_page(
        "/", color_scheme=theme, viewport={"width": width, "height": 900}, locale="en-US"
    )
    wrong = {"search": violations(page)}
    page.set_input_files("input[name=picture]", QUERY)
    expect(page.locator(".hit").first).to_be_visible()
    expect(page.locator(".proving")).to_have_count(0)
    wrong["result"] = violations(page)
    EncoderVersion.objects.update(knows_words=True)
    green, blue = Image.objects.get(title="green"), Image.objects.get(title="blue")
    for path in (
        *("/?words=red", f"/?image={green.pk}&image={catalogue.pk}&unlike_image={blue.pk}"),
        *(f"/images/{catalogue.pk}/", "/login/", "/nowhere/", "/upload/"),
    ):
        page.goto(path)
        wrong[path] = violations(page)
    log_in(page)
    for path in (
        *("/upload/", "/account/password/", "/account/password/changed/", "/api/v1/docs"),
        *("/searches/", "/watches/", "/watches/new"),
    ):
        page.goto(path)
        wrong[path] = violations(page)
    for path in kept_pages(catalogue, keeper):
        page.goto(path)
        wrong[path] = violations(page)
    page.goto(f"/?image={catalogue.pk}")  # with the buttons of who decides
    expect(page.locator(".decides").first).to_be_visible()
    wrong["result of a reviewer"] = violations(page)

    assert {path: found for path, found in wrong.items() if found} == {}


@THEMES
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_what_opens_on_the_result_page(open_page, catalogue, version, theme, width):
    whole = catalogue.regions.get(kind="whole")
    box = (0, 0, whole.x1, whole.y1)
    corners = ((0, 0), (box[2], 0), (box[2], box[3]), (0, box[3]))
    copy = Copy(whole.pk, False, False, None, corners, Overlap(40, False, 100.0, 100.0))
    cells = AlikeCells(CellGrid(1, 2, box), CellGrid(1, 2, box), bytes([0, 255, 0, 0]))
    compared = ComparedRegions(40, 8, cells, 1.0)
    query = encoded(DARK_RED)
    fake_worker.answer_with(version_id=version.pk, copies={box: [copy]}, compared=compared)
    viewport = {"width": width, "height": 900}
    page = open_page("/", color_scheme=theme, viewport=viewport)
    page.set_input_files("input[name=picture]", QUERY | {"buffer": query})
    expect(page.locator(".hit").first).to_be_visible()
    expect(page.locator(".proving")).to_have_count(0)
    wrong = {}

    page.get_by_text("Filters", exact=True).click()
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    wrong["filters"] = violations(page)
    page.keyboard.press("Escape")
    address = page.locator(".compare").first.get_attribute("href")
    page.locator(".compare").first.click()
    for view in ("Overlay", "Blink", "Differences", "Side by side"):
        page.get_by_role("button", name=view).click()
        wrong[view] = violations(page)
    page.get_by_role("button", name="Show what is alike where").click()
    expect(page.locator("[data-legend]")).to_be_visible()
    wrong["alike"] = violations(page)
    page.goto(address)
    expect(page.locator(".sides")).to_be_visible()
    wrong["comparison without scripts"] = violations(page)

    assert {name: found for name, found in wrong.items() if found} == {}


def test_on_a_phone_cells_of_lists_are_as_high_as_what_is_in_them(open_page, catalogue, keeper):
    viewport = {"width": 390, "height": 844}
    page = open_page("/admin/login/?next=/admin/review/decision/", viewport=viewport)
    log_in(page)
    cells = page.locator("#result_list td.field-found")
    expect(cells.locator("img").first).to_have_js_property("complete", value=True)

    cut = cells.evaluate_all("all => all.map((cell) => cell.scrollHeight - cell.clientHeight)")

    assert cut == [0, 0]
