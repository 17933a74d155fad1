"""Images on their way into a network: the classes, the preprocessing, and pictures from outside."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from fashionzoo.errors import InputError

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SIZE = 28  # pixels, both sides
MEAN, STD = 0.2860, 0.3530  # of the 60,000 training images, pixels in [0, 1]
BRIGHT = 127  # all four corners above it: no image of the test set is so

ImageLike = str | Path | Image.Image | Tensor


class Prediction(NamedTuple):
    """What a network says about one image."""

    label: int
    name: str
    probabilities: dict[str, float]


class Preprocess(nn.Module):
    """Turn uint8 images into what a network takes. Training, ``classify`` and export all use this object.

    Args:
        standardize: Subtract the training set's mean and divide by its standard deviation; otherwise pixels stay in
            [0, 1].

    Shape:
        Input ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, uint8; output ``(N, 1, 28, 28)``, float32.

    Example:
        >>> Preprocess(standardize=False)(torch.full((1, 28, 28), 255, dtype=torch.uint8)).max()
        tensor(1.)
    """

    def __init__(self, standardize: bool = True) -> None:
        super().__init__()
        mean, std = (MEAN, STD) if standardize else (0.0, 1.0)
        self.scale = 1 / (255 * std)
        self.shift = -mean / std

    def forward(self, images: Tensor) -> Tensor:
        """Scale, and standardise if asked to."""
        return images.view(-1, 1, SIZE, SIZE).float().mul_(self.scale).add_(self.shift)


def to_uint8(image: ImageLike, invert: bool = False) -> Tensor:
    """Bring one image or batch from outside to the form of Fashion-MNIST: 28x28, grey, white on black.

    Args:
        image: A path, a PIL image, or a tensor of shape ``(28, 28)``, ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, uint8 or
            float in [0, 1]. A picture is turned upright as its EXIF data say, made grey, laid on black where it is
            transparent, scaled until its longer side has 28 pixels, and filled up with black.
        invert: The image is black on white.

    Returns:
        Shape ``(N, 1, 28, 28)``, uint8.

    Raises:
        InputError: The file cannot be read as an image, or the tensor has another shape, type or range.

    Warns:
        UserWarning: The background is bright, so the image is probably black on white, or the reverse with ``invert``.

    Example:
        >>> to_uint8(torch.zeros(28, 28)).shape
        torch.Size([1, 1, 28, 28])
    """
    if isinstance(image, Tensor):
        pixels = _tensor_to_uint8(image)
        pixels = 255 - pixels if invert else pixels
    else:
        picture = _grey(image if isinstance(image, Image.Image) else _open(Path(image)))
        picture = ImageOps.invert(picture) if invert else picture
        if picture.size != (SIZE, SIZE):
            picture = ImageOps.pad(picture, (SIZE, SIZE), Image.Resampling.BILINEAR, color=0)
        pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(1, 1, SIZE, SIZE)
    corners = pixels[:, 0, :: SIZE - 1, :: SIZE - 1]
    if (corners > BRIGHT).flatten(1).all(dim=1).any():
        advice = "without inverting it" if invert else "inverted (--invert)"
        name = image if isinstance(image, str | Path) else "an image"
        warnings.warn(f"{name} has a bright background, and the networks know a black one: try {advice}", stacklevel=2)
    return pixels


def collect(images: ImageLike | Sequence[ImageLike], invert: bool = False) -> Tensor:
    """Bring one image, one batch or a sequence of images to one uint8 batch.

    Args:
        images: One of what :func:`to_uint8` takes, or several of them.
        invert: They are black on white.

    Returns:
        Shape ``(N, 1, 28, 28)``, uint8.

    Raises:
        InputError: As :func:`to_uint8` does, or there is no image.

    Example:
        >>> collect([torch.zeros(28, 28), torch.zeros(3, 28, 28)]).shape
        torch.Size([4, 1, 28, 28])
    """
    if isinstance(images, ImageLike):
        return to_uint8(images, invert)
    if not images:
        raise InputError("no image was given: pass at least one")
    return torch.cat([to_uint8(image, invert) for image in images])


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """Replace folders by the images in them, by the endings of their names; one without images stays.

    Args:
        paths: Files and folders.

    Example:
        >>> list(find([Path("shirt.png")]))[0].name
        'shirt.png'
    """
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else []
        yield from [file for file in inside if file.suffix.lower() in Image.registered_extensions()] or [path]


def _open(path: Path) -> Image.Image:
    """Read an image file whole."""
    if path.is_dir():
        raise InputError(f"there is no image in the folder {path}: name another, or files")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return image
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: check the name") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(f"{path} has too many pixels for an image of clothing: scale it down") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError(f"{path} is not an image that can be read: use a whole PNG or JPEG file") from error


def _grey(image: Image.Image) -> Image.Image:
    """Return an upright picture of any mode as 8-bit grey on black."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits a pixel, whatever the mode's name says
        pixels = np.asarray(image).astype(np.int64)
        if pixels.min() < 0 or pixels.max() > 65535:
            raise InputError("a picture has pixels outside 0 to 65535: save it with 8 or 16 bits")
        return Image.fromarray((pixels // 257).astype(np.uint8))
    if image.mode == "F":
        raise InputError("a picture has floating-point pixels: save it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    try:
        return image.convert("L")
    except ValueError as error:
        raise InputError(f"a picture of mode {image.mode}: save it as RGB or grey") from error


def _tensor_to_uint8(images: Tensor) -> Tensor:
    """Check shape, type and range of a tensor."""
    if images.shape[-2:] != (SIZE, SIZE) or images.ndim not in (2, 3, 4) or (images.ndim == 4 and images.shape[1] != 1):
        raise InputError(
            f"images of shape {tuple(images.shape)}: pass (28, 28), (N, 28, 28) or (N, 1, 28, 28), or PIL images of "
            "any size"
        )
    if images.dtype.is_floating_point:
        if not bool(((images >= 0) & (images <= 1)).all()):
            raise InputError("float images have values outside [0, 1] or that are not numbers: divide by 255")
        images = images.float().mul(255).round().to(torch.uint8)
    elif images.dtype != torch.uint8:
        raise InputError(f"images of type {images.dtype}: pass uint8 in 0-255 or float in [0, 1]")
    return images.reshape(-1, 1, SIZE, SIZE)
