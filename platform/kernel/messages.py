"""The sentence for every error code, in the reader's language."""

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

_SENTENCES: dict[str, str] = {
    "image:user:none-chosen": _("Choose a picture first."),
    "image:user:empty-file": _("The file is empty."),
    "image:user:too-large": _("The file is larger than {max_megabytes} MB."),
    "image:user:unsupported-format": _(
        "This kind of picture is not supported. Use JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF."
    ),
    "image:user:not-a-picture": _("The file is not a picture."),
    "image:user:wrong-extension": _("The file's name does not end like a picture's."),
    "image:user:too-many-pixels": _("The picture has more than {max_megapixels} megapixels."),
    "image:user:too-many-frames": _("The picture has more than {max_frames} frames."),
    "image:user:broken": _("The picture is damaged and cannot be read to its end."),
    "image:conflict:being-deleted": _(
        "This picture is being deleted just now. Add it again in a minute."
    ),
    "image:user:bad-panels": _(
        "Each picture in it must lie inside, be at least {min_side_px} pixels wide and high, and "
        "there may be {most} of them."
    ),
    "image:conflict:private": _("This picture is in the catalogue already, private to others."),
    "image:conflict:copy-of": _(
        "This is a copy of a picture that is in the catalogue already: {copy_of}."
    ),
    "image:conflict:held": _(
        "This picture is in the catalogue already, and held until a reviewer has decided about it."
    ),
    "image:ours:gave-up": _("Describing this picture ended the worker three times."),
    "image:ours:ends-worker": _("Reading this picture ended the process twice: it was left out."),
    "file:user:missing": _("The file is gone or is a broken link."),
    "file:user:unreadable": _("The file cannot be read."),
    "file:user:outside": _("The file is a link that leads out of the folders that may be read."),
    "import:user:missing": _("There is no such import."),
    "import:user:over": _("This import has ended. Start another one."),
    "import:user:no-source": _("This import's files are gone: nobody can read them again."),
    "import:user:outside-roots": _(
        "This is neither an address nor a path that workers may read: INGEST_ROOTS names the "
        "folders that they may."
    ),
    "import:user:one-source": _("Choose files, or say where the pictures are: one of the two."),
    "import:user:disk-full": _(
        "The import needs some {needed_megabytes} MB, and {free_megabytes} MB are left."
    ),
    "import:conflict:taken-over": _("Somebody else has gone on with this import meanwhile."),
    "import:transient:no-workers": _(
        "No worker is describing pictures, and enough of them wait. Is Semblance running (make "
        "run)?"
    ),
    "import:ours:gave-up": _("The import ended its worker again and again."),
    "folder:user:missing": _("There is no folder or file {folder}."),
    "folder:user:unreadable": _("The folder {folder} may not be read."),
    "folder:user:no-folder": _("Only a folder of the workers' machines can be watched."),
    "folder:user:watched": _("This folder is watched already."),
    "archive:user:damaged": _("The archive is damaged, or neither a ZIP nor a TAR."),
    "archive:user:damaged-member": _("This file cannot be unpacked: the archive is damaged here."),
    "archive:user:encrypted": _("The file is encrypted in its archive."),
    "archive:user:packing": _(
        "The file is packed in a way that is not read. Use a ZIP of deflated or stored files."
    ),
    "archive:user:unsafe-path": _("The file's path leads out of its archive."),
    "archive:user:too-many-members": _("The archive has too many files. Divide it."),
    "archive:user:grows": _(
        "The archive was left: unpacked it is more than {max_growth} times its size."
    ),
    "bucket:user:missing": _("There is no such bucket, or nothing of this name in it."),
    "bucket:user:denied": _("The bucket may not be read with the keys that are set."),
    "bucket:user:refused": _("The bucket refused to be read. {detail}"),
    "bucket:transient:unavailable": _("The bucket is out of reach just now."),
    "manifest:user:long-line": _(
        "Line {line} of the manifest is longer than {max_kilobytes} kB: is a quote missing?"
    ),
    "manifest:user:wrong-encoding": _(
        "Line {line} of the manifest is not UTF-8. Save it with this encoding."
    ),
    "manifest:user:malformed": _("Line {line} of the manifest cannot be read. {detail}"),
    "manifest:user:unknown-columns": _(
        "Line {line} of the manifest has columns that are not known: {columns}. Those that are: "
        "{known}."
    ),
    "manifest:user:no-address": _("The manifest has neither a column path nor a column url."),
    "manifest:user:bad-row": _("This row of the manifest cannot be used. {detail}"),
    "album:user:not-private": _(
        "The album “{album}” is open to everybody here, and was private where this comes from. "
        "Make it private, or take it out of private_to."
    ),
    "album:user:no-group": _(
        "The album “{album}” is private to groups that are not all there: {groups}. "
        "Make them, or make the album and say whom it is private to."
    ),
    "manifest:user:outside": _("The path leads out of the manifest's folder."),
    "fetch:user:not-http": _(
        "This is not an address that begins with http:// or https:// and carries no password."
    ),
    "fetch:user:forbidden-address": _(
        "The address leads to a network that pictures are not fetched from."
    ),
    "fetch:user:unreachable": _("The site cannot be reached."),
    "fetch:user:too-slow": _("The site has not sent the picture within {timeout_s} s."),
    "fetch:user:status": _("The site refused to send the picture. {status}"),
    "fetch:user:too-many-redirects": _("The site leads on more than {max_redirects} times."),
    "fetch:user:off": _("This site fetches no pictures by their address. Send the picture itself."),
    "fetch:transient:too-many": _(
        "Too many pictures were fetched by their address just now. Try again in a minute, or send "
        "the picture itself."
    ),
    "fetch:user:broken": _("The site's answer broke off or cannot be read."),
    "database:transient:away": _("The database is out of reach just now. Try again in a moment."),
    "database:transient:locked": _("The database is busy just now. Try again in a moment."),
    "database:transient:full": _(
        "The database has no room left: nothing can be changed until an administrator makes some."
    ),
    "database:transient:read-only": _(
        "The database takes no changes just now: it may be read only."
    ),
    "database:ours:damaged": _(
        "The database is damaged. An administrator has to restore a backup of it."
    ),
    "database:ours:older": _(
        "The database lacks tables of this release. `manage.py prepare_database` makes them, as "
        "every start does."
    ),
    "database:ours:newer": _(
        "The database is of a newer release of Semblance, which made these changes: {migrations}. "
        "Start that release, or restore the backup from before it. Nothing was changed."
    ),
    "storage:ours:file-missing": _("The original file is missing from the storage."),
    "storage:transient:unavailable": _("The file storage is full or out of reach."),
    "search:transient:no-answer": _(
        "The search takes too long just now: its worker is down or busy. Try again in a moment."
    ),
    "search:transient:busy": _("Too many searches are under way just now. Try again in a moment."),
    "search:transient:broker-away": _(
        "The search is not available just now: its queue is out of reach. Try again in a moment."
    ),
    "jobs:transient:broker-away": _("The job queue is out of reach."),
    "vectors:transient:unavailable": _(
        "The search is not available just now: its index is out of reach. Try again in a moment."
    ),
    "encoder:transient:not-chosen": _("The search is still being set up. Try again in a moment."),
    "encoder:transient:changing": _("The encoder was just changed. Search again."),
    "encoder:transient:out-of-memory": _("The models ran out of memory. Try again."),
    "encoder:transient:weights-unavailable": _("A model's weights cannot be loaded. {detail}"),
    "encoder:ours:device-unavailable": _("The device that DEVICE names is not there. {detail}"),
    "encoder:ours:unknown": _("ENCODER names no encoder. {detail}"),
    "encoder:ours:checkpoint-mismatch": _("A model's weights do not fit. {detail}"),
    "encoder:ours:failed": _("The models failed on this picture."),
    "encoder:ours:weights-changed": _(
        "The weights of {choice} are not those that this catalogue was indexed with."
    ),
    "detector:ours:unknown": _("DETECTOR names no detector. {detail}"),
    "detector:ours:weights-changed": _(
        "The weights of {choice} are not those that found this catalogue's objects."
    ),
    "detector:ours:setting-differs": _(
        "DETECTOR is {setting}, but this catalogue's objects were found by {recorded}. Set "
        "DETECTOR to auto or {recorded}, or start another catalogue with another DATA_DIR and "
        "database."
    ),
    "search:user:query-expired": _(
        "Pictures that are searched with are kept for an hour only, and that is over. Choose the "
        "picture again."
    ),
    "review:user:stale-hit": _("This page is too old to decide on. Search again."),
    "review:user:no-image": _("This image is not in the catalogue any more."),
    "review:user:bad-judgement": _(
        "A decision is one of copy, same_subject and different, and nothing else."
    ),
    "search:user:no-region": _("This image, or the part of it, is not there to compare with."),
    "watch:user:no-picture": _("This search names no picture that could be watched."),
    "watch:user:status": _("The webhook answered that it failed. {status}"),
    "watch:user:switched-off": _("The webhook was switched off."),
    "watch:conflict:too-many": _("You watch {most} things, and more cannot be watched."),
    "mail:transient:unavailable": _("The mail server is out of reach or refused the e-mail."),
    "saved:user:no-search": _("This is no search that can be saved."),
    "saved:user:no-picture": _("A picture of this search is not in the catalogue any more."),
    "saved:user:no-name": _("Give the search a name."),
    "saved:conflict:too-many": _(
        "You have saved {most} searches, and more are not kept. Delete one that you need no more."
    ),
    "search:user:bad-box": _("This part lies outside the picture or is too small to search for."),
    "search:user:too-many-pictures": _("Search with at most {most} pictures at once."),
    "search:user:none-liked": _("Say what to look for, too: with a picture, or with words."),
    "search:user:long-words": _("Search with at most {most} characters."),
    "search:user:bad-id": _("What {field} names is no picture."),
    "search:user:no-words": _(
        "This catalogue's encoder knows no words: search with a picture. CLIP and SigLIP know them."
    ),
    "search:user:bad-wait": _("A search waits for hits or for proofs, and for nothing else."),
    "search:user:bad-filter": _("The search cannot be narrowed down so: see “{field}”."),
    "search:user:bad-scope": _(
        "Pictures are compared by full-image, panels and objects, and by nothing else."
    ),
    "search:user:bad-sort": _(
        "Pictures are sorted by verdict, similarity, newest, oldest or largest: by nothing else."
    ),
    "login:user:too-many-failures": _(
        "Too many failed log-ins with this name from this address. Wait {minutes} minutes, then "
        "try again."
    ),
    "request:user:malformed": _("The request cannot be read."),
    "request:user:logged-out": _("Log in first."),
    "request:user:forbidden": _(
        "This is not allowed: log in with an account that may, and send the form's CSRF token."
    ),
    "request:user:not-found": _("There is nothing at this address."),
    "request:user:wrong-method": _("This address does not take requests of this kind."),
    "request:user:no-such-part": _("The file has no such part."),
    "request:user:no-csrf-token": _(
        "A form's CSRF token is missing. Programs search at {address}, which needs none."
    ),
    "request:user:changed-meanwhile": _(
        "It is not what you read any more: read it again, then decide."
    ),
    "request:user:invalid": _("The request says something that cannot be: see “errors”."),
    "request:user:unsupported-media": _(
        "The body is of a kind that this address does not take: see its Content-Type."
    ),
    "request:user:bad-cursor": _("The cursor is none that a list gave out."),
    "request:user:unknown-fields": _("These fields are not known: {fields}."),
    "request:user:unknown-names": _("There are none of these names: {names}."),
    "request:user:bad-arguments": _("Something is missing or wrong: {fields}."),
    "request:user:which-images": _(
        "Say which images: name them, or say which filters they fit; one of the two."
    ),
    "request:user:bad-idempotency-key": _("The Idempotency-Key is empty, unprintable or too long."),
    "request:user:idempotency-key-reused": _(
        "Another request came with this Idempotency-Key before. Take a new one."
    ),
    "watch:user:what": _("Say what is watched: an album, a saved search or a search; one of them."),
    "watch:user:no-mail": _("No e-mail can be sent to this account."),
    "request:conflict:under-way": _("The same request is still under way. Try again in a moment."),
    "request:conflict:over": _("It has ended already."),
    "named-set:conflict:taken": _("There is one of this name already."),
    "album:conflict:private": _(
        "The album is private, and its pictures would be open to everybody without it."
    ),
    "import:conflict:not-now": _(
        "That is not possible any more: the import has gone on meanwhile."
    ),
    "limit:transient:searches": _(
        "You may search {limit} times a minute. Wait {seconds} s, then try again."
    ),
    "limit:transient:fetches": _(
        "You may have {limit} addresses fetched a minute. Wait {seconds} s, then try again."
    ),
    "limit:transient:uploads": _(
        "You may add {limit} pictures a minute. Wait {seconds} s, then try again."
    ),
    "limit:transient:kept-bytes": _(
        "You have searched with too many large pictures in this hour. Wait {seconds} s, then try "
        "again, or use smaller ones."
    ),
    "limit:transient:unknown-tokens": _("Too many unknown tokens. Wait {seconds} s."),
    "limit:transient:at-once": _(
        "You may have {limit} searches under way at once. Try again in a moment."
    ),
    "token:user:missing": _("This needs a token: send it as “Authorization: Bearer …”."),
    "token:user:unknown": _("There is no such token."),
    "token:user:expired": _("The token has expired. Make another one."),
    "token:user:revoked": _("The token was revoked. Make another one."),
    "token:user:inactive": _("The account that the token belongs to is closed."),
    "token:user:no-scope": _("The token lacks the scope {scope}."),
    "token:user:no-permission": _("The account that the token belongs to may not do this."),
    "request:user:too-large": _("What you sent is larger than {max_megabytes} MB."),
    "calibration:user:broken": _("The file is no calibration. {detail}"),
    "calibration:user:other-encoder": _(
        "The calibration is not of the weights and the preprocessing of {encoder}."
    ),
    "encoder:ours:embeds-otherwise": _(
        "On this machine {choice} computes other embeddings ({precision}, cosine {cosine}) than "
        "those that the catalogue holds. Searches and indexing stop, so that nothing is mixed up."
    ),
    "encoder:ours:setting-differs": _(
        "ENCODER is {setting}, but this catalogue was indexed with {recorded}. Set ENCODER to auto "
        "or {recorded}, or start another catalogue with another DATA_DIR and database."
    ),
    "metadata:user:broken-container": _(
        "A part of the file is damaged; what it may have said of the picture was not read."
    ),
    "metadata:user:broken-exif": _("The picture's EXIF is damaged and was not read in full."),
    "metadata:user:broken-iim": _("The picture's IPTC record is damaged and was not read in full."),
    "metadata:user:broken-xmp": _("The picture's XMP is damaged and was not read."),
    "metadata:user:broken-extended-xmp": _(
        "The picture's XMP goes on elsewhere in the file, and that part is missing or damaged."
    ),
    "metadata:user:large-xmp": _("The picture's XMP is too large and was not read."),
    "metadata:user:broken-sidecar": _(
        "The XMP file beside the picture is damaged and was not read."
    ),
    "metadata:user:large-sidecar": _(
        "The XMP file beside the picture is too large and was not read."
    ),
    "metadata:user:unclear-date": _("The picture names a date that is none or lacks its day."),
    "metadata:user:cut-text": _("What the picture says of itself is too long and was cut."),
}
_MEGABYTE = 1024 * 1024
_MEGAPIXEL = 1_000_000


def sentence(code: str, **context: object) -> str:
    """Return the sentence for a code in the active language.

    A code without one (ours, never meant for people) is shown as it is, so that it can be
    searched for. A value that the sentence names and `context` lacks is left out.
    """
    text = _SENTENCES.get(code)
    if text is None:
        return gettext("Something went wrong on our side ({code}).").format(code=code)
    return gettext(text).format_map(_Values(_limits() | context)).strip()


def _limits() -> dict[str, object]:
    return {
        "max_megabytes": round(settings.UPLOAD_MAX_BYTES / _MEGABYTE),
        "max_megapixels": round(settings.UPLOAD_MAX_PIXELS / _MEGAPIXEL),
        "max_frames": settings.UPLOAD_MAX_FRAMES,
    }


class _Values(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""


def known_codes() -> frozenset[str]:
    """Return every code that has a sentence."""
    return frozenset(_SENTENCES)
