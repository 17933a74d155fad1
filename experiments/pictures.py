"""How many drawn pictures the tuned networks recognize, on grounds of all kinds.

python experiments/pictures.py                 # a minute; writes pictures.json, which make_results.py reads

The pictures of `tests/pictures/drawn` come from many sets of drawings, which were dealt into two halves, set by set in
the order of their size, before anything was measured. On one half the preparation was chosen; the other is counted.
"""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

import fashionzoo as fz
from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import FAMILIAR, IMAGE_SIZE
from fashionzoo.images.conversion import to_uint8
from fashionzoo.weights.familiarity import familiarity

OUTPUT = Path(__file__).parent / "pictures.json"
DRAWN = Path(__file__).parent.parent / "tests" / "pictures" / "drawn"
MARGIN = 20  # pixels
BLANK = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)


def lay_on(color: str) -> Callable[[Image.Image], Image.Image]:
    """Return what lays a picture on a color."""

    def lay(picture: Image.Image) -> Image.Image:
        sheet = Image.new("RGB", (picture.width + 2 * MARGIN, picture.height + 2 * MARGIN), color)
        sheet.paste(picture, (MARGIN, MARGIN), picture)
        return sheet

    return lay


def compress(picture: Image.Image) -> Image.Image:
    """Return a picture on white after JPEG at quality 60."""
    file = io.BytesIO()
    lay_on("white")(picture).save(file, "JPEG", quality=60)
    return Image.open(file)


def add_shadow(picture: Image.Image) -> Image.Image:
    """Return a picture on white with a soft shadow."""
    sheet = lay_on("white")(picture)
    shadow = Image.new("L", sheet.size)
    shadow.paste(picture.getchannel("A").point(lambda level: int(0.35 * level)), (MARGIN + 6, MARGIN + 8))
    sheet = Image.composite(Image.new("RGB", sheet.size), Image.new("RGB", sheet.size, "white"), _blur(shadow))
    sheet.paste(picture, (MARGIN, MARGIN), picture)
    return sheet


def _blur(picture: Image.Image) -> Image.Image:
    """Return a picture with soft edges."""
    return picture.filter(ImageFilter.GaussianBlur(6))


def add_frame(picture: Image.Image) -> Image.Image:
    """Return a picture on white with a thin black frame."""
    sheet = lay_on("white")(picture)
    ImageDraw.Draw(sheet).rectangle((0, 0, sheet.width - 1, sheet.height - 1), outline="black", width=2)
    return sheet


GROUNDS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "white": lay_on("white"),
    "gray 205": lay_on("rgb(205, 205, 205)"),
    "red": lay_on("red"),
    "black": lay_on("black"),
    "transparent": lambda picture: picture,
    "JPEG, quality 60": compress,
    "shadow": add_shadow,
    "frame": add_frame,
}


def read_pictures(half: str, style: str | None = None) -> tuple[list[Image.Image], torch.Tensor]:
    """Return the pictures of a half, with transparency, and their labels.

    Args:
        half: ``"choose"`` or ``"count"``.
        style: ``"drawing"``, in color, or ``"icon"``, of one color or two; ``None`` for both.
    """
    with (DRAWN / "pictures.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["half"] == half and row["style"] == (style or row["style"])]
    pictures = [Image.open(DRAWN / row["file"]).convert("RGBA") for row in rows]
    return pictures, torch.tensor([int(row["label"]) for row in rows])


def prepare_all(pictures: list[Image.Image]) -> torch.Tensor:
    """Return prepared pictures as a batch, black where nothing was found."""

    def prepare(picture: Image.Image) -> torch.Tensor:
        try:
            return to_uint8(picture)
        except FashionZooError:
            return BLANK

    return torch.cat([prepare(picture) for picture in pictures])


def main() -> None:
    """Measure all."""
    networks = {name: fz.get_model(name, "tuned") for name in fz.list_models()}
    results = {}
    for half, style in (("choose", None), ("count", None), ("count", "drawing"), ("count", "icon")):
        pictures, labels = read_pictures(half, style)
        rows = {}
        for ground, lay in GROUNDS.items():
            pixels = prepare_all([lay(picture) for picture in pictures])
            right = {
                name: int(sum(np.array([p.label for p in network.predictions(pixels)]) == labels.numpy()))
                for name, network in networks.items()
            }
            rows[ground] = {**right, "unfamiliar": int((familiarity(pixels) < FAMILIAR).sum())}
        results[f"{half}, {style or 'all'}"] = {"pictures": len(pictures), "right": rows}
        print(half, style, json.dumps(results[f"{half}, {style or 'all'}"]))
    OUTPUT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
