from pathlib import Path

import pytest

from bench import tables
from bench.builds.checkout import Build
from bench.comparing_searches import SearchComparison
from bench.ingesting import IngestComparison
from bench.memory import MemoryFigures
from bench.pages import CrowdFigures, PagesFigures, PageTimes
from bench.turns import Comparison, Spread
from metrics.processes import ProcessMemory

BUILDS = (Build("this build", Path(), Path()), Build("5a402653", Path(), Path()))
MIB = 1024 * 1024


def test_ingestion() -> None:
    indexed = Comparison(36.004, 10.4, Spread(3.46, 3.4, 3.5))
    read = Comparison(200.0, 40.0, Spread(5.0, 4.9, 5.1))
    alone = Comparison(800.0, 200.0, Spread(4.0, 3.9, 4.1))
    compared = IngestComparison(indexed, read, alone)

    assert tables.ingestion(BUILDS, compared, turns=5).splitlines() == [
        "Pictures a second, medians of 5 turns; ratios from the lowest to the highest",
        "indexed:        this build 36.00, 5a402653 10.40; ratio 3.46 (3.40 to 3.50)",
        "read meanwhile: this build 200.00, 5a402653 40.00; ratio 5.00 (4.90 to 5.10)",
        "read alone:     this build 800.00, 5a402653 200.00; ratio 4.00 (3.90 to 4.10)",
    ]


def test_searches_stand_below_their_builds() -> None:
    figures = SearchComparison(
        name="one photo, first hits",
        median_ms=Comparison(60.04, 224.0, Spread(0.268, 0.25, 0.3)),
        p95_ms=Comparison(90.0, 1310.0, Spread(0.29, 0.26, 0.33)),
        asked=(250, 250),
        found_first=(248, 250),
        complete=(250, 240),
    )

    head = tables.search_head([build.name for build in BUILDS]).splitlines()[1]
    assert [head, *tables.search_rows(figures).splitlines()] == [
        "                                              this build    5a402653"
        "   ratio (lowest to highest)",
        "one photo, first hits                               60.0       224.0"
        "   0.27 (0.25 to 0.30)",
        "  95th percentile                                   90.0      1310.0"
        "   0.29 (0.26 to 0.33)",
        "  original first                                 248/250     250/250",
        "  all copies proved in time                      250/250     240/250",
    ]


@pytest.mark.parametrize("complete", [None, (1, 1)])
def test_what_goes_without_saying_is_not_said(complete: tuple[int, int] | None) -> None:
    one = Comparison(1.0, 1.0, Spread(1.0, 1.0, 1.0))
    figures = SearchComparison("one collage, all proofs", one, one, (1, 1), None, complete)

    rows = tables.search_rows(figures)

    assert [row.split("  ")[0] or row.strip().split("  ")[0] for row in rows.splitlines()] == [
        "one collage, all proofs",
        "95th percentile",
    ]


def test_memory_by_process_and_in_all() -> None:
    processes = (
        ProcessMemory("bulk", 200 * MIB, 90 * MIB),
        ProcessMemory("bulk, child", 1800 * MIB, 1710 * MIB),
    )

    assert tables.memory(MemoryFigures("5a402653", 62.04, 11.5, 990, processes)).splitlines() == [
        "5a402653, MiB, 990 pictures indexed                  RSS         PSS",
        "bulk                                                 200          90",
        "bulk, child                                         1800        1710",
        "all                                                 2000        1800",
        "ready after 62.0 s at the first start, 11.5 s at the second",
    ]


def test_the_ratio_of_two_memories() -> None:
    here = MemoryFigures("a", 5.0, 4.0, 1, (ProcessMemory("web", 30, 10),))
    there = MemoryFigures("b", 50.0, 16.0, 1, (ProcessMemory("web", 60, 40),))

    assert tables.memory_ratio(here, there) == "Ratio: RSS 0.50, PSS 0.25, second start 0.25"


def test_pages_stand_beside_those_that_waited_for_searches() -> None:
    figures = PagesFigures(
        silent=30,
        alone=(PageTimes("image page", 12.4, 20.0), PageTimes("/healthz", 1.0, 2.0)),
        busy=(PageTimes("image page", 40.0, 120.0), PageTimes("/healthz", 3.0, 9.0)),
        crowd=CrowdFigures(23, 1, 175, 1, 9.96, 0.512),
    )

    assert tables.pages(figures, collages=8).splitlines() == [
        "ms (median, 95th), 30 silent connections".ljust(44)
        + "alone".rjust(24)
        + "8 collages".rjust(24),
        "  image page" + " " * 32 + "          12          20          40         120",
        "  /healthz" + " " * 34 + "           1           2           3           9",
        "  200 searches at once: 23 right and 1 wrong within 10.0 s, 175 refused within 0.51 s, "
        "1 failed",
    ]
