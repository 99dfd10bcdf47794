"""An import is begun in a browser, whose scripts touch the form."""

import io
import re
import zipfile

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from ingestion.models import Import
from tests.pictures import RED, plain

pytestmark = pytest.mark.django_db(transaction=True)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("boats/red.png", plain(RED))
    return buffer.getvalue()


def test_a_chosen_archive_is_planned(open_page, media) -> None:
    User.objects.create_superuser("chief", password="secret")
    page = open_page("/login/?next=/admin/ingestion/import/add/")
    page.get_by_label("Username").fill("chief")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("main").get_by_role("button", name="Log in").click()

    file = {"name": "boats.zip", "mimeType": "application/zip", "buffer": archive()}
    page.locator("input[type=file]").set_input_files(file)

    expect(page.get_by_label("Or an address or path")).to_have_value("")
    page.get_by_role("button", name="Plan the import").click()
    expect(page).to_have_url(re.compile("/admin/ingestion/import/[0-9a-f-]{36}/change/$"))
    current = Import.objects.get()
    assert (current.state, current.has_upload) == ("planned", True)
