"""What is done to the product, one kind after another, round after round."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from errno import ENOSPC

import psutil

from tests.faults.product import Product, is_root

# So long a stopped part stays stopped, if nobody ends it, and the machine starved.
STOPPED_S, STARVED_S = 45.0, 20.0
# What is asked of the supervisor: a part that was killed, or hangs, is back.
MAX_BACK_S = {"killed": 10.0, "stopped": 30.0}
_PATIENCE_S = 120.0
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a round ended.

    Attributes:
        back_s: until the part was up again; None where nothing had to come back.
        downs: other parts that went down, and were started again.
        problem: what should not have been; empty where all was well.
    """

    back_s: float | None = None
    downs: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of harm."""

    name: str
    do: Callable[[Product], Outcome]
    ends_site: bool = False


def faults(roles: list[str]) -> Iterator[Fault]:
    """Yield every kind of harm: each part killed and stopped, and the data folder's troubles."""
    for role in roles:
        ends_site = role == "web"
        yield Fault(f"{role} killed", lambda product, role=role: _kill(product, role), ends_site)
        yield Fault(f"{role} stopped", lambda product, role=role: _stop(product, role), ends_site)
    yield Fault("database locked", _lock_database)
    if is_root():
        yield Fault("disk full", _fill_disk)
        yield Fault("files read-only", _forbid_writing)


def _kill(product: Product, role: str) -> Outcome:
    since = time.monotonic()
    product.signal(role, signal.SIGKILL)
    return _judge(product, role, "killed", since)


def _stop(product: Product, role: str) -> Outcome:
    since = time.monotonic()
    stopped = product.signal(role, signal.SIGSTOP)
    outcome = _judge(product, role, "stopped", since)
    while time.monotonic() < since + STOPPED_S and any(map(_is_stopped, stopped)):
        time.sleep(0.5)
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)
    return outcome


def _is_stopped(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def _judge(product: Product, role: str, harm: str, since: float) -> Outcome:
    back_s = product.back_s(role, since=since, timeout_s=_PATIENCE_S)
    if back_s is None:
        return Outcome(problem=f"{role} did not come back within {_PATIENCE_S:g} s")
    is_late = back_s > MAX_BACK_S[harm]
    problem = f"took longer than {MAX_BACK_S[harm]:g} s" if is_late else ""
    return Outcome(back_s, tuple(set(product.downs(since=since)) - {role}), problem)


def _lock_database(product: Product) -> Outcome:
    since = time.monotonic()
    path = product.data_dir / "db.sqlite3"
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(STARVED_S)
        connection.execute("ROLLBACK")
    return Outcome(downs=tuple(set(product.downs(since=since))))


def _fill_disk(product: Product) -> Outcome:
    since = time.monotonic()
    filler = product.data_dir / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            for size in (_MIB, 1024, 1):
                _write_until_full(file.fileno(), bytes(size))
        time.sleep(STARVED_S)
    finally:
        filler.unlink()
    return Outcome(downs=tuple(set(product.downs(since=since))))


def _write_until_full(descriptor: int, block: bytes) -> None:
    try:
        while True:
            os.write(descriptor, block)
    except OSError as error:
        if error.errno != ENOSPC:
            raise


def _forbid_writing(product: Product) -> Outcome:
    since = time.monotonic()
    media = str(product.data_dir / "media")
    subprocess.run(["mount", "--bind", media, media], check=True)
    try:
        while subprocess.run(["mount", "-o", "remount,bind,ro", media]).returncode:
            time.sleep(0.05)  # a file is being written just now
        time.sleep(STARVED_S)
    finally:
        subprocess.run(["umount", "--lazy", media], check=True)
    return Outcome(downs=tuple(set(product.downs(since=since))))
