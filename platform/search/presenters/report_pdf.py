"""An answer on one page of paper. Loading this file loads ReportLab: only its address does so."""

import io
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, ngettext, pgettext
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from catalog import storage
from catalog.validation import preview
from kernel.errors import AppError
from ml.rules.regions import FULL_IMAGE
from search.presenters.headline import headline
from search.presenters.page import part_name, verdict_name
from search.report import AnswerReport, ReportedHit

# Points of 1/72 inch.
_WIDTH, _HEIGHT = A4
_MARGIN, _LINE = 42.0, 11.0
_QUERY_PT = 150.0
_ROW_PT, _THUMBNAIL_PT = 84.0, 74.0
_TITLE_SIZE, _TEXT_SIZE, _SMALL_SIZE = 14.0, 9.0, 7.0
_MUTED, _INK, _MARK = (0.36, 0.38, 0.42), (0.09, 0.1, 0.12), (1.0, 0.7, 0.0)
# What a page has room for.
MAX_HITS = 6
# Of the pictures in it: so that it stays small enough to be sent.
_QUERY_SIDE_PX = 800
_FONTS = "matplotlib/mpl-data/fonts/ttf/"


def write_pdf(report: AnswerReport, *, query_data: bytes) -> bytes:
    """Return the page, an A4, in the active language.

    Args:
        report: the answer.
        query_data: the file that was asked with.

    Raises:
        UserInputError: that file is no picture any more.
        TransientError: the storage is away.
    """
    _register_fonts()
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, pageCompression=1)
    canvas.setTitle(_title(report))
    canvas.setProducer("Semblance")
    top = _head(canvas, report, preview(query_data, side_px=_QUERY_SIDE_PX))
    shown = report.hits[:MAX_HITS]
    for each in shown:
        top = _hit(canvas, each, top)
    _foot(canvas, report, left_out=len(report.hits) - len(shown))
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@cache
def _register_fonts() -> None:
    """Have ReportLab know DejaVu Sans, which has Cyrillic and comes with matplotlib."""
    files = distribution("matplotlib")
    for name, file in (("Sans", "DejaVuSans.ttf"), ("Sans-Bold", "DejaVuSans-Bold.ttf")):
        path = Path(str(files.locate_file(_FONTS + file)))
        pdfmetrics.registerFont(TTFont(name, path))


def _title(report: AnswerReport) -> str:
    name = report.query_name or gettext("Your picture")
    return gettext("Pictures like {name}").format(name=name)


def _head(canvas: Canvas, report: AnswerReport, query: bytes) -> float:
    """Draw the asked picture and what was found of it; return where the rest begins."""
    top, result = _HEIGHT - _MARGIN, report.result
    _text(canvas, _title(report), (_MARGIN, top - _TITLE_SIZE), size=_TITLE_SIZE, is_bold=True)
    top -= _TITLE_SIZE + _LINE
    _text(canvas, headline(result), (_MARGIN, top - _TEXT_SIZE))
    top -= _TEXT_SIZE + _LINE
    right, bottom = _picture(canvas, query, (_MARGIN, top), side=_QUERY_PT)
    box = result.box
    if box is not None:
        scale = (right - _MARGIN) / result.query.width
        _frame(canvas, box, (_MARGIN, top), scale)
    at, pdq = date_format(report.at, "DATETIME_FORMAT"), report.query_pdq
    facts = [
        report.query_name,
        f"{result.query.width} × {result.query.height} px",
        *_wrapped_hash("SHA-256", result.query.sha256),
        *([] if pdq is None else _wrapped_hash(f"PDQ ({pdq.quality})", pdq.pdq.hex())),
        *([] if box is None else [gettext("Part: {box}").format(box=_box(box))]),
        gettext("Searched {at} (UTC)").format(at=at),
        ngettext("{count} hit", "{count} hits", len(report.hits)).format(count=len(report.hits)),
        "" if result.are_copies_checked else gettext("Not all copies were checked."),
    ]
    _lines(canvas, [fact for fact in facts if fact], (right + 14, top - _TEXT_SIZE))
    return float(min(bottom, top - len(facts) * _LINE) - 2 * _LINE)


def _hit(canvas: Canvas, each: ReportedHit, top: float) -> float:
    """Draw one hit; return where the next begins."""
    hit = each.hit
    canvas.setStrokeColorRGB(0.86, 0.86, 0.84)
    canvas.line(_MARGIN, top, _WIDTH - _MARGIN, top)
    top -= 5
    try:
        thumbnail = storage.read(storage.thumbnail_name(hit.image.sha256))
    except AppError:  # what is written of it is worth having
        thumbnail = None
    if thumbnail is not None:
        right, _bottom = _picture(canvas, thumbnail, (_MARGIN, top), side=_THUMBNAIL_PT)
        if each.region_box is not None and hit.region is not None and hit.region.kind != FULL_IMAGE:
            scale = (right - _MARGIN) / hit.image.width
            _frame(canvas, each.region_box, (_MARGIN, top), scale)
    left = _MARGIN + _THUMBNAIL_PT + 14
    _text(canvas, f"{hit.rank}. {hit.image}", (left, top - _TEXT_SIZE), is_bold=True)
    _lines(canvas, _said_of(each), (left, top - _TEXT_SIZE - _LINE - 1), size=_SMALL_SIZE + 0.5)
    return top - _ROW_PT + 5


def _said_of(each: ReportedHit) -> list[str]:
    hit = each.hit
    facts = [str(verdict_name(hit.verdict))]
    if hit.probability is not None and not hit.verdict.is_proved:
        likely = f"{round(100 * hit.probability)}%"
        facts.append(gettext("{percent} likely the same subject").format(percent=likely))
    if hit.score is not None:
        score = number_format(f"{hit.score:.3f}")
        facts.append(gettext("similarity {score}").format(score=score))
    if hit.is_unchecked:
        facts.append(gettext("not compared"))
    met = gettext("{query} met {image}").format(
        query=_region_said(part_name(hit.query), hit.query.box),
        image=gettext("all of the image") if each.region_box is None else _box(each.region_box),
    )
    lines = [" · ".join(facts), met, f"{hit.image.width} × {hit.image.height} px · {hit.image.pk}"]
    lines += filter(None, [_proof(each)])
    if each.pdq:
        lines.append(f"PDQ {each.pdq} ({each.pdq_quality})")
    return lines


def _proof(each: ReportedHit) -> str:
    """Return what pixels and hashes say of a hit; "" for nothing."""
    copy = each.hit.copy
    facts = []
    if copy is not None and copy.overlap is not None:
        points = copy.overlap.inliers
        facts.append(
            ngettext("{points} point agrees", "{points} points agree", points).format(points=points)
        )
        percent = round(copy.overlap.query_percent)
        facts.append(gettext("shows {percent}% of your picture").format(percent=percent))
        if copy.overlap.is_mirrored:
            facts.append(gettext("mirrored"))
    if each.pdq_bits is not None:
        facts.append(gettext("{bits} of 256 bits of PDQ differ").format(bits=each.pdq_bits))
    return " · ".join(facts)


def _foot(canvas: Canvas, report: AnswerReport, *, left_out: int) -> None:
    version = report.result.version
    lines = [
        f"Semblance · {version.encoder} · {version.collection}",
        gettext("Weights: {sha256}").format(sha256=version.weights_sha256),
        gettext("Calibration: {sha256}").format(
            sha256=report.calibration or pgettext("calibration", "none")
        ),
    ]
    if left_out:
        more = ngettext(
            "{count} hit more is in the table (CSV).",
            "{count} hits more are in the table (CSV).",
            left_out,
        ).format(count=left_out)
        lines.insert(0, more)
    top = _MARGIN - 10 + (len(lines) - 1) * (_SMALL_SIZE + 2)
    _lines(canvas, lines, (_MARGIN, top), size=_SMALL_SIZE, colour=_MUTED)


def _picture(
    canvas: Canvas, data: bytes, at: tuple[float, float], *, side: float
) -> tuple[float, float]:
    """Draw a JPEG below a point, no larger than a square; return its right and lower rim."""
    reader = ImageReader(io.BytesIO(data))
    width, height = reader.getSize()
    scale = side / max(width, height)
    left, top = at
    canvas.drawImage(reader, left, top - height * scale, width * scale, height * scale)
    return left + width * scale, top - height * scale


def _frame(
    canvas: Canvas, box: tuple[int, int, int, int], at: tuple[float, float], scale: float
) -> None:
    x0, y0, x1, y1 = (side * scale for side in box)
    canvas.setStrokeColorRGB(*_MARK)
    canvas.setLineWidth(1.5)
    canvas.rect(at[0] + x0, at[1] - y1, x1 - x0, y1 - y0)
    canvas.setLineWidth(0.5)


def _lines(
    canvas: Canvas,
    lines: list[str],
    at: tuple[float, float],
    *,
    size: float = _TEXT_SIZE,
    colour: tuple[float, float, float] = _INK,
) -> None:
    left, top = at
    for line in lines:
        _text(canvas, line, (left, top), size=size, colour=colour)
        top -= size + 3


def _text(
    canvas: Canvas,
    text: str,
    at: tuple[float, float],
    *,
    size: float = _TEXT_SIZE,
    is_bold: bool = False,
    colour: tuple[float, float, float] = _INK,
) -> None:
    """Write one line, cut where the page ends."""
    font = "Sans-Bold" if is_bold else "Sans"
    left, baseline = at
    canvas.setFillColorRGB(*colour)
    canvas.setFont(font, size)
    canvas.drawString(left, baseline, _cut(text, font, size, _WIDTH - _MARGIN - left))


def _cut(text: str, font: str, size: float, width: float) -> str:
    """Return a line as far as it fits; what is no character is left out."""
    line = "".join(letter for letter in text if letter.isprintable())[:400]
    if pdfmetrics.stringWidth(line, font, size) <= width:
        return line
    while line and pdfmetrics.stringWidth(f"{line}…", font, size) > width:
        line = line[:-1]
    return f"{line}…"


def _wrapped_hash(name: str, sha256: str) -> list[str]:
    return [f"{name} {sha256[:32]}", f"{' ' * len(name)} {sha256[32:]}"]


def _region_said(name: Any, box: tuple[int, int, int, int]) -> str:
    return f"{name} ({_box(box)})"


def _box(box: tuple[int, int, int, int]) -> str:
    x0, y0, x1, y1 = box
    return f"{x0},{y0} – {x1},{y1}"
