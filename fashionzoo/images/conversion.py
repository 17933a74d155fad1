"""Pictures, arrays and tensors from outside into the form of Fashion-MNIST's images."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from io import IOBase
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import IMAGE_SIZE
from fashionzoo.images.preparation import DARK_CORNER, TOO_LARGE, Ground, Prepare, Steps, check_ground
from fashionzoo.images.preprocessing import _check_shape, _check_unit_range

# What people bring; Pillow knows some forty more, whose decoders nobody here needs and few look after.
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
ImageLike = str | Path | Image.Image | Tensor | np.ndarray


def to_uint8(image: ImageLike, ground: Ground = "auto") -> Tensor:
    """Bring one image or batch from outside to the form of Fashion-MNIST: 28x28, gray, white on black.

    Args:
        image: A path, a PIL image, an array of shape ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)``, which are prepared by
            :class:`fashionzoo.Prepare`; or a tensor or array of shape ``(28, 28)``, ``(N, 28, 28)`` or
            ``(N, 1, 28, 28)``, integers in 0-255 or float in [0, 1], which is taken as it is.
        ground: See :class:`fashionzoo.Prepare`. A tensor is inverted if it is ``"bright"``.

    Returns:
        Shape ``(N, 1, 28, 28)``, uint8.

    Raises:
        FashionZooError: The file cannot be read as an image, nothing is on it, or the values have another shape, type
            or range.

    Warns:
        UserWarning: A tensor's or ready picture's background is bright, so it is probably black on white.

    Example:
        >>> to_uint8(torch.zeros(28, 28)).shape
        torch.Size([1, 1, 28, 28])
    """
    check_ground(ground)
    name = str(image) if isinstance(image, str | Path) else "an image"
    if isinstance(image, np.ndarray):
        image = _array_to_image(image)
    if isinstance(image, Tensor):
        if image.is_meta or image.layout != torch.strided:
            raise FashionZooError("a tensor without values of its own, sparse or meta: pass a dense one")
        _check_shape(image)
        pixels = _to_uint8_values(image.detach().cpu()).reshape(-1, 1, IMAGE_SIZE, IMAGE_SIZE)
        pixels = 255 - pixels if ground == "bright" else pixels
    else:
        pixels = to_pixels(prepare_steps(image, ground).prepared)
    corners = pixels[:, 0, :: IMAGE_SIZE - 1, :: IMAGE_SIZE - 1]
    if (isinstance(image, Tensor) or ground == "ready") and (corners > DARK_CORNER).flatten(1).all(dim=1).any():
        warnings.warn(
            f"{name} has a bright background, and the networks know a black one: try another `ground`", stacklevel=2
        )
    return pixels


def to_pixels(prepared: Image.Image) -> Tensor:
    """Return a prepared picture, 28x28 and 8-bit gray, as a tensor.

    Example:
        >>> to_pixels(Image.new("L", (28, 28))).shape
        torch.Size([1, 1, 28, 28])
    """
    return torch.frombuffer(bytearray(prepared.tobytes()), dtype=torch.uint8).view(1, 1, IMAGE_SIZE, IMAGE_SIZE)


def prepare_steps(picture: str | Path | Image.Image, ground: Ground = "auto") -> Steps:
    """Open a picture, if it is not open yet, and return it at each step of its preparation.

    Args:
        picture: A path, or a PIL image of any mode and size.
        ground: See :class:`fashionzoo.Prepare`.

    Raises:
        FashionZooError: It cannot be read, or nothing is on it; the message names the picture.
    """
    prepare = Prepare(ground)
    if not isinstance(picture, str | Path | Image.Image):
        raise FashionZooError(
            f"an image of type {type(picture).__name__}: pass a path, a PIL image, a tensor or an array, or several"
        )
    name = "a picture" if isinstance(picture, Image.Image) else str(picture)
    if not isinstance(picture, Image.Image) and Path(picture).is_dir():
        if any(map(_is_readable, Path(picture).iterdir())):
            raise FashionZooError(f"{picture} is a folder: name the files in it")
        raise FashionZooError(f"there is no image in the folder {picture}: name another, or files")
    if not isinstance(picture, Image.Image) and Path(picture).exists() and not Path(picture).is_file():
        raise FashionZooError(f"{name} is no regular file: name a picture")
    try:
        if isinstance(picture, Image.Image):
            return prepare.steps(picture)
        with Image.open(picture, formats=FORMATS) as opened:
            return prepare.steps(opened)
    except FashionZooError as error:
        raise FashionZooError(f"{name} {error}") from error
    except FileNotFoundError as error:
        hint = "download it first" if re.match(r"https?:/", name) else "check the name"
        raise FashionZooError(f"{name} does not exist: {hint}") from error
    except Image.DecompressionBombError as error:
        raise FashionZooError(f"{name} {TOO_LARGE}") from error
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        raise FashionZooError(f"{name} is not an image that can be read: use an intact PNG or JPEG file") from error


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


def images_to_batch(images: ImageLike | Iterable[ImageLike], ground: Ground = "auto") -> Tensor:
    """Bring one image, one batch or any number of images to one uint8 batch.

    Args:
        images: One of what :func:`to_uint8` takes, or a list, a set, a generator, ... of them.
        ground: See :class:`fashionzoo.Prepare`.

    Returns:
        Shape ``(N, 1, 28, 28)``, uint8.

    Raises:
        FashionZooError: As :func:`to_uint8` does, or there is no image.

    Example:
        >>> images_to_batch([torch.zeros(28, 28), torch.zeros(3, 28, 28)]).shape
        torch.Size([4, 1, 28, 28])
    """
    several: Iterable[Any] = [images]
    if isinstance(images, Iterable) and not isinstance(images, ImageLike | bytes | IOBase):
        several = images
    batches = [to_uint8(image, ground) for image in several]
    if not sum(map(len, batches)):
        raise FashionZooError("no image was given: pass at least one")
    return torch.cat(batches)


def single_image(image: ImageLike) -> Tensor:
    """Bring one image to a uint8 batch of one.

    Args:
        image: See :func:`to_uint8`.

    Raises:
        FashionZooError: As :func:`to_uint8` does, or there are several images.

    Example:
        >>> single_image(torch.zeros(28, 28)).shape
        torch.Size([1, 1, 28, 28])
    """
    pixels = images_to_batch(image)
    if len(pixels) != 1:
        raise FashionZooError(f"{len(pixels)} images where one is asked for: pass them one by one")
    return pixels


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
            others = [file for file in inside if not (_is_readable(file) or file.is_dir() or file.name[0] == ".")]
            if others:
                warnings.warn(f"{path} has files that are not read as pictures: {names_in_words(others)}", stacklevel=2)
        elif "*" in path.name and not path.exists():
            inside = sorted(path.parent.glob(path.name))
        else:
            inside = []
        yield from [file for file in inside if _is_readable(file)] or [path]


def names_in_words(paths: Sequence[Path]) -> str:
    """Return the first names of some, and how many others there are.

    Example:
        >>> names_in_words([Path("a"), Path("b"), Path("c"), Path("d"), Path("e")])
        'a, b, c and 2 others'
    """
    names, more = ", ".join(path.name for path in paths[:3]), len(paths) - 3
    return f"{names} and {more} others" if more > 0 else names


def _is_readable(path: Path) -> bool:
    """Tell whether a file's name is that of a picture, and not of what macOS leaves beside one."""
    return Image.registered_extensions().get(path.suffix.lower()) in FORMATS and not path.name.startswith("._")


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
    if values.dtype in (torch.uint16, torch.uint32, torch.uint64):  # which PyTorch cannot compare
        values = values.to(torch.int64)
    is_integer = not (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool)
    if is_integer and values.numel() and values.max() == 1:
        raise FashionZooError("images of integers 0 and 1 only: multiply them by 255, or pass float in [0, 1]")
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
