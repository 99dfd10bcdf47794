from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import services as catalog
from catalog.models import BulkEdit, Image
from ingestion.models import Import
from jobs.models import JobRecord
from kernel.task_names import DELETE_IMAGES, EDIT_IMAGES, INDEX_IMAGES, RUN_IMPORT, UPDATE_PAYLOADS
from tests.conftest import AddImage, Broker
from tests.pictures import GREEN, RED, plain
from worker_api import jobs
from worker_api.jobs import Sweep

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_sweep_mends_all_that_died_and_hands_out_all_that_waits(
    add_image: AddImage, broker: Broker
) -> None:
    now = timezone.now()
    one, other = add_image(plain(RED)), add_image(plain(GREEN))
    Image.objects.filter(pk=one.pk).update(payload_due_at=now)
    catalog.request_indexing(Image.objects.filter(pk=one.pk))
    catalog.request_deletion(Image.objects.filter(pk=other.pk))
    BulkEdit.objects.create(kind="set_owner", state="running")
    JobRecord.objects.create(name="lost", queue="query")
    JobRecord.objects.update(created_at=now - timedelta(seconds=21))
    silent = JobRecord.objects.create(name=DELETE_IMAGES, queue="maintenance", state="running")
    JobRecord.objects.filter(pk=silent.pk).update(heartbeat_at=now - timedelta(seconds=31))
    Import.objects.create(source="/a")
    Import.objects.update(touched_at=now - timedelta(minutes=11))
    Import.objects.create(source="/b", by_workers=True)

    swept = jobs.sweep()

    assert swept == Sweep(
        resent=1,
        recovered=1,
        requeued_images=2,
        closed_imports=1,
        imports=1,
        resumed_payloads=True,
        resumed_checks=False,
        resumed_watches=False,
        resumed_edits=1,
        purged_images=0,
        expired_entries=0,
    )
    [index] = broker.take("bulk")
    assert (index.name, index.arguments["image_ids"]) == (INDEX_IMAGES, [str(one.pk)])
    messages = broker.take("maintenance")
    assert [message.arguments.get("image_ids") for message in messages] == [
        None,
        None,
        [str(other.pk)],
        None,
        None,
    ]
    names = [messages[number].name for number in (1, 3, 4)]
    assert names == [EDIT_IMAGES, RUN_IMPORT, UPDATE_PAYLOADS]
    assert Import.objects.get(source="/a").state == "interrupted"


def test_a_sweep_with_nothing_to_do(broker: Broker) -> None:
    assert jobs.sweep() == Sweep(
        resent=0,
        recovered=0,
        requeued_images=0,
        closed_imports=0,
        imports=0,
        resumed_payloads=False,
        resumed_checks=False,
        resumed_watches=False,
        resumed_edits=0,
        purged_images=0,
        expired_entries=0,
    )
