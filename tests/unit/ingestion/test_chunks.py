from collections.abc import Iterator

import pytest

from ingestion.services import chunks
from ingestion.services.chunks import one_ahead, read_chunks
from ingestion.sources import SourceFile
from kernel.errors import UserInputError


def files(count: int, size: int = 1) -> Iterator[SourceFile]:
    return (SourceFile(f"{n}.png", lambda: b"x" * size) for n in range(count))


def names(found: Iterator[list[chunks.ReadFile]]) -> list[list[str]]:
    return [[each.file.name for each in chunk] for chunk in found]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (64, [64]), (65, [64, 1]), (130, [64, 64, 2])]
)
def test_a_chunk_is_of_so_many_files(count: int, sizes: list[int]) -> None:
    assert [len(chunk) for chunk in read_chunks(files(count))] == sizes


def test_a_chunk_of_large_files_is_of_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_BYTES", 100)

    assert [len(chunk) for chunk in read_chunks(files(7, size=40))] == [3, 3, 1]
    assert [len(chunk) for chunk in read_chunks(files(2, size=1000))] == [1, 1]


def test_a_chunk_of_a_slow_source_is_of_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_S", 0)

    assert names(read_chunks(files(3))) == [["0.png"], ["1.png"], ["2.png"]]


def test_a_file_that_cannot_be_read_is_one_of_its_chunk() -> None:
    def missing() -> bytes:
        raise UserInputError("file:user:missing")

    [[first, second]] = read_chunks([SourceFile("gone.png", missing), *files(1)])

    assert (first.file.name, first.data, first.sha256) == ("gone.png", b"", "")
    assert first.error is not None
    assert first.error.code == "file:user:missing"
    assert (second.data, second.error) == (b"x", None)


def test_what_was_read_before_a_source_failed_comes_first() -> None:
    def failing() -> Iterator[SourceFile]:
        yield from files(66)
        raise OSError("pulled out")

    found = read_chunks(failing())

    assert [len(next(found)), len(next(found))] == [64, 2]
    with pytest.raises(OSError, match="pulled out"):
        next(found)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_one_ahead_yields_all_in_order(count: int) -> None:
    assert list(one_ahead(range(count))) == list(range(count))


def test_the_next_item_is_asked_for_before_one_is_yielded() -> None:
    asked = []

    def items() -> Iterator[int]:
        for n in range(3):
            asked.append(n)
            yield n

    found = one_ahead(items())

    assert (next(found), asked) == (0, [0, 1])
    assert (next(found), asked) == (1, [0, 1, 2])


def test_an_item_comes_before_the_error_that_follows_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    found = one_ahead(items())

    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)
