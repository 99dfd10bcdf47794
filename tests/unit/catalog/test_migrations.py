"""What an upgrade does to a catalogue that an earlier release filled."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE, AFTER = ("catalog", "0002_encoder_calibration"), ("catalog", "0003_regions_and_detector")


def migrate(target: tuple[str, str]) -> object:
    executor = MigrationExecutor(connection)
    executor.migrate([target])
    return executor.loader.project_state([target]).apps


@pytest.mark.django_db(transaction=True)
def test_indexed_images_are_indexed_again_and_others_left_alone() -> None:
    try:
        image = migrate(BEFORE).get_model("catalog", "Image")
        fields = {"format": "png", "width": 1, "height": 1, "file_bytes": 1}
        for number, status in enumerate(("indexed", "failed", "deleting", "queued")):
            image.objects.create(sha256=str(number), status=status, **fields)

        image = migrate(AFTER).get_model("catalog", "Image")

        statuses = dict(image.objects.values_list("sha256", "status"))
        assert statuses == {"0": "queued", "1": "failed", "2": "deleting", "3": "queued"}
        assert image.objects.get(sha256="0").queued_at.year == 1970
    finally:  # all later tests of this process need the newest
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
def test_deletions_that_are_not_done_yet_move_to_the_bin() -> None:
    try:
        edit = migrate(("catalog", "0008_image_what_sources_say")).get_model("catalog", "BulkEdit")
        for kind, state in (("delete", "done"), ("delete", "running"), ("reindex", "asked")):
            edit.objects.create(kind=kind, state=state)

        edit = migrate(("catalog", "0009_image_bin")).get_model("catalog", "BulkEdit")

        kinds = edit.objects.order_by("id").values_list("kind", "state")
        assert list(kinds) == [("purge", "done"), ("bin", "running"), ("reindex", "asked")]
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
def test_points_of_an_earlier_release_are_filled_in_the_background() -> None:
    try:
        before = ("catalog", "0019_encoder_words")
        image = migrate(before).get_model("catalog", "Image")
        fields = {"format": "png", "width": 1, "height": 1, "file_bytes": 1}
        image.objects.create(sha256="0", status="indexed", payload_changes=3, **fields)

        image = migrate(("catalog", "0020_image_payload_format")).get_model("catalog", "Image")

        [row] = image.objects.all()
        assert (row.payload_format, row.payload_changes) == (None, 4)
        assert row.payload_due_at is not None
        image.objects.all().delete()
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
