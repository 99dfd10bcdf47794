import pytest
from PIL import Image, ImageDraw

from ml.rules.ground import BLACK, WHITE, ground_for
from ml.rules.rgb import to_rgb


def mark(grey: int, *, alpha: int = 255) -> Image.Image:
    image = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((10, 5, 50, 35), fill=(grey, grey, grey, alpha))
    return image


@pytest.mark.parametrize(
    ("image", "ground"),
    [
        pytest.param(mark(255), BLACK, id="white"),
        pytest.param(mark(250), BLACK, id="almost-white"),
        pytest.param(mark(255, alpha=90), BLACK, id="faint-white"),
        pytest.param(mark(20), WHITE, id="black"),
        pytest.param(mark(200), WHITE, id="light-grey"),
        pytest.param(mark(255, alpha=9), WHITE, id="not-seen"),
        pytest.param(Image.new("RGBA", (9, 9)), WHITE, id="nothing"),
    ],
)
def test_white_is_the_ground_unless_it_hides_what_is_there(image, ground):
    assert ground_for([image]) == ground
    assert ground_for([image.crop((0, 0, 60, 20)), image.crop((0, 20, 60, 40))]) == ground


def test_a_page_with_little_ink_lies_on_white():
    page = Image.new("RGBA", (100, 100), "white")
    page.paste((0, 0, 0, 255), (10, 10, 40, 20))  # 3 in 100 pixels
    page.paste((0, 0, 0, 0), (0, 90, 100, 100))

    assert ground_for([page]) == WHITE


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_white_mark_is_seen(mode):
    shown = to_rgb(mark(255).convert(mode))

    assert shown.getpixel((30, 20)) == (255, 255, 255)
    assert shown.getpixel((1, 1)) == (0, 0, 0)
