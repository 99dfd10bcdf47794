import logging
from pathlib import Path

import numpy as np
import pytest

from ml.errors import CheckpointMismatch
from ml.runtime import graph_cache
from ml.runtime.library import core, openvino, ops


class Source:
    """A graph that adds a number, and how often it was read from its own file."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self) -> openvino.Model:
        self.reads += 1
        values = ops.parameter([1], np.float32)
        return openvino.Model([ops.add(values, np.float32([1.5]))], [values], "adds")


def result_of(graph: openvino.Model) -> float:
    [[result]] = core.compile_model(graph, "CPU")([np.float32([2])]).values()
    return float(result)


@pytest.fixture
def source() -> Source:
    return Source()


def files(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.rglob(f"*{ending}"))


def test_a_graph_is_read_from_its_own_file_once(source, tmp_path):
    results = [
        result_of(graph_cache.kept("adds-1", source, folder=tmp_path / "new")) for _ in range(3)
    ]

    assert (results, source.reads) == ([3.5, 3.5, 3.5], 1)


def test_other_weights_are_another_graph(source, tmp_path):
    graph_cache.kept("adds-1", source, folder=tmp_path)
    graph_cache.kept("adds-2", source, folder=tmp_path)

    assert source.reads == 2


def test_what_another_version_of_the_runtime_kept_is_not_used(
    source, tmp_path, monkeypatch, caplog
):
    graph_cache.kept("adds-1", source, folder=tmp_path)
    assert caplog.messages == []

    monkeypatch.setattr(openvino, "get_version", lambda: "2031.1")
    assert result_of(graph_cache.kept("adds-1", source, folder=tmp_path)) == 3.5

    assert source.reads == 2
    said = "adds-1 was kept by another version of the runtime: made anew."
    assert caplog.messages == [said]


@pytest.mark.parametrize("ending", [".xml", ".bin", ".json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "missing"])
def test_a_damaged_graph_is_made_anew_and_said(source, tmp_path, caplog, ending, damage):
    graph_cache.kept("adds-1", source, folder=tmp_path)
    [file] = files(tmp_path, ending)
    data = bytearray(file.read_bytes())
    if damage == "missing":
        file.unlink()
    else:
        data[0] ^= 1
        file.write_bytes(data if damage == "changed" else data[:-1])

    with caplog.at_level(logging.WARNING):
        again = graph_cache.kept("adds-1", source, folder=tmp_path)

    assert (result_of(again), source.reads) == (3.5, 2)
    assert [message.endswith("it is made anew.") for message in caplog.messages] == [True]
    graph_cache.kept("adds-1", source, folder=tmp_path)
    assert source.reads == 2


def test_where_nothing_can_be_kept_the_graph_is_read_each_time(source, tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")

    with caplog.at_level(logging.WARNING):
        results = [
            result_of(graph_cache.kept("adds-1", source, folder=tmp_path / "file" / "graphs"))
            for _ in range(2)
        ]

    assert (results, source.reads) == ([3.5, 3.5], 2)
    assert all(message.startswith("adds-1 is read at each start") for message in caplog.messages)
    assert len(caplog.messages) == 2


def test_a_graph_that_cannot_be_read_leaves_nothing_behind(tmp_path):
    def read() -> openvino.Model:
        raise CheckpointMismatch("It is damaged.")

    with pytest.raises(CheckpointMismatch):
        graph_cache.kept("adds-1", read, folder=tmp_path)

    assert files(tmp_path, ".xml") == []
