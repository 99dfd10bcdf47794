"""The search page's form: it reads what a person asks from a request."""

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from catalog.models import Image
from catalog.selectors import list_visible_images
from catalog.validation import check_size
from catalog.visibility import Viewer
from kernel.errors import UserInputError
from kernel.regions import MAX_LABEL_CHARS
from search.question import Question, Wait

_NAME_CHARS = 200
_MAX_LABELS = 20
_PICTURE_FIELDS = frozenset({"picture", "image", "query", "name"})


def is_asked(address: QueryDict) -> bool:
    """Return whether a page's address names a picture to search with."""
    return any(address.get(field) for field in ("image", "query"))


class QueryForm(forms.Form):
    """A picture file, or the id of an image of the catalogue or of a query that is still kept."""

    # An empty file has a sentence of its own, the validator's.
    picture = forms.FileField(required=False, allow_empty_file=True)
    image = forms.UUIDField(required=False)
    query = forms.UUIDField(required=False)
    name = forms.CharField(required=False)
    box = forms.RegexField(r"^\d{1,9}(,\d{1,9}){3}$", required=False)
    label = forms.CharField(required=False)
    wait = forms.ChoiceField(choices=[(each.value, each.value) for each in Wait], required=False)

    def read(self, viewer: Viewer) -> Question:
        """Return the question, the size of its picture checked before that is read.

        Raises:
            UserInputError: "image:user:none-chosen", "image:user:empty-file",
                "image:user:too-large", "search:user:bad-box" or "search:user:bad-wait".
            Http404: the catalogue has no such image that this person may see.
        """
        self.full_clean()
        if "box" in self.errors:
            raise UserInputError("search:user:bad-box")
        if "wait" in self.errors:
            raise UserInputError("search:user:bad-wait")
        name, data, image = self._read_picture(viewer)
        return Question(
            name=name,
            data=data,
            is_upload=self._file is not None,
            query_id=None if self._file else self.cleaned_data.get("query"),
            image=image,
            box=self._box(),
            labels=tuple(dict.fromkeys(self._labels()))[:_MAX_LABELS],
            wait=Wait(self.cleaned_data["wait"] or Wait.PROOFS),
        )

    @property
    def _file(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data.get("picture")
        return file

    def address_fields(self) -> list[tuple[str, str]]:
        """Return what else was asked, besides the picture, as fields of an address."""
        asked = [name for name in self.fields if name not in _PICTURE_FIELDS]
        return [(name, value) for name in asked for value in self._values(name) if value]

    def _read_picture(self, viewer: Viewer) -> tuple[str, bytes | None, Image | None]:
        file, image_id = self._file, self.cleaned_data.get("image")
        if file is not None:
            check_size(file.size or 0)
            return (file.name or "")[:_NAME_CHARS], file.read(), None
        if self.cleaned_data.get("query") is not None:
            return self.cleaned_data.get("name", "")[:_NAME_CHARS], None, None
        if image_id is None:
            raise UserInputError("image:user:none-chosen")
        image = get_object_or_404(list_visible_images(viewer), pk=image_id)
        return str(image), None, image

    def _box(self) -> tuple[int, int, int, int] | None:
        text = self.cleaned_data.get("box")
        if not text:
            return None
        x0, y0, x1, y1 = (int(number) for number in text.split(","))
        return x0, y0, x1, y1

    def _labels(self) -> list[str]:
        labels = self._values("label")
        return [label.strip() for label in labels if 0 < len(label.strip()) <= MAX_LABEL_CHARS]

    def _values(self, name: str) -> list[str]:
        lists = getattr(self.data, "getlist", None)
        return lists(name) if lists else [self.data.get(name, "")]
