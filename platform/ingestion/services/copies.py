"""Files of imports that turned out to be copies, after they were taken in."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from catalog import services as catalog
from catalog.models import CopyCheck
from catalog.selectors import list_kept_images
from catalog.services import IsCopy
from ingestion.models import Import, ImportFailure


@transaction.atomic
def record_refused_copy(check: CopyCheck) -> None:
    """Count a file as refused, with the image that it is a copy of, in the import that brought it.

    Call it in the transaction that refuses the image.
    """
    row = Import.objects.select_for_update().filter(pk=check.import_id).first()
    if row is None:
        return
    error = IsCopy(image_id=check.image_id, copy_of=check.copy_of_id)
    ImportFailure.objects.create(
        of=row, name=check.file_name, error_code=error.code, context=error.context
    )
    # Where its source was read once more since, it counts as one that was there already.
    counter = "added" if row.added else "duplicates"
    setattr(row, counter, max(0, getattr(row, counter) - 1))
    row.failed += 1
    row.save(update_fields=(counter, "failed"))


def take_in_copies(row: Import, failures: QuerySet[ImportFailure], *, by_id: int | None) -> int:
    """Take in what an import refused as copies, out of the bin; return how many files those were.

    No source has to be read for that. What was deleted for good meanwhile is left as it is.

    Args:
        row: the import, locked in this transaction.
        failures: of the import.
        by_id: the account that asks.
    """
    refused = failures.filter(error_code=IsCopy.CODE)
    images = {each.pk: UUID(each.context["image_id"]) for each in refused if each.context}
    kept = list_kept_images().filter(pk__in=images.values())
    catalog.restore(kept, by_id=by_id)
    known = set(kept.values_list("pk", flat=True))
    there = [pk for pk, image_id in images.items() if image_id in known]
    ImportFailure.objects.filter(pk__in=there).delete()
    row.failed -= len(there)
    row.added += len(there)
    row.save(update_fields=("added", "failed"))
    return len(there)
