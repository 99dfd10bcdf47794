"""What each kind of bulk edit asks for before it starts, and what it says of its consequences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import SELECT_CLASSES, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from catalog.exports import ExportFormat
from catalog.models import BulkEdit, Image, max_chars
from catalog.services import OLD_TITLE
from catalog.visibility import Viewer, list_albums, list_tags

Kind = BulkEdit.Kind


class ArgumentsForm(forms.Form):
    """What a bulk edit needs to know beside its images: here nothing."""

    def arguments(self) -> dict[str, Any]:
        """Return what `catalog.services.start_bulk_edit` takes."""
        return {}


class NamesForm(ArgumentsForm):
    """Which tags or albums; they are looked for by what is typed, since there may be thousands."""

    def __init__(self, *args: Any, field: str, rows: QuerySet[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        model_field = Image._meta.get_field(field)
        widget = AutocompleteSelectMultiple(
            model_field, admin.site, attrs={"class": " ".join(SELECT_CLASSES)}
        )
        self.fields["names"] = forms.ModelMultipleChoiceField(
            rows, widget=widget, label=rows.model._meta.verbose_name_plural
        )

    def arguments(self) -> dict[str, Any]:
        """Return the primary keys that were chosen."""
        return {"names": [row.pk for row in self.cleaned_data["names"]]}


class ValueForm(ArgumentsForm):
    """The new value of a field of the image."""

    def __init__(self, *args: Any, field: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        model_field: Any = Image._meta.get_field(field)
        widget: Any = UnfoldAdminTextInputWidget()
        if model_field.choices:
            widget = UnfoldAdminSelectWidget(choices=model_field.choices)
        formfield = model_field.formfield(widget=widget)
        if formfield is not None:
            self.fields["value"] = formfield

    def arguments(self) -> dict[str, Any]:
        """Return the value."""
        return {"value": self.cleaned_data["value"]}


class TitleForm(ArgumentsForm):
    """A title for many images."""

    value = forms.CharField(
        max_length=max_chars(Image, "title"),
        label=_("title"),
        help_text=format_lazy(_("{old} stands for the title that each has now."), old=OLD_TITLE),
        initial=OLD_TITLE,
        widget=UnfoldAdminTextInputWidget,
    )

    def arguments(self) -> dict[str, Any]:
        """Return the title."""
        return {"value": self.cleaned_data["value"]}


class ReplacementForm(ArgumentsForm):
    """What is replaced in the titles of images; blanks count."""

    find = forms.CharField(
        max_length=max_chars(Image, "title"),
        strip=False,
        label=_("find"),
        help_text=_("As it is written: capitals count."),
        widget=UnfoldAdminTextInputWidget,
    )
    value = forms.CharField(
        max_length=max_chars(Image, "title"),
        required=False,
        strip=False,
        label=_("replace with"),
        help_text=_("Empty: it is taken out."),
        widget=UnfoldAdminTextInputWidget,
    )

    def arguments(self) -> dict[str, Any]:
        """Return both texts."""
        return {name: self.cleaned_data[name] for name in ("find", "value")}


class FormatForm(ArgumentsForm):
    """What is exported."""

    format = forms.ChoiceField(
        choices=ExportFormat.choices, label=_("format"), widget=UnfoldAdminSelectWidget
    )

    def arguments(self) -> dict[str, Any]:
        """Return the format."""
        return {"format": self.cleaned_data["format"]}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a kind of bulk edit is asked about.

    `permission` is what the action needs, of images: change, delete, purge, export or review.
    """

    consequence: str | Promise
    permission: str = "change"
    is_destructive: bool = False


_FOLLOWS = _("Searches find them by it within moments; no picture is described again.")
_REPLACED = _("What each of them has now is replaced.")

_TITLES = _(
    "Titles are replaced, and cut after 300 characters. The audit log keeps what each has now."
)

CONFIRMATIONS: Mapping[BulkEdit.Kind, Confirmation] = {
    Kind.BIN: Confirmation(
        _(
            "Searches and pages show them no more. The bin keeps them with all that is known of "
            "them, to be restored."
        ),
        permission="delete",
        is_destructive=True,
    ),
    Kind.RESTORE: Confirmation(
        _("They are found again within moments, as they were; no picture is described again."),
        permission="delete",
    ),
    Kind.PURGE: Confirmation(
        _(
            "Their rows, their files and their points in the vector store go together; this "
            "cannot be undone."
        ),
        permission="purge",
        is_destructive=True,
    ),
    Kind.TAKE_IN: Confirmation(
        _(
            "Searches find them within moments, beside the pictures that they are copies of; they "
            "are not held again."
        ),
        permission="review",
    ),
    Kind.REFUSE: Confirmation(
        _("They move to the bin. Those that are restored from there are taken in."),
        permission="review",
        is_destructive=True,
    ),
    Kind.REINDEX: Confirmation(
        _("The models describe each of them again, which takes a while; searches go on.")
    ),
    Kind.ADD_TAGS: Confirmation(_FOLLOWS),
    Kind.REMOVE_TAGS: Confirmation(_FOLLOWS),
    Kind.ADD_ALBUMS: Confirmation(_FOLLOWS),
    Kind.REMOVE_ALBUMS: Confirmation(
        _("Those that no private album keeps any more are seen by everybody.")
    ),
    Kind.SET_MEDIUM: Confirmation(_FOLLOWS),
    Kind.SET_TITLE: Confirmation(_TITLES),
    Kind.REPLACE_IN_TITLE: Confirmation(_TITLES),
    Kind.SET_OWNER: Confirmation(_REPLACED),
    Kind.SET_LICENCE: Confirmation(_REPLACED),
    Kind.EXPORT: Confirmation(
        _(
            "Nothing is changed. The files can be downloaded for a day from the page that shows "
            "how far it is."
        ),
        permission="export",
    ),
}


def arguments_form(kind: BulkEdit.Kind, viewer: Viewer, data: Any = None) -> ArgumentsForm:
    """Return the form of a kind, filled in where data is given, with what a person may know of."""
    match kind:
        case Kind.ADD_TAGS | Kind.REMOVE_TAGS:
            return NamesForm(data, field="tags", rows=list_tags(viewer))
        case Kind.ADD_ALBUMS | Kind.REMOVE_ALBUMS:
            return NamesForm(data, field="albums", rows=list_albums(viewer))
        case Kind.SET_MEDIUM | Kind.SET_OWNER | Kind.SET_LICENCE:
            return ValueForm(data, field=kind.removeprefix("set_"))
        case Kind.SET_TITLE:
            return TitleForm(data)
        case Kind.REPLACE_IN_TITLE:
            return ReplacementForm(data)
        case Kind.EXPORT:
            return FormatForm(data)
        case _:
            return ArgumentsForm(data)
