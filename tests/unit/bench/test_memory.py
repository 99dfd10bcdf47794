from bench.memory import MemoryFigures, measure
from metrics.processes import ProcessMemory
from tests.unit.bench.made_builds import read_diary


def test_sums() -> None:
    processes = (ProcessMemory("a", 3, 2), ProcessMemory("b", 30, 20))
    figures = MemoryFigures("one", 2.0, 1.0, 5, processes)

    assert (figures.rss_bytes, figures.pss_bytes) == (33, 22)


def test_builds_work_one_after_another_and_start_twice(new_build, source, tmp_path, diary) -> None:
    builds = [new_build("one"), new_build("two")]

    one, two = measure(
        builds, source, tmp_path / "scratch", count=3, searches=2, say=lambda _: None
    )

    turn = ["start", "ingest", "search", "search", "end", "start", "end"]
    assert [(entry[0], entry[1]) for entry in read_diary(diary)] == [
        *(("one", word) for word in turn),
        *(("two", word) for word in turn),
    ]
    assert ([one.name, two.name], [one.indexed, two.indexed]) == (["one", "two"], [3, 3])
    assert [process.role for process in one.processes] == ["supervisor"]
    assert one.first_ready_s > 0 < one.second_ready_s
