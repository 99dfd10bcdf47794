import json

import pytest

from ml.errors import ConflictingDecisions, InvalidTrainingData, NoPictures
from ml.training.data.sources import read


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def facts(listing):
    return [(entry.name, entry.label, entry.medium) for entry in listing.entries]


def write_lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def groups(listing):
    """The names of each subject."""
    found = {}
    for entry in listing.entries:
        found.setdefault(entry.label, set()).add(entry.name)
    return sorted(sorted(names) for names in found.values())


def test_a_folder_a_subject(tmp_path):
    touch(tmp_path, "cat/2.JPG", "cat/1.png", "dog/1.webp", "dog/notes.txt", "dog/.1.png")

    listing = read(tmp_path, "folder")

    assert facts(listing) == [
        ("cat/1.png", "cat", "photo"),
        ("cat/2.JPG", "cat", "photo"),
        ("dog/1.webp", "dog", "photo"),
    ]


def test_a_folder_a_medium_shares_its_subjects(tmp_path):
    touch(tmp_path, "photo/cat/1.png", "sketch/cat/1.png", "sketch/dog/1.png")

    listing = read(tmp_path, "folder")

    assert facts(listing) == [
        ("photo/cat/1.png", "cat", "photo"),
        ("sketch/cat/1.png", "cat", "sketch"),
        ("sketch/dog/1.png", "dog", "sketch"),
    ]


@pytest.mark.parametrize(
    "names",
    [["1.png"], ["cat/1.png", "photo/cat/1.png"], ["a/b/c/1.png"]],
    ids=["no subject", "mixed", "too deep"],
)
def test_folders_of_no_known_shape_are_refused(names, tmp_path):
    touch(tmp_path, *names)

    with pytest.raises(InvalidTrainingData, match="subject/"):
        read(tmp_path, "folder")


def test_made_data_make_every_picture_a_subject(tmp_path):
    touch(tmp_path, "b.png", "deep/er/a.png")

    assert facts(read(tmp_path, "made")) == [
        ("b.png", "b.png", "photo"),
        ("deep/er/a.png", "deep/er/a.png", "photo"),
    ]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_chains_of_positives_are_one_subject(suffix, tmp_path):
    # given: a-b and b-c and d-e, and somebody said that a is not d
    rows = [("a.png", "b.png", "d.png"), ("b.png", "./c.png", ""), ("d.png", "e.png", "")]
    path = tmp_path / f"pairs.{suffix}"
    columns = ("anchor", "positive", "negative")
    if suffix == "csv":
        path.write_text("\n".join(",".join(row) for row in [columns, *rows]) + "\n")
    else:
        write_lines(path, *(dict(zip(columns, row, strict=True)) for row in rows))

    listing = read(path, "pairs")

    assert groups(listing) == [["./c.png", "a.png", "b.png"], ["d.png", "e.png"]]
    assert listing.hard_negatives == (("a.png", "d.png"),)
    assert {entry.path for entry in listing.entries} == {
        tmp_path / name for name in ("a.png", "b.png", "c.png", "d.png", "e.png")
    }


def test_decisions_make_subjects_and_hard_negatives(tmp_path):
    path = write_lines(
        tmp_path / "decisions.jsonl",
        {"a": "1.png", "b": "2.png", "verdict": "copy"},
        {"a": "3.png", "b": "2.png", "verdict": "same_subject"},
        {"a": "4.png", "b": "1.png", "verdict": "different"},
    )

    listing = read(path, "decisions")

    assert groups(listing) == [["1.png", "2.png", "3.png"], ["4.png"]]
    ((first, second),) = listing.hard_negatives
    assert {first, second} == {"4.png", "3.png"}  # of either subject its label


def test_decisions_that_contradict_each_other_are_named(tmp_path):
    path = write_lines(
        tmp_path / "decisions.jsonl",
        {"a": "1.png", "b": "2.png", "verdict": "copy"},
        {"a": "1.png", "b": "3.png", "verdict": "different"},
        {"a": "2.png", "b": "3.png", "verdict": "same_subject"},
    )

    with pytest.raises(ConflictingDecisions) as error:
        read(path, "decisions")

    assert error.value.code == "ml:conflicting-decisions"
    assert error.value.context == {"pairs": [("1.png", "3.png")]}


@pytest.mark.parametrize(
    ("name", "kind", "text", "reason"),
    [
        ("p.csv", "pairs", "anchor,other\na.png,b.png\n", "Line 2 of p.csv has no positive"),
        ("p.jsonl", "pairs", '{"anchor": "a.png"', "Line 1 of p.jsonl is no JSON"),
        ("p.jsonl", "pairs", "\n[1]\n", "Line 2 of p.jsonl is not a JSON object"),
        ("p.jsonl", "pairs", "[" * 100_000, "Line 1 of p.jsonl is no JSON"),
        ("d.jsonl", "decisions", '{"a": "1", "b": "2", "verdict": "?"}', "has no verdict"),
        ("d.jsonl", "decisions", '{"a": 1, "b": "2", "verdict": "copy"}', "has no a"),
        ("d.jsonl", "decisions", '{"a": "a\\u0000", "b": "2", "verdict": "copy"}', "has no a"),
    ],
    ids=["csv column", "json", "no object", "deep", "verdict", "no path", "zero byte"],
)
def test_a_line_that_says_nothing_is_named(name, kind, text, reason, tmp_path):
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(InvalidTrainingData, match=reason):
        read(path, kind)


@pytest.mark.parametrize("kind", ["folder", "made", "pairs", "decisions"])
def test_data_that_are_not_there_are_refused(kind, tmp_path):
    with pytest.raises(InvalidTrainingData, match="nowhere"):
        read(tmp_path / "nowhere", kind)


def test_a_list_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes(b"\xff\xfe\x00\xd8")

    with pytest.raises(InvalidTrainingData):
        read(path, "pairs")


@pytest.mark.parametrize("kind", ["folder", "made"])
def test_an_empty_folder_is_refused(kind, tmp_path):
    with pytest.raises(NoPictures) as error:
        read(tmp_path, kind)

    assert error.value.code == "ml:no-pictures"


@pytest.mark.parametrize("kind", ["pairs", "decisions"])
def test_an_empty_list_is_refused(kind, tmp_path):
    with pytest.raises(NoPictures):
        read(write_lines(tmp_path / "list.jsonl"), kind)
