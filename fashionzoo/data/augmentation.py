"""Flips and shifts of training images, a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import IMAGE_SIZE


@dataclass(frozen=True)
class Augment:
    """Random changes of a whole batch of training images at once, each image its own.

    Args:
        flip: Mirror half of the images left to right.
        shift: Move each image by up to this many pixels in both directions; black comes in.

    Raises:
        FashionZooError: The number of pixels is negative or larger than the image.

    Example:
        >>> Augment(flip=True, shift=2)(torch.zeros(5, 1, 28, 28, dtype=torch.uint8)).shape
        torch.Size([5, 1, 28, 28])
    """

    flip: bool = False
    shift: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.shift < IMAGE_SIZE:
            raise FashionZooError(f"augment.shift of {self.shift}: choose 0 to {IMAGE_SIZE - 1} pixels")

    def __bool__(self) -> bool:
        return self != Augment()

    @property
    def num_views(self) -> int:
        """How many different images flips and shifts make of one."""
        return (1 + self.flip) * self.num_offsets**2

    @property
    def num_offsets(self) -> int:
        """How many rows, and columns, an image can start at."""
        return 2 * self.shift + 1

    def sample_views(self, count: int, device: torch.device) -> Tensor:
        """Choose one of the views for each of several images, shape ``(N,)``."""
        view = torch.zeros(count, dtype=torch.int64, device=device)
        if self.flip:
            view += torch.rand(count, device=device) < 0.5
        if self.shift:
            down, right = torch.randint(self.num_offsets, (2, count), device=device)
            view = (view * self.num_offsets + down) * self.num_offsets + right
        return view

    def __call__(self, images: Tensor, view: Tensor | None = None) -> Tensor:
        """Return changed copies of images.

        Args:
            images: Shape ``(N, 1, 28, 28)``, any type.
            view: Which of the views each becomes, shape ``(N,)``; ``None`` to draw them.
        """
        count, device = len(images), images.device
        pixels = torch.arange(IMAGE_SIZE, device=device)
        view = self.sample_views(count, device) if view is None else view
        right, down = view % self.num_offsets, view // self.num_offsets % self.num_offsets
        flipped = view // self.num_offsets**2
        rows = pixels + down[:, None]
        columns = torch.where(flipped[:, None] == 1, pixels.flip(0), pixels) + right[:, None]
        images = torch.nn.functional.pad(images, [self.shift] * 4)
        image = torch.arange(count, device=device)[:, None, None]
        return images[image, 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)
