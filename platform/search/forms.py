"""The one question of the search page: which picture?"""

from dataclasses import dataclass

from django import forms
from django.shortcuts import get_object_or_404

from catalog import storage
from catalog.selectors import list_visible_images
from catalog.validation import check_size
from kernel.errors import UserInputError


@dataclass(frozen=True, slots=True)
class QueryPicture:
    """The file that a person searches with."""

    name: str
    data: bytes


class QueryForm(forms.Form):
    """A picture file, or the id of an image of the catalogue."""

    # An empty file has a sentence of its own, the validator's.
    picture = forms.FileField(required=False, allow_empty_file=True)
    image = forms.UUIDField(required=False)

    def read(self) -> QueryPicture:
        """Return the query picture, its size checked before it is read.

        Raises:
            UserInputError: "image:user:none-chosen", "image:user:empty-file" or
                "image:user:too-large".
            Http404: the catalogue has no such image.
        """
        self.full_clean()
        file, image_id = self.cleaned_data.get("picture"), self.cleaned_data.get("image")
        if file is not None:
            check_size(file.size)
            return QueryPicture(name=file.name, data=file.read())
        if image_id is None:
            raise UserInputError("image:user:none-chosen")
        image = get_object_or_404(list_visible_images(), pk=image_id)
        data = storage.read(storage.original_name(image.sha256))
        return QueryPicture(name=f"{image}.{image.format}", data=data)
