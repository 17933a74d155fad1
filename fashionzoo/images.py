"""Images on their way into a network: the classes, the preprocessing, and pictures from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image, UnidentifiedImageError
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


def to_uint8(image: ImageLike) -> Tensor:
    """Bring one image or batch from outside to the form of Fashion-MNIST.

    Args:
        image: A path, a PIL image (made grey, and resized to 28x28 if it is not), or a tensor of shape ``(28, 28)``,
            ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, uint8 or float in [0, 1]. The background is black.

    Returns:
        Shape ``(N, 1, 28, 28)``, uint8.

    Raises:
        InputError: The file cannot be read as an image, or the tensor has another shape, type or range.

    Example:
        >>> to_uint8(torch.zeros(28, 28)).shape
        torch.Size([1, 1, 28, 28])
    """
    if isinstance(image, Tensor):
        return _tensor_to_uint8(image)
    if not isinstance(image, Image.Image):
        image = _open(Path(image))
    if image.size != (SIZE, SIZE):
        image = image.convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    grey = image.convert("L")
    return torch.frombuffer(bytearray(grey.tobytes()), dtype=torch.uint8).view(1, 1, SIZE, SIZE)


def collect(images: ImageLike | Sequence[ImageLike]) -> Tensor:
    """Bring one image, one batch or a sequence of images to one uint8 batch.

    Args:
        images: One of what :func:`to_uint8` takes, or several of them.

    Returns:
        Shape ``(N, 1, 28, 28)``, uint8.

    Raises:
        InputError: As :func:`to_uint8` does, or there is no image.

    Example:
        >>> collect([torch.zeros(28, 28), torch.ones(3, 28, 28)]).shape
        torch.Size([4, 1, 28, 28])
    """
    if isinstance(images, ImageLike):
        return to_uint8(images)
    if not images:
        raise InputError("no image was given: pass at least one")
    return torch.cat([to_uint8(image) for image in images])


def _open(path: Path) -> Image.Image:
    """Read an image file whole."""
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: check the name") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not an image that can be read: use a whole PNG or JPEG file") from error


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
