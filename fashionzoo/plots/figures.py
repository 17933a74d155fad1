"""Figures that TensorBoard, the published results and the command line share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import CLASSES


def plot_confusion(counts: Sequence[Sequence[int]], title: str, class_names: Sequence[str] = CLASSES) -> Figure:
    """Plot a confusion matrix.

    Args:
        counts: A row for each true class: how many of its images were taken for each class.
        title: Whose it is, and of what; the number of images is added.
        class_names: Names of the classes.

    Example:
        >>> plot_confusion([[1] * 10] * 10, "cnn_plain").axes[0].get_title()
        'cnn_plain, 100 images'
    """
    scale = max(1, len(class_names) / 10)
    figure = Figure(figsize=(6.6 * scale, 5.6 * scale), layout="constrained")
    axes = figure.subplots()
    percentages = [[100 * count / max(sum(row), 1) for count in row] for row in counts]
    axes.grid(False)
    image = axes.imshow(percentages, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(image, shrink=0.8, label="of the true class, %")
    axes.set_title(f"{title}, {sum(map(sum, counts)):,} images", fontsize=9)
    axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(class_names)), class_names, fontsize=8)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    for true, row in enumerate(counts):
        for said, count in enumerate(row):
            if count:
                text_color = "white" if percentages[true][said] > 50 else "black"
                axes.text(said, true, f"{count}", ha="center", va="center", fontsize=8, color=text_color)
    return figure


def figure_format(path: Path) -> str:
    """Return the format that a file's suffix stands for.

    Raises:
        FashionZooError: There is no such format, or the file cannot be written.

    Example:
        >>> figure_format(Path("confusion.PNG"))
        'png'
    """
    suffix, formats = path.suffix.lower().removeprefix("."), sorted(Figure().canvas.get_supported_filetypes())
    if suffix not in formats:
        raise FashionZooError(f"cannot draw {path}: end it in {', '.join(f'.{name}' for name in formats)}")
    if not path.parent.is_dir():
        raise FashionZooError(f"cannot write {path} (there is no directory {path.parent}): choose another directory")
    existed = path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise FashionZooError(f"cannot write {path} ({error.strerror}): choose another file") from error
    if not existed:
        path.unlink(missing_ok=True)  # another process may draw the same
    return suffix


def save_figure(figure: Figure, path: Path, dpi: float | None = None) -> None:
    """Write a figure to a file whose suffix says in which format.

    Args:
        figure: What is drawn.
        path: Where to.
        dpi: Dots per inch of formats that have dots; ``None`` for the figure's own.

    Raises:
        FashionZooError: There is no such format, or the file cannot be written.
    """
    try:
        figure.savefig(path, format=figure_format(path), dpi=dpi or "figure")
    except OSError as error:
        raise FashionZooError(f"cannot write {path} ({error.strerror}): choose another directory") from error
