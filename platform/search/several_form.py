"""What an address or a form asks with several pictures, or with words."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, QueryDict
from django.utils.datastructures import MultiValueDict

from catalog.models import Image
from catalog.selectors import list_visible_images
from catalog.validation import check_size
from catalog.visibility import Viewer
from kernel.errors import UserInputError
from kernel.task_messages import Box
from search import asked_pictures
from search.asked_pictures import AskedPicture
from search.filter_fields import read_filters, read_sort
from search.question import Question, Wait
from search.several import MAX_PICTURES, SeveralQuestion

Files = MultiValueDict[str, "UploadedFile[bytes]"]

MAX_WORDS_CHARS = 200
# The field of a form's files → that which names them once they are kept.
_FILES = {"picture": "query", "unlike_picture": "unlike"}
# The field's name → whether it says "not like this", and whether it is an image's id.
_PICTURES = {
    "query": (False, False),
    "image": (False, True),
    "unlike": (True, False),
    "unlike_image": (True, True),
}
# Categories of characters that show nothing; joiners stay, which some scripts are written with.
_UNSEEN = frozenset({"Cc", "Cs", "Co", "Cn"})


def is_several(address: QueryDict, files: Files | None = None) -> bool:
    """Return whether an address, or a form, asks with more or else than one picture."""
    sent = {} if files is None else {name: files.getlist(name) for name in _FILES}
    these = [value for name in ("query", "image") for value in address.getlist(name) if value]
    is_else = any(address.get(name) for name in ("unlike", "unlike_image", "words"))
    is_else = is_else or bool(sent.get("unlike_picture"))
    return is_else or len(these) + len(sent.get("picture", ())) > 1


def read_question(
    address: QueryDict, viewer: Viewer, *, box: Box | None, wait: Wait
) -> SeveralQuestion:
    """Return what an address asks.

    Args:
        address: its fields.
        viewer: who asks.
        box: of the only picture that the images should be like.
        wait: what of the answer is waited for.

    Raises:
        UserInputError: "search:user:too-many-pictures", "search:user:long-words",
            "search:user:bad-box" where the box could be of several pictures, "search:user:bad-id",
            and what `search.filter_fields` raises.
        Http404: the catalogue has no such image that this person may see.
    """
    filters, sort = read_filters(address), read_sort(address)
    asked = {name: _ids(address, name) for name in _PICTURES}
    if sum(map(len, asked.values())) > MAX_PICTURES:
        raise UserInputError("search:user:too-many-pictures", most=MAX_PICTURES)
    images = _images({*asked["image"], *asked["unlike_image"]}, viewer)
    pictures: dict[bool, list[Question]] = {False: [], True: []}
    for name, (is_unlike, is_image) in _PICTURES.items():
        for each in asked[name]:
            one = Question(
                name=str(images[each]) if is_image else "",
                data=None,
                query_id=None if is_image else each,
                image=images[each] if is_image else None,
                filters=filters,
                wait=wait,
            )
            pictures[is_unlike].append(one)
    these = pictures[False]
    if box is not None:
        if len(these) != 1:
            raise UserInputError("search:user:bad-box")
        these = [replace(these[0], box=box)]
    return SeveralQuestion(
        these=tuple(these),
        unlike=tuple(pictures[True]),
        words=read_words(address),
        filters=filters,
        sort=sort,
        wait=wait,
    )


def read_words(address: QueryDict) -> str:
    """Return the words that an address asks with, on one line; "" for none.

    Raises:
        UserInputError: "search:user:long-words".
    """
    text = unicodedata.normalize("NFC", address.get("words", ""))
    seen = "".join(" " if unicodedata.category(each) in _UNSEEN else each for each in text)
    words = re.sub(r"\s+", " ", seen).strip()
    if len(words) > MAX_WORDS_CHARS:
        raise UserInputError("search:user:long-words", most=MAX_WORDS_CHARS)
    return words


def with_kept_files(asked: QueryDict, files: Files) -> QueryDict:
    """Return the address that asks with a form's files, too: each is kept as a query.

    Where one of them is refused, none is kept.

    Raises:
        UserInputError: "search:user:too-many-pictures", "search:user:bad-id", or a file is no
            picture that we take.
        TransientError: the storage is away.
    """
    sent = [(field, file) for name, field in _FILES.items() for file in files.getlist(name)]
    if len(sent) + sum(len(_ids(asked, name)) for name in _PICTURES) > MAX_PICTURES:
        raise UserInputError("search:user:too-many-pictures", most=MAX_PICTURES)
    kept = _keep([file for _, file in sent])
    address = asked.copy()
    for (field, _), one in zip(sent, kept, strict=True):
        address.appendlist(field, str(one.stored.id))
    return address


def _keep(files: Sequence["UploadedFile[bytes]"]) -> list[AskedPicture]:
    for file in files:
        check_size(file.size or 0)
    kept: list[AskedPicture] = []
    try:
        for file in files:
            question = Question(name=file.name or "", data=file.read(), is_upload=True)
            kept.append(asked_pictures.of_question(question))
    except Exception:
        for asked in kept:
            asked_pictures.forget(asked)
        raise
    return kept


def _ids(address: QueryDict, name: str) -> list[UUID]:
    values = [value.strip() for value in address.getlist(name) if value.strip()]
    try:
        return list(dict.fromkeys(UUID(value) for value in values))
    except ValueError as error:
        raise UserInputError("search:user:bad-id", field=name) from error


def _images(ids: set[UUID], viewer: Viewer) -> dict[UUID, Image]:
    images = list_visible_images(viewer).in_bulk(ids) if ids else {}
    if len(images) < len(ids):
        raise Http404
    return images
