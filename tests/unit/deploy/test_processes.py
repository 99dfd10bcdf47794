"""The topology that the environment asks for."""

import itertools
import os
import runpy
import sys
from pathlib import Path

import pytest

from config.env import WEB_THREADS, Env, read_env
from deploy.local.children import Process
from deploy.local.processes import build, web_address

ALL = [
    "prepare_database",
    "broker",
    "vectors",
    "prepare",
    "query",
    "bulk",
    "maintenance",
    "web",
]


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("BROKER_URL", "QDRANT_URL", "WEB_HOST", "WEB_PORT", "WEB_WORKERS", "VECTORS_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return monkeypatch


def names(env: Env) -> list[str]:
    return [process.name for process in build(env)]


def test_everything_embedded_is_started_in_this_order(variables: pytest.MonkeyPatch) -> None:
    assert names(read_env()) == ALL


def test_each_process_needs_only_what_stands_before_it(variables: pytest.MonkeyPatch) -> None:
    before: set[str] = set()
    for process in build(read_env()):
        assert set(process.needs) <= before
        before.add(process.name)


@pytest.mark.parametrize(
    ("variable", "value", "left_out"),
    [
        ("BROKER_URL", "redis://elsewhere:6379/0", "broker"),
        ("QDRANT_URL", "http://elsewhere:6333", "vectors"),
    ],
)
def test_a_part_that_is_elsewhere_is_not_started(
    variables: pytest.MonkeyPatch, variable: str, value: str, left_out: str
) -> None:
    variables.setenv(variable, value)
    processes = build(read_env())
    assert [process.name for process in processes] == [name for name in ALL if name != left_out]
    assert all(left_out not in process.needs for process in processes)


@pytest.mark.parametrize(
    ("host", "bind"),
    [("::", "[::]:8123"), ("0.0.0.0", "0.0.0.0:8123")],  # noqa: S104  # read only
)
def test_the_web_process_takes_address_and_size_from_the_environment(
    variables: pytest.MonkeyPatch, host: str, bind: str
) -> None:
    for name, value in (("WEB_HOST", host), ("WEB_PORT", "8123"), ("WEB_WORKERS", "5")):
        variables.setenv(name, value)
    web = build(read_env())[-1]
    config = "python:config.gunicorn"
    assert web.argv[-6:] == (sys.executable, "-m", "gunicorn", "--config", config, "config.wsgi")
    settings = runpy.run_module("config.gunicorn")
    assert (settings["bind"], settings["workers"], settings["threads"]) == (bind, 5, WEB_THREADS)


def threads_of(process: Process) -> set[str]:
    return {argument for argument in process.argv if argument.startswith("WORKER_THREADS=")}


@pytest.mark.parametrize(
    ("count", "queries", "threads"),
    [(1, ["query"], 16), (2, ["query1", "query2"], 8), (3, ["query1", "query2", "query3"], 5)],
)
def test_the_processes_that_answer_searches_share_the_cores(
    variables: pytest.MonkeyPatch, count: int, queries: list[str], threads: int
) -> None:
    variables.setattr(os, "cpu_count", lambda: 16)

    processes = build(read_env(), query_processes=count)

    found = [process for process in processes if process.name.startswith("query")]
    assert [process.name for process in found] == queries
    for process in found:
        assert ("--hostname", f"{process.name}@%h") in itertools.pairwise(process.argv)
        assert ("--queues", "query") in itertools.pairwise(process.argv)
        assert threads_of(process) == {f"WORKER_THREADS={threads}"}


def test_the_children_of_the_bulk_worker_share_the_cores(variables: pytest.MonkeyPatch) -> None:
    variables.setattr(os, "cpu_count", lambda: 16)

    [bulk] = [each for each in build(read_env(), bulk_processes=4) if each.name == "bulk"]

    assert threads_of(bulk) == {"WORKER_THREADS=4"}
    assert ("--concurrency", "4") in itertools.pairwise(bulk.argv)


def test_what_has_many_threads_keeps_memory_for_few(variables: pytest.MonkeyPatch) -> None:
    parts = [each for each in build(read_env()) if each.name in {"query", "bulk", "web"}]
    assert [
        {"OPENBLAS_NUM_THREADS=1", "MALLOC_ARENA_MAX=2"} - set(part.argv) for part in parts
    ] == [set(), set(), set()]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://localhost:8000/"),  # noqa: S104  # read, not bound
        ("::1", "http://[::1]:8000/"),
        ("pictures.example", "http://pictures.example:8000/"),
    ],
)
def test_the_address_is_one_that_this_machine_can_open(
    variables: pytest.MonkeyPatch, host: str, address: str
) -> None:
    variables.setenv("WEB_HOST", host)
    assert web_address(read_env()) == address


def test_workers_beside_the_site_leave_it_to_show_figures(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("METRICS_PORT", "9100")  # of which there is one for both of them
    workers = [process for process in build(read_env()) if process.name in {"query", "bulk"}]
    assert ["METRICS_PORT=" in worker.argv for worker in workers] == [True, True]
