from pathlib import Path

import psutil
import pytest

from config.env import read_env
from deploy.local import memory

GIBIBYTE = 1024**3
SHORT = "only 2048 MiB of memory are free"


@pytest.mark.parametrize(
    ("asked", "available", "processes", "said"),
    [
        pytest.param("", 3 * GIBIBYTE, 2, [], id="enough"),
        pytest.param("5", 3 * GIBIBYTE, 5, [], id="enough-and-asked"),
        pytest.param(
            "",
            2 * GIBIBYTE,
            1,
            [f"{SHORT}: pictures are indexed by one process instead of two, at half the pace"],
            id="short",
        ),
        pytest.param(
            "3",
            2 * GIBIBYTE,
            3,
            [f"{SHORT}: should parts end for lack of it, set BULK_PROCESSES=1"],
            id="short-and-asked",
        ),
    ],
)
def test_where_memory_is_short_one_process_indexes(
    monkeypatch: pytest.MonkeyPatch, asked: str, available: int, processes: int, said: list[str]
) -> None:
    monkeypatch.setenv("BULK_PROCESSES", asked)
    sentences: list[str] = []

    found = memory.bulk_processes(
        read_env(), say=sentences.append, available_bytes=lambda: available
    )

    assert (found, sentences) == (processes, said)


@pytest.mark.parametrize(
    ("cores", "available", "processes"),
    [
        pytest.param(2, 3 * GIBIBYTE, 1, id="few-cores"),
        pytest.param(16, 4 * GIBIBYTE, 2, id="16-cores"),
        pytest.param(128, 64 * GIBIBYTE, 4, id="many-cores"),
        pytest.param(128, 3 * GIBIBYTE, 2, id="many-cores-and-room-for-two"),
        pytest.param(128, 1 * GIBIBYTE, 1, id="short"),
    ],
)
def test_searches_have_a_process_for_eight_cores_as_far_as_memory_goes(
    monkeypatch: pytest.MonkeyPatch, cores: int, available: int, processes: int
) -> None:
    monkeypatch.setenv("QUERY_PROCESSES", "")
    sentences: list[str] = []

    found = memory.query_processes(
        read_env(), say=sentences.append, available_bytes=lambda: available, cores=cores
    )

    assert (found, sentences) == (processes, [])


@pytest.mark.parametrize(
    ("available", "said"),
    [
        (8 * GIBIBYTE, []),
        (
            2 * GIBIBYTE,
            [f"{SHORT}: should parts end for lack of it, set QUERY_PROCESSES=1"],
        ),
    ],
    ids=["enough", "short"],
)
def test_as_many_processes_answer_searches_as_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, available: int, said: list[str]
) -> None:
    monkeypatch.setenv("QUERY_PROCESSES", "6")
    sentences: list[str] = []

    found = memory.query_processes(
        read_env(), say=sentences.append, available_bytes=lambda: available, cores=2
    )

    assert (found, sentences) == (6, said)


@pytest.mark.parametrize(("queries", "processes"), [(1, 2), (2, 2), (3, 1)])
def test_what_searches_take_is_not_there_for_indexing(
    monkeypatch: pytest.MonkeyPatch, queries: int, processes: int
) -> None:
    monkeypatch.setenv("BULK_PROCESSES", "")

    found = memory.bulk_processes(
        read_env(),
        say=lambda _: None,
        query_processes=queries,
        available_bytes=lambda: 3 * GIBIBYTE,
    )

    assert found == processes


@pytest.mark.parametrize(
    ("limit", "used", "available"),
    [
        pytest.param("1000\n", "400\n", 600, id="a-limit"),
        pytest.param("1000\n", "1400\n", 0, id="over-it"),
        pytest.param("max\n", "400\n", None, id="no-limit"),
        pytest.param(None, None, None, id="no-container"),
    ],
)
def test_a_containers_limit_counts(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    limit: str | None,
    used: str | None,
    available: int | None,
) -> None:
    for name, text in (("_CONTAINER_LIMIT", limit), ("_CONTAINER_USED", used)):
        monkeypatch.setattr(memory, name, tmp_path / name)
        if text is not None:
            (tmp_path / name).write_text(text)
    whole = type("Memory", (), {"available": 5 * GIBIBYTE})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: whole)

    assert memory.memory_available() == (5 * GIBIBYTE if available is None else available)
