"""Where a checkpoint's files are: in a folder, in the hub's cache on disk, or on the hub itself."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from huggingface_hub import (
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # of the HTTP library in use
    HTTPError as TransportError,
)
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, unlisted

from ml.errors import CheckpointMismatch, EncoderKnowsNoWords, WeightsUnavailable
from ml.weights.files import (
    CONFIG,
    PREPROCESSORS,
    TOKENIZER,
    TOKENIZER_OPTIONS,
    WEIGHTS,
    Checkpoint,
    sha256_of,
    shards,
    weights_files,
)
from ml.weights.pins import Pin, Pins, is_commit

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hub:
    """The model hub as seen from this machine. Owns no state but the cache folder.

    Attributes:
        cache_dir: where downloads are kept; None is the hub library's own folder.
        endpoint: address of the hub; None is the hub library's own.
        is_offline: only look on disk.
        timeout_s: how long the hub may take to say that it has a checkpoint, before it counts as
            unreachable. The hub library itself would try again for 20 s.
    """

    cache_dir: Path | None = None
    endpoint: str | None = None
    is_offline: bool = False
    timeout_s: float = 4.0

    def locate(self, reference: str) -> Checkpoint:
        """Return where the checkpoint lies, after downloading what is not on disk yet.

        Args:
            reference: a folder, or a hub id such as "openai/clip-vit-base-patch32", with
                "@revision" behind it where not the main one is meant. What was downloaded once
                is taken from disk, without asking the hub for a newer one; a hub id stands for
                the commit and the weights of its first load, see `ml.weights.pins`.

        Raises:
            WeightsUnavailable: no such folder or hub id, or the hub cannot be reached.
            CheckpointMismatch: the folder or repository lacks a file that is needed, the weights
                are not those of the first load, or the record of it is damaged.
        """
        folder = Path(reference).expanduser()
        if folder.is_dir():
            digest = sha256_of(weights_files(folder))
            return Checkpoint(folder=folder, weights=folder.resolve().name, sha256=digest)
        wanted = self._wanted(reference)
        folder = self._found(wanted)
        digest = sha256_of(weights_files(folder))
        if is_commit(wanted.revision) and folder.name != wanted.revision:
            raise CheckpointMismatch(
                f"The model hub gave commit {folder.name} for {wanted}.", reference=reference
            )
        self._pins.check(wanted.name, Pin(sha256=digest, commit=folder.name), location=folder)
        weights = f"{wanted.repo_id}@{folder.name}"
        return Checkpoint(folder=folder, weights=weights, sha256=digest)

    def locate_with_tokenizer(self, reference: str) -> Checkpoint:
        """Return where a checkpoint lies, its tokenizer's files of the same commit beside it.

        Args:
            reference: as for `locate`.

        Raises:
            EncoderKnowsNoWords: it has no tokenizer that is read here.
            WeightsUnavailable: also, where the tokenizer cannot be fetched.
            CheckpointMismatch: as `locate`.
        """
        found = self.locate(reference)
        if not Path(reference).expanduser().is_dir():
            repo_id, commit = found.weights.split("@")
            self._fetch_tokenizer(repo_id, commit)
        if not (found.folder / TOKENIZER).is_file():
            raise EncoderKnowsNoWords(
                f"{found.weights} has no {TOKENIZER}: it knows no words.", weights=found.weights
            )
        return found

    def availability(self, reference: str) -> tuple[bool, str]:
        """Return whether `locate` is likely to succeed, and why, within about `timeout_s`.

        Nothing is downloaded: of the hub only the presence of the configuration is asked. Of a hub
        id that was loaded before, the commit of that load is looked for; its weights are not read.
        """
        folder = Path(reference).expanduser()
        if folder.is_dir():
            return True, f"{reference} is a folder on this machine"
        try:
            wanted = self._wanted(reference)
        except (WeightsUnavailable, CheckpointMismatch) as err:
            return False, str(err).rstrip(".")
        try:
            self._fetch(wanted, from_disk=True)
        except (LocalEntryNotFoundError, CheckpointMismatch):
            if self.is_offline:
                return False, f"{wanted} is not on this machine"
        else:
            return True, f"{wanted} is on this machine"
        refusal = self._refusal(wanted)
        if refusal is None:
            return True, f"the model hub has {wanted}"
        return False, self._why(wanted, refusal)

    @property
    def _pins(self) -> Pins:
        return Pins(Path(HF_HUB_CACHE) if self.cache_dir is None else self.cache_dir)

    def _wanted(self, reference: str) -> "_Wanted":
        """Return what a hub id stands for on this machine.

        Raises:
            WeightsUnavailable: it is no hub id.
            CheckpointMismatch: the record of first loads is damaged.
        """
        repo_id, revision = _parsed(reference)
        name = f"{repo_id}@{revision or 'main'}"
        pin = self._pins.find(name)
        return _Wanted(name, repo_id, pin.commit if pin else revision)

    def _found(self, wanted: "_Wanted") -> Path:
        """Return the folder of a checkpoint, after downloading it where it is not on disk."""
        try:
            return self._fetch(wanted, from_disk=True)
        except LocalEntryNotFoundError as err:
            if self.is_offline:
                raise WeightsUnavailable(
                    f"The weights of {wanted} are not on this machine.", reference=wanted.name
                ) from err
        refusal = self._refusal(wanted)
        if refusal is not None:
            why = self._why(wanted, refusal)
            raise WeightsUnavailable(why, reference=wanted.name) from refusal
        logger.info(
            "downloading weights", extra={"repo_id": wanted.repo_id, "revision": wanted.revision}
        )
        try:
            return self._fetch(wanted, from_disk=False)
        except _REFUSALS as err:
            raise WeightsUnavailable(self._why(wanted, err), reference=wanted.name) from err

    def _refusal(self, wanted: "_Wanted") -> Exception | None:
        """Ask the hub whether it has the checkpoint; None means that it has."""
        url = hf_hub_url(wanted.repo_id, CONFIG, revision=wanted.revision, endpoint=self.endpoint)
        ask = partial(get_hf_file_metadata, url, timeout=self.timeout_s, endpoint=self.endpoint)
        return within(self.timeout_s, ask)

    def _fetch(self, wanted: "_Wanted", *, from_disk: bool) -> Path:
        """Find or download every needed file of one commit; return the folder that they are in."""
        get = partial(
            hf_hub_download,
            wanted.repo_id,
            cache_dir=self.cache_dir,
            endpoint=self.endpoint,
            local_files_only=from_disk,
        )
        folder = Path(get(CONFIG, revision=wanted.revision)).parent
        # The snapshot's folder is the commit: the other files must not come from a newer one.
        get = partial(get, revision=folder.name)
        _first_present(get, PREPROCESSORS, wanted.repo_id)
        found = _first_present(get, WEIGHTS, wanted.repo_id)
        if found.suffix == ".json":
            for shard in shards(found):
                get(shard)
        return folder

    def _fetch_tokenizer(self, repo_id: str, commit: str) -> None:
        """Download the tokenizer of a commit, unless it is on disk or the commit has none.

        Raises:
            WeightsUnavailable: the hub does not give it just now.
        """
        known = try_to_load_from_cache(
            repo_id, TOKENIZER, cache_dir=self.cache_dir, revision=commit
        )
        if known is not None or self.is_offline:
            return
        wanted = _Wanted(f"{repo_id}@{commit}", repo_id, commit)
        refusal = self._refusal(wanted)
        if refusal is not None:
            raise WeightsUnavailable(self._why(wanted, refusal), reference=wanted.name) from refusal
        # The one that says that all are there comes last.
        for name in (*TOKENIZER_OPTIONS, TOKENIZER):
            try:
                hf_hub_download(
                    repo_id,
                    name,
                    revision=commit,
                    cache_dir=self.cache_dir,
                    endpoint=self.endpoint,
                )
            except _REFUSALS as err:
                is_elsewhere = isinstance(err, LocalEntryNotFoundError)  # nobody could be asked
                if isinstance(err, EntryNotFoundError) and not is_elsewhere:
                    continue
                raise WeightsUnavailable(self._why(wanted, err), reference=wanted.name) from err

    def _why(self, wanted: "_Wanted", refusal: Exception) -> str:
        if isinstance(refusal, RevisionNotFoundError):
            if self._pins.find(wanted.name) is None:
                return f"the model hub has no such revision of {wanted.repo_id}"
            return (
                f"the model hub no longer has {wanted}, the commit of the first load; to load what "
                f"it has now, take {wanted.name} out of {self._pins.path}"
            )
        return _why(str(wanted), refusal)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A checkpoint of the hub that is asked for.

    Attributes:
        name: hub id@branch, tag or commit, as the record of first loads has it.
        repo_id: hub id.
        revision: commit of the first load; before that what was asked for, None for nothing.
    """

    name: str
    repo_id: str
    revision: str | None

    def __str__(self) -> str:
        """How a person is told what is meant."""
        return f"{self.repo_id}@{self.revision}" if self.revision else self.repo_id


_REFUSALS = (
    EntryNotFoundError,
    OfflineModeIsEnabled,
    TransportError,
    XetDownloadError,
    OSError,
)


def within(timeout_s: float, ask: Callable[[], object]) -> Exception | None:
    """Return None when `ask` succeeds in time, else the error with which it was refused.

    A thread of its own, because the system's name lookup heeds no timeout.
    """
    outcome: list[Exception | None] = []

    def run() -> None:
        try:
            ask()
        except _REFUSALS as err:
            outcome.append(err)
        else:
            outcome.append(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout_s)
    return outcome[0] if outcome else TimeoutError(f"no answer within {timeout_s:.0f} s")


def _parsed(reference: str) -> tuple[str, str | None]:
    repo_id, _, revision = reference.partition("@")
    is_hub_id = repo_id.count("/") <= 1 and repo_id[:1] not in ("/", ".", "~", "")
    if not is_hub_id:
        raise WeightsUnavailable(f"There is no folder {reference}.", reference=reference)
    try:
        validate_repo_id(repo_id)
    except HFValidationError as err:
        raise WeightsUnavailable(
            f"{reference} is neither a folder nor a hub id.", reference=reference
        ) from err
    return repo_id, revision or None


def _first_present(get: Callable[[str], str], names: Sequence[str], repo_id: str) -> Path:
    absent_on_disk: LocalEntryNotFoundError | None = None
    for name in names:
        try:
            return Path(get(name))
        except LocalEntryNotFoundError as err:
            absent_on_disk = err
        except EntryNotFoundError:
            continue
    if absent_on_disk is not None:
        raise absent_on_disk
    raise CheckpointMismatch(
        f"{repo_id} on the model hub has none of {', '.join(names)}.", repo_id=repo_id
    )


def _why(reference: str, refusal: Exception) -> str:
    if isinstance(refusal, GatedRepoError):
        return f"{reference} can be had from the model hub only by accounts that were let in"
    if isinstance(refusal, RepositoryNotFoundError):
        return f"the model hub has no {reference}"
    if isinstance(refusal, HfHubHTTPError):
        return f"the model hub refused {reference}"
    if isinstance(refusal, OSError) and refusal.errno is not None:
        return f"{reference} cannot be stored on this machine: {refusal.strerror}"
    return f"{reference} is not on this machine and the model hub cannot be reached"
