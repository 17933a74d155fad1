"""Pictures, arrays and tensors from outside into the form of Fashion-MNIST's images."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import IMAGE_SIZE
from fashionzoo.images.preprocessing import _check_shape, _check_unit_range

BRIGHT_CORNER_THRESHOLD = 127  # all four corners above it: no image of the test set is so
# What people bring; Pillow knows some forty more, whose decoders nobody here needs and few look after.
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
ImageLike = str | Path | Image.Image | Tensor | np.ndarray


def to_uint8(image: ImageLike, invert: bool = False) -> Tensor:
    """Bring one image or batch from outside to the form of Fashion-MNIST: 28x28, gray, white on black.

    Args:
        image: A path, a PIL image, an array of shape ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)``, or a tensor or array
            of shape ``(28, 28)``, ``(N, 28, 28)`` or ``(N, 1, 28, 28)``; integers in 0-255 or float in [0, 1].
            A picture is turned upright as its EXIF data say, made gray, laid on black where it is transparent, scaled
            until its longer side has 28 pixels, and padded with black.
        invert: The image is black on white.

    Returns:
        Shape ``(N, 1, 28, 28)``, uint8.

    Raises:
        FashionZooError: The file cannot be read as an image, or the values have another shape, type or range.

    Warns:
        UserWarning: The background is bright, so the image is probably black on white, or the reverse with ``invert``.

    Example:
        >>> to_uint8(torch.zeros(28, 28)).shape
        torch.Size([1, 1, 28, 28])
    """
    if isinstance(image, np.ndarray):
        image = _array_to_image(image)
    if isinstance(image, Tensor):
        _check_shape(image)
        pixels = _to_uint8_values(image.detach().cpu()).reshape(-1, 1, IMAGE_SIZE, IMAGE_SIZE)
        pixels = 255 - pixels if invert else pixels
    elif isinstance(image, str | Path | Image.Image):
        picture = _read_grayscale(image)
        picture = ImageOps.invert(picture) if invert else picture
        if picture.size != (IMAGE_SIZE, IMAGE_SIZE):
            picture = ImageOps.pad(picture, (IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR, color=0)
        pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(1, 1, IMAGE_SIZE, IMAGE_SIZE)
    else:
        raise FashionZooError(
            f"an image of type {type(image).__name__}: pass a path, a PIL image, a tensor or an array, or several"
        )
    corners = pixels[:, 0, :: IMAGE_SIZE - 1, :: IMAGE_SIZE - 1]
    if (corners > BRIGHT_CORNER_THRESHOLD).flatten(1).all(dim=1).any():
        advice = "without inverting it" if invert else "inverted (--invert)"
        name = image if isinstance(image, str | Path) else "an image"
        warnings.warn(f"{name} has a bright background, and the networks know a black one: try {advice}", stacklevel=2)
    return pixels


def is_single(images: ImageLike | Iterable[ImageLike]) -> bool:
    """Tell whether what was passed is one image rather than several.

    Args:
        images: What :func:`images_to_batch` takes.

    Example:
        >>> is_single("shirt.png"), is_single(["shirt.png"]), is_single(np.zeros((90, 60, 3), np.uint8))
        (True, False, True)
    """
    if isinstance(images, Tensor):
        return images.ndim == 2
    if isinstance(images, np.ndarray):
        return images.ndim == 2 or _is_picture(images.shape)
    return isinstance(images, str | Path | Image.Image)


def images_to_batch(images: ImageLike | Iterable[ImageLike], invert: bool = False) -> Tensor:
    """Bring one image, one batch or any number of images to one uint8 batch.

    Args:
        images: One of what :func:`to_uint8` takes, or a list, a set, a generator, ... of them.
        invert: They are black on white.

    Returns:
        Shape ``(N, 1, 28, 28)``, uint8.

    Raises:
        FashionZooError: As :func:`to_uint8` does, or there is no image.

    Example:
        >>> images_to_batch([torch.zeros(28, 28), torch.zeros(3, 28, 28)]).shape
        torch.Size([4, 1, 28, 28])
    """
    if isinstance(images, ImageLike) or not isinstance(images, Iterable):
        images = [images]
    batches = [to_uint8(image, invert) for image in images]
    if not sum(map(len, batches)):
        raise FashionZooError("no image was given: pass at least one")
    return torch.cat(batches)


def expand_image_paths(paths: Iterable[Path]) -> Iterator[Path]:
    """Replace directories and patterns by the images in them; what leads to none stays.

    Args:
        paths: Files, directories and, for shells that leave them to programs, patterns such as ``*.png``.

    Example:
        >>> list(expand_image_paths([Path("shirt.png")]))[0].name
        'shirt.png'
    """
    for path in paths:
        if path.is_dir():
            inside = sorted(path.iterdir())
        elif "*" in path.name and not path.exists():
            inside = sorted(path.parent.glob(path.name))
        else:
            inside = []
        yield from [file for file in inside if _is_readable(file)] or [path]


def _is_readable(path: Path) -> bool:
    """Tell whether a file's name is that of a picture, and not of what macOS leaves beside one."""
    return Image.registered_extensions().get(path.suffix.lower()) in FORMATS and not path.name.startswith("._")


def _read_grayscale(image: str | Path | Image.Image) -> Image.Image:
    """Open a picture, if it is not open yet, and return it as 8-bit gray on black."""
    name = "a picture" if isinstance(image, Image.Image) else str(image)
    if not isinstance(image, Image.Image) and Path(image).is_dir():
        raise FashionZooError(f"there is no image in the folder {image}: name another, or files")
    if not isinstance(image, Image.Image) and Path(image).exists() and not Path(image).is_file():
        raise FashionZooError(f"{name} is no regular file: name a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if isinstance(image, Image.Image):
                return _to_grayscale(image)
            with Image.open(image, formats=FORMATS) as opened:
                return _to_grayscale(opened)
    except FashionZooError as error:
        raise FashionZooError(f"{name} {error}") from error
    except FileNotFoundError as error:
        raise FashionZooError(f"{name} does not exist: check the name") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise FashionZooError(f"{name} has too many pixels for an image of clothing: scale it down") from error
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        raise FashionZooError(f"{name} is not an image that can be read: use an intact PNG or JPEG file") from error


def _to_grayscale(image: Image.Image) -> Image.Image:
    """Return an upright picture of any mode as 8-bit gray on black."""
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
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    try:
        return image.convert("L")
    except ValueError as error:
        raise FashionZooError(f"has mode {image.mode}: save it as RGB or gray") from error


def _is_picture(shape: Sequence[int]) -> bool:
    """Tell whether an array is one picture of any size, gray or in color, rather than 28x28 pixels or a batch."""
    return (len(shape) == 2 and tuple(shape) != (IMAGE_SIZE, IMAGE_SIZE)) or (len(shape) == 3 and shape[-1] in (3, 4))


def _array_to_image(array: np.ndarray) -> Image.Image | Tensor:
    """Return an array, which may have any strides and byte order, as a picture or as 28x28 pixels."""
    native = {"b": np.bool_, "u": np.int64, "i": np.int64, "f": np.float64}.get(array.dtype.kind)
    if native is None:
        raise FashionZooError(f"an array of type {array.dtype}: pass uint8 in 0-255 or float in [0, 1]")
    values = _to_uint8_values(torch.from_numpy(array.astype(native)))
    return Image.fromarray(values.numpy()) if _is_picture(array.shape) and array.size else values


def _to_uint8_values(values: Tensor) -> Tensor:
    """Return values of any shape as uint8, after a check of their type and range."""
    if values.dtype == torch.uint8:
        return values
    if values.is_floating_point():
        _check_unit_range(values)
        return values.float().mul(255).round().to(torch.uint8)
    if values.dtype == torch.bool or values.is_complex():
        raise FashionZooError(f"images of type {values.dtype}: pass uint8 in 0-255 or float in [0, 1]")
    if values.numel() and (values.min() < 0 or values.max() > 255):
        raise FashionZooError("images of integers outside 0 to 255: pass uint8, or scale them to float in [0, 1]")
    return values.to(torch.uint8)
