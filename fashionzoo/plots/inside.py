"""Figures of what a network does with one picture: where it looks, and what its hidden blocks make of it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from fashionzoo.models.activations import NEAR_ZERO, near_zero_fraction

MAX_COLUMNS = 4  # of blocks side by side


def plot_occlusion(image: Tensor, falls: Tensor, title: str) -> Figure:
    """Plot how much each part of a picture matters, over the picture.

    Args:
        image: Shape ``(28, 28)``, uint8.
        falls: What :func:`fashionzoo.zoo.attribution.occlusion` returns.
        title: The network and the class.

    Example:
        >>> len(plot_occlusion(torch.zeros(28, 28), torch.zeros(28, 28), "cnn_plain: Coat").axes)
        2
    """
    figure = Figure(figsize=(4.6, 4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    limit = max(100 * float(falls.abs().max()), 1.0)
    heat = axes.imshow(100 * falls, cmap="PuOr_r", vmin=-limit, vmax=limit, alpha=(100 * falls.abs() / limit).sqrt())
    figure.colorbar(heat, label="points of probability lost where covered", shrink=0.9)
    axes.set_title(title, fontsize=9)
    axes.axis("off")
    return figure


def plot_activations(blocks: Mapping[str, Tensor], title: str) -> Figure:
    """Plot the output of each hidden block as small multiples, with the share of values near zero.

    Args:
        blocks: What :func:`fashionzoo.models.activations.activations` returns for one image: the units of a fully
            connected layer are shown in rows, each map of a convolution as a picture.
        title: The network.

    Example:
        >>> figure = plot_activations({"block0": torch.zeros(1, 16), "block1": torch.zeros(1, 4, 7, 7)}, "a network")
        >>> figure.axes[0].get_title().splitlines()
        ['block0: 16 units', '100 % near zero']
    """
    columns = max(1, min(MAX_COLUMNS, len(blocks)))
    rows = max(1, math.ceil(len(blocks) / columns))
    figure = Figure(figsize=(2.6 * columns + 0.4, 2.8 * rows + 0.3), layout="constrained")
    figure.suptitle(f"{title}: an absolute value below {NEAR_ZERO} is near zero", fontsize=9)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels:
        axes.axis("off")
    for axes, (name, values) in zip(panels, blocks.items(), strict=False):
        values = _as_maps(values[0].float().cpu())
        limit = float(values.abs().max()) or 1.0
        axes.imshow(_mosaic(values), cmap="RdBu_r", vmin=-limit, vmax=limit)
        size = f"{len(values)} maps of {'x'.join(map(str, values.shape[1:]))}" if values.ndim > 1 else None
        near_zero = 100 * float(near_zero_fraction(values))
        axes.set_title(f"{name}: {size or f'{len(values)} units'}\n{near_zero:.0f} % near zero", fontsize=8)
    return figure


def _as_maps(values: Tensor) -> Tensor:
    """Return units as they are, one dimension, and all else as maps, three dimensions."""
    if values.ndim < 2:
        return values.reshape(-1)
    return values.reshape(-1, *values.shape[-2:])


def _mosaic(values: Tensor) -> Tensor:
    """Lay units, or maps with an empty line between them, out in rows; what is left over is empty."""
    tiles = values.reshape(len(values), 1, 1) if values.ndim == 1 else F.pad(values, (0, 1, 0, 1), value=torch.nan)
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    height, width = tiles.shape[1:]
    filled = torch.full((rows * columns, height, width), torch.nan)
    filled[: len(tiles)] = tiles
    return filled.reshape(rows, columns, height, width).transpose(1, 2).reshape(rows * height, columns * width)
