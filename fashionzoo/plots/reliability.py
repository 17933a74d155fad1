"""Reliability diagrams: how often a network is right, by how confident it is (Guo et al. 2017, figure 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

NUM_BINS = 15  # of the calibration error
MIN_BIN_SIZE = 20  # images of which a bin is shown: of fewer, its accuracy says little
MAX_COLUMNS = 4


def plot_reliability(networks: Mapping[str, tuple[Tensor, float]], labels: Tensor) -> Figure:
    """Plot the accuracy of each confidence, in the bins of the calibration error, without and with the temperature.

    Args:
        networks: The logits of each, shape ``(N, classes)``, and its temperature, by label.
        labels: Shape ``(N,)``.

    Example:
        >>> import torch
        >>> figure = plot_reliability({"a": (torch.randn(100, 10), 2.0)}, torch.arange(100) % 10)
        >>> figure.axes[0].get_title()
        'a'
    """
    columns = min(MAX_COLUMNS, len(networks))
    rows = math.ceil(len(networks) / columns)
    figure = Figure(figsize=(2.75 * columns, 2.6 * rows + 0.7), layout="constrained")
    figure.suptitle(
        f"Reliability on {len(labels):,} test images: bins of confidence with at least {MIN_BIN_SIZE} of them",
        wrap=True,
        fontsize="large" if columns == MAX_COLUMNS else "small",
    )
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (label, (logits, temperature)) in zip(grid.flat, networks.items(), strict=False):
        _plot_network(axes, logits, labels, temperature)
        axes.set_title(label, fontsize="medium")
    for axes in grid[-1]:
        axes.set_xlabel("confidence, %")
    for axes in grid[:, 0]:
        axes.set_ylabel("accuracy, %")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _plot_network(axes: Axes, logits: Tensor, labels: Tensor, temperature: float) -> None:
    """Plot one network's diagram."""
    axes.plot([0, 100], [0, 100], color="gray", lw=0.8)
    for name, divisor, style in (("without", 1.0, "--o"), ("with", temperature, "-s")):
        confidences, predicted = (logits / divisor).softmax(dim=1).max(dim=1)
        right = (predicted == labels).double()
        bins = (confidences * NUM_BINS).long().clamp(max=NUM_BINS - 1)
        counts = bins.bincount(minlength=NUM_BINS)
        full = counts >= MIN_BIN_SIZE
        x, y = (100 * (bins.bincount(values, NUM_BINS) / counts)[full] for values in (confidences.double(), right))
        axes.plot(x, y, style, markersize=3, label=f"{name} temperature")
