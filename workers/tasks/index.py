"""Bulk tasks: take in, index, compare, edit or export many at once, and delete pictures."""

from uuid import UUID

from kernel import task_names
from workers.app import app


@app.task(name=task_names.INDEX_IMAGES, shared=False)
def index(*, image_ids: list[str], job_id: str, **_unknown: object) -> None:
    """Index a chunk of pictures. Idempotent: point ids follow from content."""
    from ml.memory import give_back_freed_memory
    from workers import model_pool, policies
    from workers.indexing import index_images

    with policies.running(UUID(job_id)) as delivery:
        if delivery:
            ids = [UUID(image_id) for image_id in image_ids]
            index_images(ids, model_pool.get(), delivery=delivery)
    give_back_freed_memory()  # once a chunk it costs nothing that can be measured


@app.task(name=task_names.DELETE_IMAGES, shared=False)
def delete(*, image_ids: list[str], job_id: str, **_unknown: object) -> None:
    """Delete images: points, then rows, then files. Idempotent: what is gone is passed over."""
    from workers import policies
    from workers.deletion import delete_images

    with policies.running(UUID(job_id)) as delivery:
        if delivery:
            delete_images([UUID(image_id) for image_id in image_ids])


@app.task(name=task_names.UPDATE_PAYLOADS, shared=False)
def update(*, job_id: str, **_unknown: object) -> None:
    """Write the payloads that wait. Idempotent: they are what SQL has now."""
    from workers import policies
    from workers.payloads import update_payloads

    with policies.running(UUID(job_id)) as delivery:
        if delivery:
            update_payloads(delivery=delivery)


@app.task(name=task_names.EDIT_IMAGES, shared=False)
def edit(*, edit_id: int, job_id: str, **_unknown: object) -> None:
    """Do what is left of a bulk edit. Idempotent: a chunk is gone with its change."""
    from workers import policies
    from workers.bulk_edits import run_bulk_edit

    with policies.running(UUID(job_id)) as delivery:
        if delivery:
            run_bulk_edit(edit_id, delivery=delivery)


@app.task(name=task_names.RUN_IMPORT, shared=False)
def take_in(*, import_id: str, job_id: str, **_unknown: object) -> None:
    """Plan an import or have a turn at it. Idempotent: what is recorded is not read again."""
    from worker_api import imports
    from workers import policies

    with policies.running(UUID(job_id)) as delivery:
        if delivery:
            imports.run_turn(UUID(import_id), delivery=delivery)


@app.task(name=task_names.EXPORT_IMAGES, shared=False)
def export(*, edit_id: int, job_id: str, **_unknown: object) -> None:
    """Make what is left of an export. Idempotent: a part is stored under its number."""
    from workers import policies
    from workers.exports import run_export

    with policies.running(UUID(job_id)) as delivery:
        if delivery:
            run_export(edit_id, delivery=delivery)


@app.task(name=task_names.CHECK_COPIES, shared=False)
def check(*, job_id: str, **_unknown: object) -> None:
    """Compare new pictures with the catalogue. Idempotent: what is settled is not compared."""
    from workers import model_pool, policies
    from workers.copy_checks import check_copies

    with policies.running(UUID(job_id)) as delivery:
        if delivery:
            check_copies(model_pool.get(), delivery=delivery)


@app.task(name=task_names.CHECK_WATCHES, shared=False)
def check_watched(*, job_id: str, **_unknown: object) -> None:
    """Compare new pictures with what is watched. Idempotent: a hit is unique."""
    from workers import model_pool, policies
    from workers.watches import check_watches

    with policies.running(UUID(job_id)) as delivery:
        if delivery:
            check_watches(model_pool.get(), delivery=delivery)
