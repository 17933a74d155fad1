"""Curves that grow in a notebook while a network trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from matplotlib.figure import Figure
from torch import Tensor

from fashionzoo.errors import FashionZooError
from fashionzoo.plots.curves import OKABE_ITO, SPLITS, plot_curve

CHARTS = {"loss": 1, "acc": 100}  # and what a value is multiplied by to be shown


class LiveCurves(Callback):
    """Draw loss and accuracy after each epoch, in place of the drawing before.

    A flag adds it to a run: ``--trainer.callbacks+=fashionzoo.callbacks.live.LiveCurves``.

    Raises:
        FashionZooError: This is no notebook.

    Example:
        >>> LiveCurves().curves["val/acc"]
        []
    """

    def __init__(self) -> None:
        try:
            from IPython.display import display
        except ImportError as error:
            raise FashionZooError("curves grow in notebooks only: leave LiveCurves out here") from error
        self.display: Any = display
        self.handle: Any = None
        self.curves: dict[str, list[float]] = {f"{split}/{name}": [] for name in CHARTS for split in SPLITS}

    @rank_zero_only
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the epoch before, whose metrics are complete now."""
        self.add_epoch(trainer.callback_metrics)

    @rank_zero_only
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the last epoch."""
        self.add_epoch(trainer.callback_metrics)

    def add_epoch(self, metrics: Mapping[str, Tensor]) -> None:
        """Add a point to each curve, if there is one."""
        if not all(tag in metrics for tag in self.curves):
            return
        for tag, values in self.curves.items():
            values.append(float(metrics[tag]))
        if self.handle is None:
            self.handle = self.display(self.draw(), display_id=True)
        else:
            self.handle.update(self.draw())

    def draw(self) -> Figure:
        """Return the curves so far."""
        figure = Figure(figsize=(9, 2.8), layout="constrained")
        for axes, (name, scale) in zip(figure.subplots(1, 2), CHARTS.items(), strict=True):
            for (split, label), color, line in zip(SPLITS.items(), OKABE_ITO, ("--", "-"), strict=False):
                plot_curve(axes, [scale * value for value in self.curves[f"{split}/{name}"]], label, color, line)
            axes.set(xlabel="epoch", ylabel="accuracy, %" if name == "acc" else name)
            axes.grid(alpha=0.3)
            axes.legend()
        return figure
