"""The picture that a search is about: an upload that is kept for a while, or a catalogue's image.

An image is searched where it lies: nothing of it is stored again, and its address stays.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from catalog.models import Image
from catalog.validation import validate
from kernel.errors import FileMissing, GoneError, TransientError
from kernel.task_messages import StoredQuery
from ml.rules.file_end import without_trailer
from search import kept_queries, query_files
from search.kept_queries import QueryPicture
from search.question import Question

_DIGEST_CHARS = 16


@dataclass(frozen=True, slots=True)
class AskedPicture:
    """A picture that is searched with.

    Attributes:
        stored: where the workers find it.
        facts: what is known of it.
        key: under which is kept what was extracted of it (`kept_queries`).
        image: of the catalogue; None is a kept query.
    """

    stored: StoredQuery
    facts: QueryPicture
    key: str
    image: Image | None = None


def of_question(question: Question) -> AskedPicture:
    """Return the picture of a question; an upload is kept from now on.

    Raises:
        UserInputError: the upload is no picture that we take (`catalog.validation.validate`).
        GoneError: "search:user:query-expired".
        TransientError: the storage is away.
    """
    if question.image is not None:
        return _of_image(question.image)
    if question.query_id is not None:
        return _of_kept(question.query_id)
    return _keep(question)


def forget(asked: AskedPicture) -> None:
    """Remove a kept query again, as far as the storage is there: what stays behind expires."""
    if asked.image is None:
        with suppress(TransientError):
            query_files.delete(asked.stored.id)


def _keep(question: Question) -> AskedPicture:
    name = question.name if question.is_upload else ""
    facts, data = _validated(question.data or b"", name=name)
    query_id = query_files.write(data)
    kept_queries.write_facts(query_id, facts)
    return _kept(query_id, facts)


def _of_kept(query_id: UUID) -> AskedPicture:
    facts = kept_queries.read_facts(query_id)
    if facts is None:  # an earlier release kept it, or they made room
        try:
            facts, _data = _validated(query_files.read(query_id))
        except FileMissing as error:
            raise GoneError("search:user:query-expired") from error
    return _kept(query_id, facts)


def _validated(data: bytes, *, name: str = "") -> tuple[QueryPicture, bytes]:
    """Return what is known of a picture, and what is kept of its file."""
    picture = validate(data, name=name, is_name_binding=False)
    facts = QueryPicture(picture.sha256, picture.width, picture.height)
    return facts, without_trailer(picture.data, picture.format)


def _kept(query_id: UUID, facts: QueryPicture) -> AskedPicture:
    return AskedPicture(StoredQuery(query_id, facts.width, facts.height), facts, str(query_id))


def _of_image(image: Image) -> AskedPicture:
    # Nobody can ask for it by `query=`, which takes ids alone: who may see the image is asked each
    # time. What is kept of it was found with the panels that somebody drew on it by then.
    drawn = json.dumps(image.drawn_panels).encode()
    digest = hashlib.sha256(drawn).hexdigest()[:_DIGEST_CHARS]
    return AskedPicture(
        stored=StoredQuery(image.pk, image.width, image.height, image.sha256),
        facts=QueryPicture(image.sha256, image.width, image.height),
        key=f"image-{image.pk}-{digest}",
        image=image,
    )
