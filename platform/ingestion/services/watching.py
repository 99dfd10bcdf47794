"""Watched folders: what is new in them becomes an import, where it lies. See ADR 31."""

import logging
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from audit_log import services as audit_log
from audit_log.models import AuditEntry
from ingestion.models import Import, ListedFiles, WatchedFolder
from ingestion.services.files import ImportOptions
from ingestion.services.life import cancel, hand_out_imports
from ingestion.services.opening import absolute, open_for_workers
from ingestion.services.plans import ImportPlan
from ingestion.services.recording import State, audit_start
from ingestion.sources import Fingerprints, FolderSource, file_state, path_key
from kernel.errors import UserInputError

logger = logging.getLogger(__name__)

Action = AuditEntry.Action

# A file that two looks found the same is not being written: it is taken in 20 to 40 s after.
_LOOK_EVERY_S = 20.0
# At least four times as long as the last look took, so that a slow disk is not read all the time.
_REST = 4
# While it goes through a folder, a look says so often that it lives; silent so long, it is gone.
_SAY_EVERY_S = 5.0
_SILENT_AFTER = timedelta(minutes=2)


def watch(path: str, *, options: ImportOptions, added_by_id: int | None) -> WatchedFolder:
    """Have a folder watched, and all that is in it taken in.

    Raises:
        UserInputError: "import:user:outside-roots", "folder:user:no-folder", "folder:user:watched".
    """
    if not isinstance(open_for_workers(path), FolderSource):
        raise UserInputError("folder:user:no-folder")
    with transaction.atomic():
        said = {
            "options": options.to_json(),
            "added_by_id": added_by_id,
            "by_account": added_by_id is not None,
        }
        folder, is_new = WatchedFolder.objects.get_or_create(path=absolute(path), defaults=said)
        if not is_new:
            raise UserInputError("folder:user:watched")
        audit_log.record(Action.ADDED, folder, actor_id=added_by_id)
    return folder


@transaction.atomic
def pause_watching(folder: WatchedFolder, *, is_paused: bool, by_id: int | None) -> bool:
    """Have no more looks, or look again; False where it is so already.

    An import that a look began goes on; a look that is under way is void.
    """
    others = WatchedFolder.objects.filter(pk=folder.pk, is_paused=not is_paused)
    if not others.update(is_paused=is_paused, next_look_at=timezone.now(), looking_at=None):
        return False
    details = {"is_paused": [not is_paused, is_paused]}
    audit_log.record(Action.CHANGED, folder, actor_id=by_id, details=details)
    return True


@transaction.atomic
def stop_watching(folder: WatchedFolder, *, by_id: int | None) -> None:
    """Forget a folder and cancel the import of it that goes on; what was taken in stays."""
    # Locked, so that no look begins an import meanwhile.
    row = WatchedFolder.objects.select_for_update().filter(pk=folder.pk).first()
    if row is None:
        return
    audit_log.record(Action.DELETED, row, actor_id=by_id)
    if row.last_import is not None:
        cancel(row.last_import)
    row.delete()


class FolderWatch:
    """Looks at the watched folders, and remembers of each what was new at the last look."""

    def __init__(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Begin without a memory: what is new is met twice before it is taken in.

        Args:
            is_over: asked during a look; whether to leave it.
        """
        self._is_over = is_over
        self._met: dict[int, Fingerprints] = {}

    def look(self) -> int:
        """Look at every folder whose time has come; return how many imports that began.

        A folder whose last import has not ended is left alone, and so is one that another process
        looks at.
        """
        due = WatchedFolder.objects.filter(is_paused=False, next_look_at__lte=timezone.now())
        return sum(self._look_at(pk) for pk in list(due.values_list("pk", flat=True)))

    def _look_at(self, pk: int) -> bool:
        folder = _claim(pk)
        if folder is None:
            return False
        begun = time.monotonic()
        passed_over: Counter[str] = Counter()
        new, error = Fingerprints.of(()), None
        try:
            new = Fingerprints.of(self._unknown(folder, passed_over))
        except UserInputError as refusal:
            error = refusal
        except _Left:
            return False
        settled = new & self._met.get(pk, Fingerprints.of(()))
        self._met[pk] = new
        folder.error_code = "" if error is None else error.code
        folder.error_context = {} if error is None else dict(error.context)
        folder.passed_over = dict(passed_over)
        return _conclude(folder, settled, took_s=time.monotonic() - begun)

    def _unknown(
        self, folder: WatchedFolder, passed_over: Counter[str]
    ) -> Iterator[tuple[int, int]]:
        """Yield key and state of each file that is new or was written again.

        Raises:
            UserInputError: the folder is none, may not be read, or lies outside of the roots.
            _Left: the look is over before its end.
        """
        source = open_for_workers(folder.path)
        source.check()
        if not isinstance(source, FolderSource) or source.path.is_file():
            raise UserInputError("folder:user:missing", folder=source.name)
        known = Fingerprints.from_bytes(folder.known)
        said_at = time.monotonic()
        for found in source.find(passed_over):
            if time.monotonic() - said_at > _SAY_EVERY_S:
                self._say_alive(folder)
                said_at = time.monotonic()
            try:
                facts = os.stat(f"{source.path}/{found.name}")  # noqa: PTH116  # see FoundFile
            except (OSError, ValueError):  # gone meanwhile, or a link to nothing
                continue
            if stat.S_ISDIR(facts.st_mode):
                if not found.name:
                    raise UserInputError("folder:user:unreadable", folder=source.name)
                passed_over["closed"] += 1
            elif stat.S_ISREG(facts.st_mode):
                key, state = path_key(found.name), file_state(facts)
                if not known.has(key, state):
                    yield key, state

    def _say_alive(self, folder: WatchedFolder) -> None:
        if self._is_over():
            WatchedFolder.objects.filter(pk=folder.pk, looks=folder.looks).update(looking_at=None)
            raise _Left
        if not _ours(folder).update(looking_at=timezone.now()):
            raise _Left


class _Left(Exception):
    """A look is not wanted any more."""


def _claim(pk: int) -> WatchedFolder | None:
    """Return a folder that nobody else looks at, under a new number."""
    now = timezone.now()
    is_free = Q(looking_at=None) | Q(looking_at__lt=now - _SILENT_AFTER)
    with transaction.atomic():
        free = WatchedFolder.objects.filter(is_free, pk=pk, is_paused=False, next_look_at__lte=now)
        if not free.update(looking_at=now, looks=F("looks") + 1):
            return None
        folder = WatchedFolder.objects.defer("known").select_related("last_import").get(pk=pk)
    if folder.waits_for_import:
        _ours(folder).update(looking_at=None, next_look_at=_next(0))
        return None
    return folder


def _ours(folder: WatchedFolder) -> QuerySet[WatchedFolder]:
    """The folder, as long as no later look has begun and it was not paused."""
    return WatchedFolder.objects.filter(pk=folder.pk, looks=folder.looks, is_paused=False)


@transaction.atomic
def _conclude(folder: WatchedFolder, settled: Fingerprints, *, took_s: float) -> bool:
    """Record a look, and begin an import of what it found; return whether it did."""
    if not _ours(folder).select_for_update().values_list("pk", flat=True):
        return False
    folder.looking_at, folder.looked_at = None, timezone.now()
    folder.next_look_at = _next(took_s)
    changed = ["looking_at", "looked_at", "next_look_at"]
    changed += ["error_code", "error_context", "passed_over"]
    if settled:
        folder.known = (Fingerprints.from_bytes(folder.known) | settled).to_bytes()
        folder.last_import = _begin_import(folder, settled)
        changed += ["known", "last_import"]
    folder.save(update_fields=changed)
    if settled:
        hand_out_imports()
    return bool(settled)


def _next(took_s: float) -> datetime:
    return timezone.now() + timedelta(seconds=max(_LOOK_EVERY_S, _REST * took_s))


def _begin_import(folder: WatchedFolder, settled: Fingerprints) -> Import:
    now = timezone.now()
    current = Import.objects.create(
        source=folder.path,
        sources=[folder.path],
        options=folder.options,
        by_workers=True,
        state=State.RUNNING,
        plan=ImportPlan(files=len(settled)).to_json(),
        total=len(settled),
        recorded_at=now,
        started_by_id=folder.added_by_id,
        by_account=folder.by_account,
    )
    ListedFiles.objects.create(of=current, paths=settled.paths())
    audit_start(current)
    logger.info("watched folder has new files", extra={"files": len(settled)})
    return current
