from pathlib import Path

import pytest

from bench.builds.product import Product, ingest, running
from bench.visitor import Visitor
from tests.unit.bench.made_builds import MakeBuild, read_diary


@pytest.fixture
def product(new_build: MakeBuild, source: Path, tmp_path: Path):
    with running(new_build("one"), tmp_path / "data") as product:
        ingest(product, source / "deep")
        yield product


def test_a_search_is_answered(product: Product) -> None:
    with Visitor(product.url) as visitor:
        answer = visitor.search(b"a picture")

    assert (answer.model_ms, answer.is_complete) == (1.5, True)
    assert answer.total_ms > 0
    assert answer.first is not None


def test_first_hits_are_asked_for_in_the_address(product: Product, diary: Path) -> None:
    with Visitor(product.url) as visitor:
        visitor.search(b"one")
        visitor.search(b"one", wait="proofs")
        visitor.search(b"one", wait="hits")

    asked = [entry[2] for entry in read_diary(diary) if entry[1] == "search"]
    assert asked == ["", "", "wait=hits"]


def test_a_search_that_is_refused_is_quoted(new_build: MakeBuild, tmp_path: Path) -> None:
    build = new_build("one", refuses="Too many people search.")
    with (
        running(build, tmp_path / "data") as product,
        Visitor(product.url, name="one") as visitor,
        pytest.raises(RuntimeError, match=r"one answered with 503: Too many people search\."),
    ):
        visitor.search(b"a picture")


def test_a_site_that_does_not_answer() -> None:
    with pytest.raises(RuntimeError, match=r"http://127\.0\.0\.1:1 does not answer: .*refused"):
        Visitor("http://127.0.0.1:1")


def test_a_site_that_is_none_of_ours(new_build: MakeBuild, source: Path, tmp_path: Path) -> None:
    build = new_build("one")
    answer = '"groups": [{"hits": [{"image_id": dashed}]}]'
    program = build.root / "deploy" / "local" / "__main__.py"
    program.write_text(program.read_text().replace(answer, '"hello": dashed'))

    with (
        running(build, tmp_path / "data") as product,
        Visitor(product.url, name="one") as visitor,
    ):
        ingest(product, source / "deep")
        with pytest.raises(RuntimeError, match=r"one did not answer as a search.*'groups'"):
            visitor.search(b"a picture")
