"""The form that a new import is started with."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from ingestion.services import CopyPolicy, ImportOptions, KnownPolicy, MetadataRules
from kernel.messages import sentence

_KNOWN = (
    (KnownPolicy.SKIP.value, _("leave them as they are")),
    (KnownPolicy.UPDATE.value, _("give them what is said of them now")),
    (KnownPolicy.KEEP.value, _("keep where else they are, besides")),
)
COPIES = (
    (CopyPolicy.TAKE_IN.value, _("take them in")),
    (CopyPolicy.HOLD.value, _("hold them for review")),
    (CopyPolicy.REFUSE.value, _("refuse them")),
)


class _FilesInput(UnfoldAdminFileFieldWidget):
    """Any number of files.

    Unfold's script writes the name of a chosen file into the nearest text field: only its own
    widget brings one along.
    """

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if isinstance(files, MultiValueDict) else files.get(name, [])


class _FilesField(forms.FileField):
    """The files that were sent; each answers for its content once it is taken in."""

    widget = _FilesInput

    def clean(self, data: Sequence[UploadedFile], initial: Any = None) -> list[UploadedFile]:
        return [super(_FilesField, self).clean(each, initial) for each in data or ()]


def _box(label: Any) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanWidget)


class ImportOptionsForm(forms.Form):
    """What is done with an import's pictures, and with what is said of them."""

    named = forms.CharField(
        label=_("Source"),
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("What pictures say of where they are from; the address or path by default."),
    )
    known = forms.ChoiceField(
        label=_("Pictures that are there already"),
        choices=_KNOWN,
        widget=UnfoldAdminSelectWidget,
    )
    copies = forms.ChoiceField(
        label=_("New pictures that are copies of others"),
        choices=COPIES,
        widget=UnfoldAdminSelectWidget,
        help_text=_(
            "Edited or saved again: shown by comparing each with the catalogue, once it is "
            "described."
        ),
    )
    tags_from_folders = _box(_("Each folder's name becomes a tag"))
    albums_from_folders = _box(_("Each folder's name is an album"))
    tags_from_keywords = _box(_("Keywords in the files become tags"))
    titles_from_paths = _box(_("Titles are the files' names, also where a file has one within"))
    restores_binned = _box(_("Pictures in the bin come back; else they stay there"))

    def options(self) -> ImportOptions:
        """Return what the import is told."""
        said = self.cleaned_data
        return ImportOptions(
            rules=MetadataRules(
                known=KnownPolicy(said["known"]),
                copies=CopyPolicy(said["copies"]),
                tags_from_keywords=said["tags_from_keywords"],
                titles_from_paths=said["titles_from_paths"],
                restores_binned=said["restores_binned"],
            ),
            named=said["named"],
            tags_from_folders=said["tags_from_folders"],
            albums_from_folders=said["albums_from_folders"],
        )


class NewImportForm(ImportOptionsForm):
    """Where pictures come from, and what is done with them."""

    field_order = ("uploads", "address")

    uploads = _FilesField(
        label=_("Files"),
        required=False,
        allow_empty_file=True,
        max_length=1000,
        help_text=_("Pictures, an archive (ZIP, TAR), a manifest or a list of URLs."),
        widget=_FilesInput(attrs={"multiple": True}),
    )
    address = forms.CharField(
        label=_("Or an address or path"),
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "https://…, s3://bucket/prefix, or the path of a folder or file that the workers may "
            "read."
        ),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for files or an address, and not for both."""
        said = super().clean() or {}
        if bool(said.get("uploads")) == bool(said.get("address", "").strip()):
            code = "import:user:one-source"
            raise forms.ValidationError(sentence(code), code=code)
        return said


class WatchFolderForm(ImportOptionsForm):
    """Which folder is watched, and what is done with the pictures in it."""

    field_order = ("path",)

    path = forms.CharField(
        label=_("Folder"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Its path on the workers' machines."),
    )
