"""What is said of pictures: by their source first, then by a sidecar, then by the file itself."""

from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.models import Image
from catalog.services import ImageMetadata
from ingestion.services import KnownPolicy, MetadataRules, Outcome, start_import, take_in
from ingestion.sources import FolderSource, SourceFile, named_by_folders
from kernel.messages import sentence
from tests.unit.web.conftest import BLUE, RED, encoded

pytestmark = pytest.mark.django_db

_PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 photoshop:Credit="A museum" photoshop:DateCreated="1999-03-05T12:30:00">
 <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
 <dc:subject><rdf:Bag><rdf:li>river</rdf:li><rdf:li>night</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
_SIDECAR = _PACKET.format(title="By the river").encode()


@pytest.fixture
def folder(tmp_path: Path, media: Path) -> Path:
    folder = tmp_path / "pictures" / "1999"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(encoded(BLUE))
    return folder.parent


def bring_in(folder: Path, **rules: bool) -> tuple[list[Outcome], Counter[str]]:
    passed_over: Counter[str] = Counter()
    files = FolderSource(folder).files(passed_over)
    outcomes = list(take_in(start_import("shelf"), files, rules=MetadataRules(**rules)))
    return outcomes, passed_over


@pytest.mark.parametrize("name", ["a.xmp", "a.jpg.xmp", "a.XMP"])
def test_a_sidecar_comes_with_its_picture(folder: Path, name: str) -> None:
    (folder / "1999" / name).write_bytes(_SIDECAR)

    [outcome], passed_over = bring_in(folder)

    image = Image.objects.get(pk=outcome.image_id)
    assert (image.title, image.credit) == ("By the river", "A museum")
    assert image.taken_at == "1999-03-05T12:30:00"  # no zone is known
    assert (image.path, image.source) == ("1999/a.jpg", "shelf")
    assert (image.tags.count(), passed_over) == (0, Counter())


def test_the_sidecar_that_names_the_whole_file_goes_first(folder: Path) -> None:
    (folder / "1999" / "a.jpg.xmp").write_bytes(_SIDECAR)
    (folder / "1999" / "a.xmp").write_bytes(_PACKET.format(title="Of the raw file").encode())

    [outcome], passed_over = bring_in(folder)

    assert Image.objects.get(pk=outcome.image_id).title == "By the river"
    assert passed_over == {"sidecar .xmp": 1}


def test_a_sidecar_of_no_picture_is_passed_over(folder: Path) -> None:
    (folder / "1999" / "b.xmp").write_bytes(_SIDECAR)

    assert bring_in(folder)[1] == {"sidecar .xmp": 1}


def test_keywords_become_tags_and_titles_are_those_of_files_where_that_is_asked(
    folder: Path,
) -> None:
    (folder / "1999" / "a.xmp").write_bytes(_SIDECAR)

    [outcome], _ = bring_in(folder, tags_from_keywords=True, titles_from_paths=True)

    image = Image.objects.get(pk=outcome.image_id)
    assert image.title == "a"
    assert sorted(tag.name for tag in image.tags.all()) == ["night", "river"]


def test_a_broken_sidecar_is_told_and_stops_nothing(folder: Path) -> None:
    (folder / "1999" / "a.xmp").write_bytes(_SIDECAR[:200])

    [outcome], _ = bring_in(folder)

    assert outcome.problems == ("metadata:user:broken-sidecar",)
    assert Image.objects.get(pk=outcome.image_id).title == "a"


def test_a_sidecar_that_is_gone_meanwhile_is_none(folder: Path) -> None:
    sidecar = folder / "1999" / "a.xmp"
    sidecar.write_bytes(_SIDECAR)
    files = FolderSource(folder).files(Counter())
    file = next(files)
    sidecar.unlink()

    [outcome] = take_in(start_import("shelf"), [file])

    assert (outcome.problems, Image.objects.get(pk=outcome.image_id).title) == ((), "a")


def test_what_the_source_says_goes_before_what_the_file_says(media: Path) -> None:
    said = ImageMetadata(title="In the list", credit="The list's")
    file = SourceFile("a.jpg", lambda: encoded(BLUE), "a.jpg", said, lambda: _SIDECAR)

    [outcome] = take_in(start_import("list"), [file], rules=MetadataRules(titles_from_paths=True))

    image = Image.objects.get(pk=outcome.image_id)
    assert (image.title, image.credit) == ("In the list", "The list's")
    assert image.taken_at.startswith("1999")


def test_pictures_that_are_there_learn_of_a_sidecar_where_that_is_asked(folder: Path) -> None:
    bring_in(folder)
    (folder / "1999" / "a.xmp").write_bytes(_SIDECAR)

    bring_in(folder)
    assert Image.objects.get().credit == ""
    bring_in(folder, known=KnownPolicy.UPDATE, tags_from_keywords=True)

    image = Image.objects.get()
    assert (image.title, image.credit) == ("By the river", "A museum")
    assert image.tags.count() == 2
    assert image.payload_due_at is not None  # the points hear of the tags, and no model runs


def test_a_folders_name_and_a_sidecar_are_both_kept(folder: Path) -> None:
    (folder / "1999" / "a.xmp").write_bytes(_SIDECAR)
    files = named_by_folders(FolderSource(folder).files(Counter()), are_tags=False, are_albums=True)

    [outcome] = take_in(start_import("shelf"), files)

    image = Image.objects.get(pk=outcome.image_id)
    assert ([album.name for album in image.albums.all()], image.credit) == (["1999"], "A museum")


def test_each_source_of_one_import_is_named(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.png").write_bytes(encoded(RED))
    (folder / "1999" / "a.xmp").write_bytes(b"<x")
    out = StringIO()

    call_command("ingest", str(folder), str(other), "--no-wait", stdout=out)

    assert {image.path: image.source for image in Image.objects.all()} == {
        "1999/a.jpg": str(folder),
        "b.png": str(other),
    }
    assert sentence("metadata:user:broken-sidecar") in out.getvalue()
