"""One change of many images: a set that is fixed when it is asked for, worked off by workers."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router

from api.answers import respond
from api.bulk_arguments import arguments_of, images_of
from api.idempotency import idempotent
from api.schemas.bulk_edits import BulkEditAsked, BulkEditJson
from api.security import Needs, RowId, Scope
from catalog import services
from catalog.admin.bulk_edit_forms import CONFIRMATIONS
from catalog.models import BulkEdit
from kernel.errors import ConflictError

router = Router(tags=["bulk edits"])
NEEDS = Needs(Scope.IMAGES_WRITE, "catalog.change_image", is_of_admin=True)
READS = Needs(Scope.IMAGES_READ, "catalog.change_image", is_of_admin=True)


@router.post("/images/bulk", url_name="bulk", auth=NEEDS, response={202: BulkEditJson})
@idempotent
def start_bulk_edit(request: HttpRequest, asked: BulkEditAsked) -> HttpResponse:
    """Change many images at once: those that you name, or those that fit filters.

    The set is fixed now; workers change it, and the answer leads to how far they are. Each kind
    needs the permission that the admin asks for it.
    """
    permission = CONFIRMATIONS[BulkEdit.Kind(asked.kind)].permission
    NEEDS.check_permission(request.user, f"catalog.{permission}_image")
    arguments = arguments_of(asked, request.user)
    images = images_of(asked, request.user)
    with transaction.atomic():
        edit = services.ask_bulk_edit(asked.kind, images, started_by_id=request.user.pk)
        services.start_bulk_edit(edit, arguments)
    edit.refresh_from_db()
    location = reverse("api:bulk_edit", args=(edit.pk,))
    return respond(BulkEditJson.from_orm(edit), status=202, headers={"Location": location})


@router.get("/bulk-edits/{int:edit_id}", url_name="bulk_edit", auth=READS, response=BulkEditJson)
def read_bulk_edit(request: HttpRequest, edit_id: RowId) -> HttpResponse:
    """Read how far one of your bulk edits is."""
    return respond(BulkEditJson.from_orm(_own(request, edit_id)))


@router.post(
    "/bulk-edits/{int:edit_id}/cancel",
    url_name="cancel_bulk_edit",
    auth=NEEDS,
    response=BulkEditJson,
)
def cancel_bulk_edit(request: HttpRequest, edit_id: RowId) -> HttpResponse:
    """End one of your bulk edits: what is changed stays so, the rest is left as it is."""
    edit = _own(request, edit_id)
    if not services.cancel_bulk_edit(edit, by_id=request.user.pk):
        raise ConflictError("request:conflict:over")
    edit.refresh_from_db()
    return respond(BulkEditJson.from_orm(edit))


def _own(request: HttpRequest, edit_id: int) -> BulkEdit:
    return get_object_or_404(BulkEdit, pk=edit_id, started_by=request.user.pk)
