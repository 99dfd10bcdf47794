"""The client: one method for each thing that the site does for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from semblance_client import calls, own_calls, shapes
from semblance_client.call import Id
from semblance_client.calls import Answer, Asked, ImportAction, Wait
from semblance_client.downloads import downloading
from semblance_client.filters import ImageFilters, Said, SearchFilters
from semblance_client.own_calls import Judgement, Rung, Searched
from semblance_client.sending import Sending
from semblance_client.shapes import Box, Page
from semblance_client.uploads import Picture, Progress


class Client(Sending):
    """A Semblance site, for programs that wait for its answers.

    Threads may share one. It holds connections: use it in a `with` block, or `close` it. Every
    method raises `ApiError` where the site refuses, `NotReachable` where it does not answer after
    `retries`, and `UnexpectedAnswer` where what answers is no Semblance.
    """

    # Searches

    def search(
        self,
        picture: Picture,
        *,
        box: Box | None = None,
        filters: SearchFilters | None = None,
        wait: Wait | None = None,
        name: str = "",
        progress: Progress | None = None,
    ) -> shapes.SearchAnswer:
        """Search with a picture: a path, bytes, or a file that is open.

        Args:
            picture: what is asked for.
            box: searches with this part of it alone.
            filters: among which images.
            wait: "hits" answers at once by likeness; then `proofs` tells the copies.
            name: the picture's, where it has none.
            progress: is told the bytes sent, and how many there are.
        """
        return self._run(calls.search(picture, box, filters, wait, name, progress))

    def search_url(
        self,
        url: str,
        *,
        box: Box | None = None,
        filters: SearchFilters | None = None,
        wait: Wait | None = None,
    ) -> shapes.SearchAnswer:
        """Search with a picture that the site fetches from an address."""
        return self._run(calls.search_url(url, box, filters, wait))

    def search_image(
        self,
        image_id: Id,
        *,
        box: Box | None = None,
        filters: SearchFilters | None = None,
        wait: Wait | None = None,
    ) -> shapes.SearchAnswer:
        """Search with an image of the catalogue."""
        return self._run(calls.search_known("image", image_id, box, filters, wait))

    def search_again(
        self,
        asked: Id | shapes.SearchAnswer,
        *,
        box: Box | None = None,
        filters: SearchFilters | None = None,
        wait: Wait | None = None,
    ) -> shapes.SearchAnswer:
        """Search with the picture of an answer of the last hour: the answer, or its `query.id`."""
        return self._run(calls.search_again(asked, box, filters, wait))

    def search_several(
        self,
        these: Sequence[Asked] = (),
        *,
        unlike: Sequence[Asked] = (),
        words: str = "",
        box: Box | None = None,
        filters: SearchFilters | None = None,
        wait: Wait | None = None,
        progress: Progress | None = None,
    ) -> shapes.SeveralAnswer:
        """Search with several pictures, or with words: for what is like all of it.

        A picture is a file as `search` takes it, the UUID of an image of the catalogue, or one of
        an answer of the last hour. One picture alone is a question for `search`.

        Args:
            these: what images should be like.
            unlike: what they should not be like.
            words: that they should fit, where the site's encoder knows words.
            box: searches with this part of the only picture of `these` alone.
            filters: among which images.
            wait: "hits" answers at once by likeness; then `proofs` tells the copies.
            progress: is told the bytes sent, and how many there are.
        """
        call = calls.search_several(these, unlike, words, box, filters, wait, progress)
        return self._run(call)

    def search_words(
        self, words: str, *, filters: SearchFilters | None = None
    ) -> shapes.SeveralAnswer:
        """Search with words, such as "a red bicycle", where the site's encoder knows words."""
        return self.search_several(words=words, filters=filters)

    def proofs(self, answer: Answer) -> Answer:
        """Return the same answer with its copies, where it was given before they were checked."""
        return self._run(calls.proofs(answer))

    # Images

    def images(
        self,
        filters: ImageFilters | None = None,
        *,
        fields: Sequence[str] = (),
        page_size: int | None = None,
    ) -> Iterator[shapes.CatalogueImage]:
        """Yield the images that fit, the newest first; pages are read as they are needed."""
        return self._all(lambda cursor: calls.images(filters, fields, cursor, page_size))

    def images_page(
        self,
        filters: ImageFilters | None = None,
        *,
        fields: Sequence[str] = (),
        cursor: str = "",
        limit: int | None = None,
    ) -> Page[shapes.CatalogueImage]:
        """Return one page of images."""
        return self._run(calls.images(filters, fields, cursor, limit))

    def image(self, image_id: Id, *, fields: Sequence[str] = ()) -> shapes.CatalogueImage:
        """Return one image; with `fields`, only those members of it."""
        return self._run(calls.image(image_id, fields))

    def add_image(
        self,
        picture: Picture,
        said: Said | None = None,
        *,
        name: str = "",
        progress: Progress | None = None,
    ) -> shapes.AddedFile:
        """Add a picture to the catalogue. One that is refused raises `ApiError`."""
        added = self._run(calls.add_images([picture], said, name, progress))
        return added.results[0]

    def add_images(
        self,
        pictures: Sequence[Picture],
        said: Said | None = None,
        *,
        progress: Progress | None = None,
    ) -> shapes.Added:
        """Add several pictures with one request; each has a result of its own."""
        return self._run(calls.add_images(pictures, said, "", progress))

    def change_image(
        self, image_id: Id, changes: Mapping[str, Any], *, if_match: str = ""
    ) -> shapes.CatalogueImage:
        """Change members of an image; with the `etag` of what was read, nothing else than that."""
        return self._run(calls.change_image(image_id, changes, if_match))

    def delete_image(self, image_id: Id, *, if_match: str = "") -> None:
        """Move an image to the bin."""
        self._run(calls.delete_image(image_id, if_match))

    def original(self, image_id: Id) -> bytes:
        """Return an image's file as it was taken in."""
        return self._run(calls.image_file(image_id, "original"))

    def thumbnail(self, image_id: Id) -> bytes:
        """Return an image's thumbnail, a JPEG."""
        return self._run(calls.image_file(image_id, "thumbnail"))

    def download_original(
        self, image_id: Id, to: Path, *, progress: Progress | None = None
    ) -> None:
        """Write an image's file to a path; where a connection ends, it goes on from there."""
        call = calls.image_file(image_id, "original")
        with downloading(to, progress) as download:
            self._download(call, download)

    # Changes of many images

    def bulk_edit(
        self,
        kind: str,
        images: Iterable[Id] | ImageFilters,
        *,
        names: Sequence[str] = (),
        value: str | None = None,
        find: str | None = None,
    ) -> shapes.BulkEdit:
        """Change many images at once, such as "add_tags", "bin" or "set_owner"."""
        return self._run(calls.bulk_edit(kind, images, names, value, find))

    def read_bulk_edit(self, edit_id: int) -> shapes.BulkEdit:
        """Return how far such a change is."""
        return self._run(calls.read_bulk_edit(edit_id))

    def cancel_bulk_edit(self, edit_id: int) -> shapes.BulkEdit:
        """End such a change; what is changed stays so."""
        return self._run(calls.cancel_bulk_edit(edit_id))

    # Albums and tags

    def albums(self, *, page_size: int | None = None) -> Iterator[shapes.NamedSet]:
        """Yield the albums that the token's owner may know of."""
        return self._all(lambda cursor: calls.named_sets("albums", cursor, page_size))

    def make_album(self, name: str) -> shapes.NamedSet:
        """Make an album."""
        return self._run(calls.make_named_set("albums", name))

    def album(self, album_id: int) -> shapes.NamedSet:
        """Return one album."""
        return self._run(calls.read_named_set("albums", album_id))

    def rename_album(self, album_id: int, name: str) -> shapes.NamedSet:
        """Rename an album."""
        return self._run(calls.rename_named_set("albums", album_id, name))

    def delete_album(self, album_id: int) -> None:
        """Delete an album; its images stay."""
        self._run(calls.delete_named_set("albums", album_id))

    def tags(self, *, page_size: int | None = None) -> Iterator[shapes.NamedSet]:
        """Yield the tags that the token's owner may know of."""
        return self._all(lambda cursor: calls.named_sets("tags", cursor, page_size))

    def make_tag(self, name: str) -> shapes.NamedSet:
        """Make a tag."""
        return self._run(calls.make_named_set("tags", name))

    def tag(self, tag_id: int) -> shapes.NamedSet:
        """Return one tag."""
        return self._run(calls.read_named_set("tags", tag_id))

    def rename_tag(self, tag_id: int, name: str) -> shapes.NamedSet:
        """Rename a tag."""
        return self._run(calls.rename_named_set("tags", tag_id, name))

    def delete_tag(self, tag_id: int) -> None:
        """Delete a tag; its images stay."""
        self._run(calls.delete_named_set("tags", tag_id))

    # Imports

    def imports(
        self, *, state: str = "", page_size: int | None = None
    ) -> Iterator[shapes.CatalogueImport]:
        """Yield the imports that the token's owner may know of, the newest first."""
        return self._all(lambda cursor: calls.imports(state, cursor, page_size))

    def read_import(self, import_id: Id) -> shapes.CatalogueImport:
        """Return how far an import is."""
        return self._run(calls.read_import(import_id))

    def plan_import(self, source: str, **options: Any) -> shapes.CatalogueImport:
        """Plan an import of an address, a bucket or a path of the site's; then `start` it."""
        return self._run(calls.plan_import(source, options))

    def plan_import_of_files(
        self, files: Sequence[Picture], *, progress: Progress | None = None, **options: Any
    ) -> shapes.CatalogueImport:
        """Plan an import of files: pictures, an archive, a manifest, a list of addresses."""
        return self._run(calls.plan_import_of_files(files, options, progress))

    def do_with_import(self, import_id: Id, action: ImportAction) -> shapes.CatalogueImport:
        """Start, pause, resume or cancel an import, or try again what it refused."""
        return self._run(calls.do_with_import(import_id, action))

    def import_failures(
        self, import_id: Id, *, page_size: int | None = None
    ) -> Iterator[shapes.ImportFailure]:
        """Yield the files that an import refused, and why."""
        return self._all(lambda cursor: calls.import_failures(import_id, cursor, page_size))

    # What an account decided, saved and watches

    def decisions(self, *, page_size: int | None = None) -> Iterator[shapes.Decision]:
        """Yield what people decided about images that the token's owner may see."""
        return self._all(lambda cursor: own_calls.decisions(cursor, page_size))

    def decide(self, hit: shapes.Hit | str, judgement: Judgement) -> shapes.Decision:
        """Say what a hit of a search by this token is: the hit, or its `decide_with`."""
        return self._run(own_calls.decide(hit, judgement))

    def take_back_decision(self, decision_id: int) -> None:
        """Take back a decision of the token's owner."""
        self._run(own_calls.take_back_decision(decision_id))

    def saved_searches(self, *, page_size: int | None = None) -> Iterator[shapes.SavedSearch]:
        """Yield the searches that the token's owner saved, the newest first."""
        return self._all(lambda cursor: own_calls.saved_searches(cursor, page_size))

    def save_search(self, searched: Searched, name: str = "") -> shapes.SavedSearch:
        """Save a search: an answer to it, or its address; uploads that it names stay with it."""
        return self._run(own_calls.save_search(searched, name))

    def read_saved_search(self, search_id: Id) -> shapes.SavedSearch:
        """Return one saved search."""
        return self._run(own_calls.read_saved_search(search_id))

    def rename_saved_search(self, search_id: Id, name: str) -> shapes.SavedSearch:
        """Rename a saved search."""
        return self._run(own_calls.rename_saved_search(search_id, name))

    def delete_saved_search(self, search_id: Id) -> None:
        """Delete a saved search, and the watch of it."""
        self._run(own_calls.delete_saved_search(search_id))

    def search_saved(self, saved: shapes.SavedSearch) -> shapes.SearchAnswer | shapes.SeveralAnswer:
        """Ask a saved search again."""
        return self._run(own_calls.search_saved(saved))

    def watches(self, *, page_size: int | None = None) -> Iterator[shapes.Watch]:
        """Yield what the token's owner watches, the newest first."""
        return self._all(lambda cursor: own_calls.watches(cursor, page_size))

    def begin_watch(
        self,
        *,
        album: int | None = None,
        saved_search: Id | None = None,
        search: Searched | None = None,
        rung: Rung = "edited-copy",
        by_mail: bool = False,
        webhook_url: str = "",
    ) -> shapes.Watch:
        """Be told of copies of the pictures of an album, a saved search or a search: one of these.

        Args:
            album: its id.
            saved_search: its id.
            search: an answer to it, or its address: it is saved.
            rung: how far down the ladder of verdicts.
            by_mail: whether by e-mail, too.
            webhook_url: that is called; the watch says the secret that its calls are signed with.
        """
        wishes = own_calls.wishes_of(rung, webhook_url, by_mail=by_mail)
        return self._run(own_calls.begin_watch(album, saved_search, search, wishes))

    def read_watch(self, watch_id: Id) -> shapes.Watch:
        """Return one watch."""
        return self._run(own_calls.read_watch(watch_id))

    def change_watch(
        self, watch_id: Id, *, rung: Rung, by_mail: bool = False, webhook_url: str = ""
    ) -> shapes.Watch:
        """Be told otherwise: all of it is said anew."""
        wishes = own_calls.wishes_of(rung, webhook_url, by_mail=by_mail)
        return self._run(own_calls.change_watch(watch_id, wishes))

    def end_watch(self, watch_id: Id) -> None:
        """End a watch; what it found goes with it."""
        self._run(own_calls.end_watch(watch_id))

    def watch_hits(
        self, *, watch: Id | None = None, unseen: bool = False, page_size: int | None = None
    ) -> Iterator[shapes.WatchHit]:
        """Yield what watches found, or one of them, or what is new and unseen; the newest first."""
        return self._all(
            lambda cursor: own_calls.watch_hits(watch, cursor, page_size, unseen=unseen)
        )

    def mark_hits_seen(self, hit_ids: Sequence[int]) -> int:
        """Say that somebody has looked at hits; return how many were new."""
        return self._run(own_calls.mark_hits_seen(hit_ids))

    # The site itself

    def jobs(
        self, *, state: str = "", name: str = "", page_size: int | None = None
    ) -> Iterator[shapes.WorkerJob]:
        """Yield the workers' jobs, the newest first."""
        return self._all(lambda cursor: calls.jobs(state, name, cursor, page_size))

    def job(self, job_id: Id) -> shapes.WorkerJob:
        """Return one job."""
        return self._run(calls.job(job_id))

    def encoder_versions(self, *, page_size: int | None = None) -> Iterator[shapes.EncoderVersion]:
        """Yield what the catalogue is and was indexed with."""
        return self._all(lambda cursor: calls.encoder_versions(cursor, page_size))

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> Any:
        """Ask an address of the API that has no method here, such as "/openapi.json", in JSON."""
        return self._run(calls.anything(method, path, params, json))
