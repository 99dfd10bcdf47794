"""Figures as lines for a terminal."""

from collections.abc import Sequence

from bench.admin_pages import AdminPageFigures
from bench.builds.checkout import Build
from bench.comparing_searches import SearchComparison
from bench.ingesting import IngestComparison
from bench.memory import MemoryFigures
from bench.pages import PagesFigures
from bench.turns import Comparison
from bench.watching import WatchFigures

_MEBIBYTE = 1024 * 1024
_NAME_CHARS = 44
_FIGURE_CHARS = 12


def ingestion(builds: tuple[Build, Build], compared: IngestComparison, *, turns: int) -> str:
    """Return pictures a second, indexed and read, and their ratios."""
    here, there = builds
    paces = (
        ("indexed", compared.indexed),
        ("read meanwhile", compared.read),
        ("read alone", compared.read_alone),
    )
    return (
        f"Pictures a second, medians of {turns} turns; ratios from the lowest to the highest\n"
        + (
            "\n".join(
                f"{name + ':':<16}{here.name} {pace.first:.2f}, {there.name} {pace.second:.2f}; "
                f"ratio {pace.ratio}"
                for name, pace in paces
            )
        )
    )


def search_head(sides: Sequence[str]) -> str:
    """Return what stands above the rows of searches."""
    names = "".join(f"{side:>{_FIGURE_CHARS}}" for side in sides)
    return (
        "Milliseconds a search, medians of the turns; a build without first hits answers with all "
        f"proofs.\n{'':<{_NAME_CHARS}}{names}   ratio (lowest to highest)"
    )


def search_rows(figures: SearchComparison) -> str:
    """Return one kind of searching: its median, its 95th percentile, and what was found.

    That copies are proved goes without saying, unless a search ran out of time over it.
    """
    rows = [_row(figures.name, figures.median_ms), _row("  95th percentile", figures.p95_ms)]
    if figures.found_first is not None:
        rows.append(_shares("  original first", figures.found_first, figures.asked))
    if figures.complete is not None and figures.complete != figures.asked:
        rows.append(_shares("  all copies proved in time", figures.complete, figures.asked))
    return "\n".join(rows)


def _shares(name: str, counts: tuple[int, int], asked: tuple[int, int]) -> str:
    pairs = zip(counts, asked, strict=True)
    shares = "".join(f"{f'{count}/{total}':>{_FIGURE_CHARS}}" for count, total in pairs)
    return f"{name:<{_NAME_CHARS}}{shares}"


def _row(name: str, compared: Comparison) -> str:
    figures = f"{compared.first:{_FIGURE_CHARS}.1f}{compared.second:{_FIGURE_CHARS}.1f}"
    return f"{name:<{_NAME_CHARS}}{figures}   {compared.ratio}"


def memory(figures: MemoryFigures) -> str:
    """Return each process of a build with its memory, their sums, and the starts."""
    rows = [(each.role, each.rss_bytes, each.pss_bytes) for each in figures.processes]
    lines = [
        f"{name:<{_NAME_CHARS}}{rss / _MEBIBYTE:{_FIGURE_CHARS}.0f}"
        f"{pss / _MEBIBYTE:{_FIGURE_CHARS}.0f}"
        for name, rss, pss in [*rows, ("all", figures.rss_bytes, figures.pss_bytes)]
    ]
    title = f"{figures.name}, MiB, {figures.indexed} pictures indexed"
    head = f"{title:<{_NAME_CHARS}}{'RSS':>{_FIGURE_CHARS}}{'PSS':>{_FIGURE_CHARS}}"
    ready = (
        f"ready after {figures.first_ready_s:.1f} s at the first start, "
        f"{figures.second_ready_s:.1f} s at the second"
    )
    return "\n".join([head, *lines, ready])


def memory_ratio(here: MemoryFigures, there: MemoryFigures) -> str:
    """Return what one build takes of what another one does."""
    return (
        f"Ratio: RSS {here.rss_bytes / there.rss_bytes:.2f}, "
        f"PSS {here.pss_bytes / there.pss_bytes:.2f}, "
        f"second start {here.second_ready_s / there.second_ready_s:.2f}"
    )


def pages(figures: PagesFigures, *, collages: int) -> str:
    """Return how long pages took, alone and beside searches, and how a crowd's searches ended."""
    crowd = figures.crowd
    asked = crowd.right + crowd.wrong + crowd.refused + crowd.failed
    title = f"ms (median, 95th), {figures.silent} silent connections"
    heads = ("alone", f"{collages} collages")
    lines = [f"{title:<{_NAME_CHARS}}" + "".join(f"{head:>{2 * _FIGURE_CHARS}}" for head in heads)]
    for alone, busy in zip(figures.alone, figures.busy, strict=True):
        times = (alone.p50_ms, alone.p95_ms, busy.p50_ms, busy.p95_ms)
        cells = "".join(f"{each:{_FIGURE_CHARS}.0f}" for each in times)
        lines.append(f"  {alone.name:<{_NAME_CHARS - 2}}{cells}")
    lines.append(
        f"  {asked} searches at once: {crowd.right} right and {crowd.wrong} wrong within "
        f"{crowd.slowest_answer_s:.1f} s, {crowd.refused} refused within "
        f"{crowd.slowest_refusal_s:.2f} s, {crowd.failed} failed"
    )
    return "\n".join(lines)


def admin_head(*, images: int, tags: int, rounds: int) -> str:
    """Return what stands above the rows of the admin's pages."""
    heads = "".join(
        f"{head:>{_FIGURE_CHARS}}" for head in ("median ms", "95th", "CPU ms", "queries")
    )
    size = f"{images:,} images, {tags:,} tags; each page {rounds} times"
    return f"{size}\n{'':<{_NAME_CHARS}}{heads}"


def admin_row(figures: AdminPageFigures) -> str:
    """Return one page's times and queries."""
    times = "".join(
        f"{ms:{_FIGURE_CHARS}.0f}" for ms in (figures.p50_ms, figures.p95_ms, figures.cpu_ms)
    )
    return f"{figures.name:<{_NAME_CHARS}}{times}{figures.queries:{_FIGURE_CHARS}}"


def watch_head(*, images: int) -> str:
    """Return what stands above the rows of many watches."""
    heads = ("watches", "looks", "image: queries", "ms", "looks: queries", "ms")
    return f"{images:,} images; medians of new ones\n" + "".join(f"{head:>16}" for head in heads)


def watch_row(figures: WatchFigures) -> str:
    """Return what a new image cost beside so many watches."""
    counts = f"{figures.watches:16,}{figures.looks:16,}"
    image = f"{figures.image_queries:16}{figures.image_ms:16.1f}"
    return f"{counts}{image}{figures.look_queries:16}{figures.look_ms:16.1f}"
