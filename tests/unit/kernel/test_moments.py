"""What is a day or a moment, and what only looks like one."""

import pytest

from kernel.moments import is_moment


@pytest.mark.parametrize(
    "text",
    [
        *("2024-05-31", "2024-02-29", "0001-01-01", "2024-05-31T12:00", "2024-05-31T12:00:00"),
        *("2024-05-31T12:00:00.5", "2024-05-31T12:00:00.123456+02:00", "2024-05-31T12:00Z"),
    ],
)
def test_a_moment_is_one(text: str) -> None:
    assert is_moment(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2024", "2024-05", "31.05.2024", "20240531", "2024-W01-1"),
        *("2023-02-29", "2024-13-01", "2024-05-31T25:00", "2024-05-31 12:00", "2024-05-31T12"),
        *("2024-05-31T12:00:00.1234567", "2024-05-31+02:00", "2024-05-31\n", "٢٠٢٤-٠٥-٣١"),
    ],
)
def test_another_text_is_none(text: str) -> None:
    assert not is_moment(text)
