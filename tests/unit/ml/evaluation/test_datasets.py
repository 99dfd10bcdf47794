import pytest

from ml.errors import EvaluationDataInvalid
from ml.evaluation.datasets import (
    list_pictures,
    read_copies,
    read_media,
    read_scenes,
    read_subjects,
)
from ml.types import Box
from tests.unit.ml.evaluation import folders


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def test_pictures_are_listed_by_suffix_in_order(tmp_path):
    touch(tmp_path, "b.JPG", "a/c.png", "a.webp", "notes.txt", ".hidden.png", ".git/d.png", "e")

    found = [path.relative_to(tmp_path).as_posix() for path in list_pictures(tmp_path)]

    assert found == ["a/c.png", "a.webp", "b.JPG"]


def test_medium_and_subject_come_from_folders(tmp_path):
    touch(tmp_path, "photo/dog/1.jpg", "sketch/cat/2.png", "README.md")

    found = [(p.name, p.kind, p.subject) for p in read_media(tmp_path)]

    assert found == [("photo/dog/1.jpg", "photo", "dog"), ("sketch/cat/2.png", "sketch", "cat")]


def test_medium_and_subject_come_from_labels(tmp_path):
    folders.labels(tmp_path, "style,path,subject_id,name", ['noto,images/1.png,1f9ae,"dog, guide"'])

    (found,) = read_media(tmp_path)

    assert (found.path, found.name) == (tmp_path / "images/1.png", "images/1.png")
    assert (found.kind, found.subject) == ("noto", "1f9ae")


def test_subjects_may_lie_one_folder_deep(tmp_path):
    touch(tmp_path, "dog/1.jpg", "cat/2.jpg")

    assert [(p.subject, p.kind) for p in read_subjects(tmp_path)] == [("cat", ""), ("dog", "")]


def test_subjects_may_lie_in_media(tmp_path):
    touch(tmp_path, "photo/dog/1.jpg", "sketch/dog/2.jpg")

    assert [(p.subject, p.kind) for p in read_subjects(tmp_path)] == [
        ("dog", "photo"),
        ("dog", "sketch"),
    ]


def test_scenes_have_the_box_of_their_subject(tmp_path):
    folders.labels(tmp_path, "path,subject,variant,x,y,w,h", ["1.png,7,plain,3,4,10,20"])

    (found,) = read_scenes(tmp_path)

    assert (found.subject, found.kind, found.box) == ("7", "plain", Box(3, 4, 13, 24))


def test_copies_have_group_and_edit(tmp_path):
    found = read_copies(folders.copies(tmp_path))

    assert [(p.subject, p.kind) for p in found[:3]] == [
        ("apple", "orig"),
        ("apple", "dark20"),
        ("apple", "band50"),
    ]


@pytest.mark.parametrize(
    ("read", "names", "message"),
    [
        (read_media, [], "no pictures"),
        (read_media, ["notes.txt"], "no pictures"),
        (read_media, ["dog/1.jpg"], "medium/subject"),
        (read_media, ["photo/dog/1.jpg", "2.jpg"], "medium/subject"),
        (read_subjects, ["a/b/c/1.jpg"], "medium/subject"),
        (read_scenes, ["1.jpg"], "has no labels.csv"),
        (read_copies, ["1.jpg"], "has no labels.csv"),
    ],
    ids=["empty", "no picture", "flat", "mixed depths", "too deep", "no scenes", "no copies"],
)
def test_another_shape_is_refused(tmp_path, read, names, message):
    touch(tmp_path, *names)

    with pytest.raises(EvaluationDataInvalid, match=message):
        read(tmp_path)


@pytest.mark.parametrize("read", [read_media, read_subjects, read_scenes, read_copies])
def test_a_missing_folder_is_refused(tmp_path, read):
    with pytest.raises(EvaluationDataInvalid, match=r"There is no folder|has no labels\.csv"):
        read(tmp_path / "absent")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks the columns path, group, edit"),
        (b"path,group\n1.png,1\n", "lacks the columns edit"),
        (b"path,group,edit\n", "names no pictures"),
        (b"path,group,edit\n1.png,,orig\n", "row 2: group is empty"),
        (b"path,group,edit\n1.png,1\n", "row 2: edit is empty"),
        (b"path,group,edit\n1.png,1,orig\n../2.png,1,crop\n", "row 3: the path leaves"),
        (b"path,group,edit\n/etc/passwd,1,orig\n", "row 2: the path leaves"),
        (b"path,group,edit\n1.png,1,orig\n1.png,1,crop\n", "names 1.png twice"),
        (b"path,group,edit\n1.png,1,orig\n./1.png,1,crop\n", "names ./1.png twice"),
        (b"path,group,edit\na/1.png,1,orig\na//1.png,1,crop\n", "names a//1.png twice"),
        (b"path,group,edit\n1\0.png,1,orig\n", "row 2: the path has a zero byte"),
        (b"path,group,edit\n\xff\xfe.png,1,orig\n", "cannot be read"),
        (b'path,group,edit\n"1.png,1,orig\n', "cannot be read"),
    ],
    ids=[
        "empty file",
        "column missing",
        "no rows",
        "empty cell",
        "short row",
        "leaves the folder",
        "absolute",
        "twice",
        "twice, with a dot",
        "twice, with two slashes",
        "zero byte",
        "not UTF-8",
        "open quote",
    ],
)
def test_broken_labels_are_refused(tmp_path, content, message):
    (tmp_path / "labels.csv").write_bytes(content)

    with pytest.raises(EvaluationDataInvalid, match=message):
        read_copies(tmp_path)


@pytest.mark.parametrize("box", ["a,0,4,4", "0,0,0,4", "-1,0,4,4", "0,0,4,1.5"], ids=str)
def test_what_is_no_box_is_refused(tmp_path, box):
    folders.labels(tmp_path, "path,subject,variant,x,y,w,h", [f"1.png,7,plain,{box}"])

    with pytest.raises(EvaluationDataInvalid, match=r"1\.png"):
        read_scenes(tmp_path)
