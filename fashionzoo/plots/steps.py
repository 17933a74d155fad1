"""A figure of how a picture was prepared, and of the answer."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from fashionzoo.images.preparation import Steps


def plot_steps(steps: Steps, title: str, top_classes: Mapping[str, float]) -> Figure:
    """Plot a picture at each step of its preparation, and the most likely classes.

    Args:
        steps: What :meth:`fashionzoo.Prepare.steps` returns.
        title: The network and its verdict.
        top_classes: Probabilities, 0 to 1, the largest first.

    Example:
        >>> from PIL import Image
        >>> picture = Image.linear_gradient("L").resize((28, 28))
        >>> len(plot_steps(Steps(picture, picture, picture, picture), "cnn_plain", {"Coat": 0.9}).axes)
        5
    """
    figure = Figure(figsize=(13, 3), layout="constrained")
    figure.suptitle(title, fontsize=10)
    *images, bars = figure.subplots(1, 5)
    for axes, picture, caption in zip(images, steps, steps.captions(), strict=True):
        shown = picture.convert("L") if picture.mode == "L" else picture.convert("RGBA")
        axes.imshow(shown, cmap="gray", vmin=0, vmax=255)
        axes.set_title(caption, fontsize=9)
        axes.axis("off")
    bars.barh(range(len(top_classes)), [100 * share for share in top_classes.values()], color="0.4")
    bars.set_yticks(range(len(top_classes)), list(top_classes))
    bars.invert_yaxis()
    bars.set_xlim(0, 100)
    bars.set_xlabel("probability, %")
    return figure
