"""Small data folders of drawn pictures, in the shapes that the protocols read.

A subject is a colour. Its picture in a medium is that colour with the medium's own dark band, so
that `tests.fakes.GridEncoder` finds a subject again, the more surely the smaller the band.
"""

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"apple": (220, 30, 30), "leaf": (30, 200, 60), "sea": (40, 60, 220)}
BANDS_PX = {"photo": 0, "sketch": 24}
SIZE_PX = 32


def subject(colour, band_px=0, shade=0):
    """A square of one colour, a little darker by `shade`, black in its first rows."""
    pixels = np.full((SIZE_PX, SIZE_PX, 3), colour, dtype=np.int16) - shade
    pixels[:band_px] = 0
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def media(folder: Path, *, count=2, bands=BANDS_PX) -> Path:
    """medium/subject/<number>.png"""
    for medium, band_px in bands.items():
        for name, colour in COLOURS.items():
            for number in range(count):
                image = subject(colour, band_px, shade=8 * number)
                save(image, folder / medium / name / f"{number}.png")
    return folder


def scenes(folder: Path) -> Path:
    """Each subject plain, and as a small square on a black background."""
    rows = []
    for number, (name, colour) in enumerate(COLOURS.items()):
        save(subject(colour), folder / "images" / f"{name}_plain.png")
        scene = Image.new("RGB", (64, 48))
        scene.paste(subject(colour), (8 + number, 4))
        save(scene, folder / "images" / f"{name}_scene.png")
        rows.append(f"images/{name}_plain.png,{name},plain,0,0,32,32")
        rows.append(f"images/{name}_scene.png,{name},scene,{8 + number},4,32,32")
    return labels(folder, "path,subject,variant,x,y,w,h", rows)


EDITS = {"dark20": (0, 20), "band50": (16, 0)}  # rows of black, levels darker


def copies(folder: Path, edits=EDITS) -> Path:
    """Each subject as the original, and edited: darker, and half black."""
    rows = []
    for name, colour in COLOURS.items():
        for edit, (band_px, shade) in {"orig": (0, 0), **edits}.items():
            save(subject(colour, band_px, shade), folder / "images" / f"{name}_{edit}.png")
            rows.append(f"images/{name}_{edit}.png,{name},{edit}")
    return labels(folder, "path,group,edit", rows)


def labels(folder: Path, header: str, rows: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder
