import pytest

from ml.rules.page_stack import PageBox, lay_out


def test_pages_stand_below_each_other_in_the_middle():
    stack = lay_out([(100, 50), (40, 30), (60, 10)], max_pixels=10**6)

    assert (stack.width, stack.height) == (100, 50 + 16 + 30 + 16 + 10)
    assert stack.pages == (
        PageBox(0, 0, 100, 50),
        PageBox(30, 66, 70, 96),
        PageBox(20, 112, 80, 122),
    )


@pytest.mark.parametrize(("max_pixels", "pages"), [(100 * 116, 2), (100 * 116 - 1, 1), (1, 1)])
def test_pages_that_do_not_fit_are_left_out(max_pixels, pages):
    stack = lay_out([(100, 50), (100, 50), (1, 1)], max_pixels=max_pixels)

    assert len(stack.pages) == pages
    assert stack.height == (116 if pages == 2 else 50)
