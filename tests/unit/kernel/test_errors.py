import pickle

import pytest

from kernel.errors import (
    AppError,
    ConflictError,
    DefectError,
    FileMissing,
    TransientError,
    UserInputError,
)
from kernel.hashing import sha256_hex
from kernel.task_messages import MalformedMessage
from kernel.task_names import (
    COMPARE_REGIONS,
    EMBED_WORDS,
    EXTRACT_QUERY,
    FIND_COPIES,
    QUEUES,
    WARM_UP,
)

KINDS = [UserInputError, ConflictError, TransientError, DefectError]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_keeps_its_code_and_context(kind: type[AppError]) -> None:
    error = kind("image:user:too-large", file_bytes=7)

    assert (error.code, error.context) == ("image:user:too-large", {"file_bytes": 7})
    assert isinstance(error, AppError)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_is_of_one_responsibility(kind: type[AppError]) -> None:
    error = kind("a:b:c")

    assert [other for other in KINDS if isinstance(error, other)] == [kind]


def test_the_text_of_an_error_is_for_logs() -> None:
    assert str(DefectError("a:ours:b")) == "a:ours:b"
    assert str(DefectError("a:ours:b", name="x", n=2)) == "a:ours:b (name='x', n=2)"


def test_a_missing_file_is_a_class_of_its_own_with_the_code_that_rows_hold() -> None:
    error = FileMissing(name="originals/ab/abc")

    assert isinstance(error, DefectError)
    assert (error.code, error.context) == (
        "storage:ours:file-missing",
        {"name": "originals/ab/abc"},
    )


def test_a_missing_file_crosses_processes_as_what_it_is() -> None:
    error = pickle.loads(pickle.dumps(FileMissing(name="a")))  # noqa: S301  # made in this line

    assert (type(error), error.code, error.context) == (
        FileMissing,
        FileMissing.CODE,
        {"name": "a"},
    )


def test_what_is_wrong_with_a_message_is_still_said_in_another_process() -> None:
    error = pickle.loads(pickle.dumps(MalformedMessage("box is missing")))  # noqa: S301  # made here

    assert (type(error), error.detail) == (MalformedMessage, "box is missing")


def test_waiting_time_is_only_a_transient_errors() -> None:
    assert TransientError("a:transient:b").retry_after_s == 5.0
    assert not hasattr(UserInputError("a:user:b"), "retry_after_s")


def test_only_what_a_person_waits_for_is_on_the_query_queue() -> None:
    on_query = {name for name, queue in QUEUES.items() if queue == "query"}

    assert on_query == {EXTRACT_QUERY, FIND_COPIES, EMBED_WORDS, COMPARE_REGIONS, WARM_UP}
    assert set(QUEUES.values()) == {"query", "bulk", "maintenance"}


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        # Source: NIST FIPS 180-2, appendix B.1, and the digest of nothing.
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ],
    ids=["abc", "nothing"],
)
def test_sha256(data: bytes, digest: str) -> None:
    assert sha256_hex(data) == digest
