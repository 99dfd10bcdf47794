"""What programs do is in the audit log with the name of their token."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from api.models import ApiToken
from audit_log.models import AuditEntry
from audit_log.services import record
from catalog.models import BulkEdit, Tag
from catalog.services import apply_next_chunk
from jobs.services import claim
from tests.unit.api.conftest import code_of
from tests.unit.web.conftest import RED, encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media", "version", "broker")]


@pytest.fixture
def editor(program):
    made = program("catalog.change_image", "catalog.view_tag", "catalog.add_tag", name="ann")
    ApiToken.objects.update(name="night shift")
    AuditEntry.objects.all().delete()
    return made


def written() -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.order_by("id")
    return list(rows.values_list("actor_name", "token_name", "object_type"))


def change(program, image):
    return program.patch(f"/images/{image.pk}", {"title": "new"}, content_type="application/json")


def test_a_change_names_the_token_and_what_follows_does_not(editor, add_image) -> None:
    image = add_image(encoded(RED), "old")

    assert change(editor, image).status_code == 200
    record(AuditEntry.Action.CHANGED, image, actor_id=editor.user.pk)  # by its person, next

    assert written() == [
        ("ann", "night shift", "catalog.image"),
        ("ann", "", "catalog.image"),
    ]


def test_a_request_that_fails_leaves_no_name_behind(editor, visitor, add_image) -> None:
    image = add_image(encoded(RED), "old")
    ApiToken.objects.update(scopes=["search"])

    assert code_of(change(editor, image)) == (403, "token:user:no-scope")
    record(AuditEntry.Action.CHANGED, image, actor_id=editor.user.pk)

    assert written() == [("ann", "", "catalog.image")]


def test_a_bulk_edit_that_a_worker_makes_has_one_entry_with_the_token(editor, add_image) -> None:
    image = add_image(encoded(RED), "red")
    body = {"kind": "set_owner", "value": "Ann", "images": [str(image.pk)]}
    asked = editor.post("/images/bulk", body, content_type="application/json")
    assert asked.status_code == 202, asked.content
    edit = BulkEdit.objects.get()

    delivery = claim(edit.job.pk)
    while apply_next_chunk(edit.pk, delivery=delivery):
        pass

    assert written() == [("ann", "night shift", "catalog.bulkedit")]
    assert AuditEntry.objects.get().images.count() == 1


def test_the_page_shows_the_name_and_nothing_of_the_secret(editor, add_image) -> None:
    change(editor, add_image(encoded(RED), "old"))
    record(AuditEntry.Action.ADDED, Tag.objects.create(name="sea"), actor_id=editor.user.pk)
    chief = Client()
    chief.force_login(User.objects.create_superuser("chief"))
    [entry, _] = AuditEntry.objects.exclude(action="logged_in").order_by("id")
    log = "/admin/audit_log/auditentry/"

    for address in (log, f"{log}{entry.pk}/change/"):
        page = chief.get(address).content.decode()
        assert page.count("ann, by the API token “night shift”") == 1
        assert ApiToken.objects.get().prefix not in page
    said = chief.get(log, headers={"accept-language": "ru"}).content.decode()
    assert "ann, по токену API «night shift»" in said
