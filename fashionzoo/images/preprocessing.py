"""Pixels into a network's input: one object for training, classification and export."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import IMAGE_SIZE

MEAN, STD = 0.2860, 0.3530  # of the 60,000 training images, pixels in [0, 1]
NUM_CHECKED = 1024  # float images whose range is checked, evenly spaced in a larger batch: most steps check all


class Preprocess(nn.Module):
    """Turn pixels into the input of a network. Training, ``classify`` and export all use this object.

    Args:
        standardize: Subtract the training set's mean and divide by its standard deviation; otherwise pixels stay in
            [0, 1].

    Shape:
        Input ``(28, 28)``, ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, uint8 or float in [0, 1], which is not changed in
        place; output ``(N, 1, 28, 28)``, float32 unless the module was moved to another type.

    Raises:
        FashionZooError: The images have another shape, type or range.

    Example:
        >>> Preprocess(standardize=False)(torch.full((1, 28, 28), 255, dtype=torch.uint8)).max()
        tensor(1.)
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, standardize: bool = True) -> None:
        super().__init__()
        self.standardize = standardize
        mean, std = (MEAN, STD) if standardize else (0.0, 1.0)
        # Buffers follow the network to its device and type; files of weights do without them.
        self.register_buffer("scale", torch.tensor(1 / (255 * std)), persistent=False)
        self.register_buffer("shift", torch.tensor(-mean / std), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Scale, and standardize if asked to."""
        _check_shape(images)
        images = images.reshape(-1, 1, IMAGE_SIZE, IMAGE_SIZE)
        if images.dtype == torch.uint8:
            return images.to(self.scale.dtype).mul(self.scale).add_(self.shift)
        if not images.is_floating_point():
            raise FashionZooError(f"images of type {images.dtype}: pass uint8 in 0-255 or float in [0, 1]")
        _check_unit_range(images[:: -(-len(images) // NUM_CHECKED) or 1])
        if not (images.dtype == torch.bfloat16 and torch.is_autocast_enabled(images.device.type)):
            images = images.to(self.scale.dtype)
        return images * (255 * self.scale) + self.shift if self.standardize else images


def _check_unit_range(values: Tensor) -> None:
    """Raise unless all values are in [0, 1]."""
    if not bool(((values >= 0) & (values <= 1)).all()):
        raise FashionZooError(
            "float images have values outside [0, 1] or that are not numbers: divide by 255, or leave out a "
            "normalization, which the network does by itself"
        )


def _check_shape(images: Tensor) -> None:
    """Raise unless a tensor has the shape of 28x28 images."""
    shape = tuple(images.shape)
    if shape[-2:] != (IMAGE_SIZE, IMAGE_SIZE) or len(shape) not in (2, 3, 4) or (len(shape) == 4 and shape[1] != 1):
        raise FashionZooError(
            f"images of shape {shape}: pass (28, 28), (N, 28, 28) or (N, 1, 28, 28), or PIL images of any size"
        )
