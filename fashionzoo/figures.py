"""The figure that TensorBoard, the published results and ``fashionzoo evaluate`` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from fashionzoo.errors import InputError
from fashionzoo.images import CLASSES


def draw_confusion(counts: Sequence[Sequence[int]]) -> Figure:
    """Draw a confusion matrix.

    Args:
        counts: Ten rows of ten, images of each true class that were taken for each class.

    Example:
        >>> len(draw_confusion([[1] * 10] * 10).axes)
        1
    """
    figure = Figure(figsize=(6, 5.6))
    axes = figure.add_axes((0.17, 0.17, 0.82, 0.82))
    shares = [[count / max(sum(row), 1) for count in row] for row in counts]
    axes.grid(False)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(CLASSES)), CLASSES, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(CLASSES)), CLASSES, fontsize=8)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    for true, row in enumerate(counts):
        for said, count in enumerate(row):
            if count:
                shade = "white" if shares[true][said] > 0.5 else "black"
                axes.text(said, true, f"{count}", ha="center", va="center", fontsize=8, color=shade)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file whose ending says in which format.

    Raises:
        InputError: There is no such format, or the file cannot be written.
    """
    formats = figure.canvas.get_supported_filetypes()
    if path.suffix.removeprefix(".") not in formats:
        raise InputError(f"cannot draw {path}: end it in {', '.join(f'.{ending}' for ending in sorted(formats))}")
    try:
        figure.savefig(path)
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror}): choose another place") from error
