"""The shards of one data folder: one a collection, behind one lock.

On disk::

    <data>/lock               held by the process that owns the folder
    <data>/collections.json   {"format": 1, "collections": {name: {"dim": D}}, "aliases": {}}
    <data>/collections/<name> one Edge shard each
"""

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import qdrant_edge as edge
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

from vectors.edge.errors import AlreadyExists, EdgeCannotStart, EdgeFailed, NotFound, RequestRefused
from vectors.edge.mapping import new_shard_config

logger = logging.getLogger(__name__)

# Seconds between flushes of what was written: what a power cut may cost (a killed process costs
# nothing), and how long the write-ahead log grows.
FLUSH_INTERVAL_S = 3.0

_FORMAT = 1
# Names are folder names: nothing that leads out of the folder or hides in it.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class CollectionRecord(BaseModel):
    """What is written down about one collection; its distance is always cosine."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dim: PositiveInt


class CollectionList(BaseModel):
    """The content of ``collections.json``.

    Earlier releases kept an alias there, which nothing read. It is passed over, and its place kept,
    so that each release opens what the other wrote.
    """

    model_config = ConfigDict(extra="forbid")
    format: int
    collections: dict[str, CollectionRecord]
    aliases: dict[str, str]


@dataclass(slots=True)
class Collection:
    """An open shard. Every call blocks and holds the interpreter lock."""

    name: str
    dim: int
    shard: edge.EdgeShard
    has_unflushed: bool

    def update(self, operation: edge.UpdateOperation) -> None:
        """Apply an update; when this returns, it survives the death of this process (WAL)."""
        self.has_unflushed = True
        with edge_errors():
            self.shard.update(operation)

    def flush(self) -> None:
        """Write everything to disk, so that it survives a power cut, and let the WAL shrink."""
        if self.has_unflushed:
            with edge_errors():
                self.shard.flush()
            self.has_unflushed = False


class Store:
    """Owns a data folder from ``open`` to ``close``. It speaks no HTTP and is for one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Not the kind that a killed process leaves behind, where the file system has no locks.
        self._lock = FileLock(
            folder / "lock", timeout=0, thread_local=False, fallback_to_soft=False
        )
        self._collections: dict[str, Collection] = {}

    def open(self) -> None:
        """Take the folder, making it where it is missing, and open every shard in it.

        Raises:
            EdgeCannotStart: the folder is another process's, not writable, or damaged.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._shards_folder.mkdir(exist_ok=True, mode=0o700)
            self._take_lock()
            catalogue = self._read()
        except OSError as err:
            raise EdgeCannotStart(f"The data folder {self._folder} cannot be used: {err}.") from err
        for name, record in catalogue.collections.items():
            # What was replayed from the log of a killed process is not flushed yet.
            self._collections[name] = Collection(
                name, record.dim, self._load(name), has_unflushed=True
            )

    def close(self) -> None:
        """Flush and close every shard and give the folder up."""
        self.flush()
        for collection in self._collections.values():
            collection.shard.close()
        self._collections.clear()
        self._lock.release()

    def flush(self) -> None:
        """Flush what was written since the last time; one that fails is tried again next time."""
        for collection in self._collections.values():
            try:
                collection.flush()
            except EdgeFailed:
                logger.exception("flush failed", extra={"collection": collection.name})

    @property
    def names(self) -> list[str]:
        """The names of all collections, ascending."""
        return sorted(self._collections)

    def get(self, name: str) -> Collection:
        """Return the collection with this name.

        Raises:
            NotFound: there is none.
        """
        found = self._collections.get(name)
        if found is None:
            raise NotFound(f"Not found: Collection `{name}` doesn't exist!")
        return found

    def has(self, name: str) -> bool:
        """Return whether there is a collection of this name."""
        return name in self._collections

    def create(self, name: str, dim: int) -> None:
        """Create an empty collection.

        Raises:
            AlreadyExists: a collection has this name.
            RequestRefused: the name cannot be a folder's.
        """
        if self.has(name):
            raise AlreadyExists(f"Wrong input: Collection `{name}` already exists!")
        if not _NAME.fullmatch(name):
            raise RequestRefused(f"Collection name {name!r} is not allowed")
        path = self._shards_folder / name
        with edge_errors():
            if path.exists():  # left by a death between creating or dropping and writing it down
                shutil.rmtree(path)
            shard = edge.EdgeShard.create(str(path), new_shard_config(dim))
            shard.flush()
            self._write({**self._dims, name: dim})
        self._collections[name] = Collection(name, dim, shard, has_unflushed=False)

    def drop(self, name: str) -> bool:
        """Delete a collection; return whether there was one.

        The catalogue forgets it first: a death in between leaves a folder that nobody reads.
        """
        if name not in self._collections:
            return False
        dims = {other: dim for other, dim in self._dims.items() if other != name}
        with edge_errors():
            self._write(dims)
            self._collections.pop(name).shard.close()
            shutil.rmtree(self._shards_folder / name)
        return True

    @property
    def _dims(self) -> dict[str, int]:
        return {collection.name: collection.dim for collection in self._collections.values()}

    @property
    def _shards_folder(self) -> Path:
        return self._folder / "collections"

    @property
    def _catalogue_path(self) -> Path:
        return self._folder / "collections.json"

    def _take_lock(self) -> None:
        # Edge's own WAL lock only speaks once a shard is opened, and an empty folder has none.
        try:
            self._lock.acquire()
        except Timeout:
            raise EdgeCannotStart(
                f"Another process already serves the data folder {self._folder}."
            ) from None

    def _read(self) -> CollectionList:
        if not self._catalogue_path.exists():
            if any(self._shards_folder.iterdir()):
                raise self._damaged(
                    f"{self._catalogue_path} is missing although there are collections beside it."
                )
            self._write({})
        try:
            catalogue = CollectionList.model_validate_json(self._catalogue_path.read_bytes())
        except ValidationError as err:
            reason = err.errors()[0]["msg"]
            raise self._damaged(f"{self._catalogue_path} is damaged: {reason}.") from err
        if catalogue.format != _FORMAT:
            raise EdgeCannotStart(
                f"{self._catalogue_path} is of another version than this program."
            )
        return catalogue

    def _load(self, name: str) -> edge.EdgeShard:
        path = self._shards_folder / name
        if not path.is_dir():
            raise self._damaged(f"The folder {path} of the collection {name} is missing.")
        try:
            with edge_errors():
                return edge.EdgeShard.load(str(path))
        except EdgeFailed as err:
            raise self._damaged(
                f"The collection {name} in {path} cannot be opened: {err}."
            ) from err

    def _damaged(self, what: str) -> EdgeCannotStart:
        """Return what is wrong and the way out: all that is kept here can be made anew."""
        return EdgeCannotStart(
            f"{what} Nothing here is the only copy: move {self._folder} away, start again, and "
            "`manage.py audit --repair` has every picture indexed anew."
        )

    def _write(self, dims: Mapping[str, int]) -> None:
        """Replace the catalogue in one step that survives a power cut."""
        content = {
            "format": _FORMAT,
            "collections": {name: {"dim": dim} for name, dim in dims.items()},
            "aliases": {},
        }
        temporary = self._catalogue_path.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8") as out:
            json.dump(content, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(self._catalogue_path)
        _sync_folder(self._folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def edge_errors() -> Iterator[None]:
    """Turn what Edge or the disk raises inside into ``EdgeFailed``."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    # Edge raises bare Exception and nothing narrower, and of some damaged files a panic, which is a
    # BaseException that cannot be imported.
    except BaseException as err:
        raise EdgeFailed(f"{type(err).__name__}: {err}") from err
