"""CSV and JSONL manifests as sources, and what is wrong with some of them."""

import csv
import io
import json
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from catalog.models import Image
from catalog.services import FurtherOccurrence, ImageMetadata
from ingestion.models import ImportFailure
from ingestion.services import start_import, take_in
from ingestion.sources import ManifestSource, SourceFile, lines, recognise
from kernel.errors import UserInputError
from tests.conftest import Broker
from tests.pictures import numbered

ROW = {
    "path": "x/1.png",
    "title": "Sunset, late",
    "description": "Two\nlines",
    "tags": "sea; evening",
    "albums": "Summer, 2019|Best",
    "owner": "Ann",
    "licence": "CC BY 4.0",
    "medium": "Photo",
    "external_id": "A-1",
    "rights": "© Ann",
}
SAID = ImageMetadata(
    title="Sunset, late",
    description="Two\nlines",
    tags=("sea", "evening"),
    albums=("Summer, 2019", "Best"),
    owner="Ann",
    licence="CC BY 4.0",
    medium="photo",
    external_id="A-1",
    rights="© Ann",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A manifest's folder with two pictures; a third lies beside it."""
    folder = tmp_path / "pictures"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "1.png").write_bytes(numbered(1))
    (folder / "2.png").write_bytes(numbered(2))
    (tmp_path / "3.png").write_bytes(numbered(3))
    return folder


def write(folder: Path, content: str | bytes, name: str = "list.csv") -> ManifestSource:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(data)
    source = recognise(str(folder / name))
    assert isinstance(source, ManifestSource)
    return source


def files_of(source: ManifestSource) -> list[SourceFile]:
    source.check()
    return list(source.files(Counter()))


def code_of(file: SourceFile) -> str:
    with pytest.raises(UserInputError) as caught:
        file.read()
    return caught.value.code


def refusal(source: ManifestSource) -> UserInputError:
    with pytest.raises(UserInputError) as caught:
        source.check()
    return caught.value


def as_csv(delimiter: str, end: str = "\n") -> str:
    cells = (f'"{cell}"' for cell in ROW.values())
    return delimiter.join(ROW) + end + delimiter.join(cells) + end


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", as_csv(",")),
        ("a.csv", as_csv(";")),
        ("a.csv", as_csv("\t")),
        ("a.tsv", as_csv("\t")),
        ("A.CSV", "\ufeff" + as_csv(";", "\r\n")),
        ("a.csv", as_csv(",").replace("licence", "License").replace("external_id", "External ID")),
        ("a.jsonl", json.dumps(ROW) + "\n"),
        ("a.ndjson", "\ufeff\n" + json.dumps(ROW | {"url": None})),
        ("a.jsonl", json.dumps(ROW | {"tags": ["sea", "evening"]})),
    ],
    ids=[
        *("comma", "semicolon", "tab", "tsv", "bom-and-crlf", "other-spelling"),
        *("jsonl", "ndjson-bom-null", "json-lists"),
    ],
)
def test_a_row_says_where_its_picture_is_and_what_is_known_of_it(
    folder: Path, name: str, content: str
) -> None:
    [file] = files_of(write(folder, content, name))

    assert (file.name, file.path, file.read()) == ("x/1.png", "x/1.png", numbered(1))
    assert file.metadata == SAID


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ('["a;b", " c|d "]', ("a;b", "c|d")),
        ("[draft]; sea", ("[draft]", "sea")),
        ("[1]", ("[1]",)),
        ("[" * 50_000, None),
    ],
    ids=["json", "no-json", "no-names", "deep"],
)
def test_a_cell_may_have_names_with_what_divides_them(
    folder: Path, cell: str, tags: tuple[str, ...] | None
) -> None:
    [file] = files_of(write(folder, table(["path", "tags"], ["2.png", cell])))

    if tags is None:
        assert code_of(file) == "manifest:user:bad-row"  # a tag that is too long
    else:
        assert file.metadata.tags == tags


def test_json_may_have_numbers_and_names_with_separators(folder: Path) -> None:
    row = {"path": "2.png", "external_id": 17, "tags": ["a;b", " c "], "albums": []}

    [file] = files_of(write(folder, json.dumps(row), "a.jsonl"))

    assert file.metadata == ImageMetadata(external_id="17", tags=("a;b", "c"))


def test_empty_rows_and_cells_that_lack_at_the_end_are_fine(folder: Path) -> None:
    source = write(folder, "path,title,owner\n\n,,\n2.png\nx/1.png,One,,,\n")

    found = files_of(source)

    assert [(file.path, file.metadata.title) for file in found] == [
        ("2.png", ""),
        ("x/1.png", "One"),
    ]


def test_a_url_in_a_row_is_fetched_and_its_path_is_that_of_the_address(folder: Path) -> None:
    source = write(folder, "url,title\nhttps://example.org/a%20b/c.jpg?key=secret,C\n")

    [file] = files_of(source)

    assert (file.path, file.is_name_binding) == ("example.org/a b/c.jpg", False)
    assert file.metadata == ImageMetadata(title="C")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_manifest_without_rows_has_no_files(folder: Path, name: str) -> None:
    content = "path,title\n" if name == "a.csv" else ""

    assert files_of(write(folder, content, name)) == []


# Paths


@pytest.mark.parametrize(
    "path",
    ["../3.png", "x/../../3.png", "/etc/passwd", "{parent}/3.png", "out/3.png", "out.png"],
    ids=["up", "down-and-up", "absolute", "absolute-beside", "linked-folder", "link"],
)
def test_a_path_that_leads_out_of_the_manifests_folder_is_refused(folder: Path, path: str) -> None:
    (folder / "out").symlink_to(folder.parent)
    (folder / "out.png").symlink_to(folder.parent / "3.png")
    source = write(folder, f"path\n{path.format(parent=folder.parent)}\n2.png\n")

    refused, good = files_of(source)

    assert code_of(refused) == "manifest:user:outside"
    assert good.read() == numbered(2)


def test_a_link_that_stays_in_the_folder_is_followed(folder: Path) -> None:
    (folder / "again.png").symlink_to(folder / "2.png")
    (folder / "all").symlink_to(folder)

    found = files_of(write(folder, "path\nagain.png\nall/x/1.png\n"))

    assert [file.read() for file in found] == [numbered(2), numbered(1)]


def test_a_manifest_that_is_reached_by_a_link_has_its_pictures_beside_the_link(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "linked").symlink_to(folder)
    write(folder, "path\n2.png\n")

    [file] = ManifestSource(tmp_path / "linked" / "list.csv").files(Counter())

    assert file.read() == numbered(2)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("no.png", "file:user:missing"),
        ("x", "file:user:unreadable"),
        ("round", "file:user:unreadable"),
    ],
    ids=["missing", "a-folder", "a-link-to-itself"],
)
def test_a_path_without_a_file(folder: Path, path: str, code: str) -> None:
    (folder / "round").symlink_to(folder / "round")

    [file] = files_of(write(folder, f"path\n{path}\n"))

    assert code_of(file) == code


# Rows

PRIVATE_TO = "private_to: it is no object of albums, each with a list of groups."
OCCURRENCES = "occurrences: it is no list of objects with texts: source, path, title, external_id."
BOXES = "drawn_panels: it is no list of boxes, each of four whole numbers."


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ({"title": "T"}, "It needs a path or a URL, and not both."),
        ({"path": "a", "url": "https://a.org/a"}, "It needs a path or a URL, and not both."),
        (
            {"path": "2.png", "medium": "oil"},
            "medium: it is none of unknown, photo, painting, drawing, cartoon, sketch, render.",
        ),
        ({"path": "2.png", "title": "t" * 301}, "title: more than 300 characters cannot be kept."),
        ({"path": "2.png", "tags": "t" * 101}, "tags: more than 100 characters cannot be kept."),
        ({"path": "a", "albums": ["t" * 201]}, "albums: more than 200 characters cannot be kept."),
        ({"path": "2.png", "rights": "a\0"}, "rights: it has characters that no text has."),
        ({"path": "2.png", "owner": "\ud800"}, "owner: it has characters that no text has."),
        ({"path": "2.png", "private_to": ["A"]}, PRIVATE_TO),
        ({"path": "2.png", "albums": ["A"], "private_to": {"A": []}}, PRIVATE_TO),
        ({"path": "2.png", "albums": ["A"], "private_to": {"A": [1]}}, PRIVATE_TO),
        ({"path": "2.png", "private_to": '{"A": ["staff"'}, "private_to: it is no JSON. "
         "Expecting ',' delimiter: line 1 column 15 (char 14)"),
        ({"path": "2.png", "albums": ["B"], "private_to": {"A": ["staff"]}},
         "private_to: it has an album that the picture is not in."),
        ({"path": "2.png", "albums": ["A"], "private_to": {"A": ["\0"]}},
         "private_to: it has characters that no text has."),
        ({"path": "2.png", "occurrences": {"path": "a"}}, OCCURRENCES),
        ({"path": "2.png", "occurrences": [{"path": 1}]}, OCCURRENCES),
        ({"path": "2.png", "occurrences": [{"id": "1"}]}, OCCURRENCES),
        ({"path": "2.png", "occurrences": [{"title": "a\0"}]},
         "occurrences: title: it has characters that no text has."),
        ({"path": "2.png", "occurrences": [{"path": "p" * 1001}]},
         "occurrences: path: more than 1000 characters cannot be kept."),
        ({"path": "2.png", "drawn_panels": 3}, BOXES),
        ({"path": "2.png", "drawn_panels": [[0, 0, 8]]}, BOXES),
        ({"path": "2.png", "drawn_panels": [[0, 0, 8, True]]}, BOXES),
        ({"path": "2.png", "drawn_panels": [[0, 0, 8, 8.5]]}, BOXES),
        ({"path": "2.png", "drawn_panels": "[" * 100_000}, "drawn_panels: it is no JSON. "
         "maximum recursion depth exceeded while decoding a JSON array from a unicode string"),
    ],
    ids=[
        *("nowhere", "twice", "medium", "long-title", "long-tag", "long-album", "nul"),
        *("half-a-character", "no-object", "open", "no-group", "cut-json", "another-album"),
        *("group-nul", "no-list", "no-text", "unknown-key", "occurrence-nul", "long-path"),
        *("no-boxes", "three-sides", "boolean", "fraction", "deep-json"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_is_refused_by_its_line_and_stops_nothing(
    folder: Path, row: dict[str, object], detail: str
) -> None:
    source = write(folder, json.dumps({"path": "x/1.png"}) + "\n" + json.dumps(row), "a.jsonl")

    good, bad = files_of(source)

    assert good.read() == numbered(1)
    assert bad.name == f"2: {row.get('path', '')}"
    with pytest.raises(UserInputError) as caught:
        bad.read()
    assert caught.value.code == "manifest:user:bad-row"
    assert caught.value.context == {"detail": detail, "line": 2}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_what_has_a_structure_is_json_in_a_table_too(folder: Path, name: str) -> None:
    row = {
        "path": "2.png",
        "albums": ["A"],
        "private_to": {"A": ["staff"]},
        "occurrences": [{"path": "b\x1b.png", "title": "B"}],
        "drawn_panels": [[0, 0, 16, 16]],
    }
    cells = [row["path"], "A", *(json.dumps(value) for value in list(row.values())[2:])]

    [file] = files_of(
        write(folder, json.dumps(row) if name == "a.jsonl" else table(list(row), cells), name)
    )

    assert file.metadata == ImageMetadata(
        albums=("A",),
        private_to={"A": ("staff",)},
        occurrences=(FurtherOccurrence(path="b\N{REPLACEMENT CHARACTER}.png", title="B"),),
        drawn_panels=((0, 0, 16, 16),),
    )


def table(*rows: list[str]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_row_may_be_as_long_as_a_line(folder: Path, name: str) -> None:
    tags = [f"{number:05}" + "ё" * 95 for number in range(5_000)]
    row = {"path": "2.png", "tags": "; ".join(tags)}
    content = table(list(row), list(row.values()))
    if name == "a.jsonl":
        content = json.dumps(row, ensure_ascii=False)

    [file] = files_of(write(folder, content, name))

    assert file.metadata.tags == tuple(tags)


# Manifests that are refused whole


@pytest.mark.parametrize(
    ("name", "content", "line", "columns"),
    [
        ("a.csv", "path,title,colour,Größe\n2.png,,,\n", 1, "colour, Größe"),
        ("a.csv", "2.png,Two\nx/1.png,One\n", 1, "2.png, Two"),
        ("a.jsonl", '{"path": "2.png"}\n\n{"path": "2.png", "colour": "red"}', 3, "colour"),
        ("a.csv", "path,red\x1b[31m\n2.png,\n", 1, "red\ufffd[31m"),
    ],
    ids=["csv", "no-header", "json", "escape"],
)
def test_unknown_columns_are_refused_by_name(
    folder: Path, name: str, content: str, line: int, columns: str
) -> None:
    error = refusal(write(folder, content, name))

    assert error.code == "manifest:user:unknown-columns"
    assert (error.context["line"], error.context["columns"]) == (line, columns)


def test_a_csv_without_a_column_for_addresses(folder: Path) -> None:
    assert refusal(write(folder, "title,owner\na,b\n")).code == "manifest:user:no-address"
    assert refusal(write(folder, "")).code == "manifest:user:no-address"


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", "path,title,title\n2.png,a,b\n", 1),
        ("a.csv", "path,title\n2.png,a\nx/1.png,a,b\n", 3),
        ("a.csv", 'path,title\n2.png,"two\nlines"\nx/1.png,"a"b\n', 4),
        ("a.csv", 'path,title\n2.png,"never closed\nx/1.png,a\n', 3),
        ("a.jsonl", '{"path": "2.png"}\n{"path": "2.png"\n', 2),
        ("a.jsonl", '["2.png"]\n', 1),
        ("a.jsonl", '{"path": {"x": 1}}\n', 1),
        ("a.jsonl", '{"path": true}\n', 1),
        ("a.jsonl", "[" * 100_000, 1),
    ],
    ids=[
        *("column-twice", "more-cells-than-columns", "odd-quote", "open-quote"),
        *("cut-json", "json-list", "json-in-json", "json-boolean", "deep-json"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused_by_its_line(
    folder: Path, name: str, content: str, line: int
) -> None:
    error = refusal(write(folder, content, name))

    assert (error.code, error.context["line"]) == ("manifest:user:malformed", line)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("path,title\n2.png,café\n".encode("latin-1"), 2),
        ("path,title\n2.png,кот\n".encode() + "x/1.png,кот\n".encode("cp1251"), 3),
        ("path,title\n2.png,a\n".encode("utf-16"), 1),
    ],
    ids=["latin-1", "mixed", "utf-16"],
)
def test_another_encoding_is_refused_by_its_line(folder: Path, content: bytes, line: int) -> None:
    error = refusal(write(folder, content))

    assert (error.code, error.context["line"]) == ("manifest:user:wrong-encoding", line)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_line_of_a_gigabyte_is_refused_and_not_held(folder: Path, name: str) -> None:
    source = write(folder, "path\n" if name == "a.csv" else '{"path": "2.png"}\n', name)
    with (folder / name).open("r+b") as file:
        file.truncate(2**30)  # sparse: zeros without an end of line

    tracemalloc.start()
    error = refusal(source)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (error.code, error.context["line"]) == ("manifest:user:long-line", 2)
    assert peak_bytes < 8 * lines.MAX_LINE_BYTES


def test_a_record_of_many_lines_is_no_longer_than_a_line_may_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    chain = '2.png,"' + 'a\n","' * 400

    error = refusal(write(folder, f"path,title\n{chain}"))

    assert error.code == "manifest:user:long-line"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_however_many_rows_there_are_the_memory_stays_flat(folder: Path, name: str) -> None:
    def peak_bytes(count: int) -> int:
        with (folder / name).open("w") as file:
            if name == "a.csv":
                file.write("path,title,tags\n")
            for n in range(count):
                row = {"path": f"{n}.png", "title": f"Title {n}", "tags": "a;b"}
                line = ",".join(row.values()) if name == "a.csv" else json.dumps(row)
                file.write(f"{line}\n")
        source = ManifestSource(folder / name)
        tracemalloc.start()
        source.check()
        assert sum(1 for _ in source.files(Counter())) == count
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    few = peak_bytes(100)

    # Twice: the interpreter keeps the names that pathlib meets, in a table that doubles once.
    assert min(peak_bytes(10_000), peak_bytes(10_000)) < few + 500_000


def test_a_manifest_that_was_changed_after_its_check_ends_with_the_reason(folder: Path) -> None:
    source = write(folder, "path\n2.png\n")
    source.check()
    write(folder, b"path\n2.png\n\xff\n")

    good, end = source.files(Counter())

    assert good.read() == numbered(2)
    assert (end.name, code_of(end)) == (str(folder / "list.csv"), "manifest:user:wrong-encoding")


# Taken in


@pytest.mark.django_db(transaction=True)
def test_what_a_manifest_says_is_kept(folder: Path, media: Path, broker: Broker) -> None:
    source = write(folder, as_csv(",") + "2.png\n../3.png\n")
    current = start_import("list")

    list(take_in(current, source.files(Counter())))

    first = Image.objects.get(path="x/1.png")
    assert (first.title, first.description) == ("Sunset, late", "Two\nlines")
    assert (first.owner, first.licence, first.rights) == ("Ann", "CC BY 4.0", "© Ann")
    assert (first.external_id, first.medium, first.source) == ("A-1", "photo", "list")
    assert [tag.name for tag in first.tags.all()] == ["evening", "sea"]
    assert [album.name for album in first.albums.all()] == ["Best", "Summer, 2019"]
    assert Image.objects.get(path="2.png").title == "2"
    failures = ImportFailure.objects.values_list("name", "error_code")
    assert list(failures) == [("../3.png", "manifest:user:outside")]


@pytest.mark.django_db(transaction=True)
def test_the_same_manifest_twice_at_once_takes_each_picture_in_once(
    folder: Path, media: Path, broker: Broker
) -> None:
    source = write(folder, as_csv(",") + "2.png\n")
    first = take_in(start_import("one"), source.files(Counter()))
    second = take_in(start_import("two"), source.files(Counter()))

    ends = [(a.result, b.result) for a, b in zip(first, second, strict=True)]

    assert ends == [("added", "duplicates"), ("added", "duplicates")]
    assert Image.objects.count() == 2
    assert Image.objects.get(path="x/1.png").tags.count() == 2
