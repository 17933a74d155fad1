"""Any picture into the form of Fashion-MNIST's images, by the steps with which the data set was made.

Xiao, Rasul and Vollgraf (2017), section 2 and figure 1: trim the ground, scale the longest edge to 28 pixels, extend
the shortest to 28 with the thing in the center, negate, convert to 8-bit gray. Where this module differs or the paper
leaves a choice open, the choice was made on one half of the drawn pictures in ``tests/pictures``; see RESULTS.md.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.images.classes import IMAGE_SIZE
from fashionzoo.images.ground import Mask, drop_specks, find_thing, frame_width
from fashionzoo.notebook import html_pictures

Ground = Literal["auto", "bright", "dark", "ready"]
GROUNDS: tuple[Ground, ...] = get_args(Ground)
WORKING_SIZE = 4 * IMAGE_SIZE  # pixels of the longer side, on which the ground is found
DARK_CORNER = 127  # at least one corner of each image of the test set is not brighter
BLACK = 16  # gray levels: a ground up to here is black
COLORLESS = 12  # levels between a pixel's channels: more is color
OPAQUE = 128  # alpha from which a pixel belongs to the thing
FAINTEST = 80  # the thing's pixels are at least so bright, so that it stands out from the ground where it is white
FULL = 200  # a paler thing is brightened until its 98th percentile is here
OUTLINED = 0.35  # of the area within an outline is of the ground's color, or more: a drawing of lines, to be filled
FILLING = 120  # brightness of what is filled
MAX_PIXELS = 89_478_485  # Pillow's own limit, for where it was taken away
STEP_NAMES = ("as it came", "trimmed", "scaled", "as the network sees it")
TOO_LARGE = "has too many pixels for an image of clothing: scale it down"
NOTHING = "has nothing on it that differs from its ground: show the thing on a plain one"


class Steps(NamedTuple):
    """What :class:`Prepare` made of a picture: as it came, trimmed to the thing, scaled, and as the network sees it."""

    original: Image.Image
    trimmed: Image.Image
    scaled: Image.Image
    prepared: Image.Image

    def __repr__(self) -> str:
        """Return what each step is."""
        return f"<Steps {'; '.join(self.captions())}>"

    def captions(self) -> list[str]:
        """Return what each step is, with its size in pixels."""
        return [f"{name}, {step.width}x{step.height}" for name, step in zip(STEP_NAMES, self, strict=True)]

    def _repr_html_(self) -> str:
        """Return the steps side by side, for notebooks."""
        return html_pictures(zip(self, self.captions(), strict=True))


class Prepare:
    """Bring a picture to 28x28 pixels, gray on black, as the makers of Fashion-MNIST did with their photographs.

    Args:
        ground: ``"auto"`` finds out what the picture is. ``"bright"``: darker things are brighter in the result, as in
            the data set. ``"dark"``: brightness stays, for light things on a dark ground. ``"ready"``: the picture is
            in the data set's form already and is only scaled, if it is larger.

    Raises:
        FashionZooError: There is no such ground or, when called, nothing is on the picture.

    Example:
        >>> picture = Image.new("RGB", (90, 60), "white")
        >>> picture.paste("navy", (30, 10, 50, 50))
        >>> prepared = Prepare()(picture)
        >>> prepared.size, prepared.getpixel((14, 14)) > 100, prepared.getpixel((0, 0))
        ((28, 28), True, 0)
    """

    def __init__(self, ground: Ground = "auto") -> None:
        check_ground(ground)
        self.ground = ground

    def __call__(self, picture: Image.Image) -> Image.Image:
        """Return the prepared picture, 28x28, 8-bit gray."""
        return self.steps(picture).prepared

    def steps(self, picture: Image.Image) -> Steps:
        """Return the picture at each step.

        Args:
            picture: Of any size and mode; of an animation, the frame that it is at.

        Raises:
            FashionZooError: Nothing is on it, it has too many pixels, or its mode is none of a picture.
        """
        if not isinstance(picture, Image.Image):
            raise FashionZooError(f"a {type(picture).__name__} is no picture yet: pass what PIL.Image.open returns")
        picture = _to_8_bits(picture)
        if self.ground == "ready" or (self.ground == "auto" and is_ready(picture)):
            prepared = _place(_flatten(picture, "black").convert("L"))
            if self.ground == "auto" and len(prepared.getcolors() or []) == 1:
                raise FashionZooError(NOTHING)
            return Steps(picture, picture, prepared, prepared)
        trimmed, thing = _trim(picture)
        negate = self.ground == "bright" or (self.ground == "auto" and not _is_gray_on_black(picture))
        scaled = _to_intensity(trimmed, thing, negate)
        return Steps(picture, trimmed, scaled, _place(scaled))


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Return an upright picture of any mode as 8-bit gray or RGB, or as RGBA if a part of it is transparent."""
    if image.width * image.height > (Image.MAX_IMAGE_PIXELS or MAX_PIXELS):  # above it Pillow only warns
        raise FashionZooError(TOO_LARGE)
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # integers of more than 8 bits, which may hold 8-bit values all the same
        pixels = np.asarray(image).astype(np.int64)
        if pixels.min() < 0 or pixels.max() > 65535:
            raise FashionZooError("has pixels outside 0 to 65535: save it with 8 or 16 bits")
        return Image.fromarray((pixels // 257 if pixels.max() > 255 else pixels).astype(np.uint8))
    if image.mode == "F":
        raise FashionZooError("has floating-point pixels: save it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        opaque = np.asarray(image.getchannel("A")).min() == 255
        return image.convert("RGB") if opaque else image
    try:
        return image.convert("L" if image.mode in ("1", "L") else "RGB")
    except ValueError as error:
        raise FashionZooError(f"has mode {image.mode}: save it as RGB or gray") from error


def is_ready(picture: Image.Image) -> bool:
    """Tell whether a picture is in the data set's form: 28x28, without color, and not with four bright corners.

    Args:
        picture: Of mode L, RGB or RGBA.
    """
    if picture.size != (IMAGE_SIZE, IMAGE_SIZE) or picture.has_transparency_data or not _is_colorless(picture):
        return False
    return bool(np.asarray(picture.convert("L"))[:: IMAGE_SIZE - 1, :: IMAGE_SIZE - 1].min() <= DARK_CORNER)


def _is_gray_on_black(picture: Image.Image) -> bool:
    """Tell whether a picture is as those of the data set but for its size, and so is not to be negated."""
    if picture.has_transparency_data or not _is_colorless(picture):
        return False
    gray = np.asarray(_shrink(picture).convert("L"))
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    return bool(np.median(border) <= BLACK)


def _is_colorless(picture: Image.Image) -> bool:
    """Tell whether the channels of each pixel are alike."""
    if picture.mode == "L":
        return True
    red, green, blue = np.moveaxis(np.asarray(_shrink(picture).convert("RGB")).astype(np.int16), 2, 0)
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return bool((spread <= COLORLESS).mean() > 0.99)


def _trim(picture: Image.Image) -> tuple[Image.Image, Mask]:
    """Return the part of a picture that shows the thing, at working size, and which of its pixels do.

    A thing that is small on its picture is cut out and looked at once more, from nearer.
    """
    small = _shrink(picture)
    frame = 0 if _is_cut_out(small) else frame_width(_pixels(small))
    if frame:
        edge = round(frame * max(picture.size) / max(small.size)) + 1
        picture = _crop(picture, (edge, edge, picture.width - edge, picture.height - edge))
        small = _shrink(picture)
    thing = _find(small)
    left, top, right, bottom = _box(thing)
    scale = max(picture.size) / max(small.size)
    if max(right - left, bottom - top) < max(small.size) / 2 and scale > 1:
        near = [(left - 4) * scale, (top - 4) * scale, (right + 4) * scale, (bottom + 4) * scale]
        small = _shrink(_crop(picture, tuple(map(int, near))))
        thing = _find(small)
        left, top, right, bottom = _box(thing)
    return small.crop((left, top, right, bottom)), thing[top:bottom, left:right]


def _find(picture: Image.Image) -> Mask:
    """Return which pixels show the thing: by their opacity, or because they differ from the ground."""
    if _is_cut_out(picture):
        return drop_specks(np.asarray(picture.getchannel("A")) >= OPAQUE)
    return find_thing(_pixels(picture))


def _is_cut_out(picture: Image.Image) -> bool:
    """Tell whether the ground is transparent."""
    if picture.mode != "RGBA":
        return False
    alpha = np.asarray(picture.getchannel("A"))
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    return bool((border < OPAQUE).mean() > 0.25)


def _to_intensity(picture: Image.Image, thing: Mask, negate: bool) -> Image.Image:
    """Return a trimmed picture as gray on black, and scaled until its longer side has 28 pixels."""
    gray = np.asarray(_flatten(picture, "white").convert("L"), dtype=np.float64)
    levels = gray
    if negate:
        brightest = max(float(np.percentile(255 - gray[thing], 98)), 1.0)
        levels = np.clip((255 - gray) * max(1.0, FULL / brightest), 0, 255)
        levels = FAINTEST + levels * (255 - FAINTEST) / 255
    intensity = np.where(thing, levels, 0)
    filled = ndimage.binary_fill_holes(thing)
    if (filled & ~thing).sum() > OUTLINED * filled.sum():
        intensity[filled & ~thing] = FILLING
    scaled = Image.fromarray(intensity.round().astype(np.uint8))
    factor = IMAGE_SIZE / max(scaled.size)
    size = (max(1, round(scaled.width * factor)), max(1, round(scaled.height * factor)))
    return scaled.resize(size, Image.Resampling.BOX)


def _place(picture: Image.Image) -> Image.Image:
    """Return a gray picture in the center of 28x28 black pixels, made smaller first if it is larger."""
    if max(picture.size) != IMAGE_SIZE:
        factor = IMAGE_SIZE / max(picture.size)
        size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    canvas = Image.new("L", (IMAGE_SIZE, IMAGE_SIZE))
    canvas.paste(picture, ((IMAGE_SIZE - picture.width) // 2, (IMAGE_SIZE - picture.height) // 2))
    return canvas


def _box(thing: Mask) -> tuple[int, int, int, int]:
    """Return the smallest box around the thing: left, top, right, bottom."""
    rows, columns = np.flatnonzero(thing.any(axis=1)), np.flatnonzero(thing.any(axis=0))
    if not len(rows):
        raise FashionZooError(NOTHING)
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _crop(picture: Image.Image, box: tuple[int, ...]) -> Image.Image:
    """Return a part of a picture, which ends where the picture ends."""
    left, top, right, bottom = box
    return picture.crop((max(0, left), max(0, top), min(picture.width, right), min(picture.height, bottom)))


def _shrink(picture: Image.Image) -> Image.Image:
    """Return a picture at working size, if it is larger."""
    factor = WORKING_SIZE / max(picture.size)
    if factor >= 1:
        return picture
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.BOX, reducing_gap=2)


def _flatten(picture: Image.Image, color: str) -> Image.Image:
    """Lay a picture on a color where it is transparent."""
    if picture.mode != "RGBA":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, color), picture).convert("RGB")


def _pixels(picture: Image.Image) -> NDArray[np.float64]:
    """Return a picture's colors as numbers, on white where it is transparent."""
    return np.asarray(_flatten(picture, "white").convert("RGB"), dtype=np.float64)


def check_ground(ground: str) -> None:
    """Raise unless there is such a ground."""
    if ground not in GROUNDS:
        raise FashionZooError(f"unknown ground {ground!r}: {did_you_mean(str(ground), GROUNDS)}")
