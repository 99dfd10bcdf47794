"""Imports that people start, watch, pause, resume, cancel and try again in the admin."""

import csv
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from catalog.models import CopyCheck
from ingestion import services
from ingestion.models import Import, ImportFailure
from ingestion.services import CopyPolicy, ImportOptions, KnownPolicy
from kernel.messages import sentence
from site_http.bodies import max_body_bytes
from tests.conftest import Broker
from tests.pictures import numbered
from tests.unit.ingestion.turns import counts, work

pytestmark = pytest.mark.django_db(transaction=True)

State = Import.State
LIST = "/admin/ingestion/import/"
NEW = f"{LIST}add/"


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "1.png").write_bytes(numbered(1))
    (folder / "notes.jpg").write_bytes(b"text")
    settings.INGEST_ROOTS = (tmp_path,)
    return folder


def ask(client: Client, **said: object) -> Import:
    response = client.post(NEW, {"known": "skip", "copies": "take-in"} | said)
    assert response.status_code == 302, response.context["form"].errors
    current = Import.objects.latest("created_at")
    assert response.url == page(current)
    return current


def page(current: Import) -> str:
    return f"{LIST}{current.pk}/change/"


def do(client: Client, current: Import, action: str) -> str:
    """Press a button; returns the page that follows."""
    response = client.post(f"{LIST}{current.pk}/do/", {"action": action}, follow=True)
    assert response.redirect_chain == [(page(current), 302)]
    return response.content.decode()


def offered(client: Client, current: Import) -> list[str]:
    return [name for name, *_ in client.get(page(current)).context["offered"]]


def test_a_path_is_planned_started_and_watched(
    client: Client, keeper, folder: Path, media: Path, broker: Broker
) -> None:
    boxes = {"titles_from_paths": 1, "restores_binned": 1}
    current = ask(client, address=f" {folder} ", named="shelf", known="update", **boxes)
    response = client.get(page(current))
    assert "Workers are looking at what would be taken in" in response.content.decode()
    assert response["Refresh"] == "5"
    assert offered(client, current) == ["cancel"]
    assert (current.started_by, current.source) == (keeper, str(folder))
    options = ImportOptions.from_json(current.options)
    assert (options.named, options.rules.known) == ("shelf", KnownPolicy.UPDATE)
    assert (options.rules.titles_from_paths, options.tags_from_folders) == (True, False)
    assert options.rules.restores_binned
    work(broker)

    response = client.get(page(current))
    text = response.content.decode()
    assert "Pictures: 2." in text
    assert "Of the first 2, 0 are there already." in text
    assert not response.has_header("Refresh")
    assert offered(client, current) == ["start", "cancel"]

    do(client, current, "start")
    work(broker)

    assert counts(current) == (2, 1, 0, 1)
    assert offered(client, current) == ["retry"]
    assert "not possible any more" in do(client, current, "start")


def test_files_of_a_form_are_taken_in(client: Client, keeper, media: Path, broker: Broker) -> None:
    uploads = [SimpleUploadedFile(f"{n}.png", numbered(n)) for n in range(2)]
    current = ask(client, uploads=[*uploads, SimpleUploadedFile("empty.png", b"")])
    work(broker)
    do(client, current, "start")
    work(broker)

    assert counts(current) == (3, 2, 0, 1)
    assert current.failures.get().name == "empty.png"


def test_the_form_takes_bodies_as_the_upload_page_does(settings) -> None:
    assert max_body_bytes(NEW) == max_body_bytes("/upload/") > settings.UPLOAD_MAX_FORM_BYTES


@pytest.mark.parametrize(
    ("said", "code"),
    [
        pytest.param({}, "import:user:one-source", id="nothing"),
        pytest.param({"address": "  "}, "import:user:one-source", id="blanks"),
        pytest.param({"address": "/etc"}, "import:user:outside-roots", id="outside"),
        pytest.param({"address": "../secret"}, "import:user:outside-roots", id="relative"),
    ],
)
def test_a_source_that_may_not_be_read_is_refused(
    client: Client, keeper, folder: Path, said: dict, code: str
) -> None:
    response = client.post(NEW, {"known": "skip", "copies": "take-in"} | said)

    assert response.status_code == 200
    assert sentence(code) in response.content.decode()
    assert not Import.objects.exists()


def test_files_and_an_address_are_one_too_many(
    client: Client, keeper, folder: Path, media: Path, broker: Broker
) -> None:
    upload = SimpleUploadedFile("1.png", numbered(1))

    response = client.post(
        NEW, {"known": "skip", "copies": "take-in", "address": str(folder), "uploads": [upload]}
    )

    assert sentence("import:user:one-source") in response.content.decode()
    assert not Import.objects.exists()
    assert list(media.rglob("*")) == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://127.0.0.1:1/a.png", "fetch:user:forbidden-address"),
        ("ftp://example.org/a.png", "fetch:user:not-http"),
    ],
)
@pytest.mark.usefixtures("keeper", "media")
def test_a_url_is_fetched_by_the_one_client(
    client: Client, broker: Broker, url: str, problem: str
) -> None:
    current = ask(client, address=url)
    work(broker)
    do(client, current, "start")
    work(broker)

    current.refresh_from_db()
    codes = {*current.failures.values_list("error_code", flat=True), current.error_code} - {""}
    assert codes == {problem}


def test_an_import_is_paused_resumed_and_cancelled(
    client: Client, keeper, folder: Path, media: Path, broker: Broker
) -> None:
    current = ask(client, address=str(folder))
    work(broker)
    do(client, current, "start")
    assert offered(client, current) == ["pause", "cancel"]

    do(client, current, "pause")
    assert offered(client, current) == ["resume", "cancel", *()]
    work(broker)
    assert counts(current) == (0, 0, 0, 0)

    do(client, current, "resume")
    services.hand_out_imports()
    work(broker)
    assert counts(current) == (2, 1, 0, 1)

    again = ask(client, address=str(folder))
    do(client, again, "cancel")
    work(broker)
    again.refresh_from_db()
    assert (again.state, again.plan) == (State.CANCELLED, None)
    assert offered(client, again) == []


@pytest.mark.parametrize("permissions", [(), ("ingestion.view_import",), ("catalog.add_image",)])
def test_who_may_not_start_imports_changes_nothing(
    client: Client, log_in, folder: Path, broker: Broker, permissions: tuple[str, ...]
) -> None:
    log_in(*permissions, staff=True)
    current = services.record_import([str(folder)], name="a", options=ImportOptions())
    ImportFailure.objects.create(of=current, name="a", error_code="image:user:broken")

    answers = [
        client.get(NEW),
        client.post(NEW, {"known": "skip", "copies": "take-in", "address": str(folder)}),
        *(
            client.post(f"{LIST}{current.pk}/do/", {"action": action})
            for action in ("start", "resume", "pause", "cancel", "retry")
        ),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert [(each.state, each.runs) for each in Import.objects.all()] == [(State.INTERRUPTED, 0)]
    assert ImportFailure.objects.get().retry_at is None
    assert broker.take("maintenance") == []


def test_nothing_is_done_by_looking(client: Client, keeper, folder: Path, broker: Broker) -> None:
    current = services.record_import([str(folder)], name="a", options=ImportOptions())

    assert client.get(f"{LIST}{current.pk}/do/?action=cancel").status_code == 405
    assert client.post(f"{LIST}{current.pk}/do/", {"action": "delete"}).status_code == 400

    current.refresh_from_db()
    assert current.state == State.INTERRUPTED


def test_an_import_is_neither_edited_nor_deleted_by_hand(admin_client: Client) -> None:
    current = Import.objects.create(source="a")

    for way in ("change", "delete"):
        answer = admin_client.post(f"{LIST}{current.pk}/{way}/", {"source": "b", "post": "yes"})
        assert answer.status_code == 403

    assert Import.objects.get().source == "a"


def test_buttons_need_a_token(log_in, folder: Path) -> None:
    log_in("ingestion.add_import", "ingestion.view_import", staff=True)
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get())
    current = services.record_import([str(folder)], name="a", options=ImportOptions())

    answer = client.post(f"{LIST}{current.pk}/do/", {"action": "cancel"})

    assert answer.status_code == 403
    current.refresh_from_db()
    assert current.state == State.INTERRUPTED


# Failures


def test_failures_as_csv_are_safe_to_open(client: Client, keeper) -> None:
    current = Import.objects.create(source="a", failed=3)
    for name in ('=HYPERLINK("x")', 'a;b,"c"\n.png', "фото.png"):
        ImportFailure.objects.create(
            of=current,
            name=name,
            error_code="manifest:user:bad-row",
            context={"detail": "No such medium."},
        )
    ImportFailure.objects.create(of=Import.objects.create(source="b"), name="x", error_code="y")

    answer = client.get(f"{LIST}{current.pk}/failures.csv")

    assert answer.streaming
    assert answer["Content-Disposition"] == f'attachment; filename="failures-{current.pk}.csv"'
    text = answer.getvalue().decode("utf-8-sig")
    rows = list(csv.reader(text.splitlines(keepends=True)))
    reason = sentence("manifest:user:bad-row", detail="No such medium.")
    assert rows == [
        ["file", "error_code", "reason"],
        ['\'=HYPERLINK("x")', "manifest:user:bad-row", reason],
        ['a;b,"c"\n.png', "manifest:user:bad-row", reason],
        ["фото.png", "manifest:user:bad-row", reason],
    ]


def test_who_may_not_see_imports_gets_no_csv(client: Client, log_in) -> None:
    log_in("catalog.view_image", staff=True)
    current = Import.objects.create(source="a")

    assert client.get(f"{LIST}{current.pk}/failures.csv").status_code == 403


def test_chosen_failures_are_tried_again(
    client: Client, keeper, folder: Path, media: Path, broker: Broker
) -> None:
    (folder / "late.png").write_bytes(b"not yet")
    current = ask(client, address=str(folder))
    work(broker)
    do(client, current, "start")
    work(broker)
    (folder / "late.png").write_bytes(numbered(9))
    failures = "/admin/ingestion/importfailure/"
    shown = client.get(failures, {"of__id__exact": str(current.pk)}).content.decode()
    assert "late.png" in shown
    assert "notes.jpg" in shown

    late = ImportFailure.objects.get(name="late.png")
    client.post(failures, {"action": "retry", "_selected_action": [late.pk]})
    work(broker)

    assert counts(current) == (3, 2, 0, 1)
    do(client, current, "retry")
    work(broker)
    assert counts(current) == (3, 2, 0, 1)
    assert current.failures.get().name == "notes.jpg"


def test_who_only_looks_is_offered_nothing(
    client: Client, log_in: Callable[..., User], folder: Path
) -> None:
    log_in("ingestion.view_import", staff=True)
    current = services.record_import([str(folder)], name="a", options=ImportOptions())
    ImportFailure.objects.create(of=current, name="a", error_code="image:user:broken")

    assert offered(client, current) == []
    assert NEW not in client.get(LIST).content.decode()
    text = client.get("/admin/ingestion/importfailure/").content.decode()
    assert "_selected_action" not in text


def test_a_page_says_how_far_reading_is(client: Client, keeper) -> None:
    current = Import.objects.create(
        source="a", state="running", found=1000, total=4000, rate=10.0, is_waiting=True
    )

    text = client.get(page(current)).content.decode()

    said = (
        "1000 of 4000 · waiting for the workers · 10.0 a second · 5\N{NO-BREAK SPACE}minutes left"
    )
    assert said in text


def test_the_form_says_what_becomes_of_copies(
    client: Client, keeper, folder: Path, media: Path, broker: Broker
) -> None:
    current = ask(client, address=str(folder), copies="refuse")

    assert ImportOptions.from_json(current.options).rules.copies is CopyPolicy.REFUSE


@pytest.mark.parametrize("way", ["the import's button", "the list of refused files"])
def test_a_refused_copy_is_taken_in_where_nobody_can_read_its_file_again(
    client: Client, keeper: User, add_image, broker: Broker, way: str
) -> None:
    # given an upload whose file was refused as a copy, and another file that was refused
    image = add_image(numbered(1), "copy", binned_at=timezone.now())
    original = add_image(numbered(2), "original")
    current = Import.objects.create(source="upload", state="finished", found=3, added=1, failed=2)
    CopyCheck.objects.create(
        image=image, policy="refuse", state="refused", import_id=current.pk, copy_of=original
    )
    context = {"image_id": str(image.pk), "copy_of": str(original.pk)}
    code = "image:conflict:copy-of"
    refused = current.failures.create(name="copy.png", error_code=code, context=context)
    current.failures.create(name="text.png", error_code="image:user:broken")
    listed = client.get("/admin/ingestion/importfailure/").content.decode()
    assert sentence(code, **context) in listed
    assert f"/admin/catalog/image/{original.pk}/change/" in listed

    if way == "the import's button":
        assert sentence("import:user:no-source") not in unescape(do(client, current, "retry"))
    else:
        chosen = {"action": "retry", "_selected_action": [refused.pk]}
        client.post("/admin/ingestion/importfailure/", chosen)

    image.refresh_from_db()
    assert image.binned_at is None
    assert CopyCheck.objects.get().state == "taken in"
    assert counts(current) == (3, 2, 0, 1)
    assert current.failures.get().name == "text.png"
    # the other one needs its file
    assert sentence("import:user:no-source") in unescape(do(client, current, "retry"))
