"""The admin's first page: figures from rows, and what the parts say."""

import os
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from catalog.models import Image
from config import dashboard
from config.readiness import Part, Readiness
from ingestion.models import Import
from jobs.models import JobRecord
from kernel.errors import TransientError
from kernel.messages import sentence
from tests.rows import new_images

pytestmark = pytest.mark.django_db

INDEX, PARTS = "/admin/", "/admin/parts/"


@pytest.fixture
def catalogue():
    """Of ten: four findable, one of them waiting again; two wait, three failed, one is going."""
    ids = new_images(10)
    now = timezone.now()

    def set_all(some, **fields):
        Image.objects.filter(pk__in=some).update(**fields)

    set_all(ids[:3], status="indexed", indexed_at=now - timedelta(minutes=1))
    set_all(ids[3:4], status="queued", indexed_at=now - timedelta(hours=2))
    set_all(ids[4:6], status="queued", queued_at=now - timedelta(hours=3))
    set_all(ids[6:9], status="failed", error_code="image:user:broken")
    set_all(ids[9:], status="deleting")
    Import.objects.create(source="a")
    Import.objects.create(source="b", state="finished")
    JobRecord.objects.create(name="a", queue="bulk", state="running")
    JobRecord.objects.create(name="a", queue="bulk")


def figures(client) -> dict[str, tuple[str, str]]:
    context = client.get(INDEX).context
    return {figure.title: (figure.value, figure.note) for figure in context["figures"]}


def test_figures_are_those_of_the_rows(admin_client, catalogue):
    found = figures(admin_client)

    assert found["findable"] == ("4", "")
    assert found["waiting"][0] == "3"
    assert found["waiting"][1].replace("\xa0", " ") == "the oldest for 3 hours"
    assert found["failed"] == ("3", "")
    assert found["pictures a second"][0] == "0.0"  # three in five minutes
    assert found["imports running"] == ("1", "")
    assert found["jobs that workers have"] == ("1", "waiting: 1")
    assert re.fullmatch(r"[\d.]+\xa0[KMGT]?B", found["disk free"][0])


def test_more_rows_are_no_more_queries(admin_client, catalogue, django_assert_num_queries):
    with CaptureQueriesContext(connection) as few:
        admin_client.get(INDEX)
    new = [
        Image(sha256=f"{n:064x}f"[-64:], format="png", width=1, height=1, file_bytes=1)
        for n in range(100, 400)
    ]
    Image.objects.bulk_create(new)

    with django_assert_num_queries(len(few)):
        admin_client.get(INDEX)


def test_who_may_not_see_images_sees_no_figures(client, log_in, catalogue):
    log_in(staff=True)

    page = client.get(INDEX)

    assert page.status_code == 200
    assert "figures" not in page.context


def test_a_part_that_is_away_is_named(admin_client, monkeypatch, settings, tmp_path):
    def away():
        raise TransientError("vectors:transient:unavailable")

    parts = {"vectors": Part(away, silence=""), "broker": Part(lambda: None, silence="")}
    monkeypatch.setattr(dashboard, "READINESS", Readiness(parts))
    settings.DATA_DIR = tmp_path
    sign = tmp_path / "run" / "maintenance"
    sign.parent.mkdir()
    sign.touch()

    text = admin_client.get(PARTS).content.decode()
    os.utime(sign, (0, 0))
    later = admin_client.get(PARTS).content.decode()

    assert f"vector store: {sentence('vectors:transient:unavailable')}" in text
    assert "queue: well" in text
    assert "maintenance: well" in text
    assert "maintenance: It does not run" in later


def test_parts_are_told_to_staff_alone(client, log_in):
    assert client.get(PARTS).status_code == 302
    log_in("catalog.view_image")
    assert client.get(PARTS).status_code == 302


def test_a_disk_that_cannot_be_asked_is_said(admin_client, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "gone"

    assert figures(admin_client)["disk free"] == ("?", "No such file or directory")


def test_figures_speak_russian(admin_client, catalogue):
    with translation.override("ru"):
        text = admin_client.get(INDEX, headers={"accept-language": "ru"}).content.decode()

    assert "находятся поиском" in text
