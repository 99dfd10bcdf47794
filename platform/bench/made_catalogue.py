"""A catalogue of rows alone, in a database of its own: no files, no points, no worker."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.db.models import Model
from django.test.utils import override_settings
from django.utils import timezone

from audit_log.models import AuditEntry
from catalog.models import Album, AlbumGroup, Image, Region, Tag
from ingestion.models import Import
from jobs.models import JobRecord
from kernel import task_names

_ROWS_AT_ONCE: Final = 5_000
_ALBUMS: Final = 100
_IMPORTS: Final = 20
# One image in so many waits, another has failed, a third is in the bin.
_RARE: Final = 100
# One of so many has this owner, and so on.
_FAIR, _OWNERS, _FOLDERS, _LABELS, _LICENCES = 12, 50, 200, 20, 5
KEEPER, VIEWER = "keeper", "viewer"
# All titles have the first, one in twelve the second, one in `_RARE` the third.
COMMON_WORD, FAIR_WORD, RARE_WORD = "photo", "harbour", "lighthouse"


@contextmanager
def scratch_database(folder: Path) -> Iterator[None]:
    """Have Django work in an empty database: a file in a folder, or one more on PostgreSQL.

    There its name is the database's with `_bench_scratch`; one that was left behind is replaced.
    """
    name = str(connection.settings_dict["NAME"])
    connection.settings_dict["TEST"]["NAME"] = (
        str(folder / "catalogue.sqlite3")
        if connection.vendor == "sqlite"
        else f"{name}_bench_scratch"
    )
    connection.close()
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        # What pages look up beside the database.
        with override_settings(DATA_DIR=folder, ALLOWED_HOSTS=[*settings.ALLOWED_HOSTS, "bench"]):
            yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def fill(*, images: int, tags: int) -> None:
    """Add that many images and tags, and what goes with them, to an empty catalogue.

    Every other image is in an album that is private to others than the account `VIEWER`, has the
    first tag and the first label, and is of the first import.
    """
    with transaction.atomic():
        _add_accounts()
        tag_rows = add_rows(Tag(name=f"tag {n:05}") for n in range(tags))
        album_rows = add_rows(Album(name=f"album {n:03}") for n in range(_ALBUMS))
        private = Album.objects.create(name="private")
        AlbumGroup.objects.create(album=private, group=Group.objects.create(name="others"))
        image_rows = add_rows(_image(n) for n in range(images))
        add_rows(
            Region(image=image, kind=kind, ordinal=0, x0=0, y0=0, x1=9, y1=9, label=label)
            for n, image in enumerate(image_rows)
            for kind, label in (("whole", ""), ("object", f"label {_half_first(n, _LABELS)}"))
        )
        _link(
            Image.tags.through,
            "tag",
            [(i, tag_rows[_half_first(n, tags)]) for n, i in enumerate(image_rows)],
        )
        albums = [(image, album_rows[n % _ALBUMS]) for n, image in enumerate(image_rows)]
        albums += [(image, private) for image in image_rows[::2]]
        _link(Image.albums.through, "album", albums)
        imports = add_rows(Import(source=f"folder {n}", state="finished") for n in range(_IMPORTS))
        met = [(i, imports[_half_first(n, _IMPORTS)]) for n, i in enumerate(image_rows)]
        _link(Import.images.through, "import", met)
        add_rows(
            JobRecord(name=task_names.INDEX_IMAGES, queue="bulk", state="succeeded")
            for _ in range(images // 10)
        )
        add_rows(
            AuditEntry(
                actor_name=KEEPER,
                action=AuditEntry.Action.CHANGED,
                object_type="catalog.image",
                object_id=str(image.pk),
                details={"title": ["", image.title]},
            )
            for image in image_rows
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _add_accounts() -> None:
    User.objects.create(username=KEEPER, is_staff=True, is_superuser=True)
    viewer = User.objects.create(username=VIEWER, is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))


def _image(number: int) -> Image:
    now = timezone.now() - timedelta(minutes=number)
    failed, queued, binned, is_rare = (number % _RARE == rest for rest in range(4))
    status = Image.Status.FAILED if failed else Image.Status.INDEXED
    return Image(
        sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        format=("jpeg", "png", "webp")[number % 3],
        width=1200,
        height=800,
        file_bytes=100_000 + number,
        title=f"{COMMON_WORD} {FAIR_WORD * (number % _FAIR == 0)} {RARE_WORD * is_rare}",
        path=f"folder {number % _FOLDERS:03}/{number}.jpg",
        source="/pictures",
        owner=f"owner {number % _OWNERS}",
        licence=f"licence {number % _LICENCES}",
        medium=Image.Medium.values[number % 3],
        status=Image.Status.QUEUED if queued else status,
        error_code="image:user:broken" if failed else "",
        indexed_at=now if status == Image.Status.INDEXED and not queued else None,
        binned_at=now if binned else None,
    )


def _half_first(number: int, count: int) -> int:
    """Return 0 for every other number, else one below the count."""
    return number % count if number % 2 else 0


def add_rows(rows: Iterable[Any]) -> list[Any]:
    """Add rows of one model, and return them."""
    made = list(rows)
    if made:
        type(made[0])._default_manager.bulk_create(made, batch_size=_ROWS_AT_ONCE)
    return made


def _link(through: type[Model], field: str, pairs: list[tuple[Any, Any]]) -> None:
    add_rows(through(image_id=image.pk, **{f"{field}_id": row.pk}) for image, row in pairs)
