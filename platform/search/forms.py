"""The search page's form: it reads what a person asks from a request."""

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils.datastructures import MultiValueDict

from catalog.models import Image
from catalog.selectors import list_visible_images
from catalog.validation import check_size
from catalog.visibility import Viewer
from kernel.errors import UserInputError
from search.fetched_pictures import FetchedPicture
from search.filter_fields import read_filters, read_sort
from search.question import Question, Wait
from search.several import SeveralQuestion
from search.several_form import is_several, read_question, with_kept_files

_NAME_CHARS = 200


def is_asked(address: QueryDict) -> bool:
    """Return whether a page's address names a picture, or words, to search with."""
    return any(address.get(field) for field in ("image", "query")) or is_several(address)


class QueryForm(forms.Form):
    """A picture file, or the id of an image of the catalogue or of a query that is still kept."""

    # An empty file has a sentence of its own, the validator's.
    picture = forms.FileField(required=False, allow_empty_file=True)
    image = forms.UUIDField(required=False)
    query = forms.UUIDField(required=False)
    name = forms.CharField(required=False)
    box = forms.RegexField(r"^\d{1,9}(,\d{1,9}){3}$", required=False)
    wait = forms.ChoiceField(choices=[(each.value, each.value) for each in Wait], required=False)

    def __init__(
        self,
        asked: QueryDict,
        files: MultiValueDict[str, UploadedFile],
        *,
        fetched: FetchedPicture | None = None,
    ) -> None:
        """Read what a request asks, with a picture that was fetched for it where one was."""
        super().__init__(asked, files)
        self._asked = asked
        self._fetched = fetched

    def read(self, viewer: Viewer) -> Question:
        """Return the question, the size of its picture checked before that is read.

        Raises:
            UserInputError: "image:user:none-chosen", "image:user:empty-file",
                "image:user:too-large", "search:user:bad-box", "search:user:bad-wait", or what
                `filter_fields` raises.
            Http404: the catalogue has no such image that this person may see.
        """
        self._check()
        filters, sort = read_filters(self._asked), read_sort(self._asked)
        name, data, image = self._read_picture(viewer)
        return Question(
            name=name,
            data=data,
            is_upload=self._file is not None,
            query_id=None if data is not None else self.cleaned_data.get("query"),
            image=image,
            box=self._box(),
            filters=filters,
            sort=sort,
            wait=Wait(self.cleaned_data["wait"] or Wait.PROOFS),
        )

    def read_several(self, viewer: Viewer) -> SeveralQuestion:
        """Return what is asked with several pictures, or with words; files are kept, as queries.

        Raises:
            UserInputError: "search:user:bad-box", "search:user:bad-wait", or what
                `several_form.with_kept_files` and `read_question` raise.
            TransientError: the storage is away.
            Http404: as `read`.
        """
        self._check()
        wait = Wait(self.cleaned_data["wait"] or Wait.PROOFS)
        asked = with_kept_files(self._asked, self.files)
        return read_question(asked, viewer, box=self._box(), wait=wait)

    def _check(self) -> None:
        self.full_clean()
        if "box" in self.errors:
            raise UserInputError("search:user:bad-box")
        if "wait" in self.errors:
            raise UserInputError("search:user:bad-wait")

    @property
    def _file(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data.get("picture")
        return file

    def _read_picture(self, viewer: Viewer) -> tuple[str, bytes | None, Image | None]:
        file, image_id = self._file, self.cleaned_data.get("image")
        if file is not None:
            check_size(file.size or 0)
            return (file.name or "")[:_NAME_CHARS], file.read(), None
        if self._fetched is not None:
            return self._fetched.name, self._fetched.data, None
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
