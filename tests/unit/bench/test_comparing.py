"""Two builds beside each other: who works when, on what, and what is made of it."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench import comparing_searches, ingesting
from bench.builds.product import Product, ingest, running
from bench.comparing_searches import SearchKind, SearchPicture, SearchPlan, SearchTimes, ask
from bench.turns import Comparison, Spread
from tests.pictures import BLUE, GREEN, RED, YELLOW, plain
from tests.unit.bench.made_builds import MakeBuild, read_diary


def entries(diary: Path, *kinds: str) -> list[list[object]]:
    return [entry for entry in read_diary(diary) if entry[1] in kinds]


# Ingesting


def test_builds_ingest_in_turns(new_build: MakeBuild, source, tmp_path, diary) -> None:
    builds = (new_build("one", picture_s=0.25), new_build("two", picture_s=0.5))

    ingesting.compare(builds, source, tmp_path / "work", count=3, turns=2, say=lambda _: None)

    kinds = ("read", "start", "ingest", "end")
    assert [(entry[0], *entry[1:3]) for entry in entries(diary, *kinds)] == [
        ("one", "read", "pictures"),
        ("two", "read", "pictures"),
        ("one", "read", "pictures"),
        ("two", "read", "pictures"),
        ("one", "start", []),
        ("two", "start", []),
        ("one", "ingest", "first"),
        ("two", "ingest", "first"),
        ("one", "ingest", "turn-1"),
        ("two", "ingest", "turn-1"),
        ("one", "ingest", "turn-2"),
        ("two", "ingest", "turn-2"),
        ("two", "end"),
        ("one", "end"),
    ]


def test_both_get_the_same_files_and_every_turn_new_ones(new_build, source, tmp_path, diary):
    builds = (new_build("one"), new_build("two"))

    ingesting.compare(builds, source, tmp_path / "work", count=3, turns=2, say=lambda _: None)

    files = {(entry[0], entry[2]): entry[3] for entry in entries(diary, "ingest")}
    for folder in ("first", "turn-1", "turn-2"):
        assert files["one", folder] == files["two", folder]
    all_files = [sha for (name, _), shas in files.items() if name == "one" for sha in shas]
    assert len(set(all_files)) == len(all_files) == 256 + 2 * 3


def test_the_ratio_is_of_pictures_a_second(new_build, source, tmp_path) -> None:
    builds = (new_build("one", picture_s=0.25), new_build("two", picture_s=0.5))
    said: list[str] = []

    compared = ingesting.compare(
        builds, source, tmp_path / "work", count=4, turns=2, say=said.append
    )

    assert compared.indexed == Comparison(4.0, 2.0, Spread(2.0, 2.0, 2.0))
    assert compared.read == Comparison(40.0, 20.0, Spread(2.0, 2.0, 2.0))
    assert compared.read_alone == compared.read
    assert said == [
        "turn 1 of 2  one           4.00 pictures/s",
        "turn 1 of 2  two           2.00 pictures/s",
        "turn 2 of 2  one           4.00 pictures/s",
        "turn 2 of 2  two           2.00 pictures/s",
    ]


def test_pictures_that_were_lost_are_told(new_build, source, tmp_path) -> None:
    said: list[str] = []

    ingesting.compare(
        (new_build("one"), new_build("two", loses=1)),
        source,
        tmp_path / "work",
        count=4,
        turns=1,
        say=said.append,
    )

    assert said == [
        "turn 1 of 1  one           1.00 pictures/s",
        "turn 1 of 1  two           1.00 pictures/s (3 of 4 indexed)",
    ]


# Searching


@pytest.fixture
def plan(source: Path) -> SearchPlan:
    return SearchPlan(
        source=source,
        count=4,
        queries=None,
        tries=3,
        people=1,
        is_importing=False,
        turns=2,
        seed=0,
    )


def compare(builds, plan, tmp_path, say=lambda _: None):
    return list(comparing_searches.compare(builds, plan, tmp_path / "work", say=say))


def test_searches_are_asked_in_turns_hits_before_proofs(new_build, plan, tmp_path, diary) -> None:
    builds = (new_build("one"), new_build("two"))

    kinds = compare(builds, plan, tmp_path)

    assert [kind.name for kind in kinds] == ["one photo, first hits", "one photo, all proofs"]
    assert [kind.asked for kind in kinds] == [(6, 6), (6, 6)]
    searches = [(entry[0], entry[2]) for entry in entries(diary, "search")]
    turn = [("one", "wait=hits")] * 4 + [("two", "wait=hits")] * 4  # the first does not count
    proofs = [("one", "")] * 4 + [("two", "")] * 4
    assert searches == turn * 2 + proofs * 2


def test_no_file_is_searched_with_twice(new_build, plan, tmp_path, diary) -> None:
    compare((new_build("one"), new_build("two")), replace(plan, people=2), tmp_path)

    bodies = [entry[3] for entry in entries(diary, "search") if entry[0] == "one"]
    # Alone and two at once, two waits each, two turns; 3 counted, and one ahead for everybody.
    assert len(set(bodies)) == len(bodies) == 2 * 2 * (3 + 1) + 2 * 2 * (3 + 2)


def test_what_is_left_out_and_what_comes_last(new_build, plan, tmp_path, diary) -> None:
    collages = tmp_path / "collages"
    collages.mkdir()
    (collages / "0.gif").write_bytes(plain(RED, kind="GIF"))
    (collages / "truth.json").write_text("{}")
    builds = (new_build("one", lasts_searches=4), new_build("two", lasts_searches=4))
    all_of_it = replace(plan, queries=collages, people=2, is_importing=True, turns=1)

    kinds = compare(builds, all_of_it, tmp_path)

    names = ["one photo", "one collage", "2 people at once", "one photo during an import"]
    waits = ["first hits", "all proofs"]
    assert [kind.name for kind in kinds] == [f"{name}, {wait}" for name in names for wait in waits]
    assert [kind.asked[0] for kind in kinds] == [3, 3, 1, 1, 3, 3, 3, 3]
    assert [kind.found_first is None for kind in kinds] == [False, False, True, True] + [False] * 4
    imported = [(entry[0], entry[2]) for entry in entries(diary, "ingest")]
    assert imported == [
        ("one", "pictures"),
        ("two", "pictures"),
        ("one", "data-0-one-photo-during-an-import-hits-1"),
        ("two", "data-1-one-photo-during-an-import-hits-1"),
        ("one", "data-0-one-photo-during-an-import-proofs-1"),
        ("two", "data-1-one-photo-during-an-import-proofs-1"),
    ]


def test_originals_that_come_first_are_counted(new_build, plan, source, tmp_path) -> None:
    # With one picture in the catalogue the made site always answers with the right one.
    (source / "a.png").unlink()
    one_picture = replace(plan, count=1)

    hits, _ = compare((new_build("one"), new_build("two")), one_picture, tmp_path)

    assert (hits.asked, hits.found_first) == ((2, 2), (2, 2))


def test_searches_after_the_import_do_not_count(new_build, tmp_path) -> None:
    @contextmanager
    def meanwhile(product: Product, label: str):
        yield iter([True, True, False]).__next__

    photos = [SearchPicture(plain(colour)) for colour in (RED, GREEN, BLUE, YELLOW)]
    kind = SearchKind("any", photos, meanwhile=meanwhile)

    with running(new_build("one"), tmp_path / "data") as product:
        ingest(product, _one_picture(tmp_path))
        times = ask(kind, "proofs", product, {}, label="any")

    assert len(times.times_ms) == 2


def _one_picture(folder: Path) -> Path:
    (folder / "one").mkdir()
    (folder / "one" / "0.png").write_bytes(plain(RED))
    return folder / "one"


def test_answers_without_all_proofs_are_counted(new_build, plan, tmp_path) -> None:
    builds = (new_build("one"), new_build("two", is_complete=False))

    hits, proofs = compare(builds, plan, tmp_path)

    assert (hits.complete, proofs.complete) == (None, (6, 0))


def test_a_build_is_searched_during_an_import_and_without_one_in_turns(
    new_build: MakeBuild, plan: SearchPlan, tmp_path: Path, diary: Path
) -> None:
    build = new_build("one", lasts_searches=4)
    said: list[str] = []

    kinds = list(
        comparing_searches.beside_an_import(build, plan, tmp_path / "work", say=said.append)
    )

    assert said == ["one: 4 of 4 pictures indexed"]
    assert [kind.name for kind in kinds] == ["one photo, first hits", "one photo, all proofs"]
    assert [kind.asked for kind in kinds] == [(6, 6), (6, 6)]
    done = [(entry[1], entry[2]) for entry in entries(diary, "ingest", "search")]
    expected: list[tuple[str, str]] = [("ingest", "pictures")]
    for wait, asked in (("hits", "wait=hits"), ("proofs", "")):
        for turn in (1, 2):  # 3 searches that count and one ahead, during the import and without
            expected += [("ingest", f"data-busy-{wait}-{turn}"), *[("search", asked)] * 8]
    assert done == expected
    assert len(entries(diary, "end")) == 1


def test_an_import_that_is_over_too_soon_is_said(new_build, plan, tmp_path) -> None:
    importing = replace(plan, is_importing=True)

    with pytest.raises(RuntimeError, match="one had ended its import before it was searched"):
        compare((new_build("one"), new_build("two")), importing, tmp_path)


def test_a_search_that_fails_ends_all_with_its_sentence(new_build, plan, tmp_path, diary) -> None:
    builds = (new_build("one"), new_build("two", refuses="Busy."))

    with pytest.raises(RuntimeError, match=r"two answered with 503: Busy\."):
        compare(builds, replace(plan, people=3), tmp_path)

    assert [entry[0] for entry in entries(diary, "end")] == ["two", "one"]


def test_a_folder_without_collages_is_said_before_anything_starts(new_build, plan, tmp_path, diary):
    (tmp_path / "none").mkdir()

    with pytest.raises(ValueError, match="There is no picture in"):
        compare(
            (new_build("one"), new_build("two")),
            replace(plan, queries=tmp_path / "none"),
            tmp_path,
        )

    assert not diary.exists()


def test_median_and_95th_percentile() -> None:
    times_ms = tuple(float(n) for n in range(1, 22))
    asked = SearchTimes(times_ms=times_ms, found_first=0, complete=0)

    assert (asked.median_ms, asked.p95_ms) == (11.0, 20.0)
