"""The requests that the API takes, said once for both clients: what is sent, what comes back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx

from semblance_client import shapes
from semblance_client.call import (
    ROOT,
    Call,
    Id,
    content_of,
    json_of,
    json_or_none,
    nothing,
    once,
    only_if,
    page_call,
    reader,
)
from semblance_client.decoding import decode
from semblance_client.errors import UnexpectedAnswer
from semblance_client.filters import (
    ImageFilters,
    Said,
    SearchFilters,
    as_text,
    members_of,
    params_of,
)
from semblance_client.shapes import Box, CatalogueImage, Page
from semblance_client.uploads import Picture, Progress, Upload

Answer = TypeVar("Answer", shapes.SearchAnswer, shapes.SeveralAnswer)
# One of several pictures: a file, an image of the catalogue, or one that was asked with before.
Asked = Picture | UUID | shapes.AskedPicture
Wait = Literal["hits", "proofs"]
ImportAction = Literal["start", "pause", "resume", "cancel", "retry"]

# How the API's fields are named, for what images should be like, and for what they should not.
_LIKE = {"file": "picture", "image": "image", "query": "query"}
_UNLIKE = {"file": "unlike_picture", "image": "unlike_image", "query": "unlike"}


def search(  # noqa: PLR0917  # both clients name them
    picture: Picture,
    box: Box | None,
    filters: SearchFilters | None,
    wait: Wait | None,
    name: str,
    progress: Progress | None,
) -> Call[shapes.SearchAnswer]:
    """Search with a file."""
    params = _asked(box, filters, wait, ("name", name))
    upload = Upload([("picture", picture)], name, progress)
    read = reader(shapes.SearchAnswer)
    return Call("POST", f"{ROOT}/search", read, params, upload=upload)


def search_url(
    url: str, box: Box | None, filters: SearchFilters | None, wait: Wait | None
) -> Call[shapes.SearchAnswer]:
    """Search with a picture that the site fetches."""
    params = _asked(box, filters, wait)
    return Call("POST", f"{ROOT}/search", reader(shapes.SearchAnswer), params, json={"url": url})


def search_known(
    kind: Literal["image", "query"],
    known_id: Id,
    box: Box | None,
    filters: SearchFilters | None,
    wait: Wait | None,
) -> Call[shapes.SearchAnswer]:
    """Search with a picture that the site has."""
    params = _asked(box, filters, wait, (kind, str(known_id)))
    return Call("GET", f"{ROOT}/search", reader(shapes.SearchAnswer), params)


def search_again(
    asked: Id | shapes.SearchAnswer,
    box: Box | None,
    filters: SearchFilters | None,
    wait: Wait | None,
) -> Call[shapes.SearchAnswer]:
    """Search with the picture of an answer."""
    if not isinstance(asked, shapes.SearchAnswer):
        return search_known("query", asked, box, filters, wait)
    return search_known(*_known(asked.query), box, filters, wait)


def search_several(  # noqa: PLR0917  # both clients name them
    these: Sequence[Asked],
    unlike: Sequence[Asked],
    words: str,
    box: Box | None,
    filters: SearchFilters | None,
    wait: Wait | None,
    progress: Progress | None,
) -> Call[shapes.SeveralAnswer]:
    """Search with several pictures, or with words.

    Raises:
        ValueError: one picture alone is another question, with another answer.
    """
    if len(these) == 1 and not unlike and not words:
        raise ValueError("search with one picture alone by `search` or `search_image`")
    files: list[tuple[str, Picture]] = []
    known: list[tuple[str, str]] = []
    for each, names in (*((one, _LIKE) for one in these), *((one, _UNLIKE) for one in unlike)):
        if isinstance(each, UUID):
            known.append((names["image"], str(each)))
        elif isinstance(each, shapes.AskedPicture):
            kind, known_id = _known(each)
            known.append((names[kind], str(known_id)))
        else:
            files.append((names["file"], each))
    params = _asked(box, filters, wait, ("words", words), *known)
    read = reader(shapes.SeveralAnswer)
    if not files:
        return Call("GET", f"{ROOT}/search", read, params)
    return Call("POST", f"{ROOT}/search", read, params, upload=Upload(files, "", progress))


def proofs(answer: Answer) -> Call[Answer]:
    """Ask the same again, for its copies."""
    address = urlsplit(answer.proofs_url)
    params = parse_qsl(address.query, keep_blank_values=True)
    return Call("GET", address.path, reader(type(answer)), params)


def images(
    filters: ImageFilters | None, names: Sequence[str], cursor: str, limit: int | None
) -> Call[Page[CatalogueImage]]:
    """List images; `names` are the members that are wanted, none is all."""
    chosen = [("fields", ",".join(names))] if names else []
    params = [*params_of(filters), *chosen]
    return page_call("/images", CatalogueImage, cursor, limit, params)


def image(image_id: Id, names: Sequence[str]) -> Call[CatalogueImage]:
    """Read one image."""
    params = [("fields", ",".join(names))] if names else []
    return Call("GET", f"{ROOT}/images/{image_id}", _read_image, params)


def add_images(
    pictures: Sequence[Picture], said: Said | None, name: str, progress: Progress | None
) -> Call[shapes.Added]:
    """Add pictures."""
    return Call(
        "POST",
        f"{ROOT}/images",
        reader(shapes.Added),
        params_of(said),
        upload=Upload([("file", each) for each in pictures], name, progress),
        headers=once(),
    )


def change_image(image_id: Id, changes: Mapping[str, Any], if_match: str) -> Call[CatalogueImage]:
    """Change what is said of an image."""
    return Call(
        "PATCH",
        f"{ROOT}/images/{image_id}",
        _read_image,
        json=dict(changes),
        headers=only_if(if_match),
        # Who reads 412 at the second try cannot know that it was the first which wrote.
        is_repeatable=not if_match,
    )


def delete_image(image_id: Id, if_match: str) -> Call[None]:
    """Move an image to the bin."""
    return Call(
        "DELETE",
        f"{ROOT}/images/{image_id}",
        nothing,
        headers=only_if(if_match),
        is_repeatable=False,  # the second try would find nothing
    )


def image_file(image_id: Id, file: Literal["original", "thumbnail"]) -> Call[bytes]:
    """Read a file of an image."""
    return Call("GET", f"{ROOT}/images/{image_id}/{file}", content_of)


def bulk_edit(
    kind: str,
    images_of: Iterable[Id] | ImageFilters,
    names: Sequence[str],
    value: str | None,
    find: str | None,
) -> Call[shapes.BulkEdit]:
    """Change many images."""
    body: dict[str, Any] = {"kind": kind}
    if isinstance(images_of, ImageFilters):
        body["filters"] = members_of(images_of)
    else:
        body["images"] = [str(each) for each in images_of]
    more = {"names": list(names) or None, "value": value, "find": find}
    body |= {name: said for name, said in more.items() if said is not None}
    read = reader(shapes.BulkEdit)
    return Call("POST", f"{ROOT}/images/bulk", read, json=body, headers=once())


def read_bulk_edit(edit_id: int) -> Call[shapes.BulkEdit]:
    """Read how far one is."""
    return Call("GET", f"{ROOT}/bulk-edits/{edit_id}", reader(shapes.BulkEdit))


def cancel_bulk_edit(edit_id: int) -> Call[shapes.BulkEdit]:
    """End one."""
    path = f"{ROOT}/bulk-edits/{edit_id}/cancel"
    return Call("POST", path, reader(shapes.BulkEdit), is_repeatable=False)


def named_sets(
    kind: Literal["albums", "tags"], cursor: str, limit: int | None
) -> Call[Page[shapes.NamedSet]]:
    """List albums or tags."""
    return page_call(f"/{kind}", shapes.NamedSet, cursor, limit)


def read_named_set(kind: Literal["albums", "tags"], set_id: int) -> Call[shapes.NamedSet]:
    """Read an album or a tag."""
    return Call("GET", f"{ROOT}/{kind}/{set_id}", reader(shapes.NamedSet))


def make_named_set(kind: Literal["albums", "tags"], name: str) -> Call[shapes.NamedSet]:
    """Make an album or a tag."""
    read = reader(shapes.NamedSet)
    return Call("POST", f"{ROOT}/{kind}", read, json={"name": name}, headers=once())


def rename_named_set(
    kind: Literal["albums", "tags"], set_id: int, name: str
) -> Call[shapes.NamedSet]:
    """Rename an album or a tag."""
    read = reader(shapes.NamedSet)
    return Call("PATCH", f"{ROOT}/{kind}/{set_id}", read, json={"name": name})


def delete_named_set(kind: Literal["albums", "tags"], set_id: int) -> Call[None]:
    """Delete an album or a tag."""
    return Call("DELETE", f"{ROOT}/{kind}/{set_id}", nothing, is_repeatable=False)


def imports(state: str, cursor: str, limit: int | None) -> Call[Page[shapes.CatalogueImport]]:
    """List imports."""
    params = [("state", state)] if state else []
    return page_call("/imports", shapes.CatalogueImport, cursor, limit, params)


def read_import(import_id: Id) -> Call[shapes.CatalogueImport]:
    """Read how far an import is."""
    return Call("GET", f"{ROOT}/imports/{import_id}", reader(shapes.CatalogueImport))


def plan_import(source: str, options: Mapping[str, Any]) -> Call[shapes.CatalogueImport]:
    """Plan an import of what the site can reach."""
    body = {"source": source, **options}
    read = reader(shapes.CatalogueImport)
    return Call("POST", f"{ROOT}/imports", read, json=body, headers=once())


def plan_import_of_files(
    files: Sequence[Picture], options: Mapping[str, Any], progress: Progress | None
) -> Call[shapes.CatalogueImport]:
    """Plan an import of files."""
    return Call(
        "POST",
        f"{ROOT}/imports/files",
        reader(shapes.CatalogueImport),
        [(name, as_text(value)) for name, value in options.items()],
        upload=Upload([("file", each) for each in files], "", progress),
        headers=once(),
    )


def do_with_import(import_id: Id, action: ImportAction) -> Call[shapes.CatalogueImport]:
    """Start, pause, resume, cancel an import, or try again what it refused."""
    path = f"{ROOT}/imports/{import_id}/{action}"
    return Call("POST", path, reader(shapes.CatalogueImport), is_repeatable=False)


def import_failures(
    import_id: Id, cursor: str, limit: int | None
) -> Call[Page[shapes.ImportFailure]]:
    """List what an import refused."""
    return page_call(f"/imports/{import_id}/failures", shapes.ImportFailure, cursor, limit)


def jobs(state: str, name: str, cursor: str, limit: int | None) -> Call[Page[shapes.WorkerJob]]:
    """List jobs."""
    params = [(key, value) for key, value in (("state", state), ("name", name)) if value]
    return page_call("/jobs", shapes.WorkerJob, cursor, limit, params)


def job(job_id: Id) -> Call[shapes.WorkerJob]:
    """Read one job."""
    return Call("GET", f"{ROOT}/jobs/{job_id}", reader(shapes.WorkerJob))


def encoder_versions(cursor: str, limit: int | None) -> Call[Page[shapes.EncoderVersion]]:
    """List encoder versions."""
    return page_call("/encoder-versions", shapes.EncoderVersion, cursor, limit)


def anything(method: str, path: str, params: Mapping[str, Any] | None, json: Any) -> Call[Any]:
    """Ask an address below the API's root, in JSON."""
    asked = [(name, as_text(value)) for name, value in (params or {}).items()]
    is_post = method.upper() == "POST"
    headers = once() if is_post else {}
    read: Callable[[httpx.Response], Any] = json_or_none
    return Call(method.upper(), f"{ROOT}{path}", read, asked, json=json, headers=headers)


def _read_image(response: httpx.Response) -> CatalogueImage:
    # Compressing makes validators weak; the site takes those back as they were.
    etag = response.headers.get("ETag", "")
    return replace(decode(CatalogueImage, json_of(response)), etag=etag)


def _known(asked: shapes.AskedPicture) -> tuple[Literal["image", "query"], UUID]:
    if asked.id is not None:
        return "query", asked.id
    if asked.image_id is not None:
        return "image", asked.image_id
    raise UnexpectedAnswer("the answer names no picture")


def _asked(
    box: Box | None, filters: SearchFilters | None, wait: Wait | None, *more: tuple[str, str]
) -> list[tuple[str, str]]:
    params = [*params_of(filters), *((name, value) for name, value in more if value)]
    if box is not None:
        params.append(("box", ",".join(map(str, box))))
    if wait is not None:
        params.append(("wait", wait))
    return params
