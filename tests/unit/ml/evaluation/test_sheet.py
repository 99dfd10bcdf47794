import pytest
from PIL import Image

from ml.evaluation.sheet import MAX_FAILURES, Grid, draw_sheet, fitted, font

GRID = Grid(cell=(20, 10), max_across=3, start=(4, 2), extra=(5, 7))


def fill(sheet, at, colour):
    sheet.paste(colour, (*at, at[0] + 6, at[1] + 5))


@pytest.mark.parametrize(
    ("count", "size"),
    [(1, (25, 17)), (3, (65, 17)), (4, (65, 27)), (MAX_FAILURES + 9, (65, 87))],
)
def test_a_sheet_is_as_large_as_its_cells_and_what_is_beyond_them(tmp_path, count, size):
    assert draw_sheet([(9, 9, 9)] * count, tmp_path / "sheet.png", GRID, fill)

    with Image.open(tmp_path / "sheet.png") as sheet:
        assert (sheet.format, sheet.size) == ("PNG", size)


def test_cells_are_filled_row_by_row(tmp_path):
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 0)]

    draw_sheet(colours, tmp_path / "sheet.png", GRID, fill)

    with Image.open(tmp_path / "sheet.png") as sheet:
        corners = [sheet.getpixel(at) for at in [(4, 2), (24, 2), (44, 2), (4, 12)]]
        assert corners == colours
        assert sheet.getpixel((3, 2)) == sheet.getpixel((24, 12)) == (255, 255, 255)


def test_of_nothing_there_is_no_sheet(tmp_path):
    assert not draw_sheet([], tmp_path / "sheet.png", GRID, fill)
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_keeps_its_end():
    assert fitted("a.png", 168) == "a.png"
    shown = fitted(f"{'folder/' * 20}a.png", 168)
    assert shown.startswith("…")
    assert shown.endswith("a.png")
    assert font().getlength(shown) <= 168
