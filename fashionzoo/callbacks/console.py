"""Console output of a run: its summary, its progress, why it stopped, and the table at the end.

On a terminal there is a progress bar and color; elsewhere plain lines.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from tqdm import tqdm

from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.plots.tables import metrics_table
from fashionzoo.terminal import join_command
from fashionzoo.training.classifier import Classifier
from fashionzoo.zoo.changes import describe_changes

CURVES = {"train/loss": "train loss", "val/loss": "val loss", "val/acc": "val acc"}
SAID_APART = ("trainer.max_epochs", "seed_everything", "data.train_size", "data.val_size")  # flags in a run's summary
LOG_INTERVAL_S = 5.0  # seconds between progress lines where there is no terminal to draw a bar on


class RunSummary(Callback):
    """Print what is about to run, once the data have been found good.

    Args:
        recipe: The recipe's name.
        changed: The flags that differ from it.
    """

    def __init__(self, recipe: str, changed: Mapping[str, Any]) -> None:
        others = {name: value for name, value in changed.items() if name not in SAID_APART}
        self.recipe = f"{recipe} with {describe_changes(others)}" if others else recipe

    @rank_zero_only
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print it."""
        assert isinstance(pl_module, Classifier)
        print_run_summary(pl_module, self.recipe, trainer)


class Progress(ProgressBar):
    """One bar over the whole run; a step costs it an addition, and the console is touched ten times a second at most.

    Example:
        >>> Trainer(callbacks=[Progress()], accelerator="cpu", logger=False).progress_bar_callback.__class__.__name__
        'Progress'
    """

    def __init__(self) -> None:
        super().__init__()
        self.bar: tqdm[Any] | None = None
        self.enabled = True
        self.last_log_time = 0.0

    def disable(self) -> None:
        """Print nothing, as Lightning asks of all processes but the first."""
        self.enabled = False

    def enable(self) -> None:
        """Print again."""
        self.enabled = True

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the bar, at the step where a resumed run continues."""
        if self.enabled and sys.stderr.isatty():
            steps = trainer.estimated_stepping_batches
            total = None if steps == float("inf") else int(steps)
            self.bar = tqdm(total=total, initial=trainer.global_step, unit="step", dynamic_ncols=True)
        self.last_log_time = time.monotonic()

    def on_train_batch_end(self, *args: Any) -> None:
        """Count a step."""
        if self.bar is not None:
            self.bar.update()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the epoch before: only now are all its metrics known."""
        self._show(trainer, last=False)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the last epoch and leave it on the screen."""
        self._show(trainer, last=True)
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave the screen tidy for what is said next."""
        self._close()

    def _show(self, trainer: Trainer, last: bool) -> None:
        """Show losses and accuracy of the epochs so far."""
        metrics = trainer.callback_metrics
        values = "  ".join(f"{label} {metrics[key]:.4f}" for key, label in CURVES.items() if key in metrics)
        epoch = f"epoch {trainer.current_epoch}/{trainer.max_epochs if trainer.max_epochs != -1 else '?'}"
        if self.bar is not None:
            self.bar.set_description_str(epoch, refresh=False)
            self.bar.set_postfix_str(values, refresh=last)
        elif self.enabled and values and (last or time.monotonic() - self.last_log_time > LOG_INTERVAL_S):
            print(f"{epoch}  {values}", file=sys.stderr, flush=True)
            self.last_log_time = time.monotonic()

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def print_run_summary(network: Classifier, recipe: str, trainer: Trainer) -> None:
    """Print network, recipe, device, data and logs of a run."""
    parameters = sum(parameter.numel() for parameter in network.parameters())
    device = trainer.strategy.root_device.type
    devices = f"{trainer.world_size} x {device}" if trainer.world_size > 1 else device
    epochs = f"at most {trainer.max_epochs} epochs" if trainer.max_epochs != -1 else "any number of epochs"
    lines = {
        "network": f"{network.name}, {parameters:,} parameters",
        "recipe": f"{recipe}, {epochs}, seed {torch.initial_seed()}",
        "device": f"{devices}, {trainer.precision} precision",
        "data": _describe_data(trainer.datamodule),  # type: ignore[attr-defined]
        "logs": getattr(trainer.logger, "log_dir", None) or "none",  # trainer.log_dir would wait for all processes
    }
    for name, text in lines.items():
        print(f"{name:8} {text}", flush=True)


def _describe_data(data: Any) -> str:
    """Say in a few words what a run trains on."""
    if not isinstance(data, FashionMNISTDataModule):
        return "DataLoaders of your own"
    source = "Fashion-MNIST" if data.class_names is None else f"{data.root}, {len(data.class_names)} classes"
    images = f"{data.val_size} validation and {data.train_size or 'all other'} training images"
    batch = "full batch" if data.batch_size is None else f"batches of {data.batch_size}"
    taught = f", taught by {data.teacher}" if data.teacher else ""
    return f"{source}, {images}, {batch}{', augmented' if data.augment else ''}{taught}"


def stop_reason(trainer: Trainer) -> str:
    """Say in one line why training ended."""
    epochs = trainer.current_epoch
    for callback in trainer.callbacks:  # type: ignore[attr-defined]  # set by Lightning's connector
        if isinstance(callback, EarlyStopping) and callback.stopped_epoch:
            return (
                f"stopped early after epoch {epochs}: {callback.monitor} was not better than "
                f"{float(callback.best_score):.4f} for {callback.wait_count} epochs"
            )
    if trainer.max_epochs not in (None, -1) and epochs >= trainer.max_epochs:
        return f"stopped after epoch {epochs}: all epochs done"
    return f"stopped after epoch {epochs}: another limit of the trainer was reached"


def print_test_results(network: Classifier, trainer: Trainer, checkpoint: str) -> None:
    """Print the table of a tested network, and where its checkpoint and logs are."""
    console = Console()
    confusion = network.eval_metrics["confusion"].compute().tolist()
    scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
    title = f"{network.name}, {sum(map(sum, confusion)):,} test images"
    console.print(metrics_table(title, scores, confusion, network.class_names))
    absent = [name for name, row in zip(network.class_names, confusion, strict=True) if not sum(row)]
    if absent:
        console.print(f"no test images of {', '.join(absent)}: a recall of 0 says nothing there", highlight=False)
    lines = [f"checkpoint  {checkpoint}"] if checkpoint else []
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            lines.append(f"logs        {logger.log_dir}")
            lines.append(f"look        {join_command(['tensorboard', '--logdir', str(logger.save_dir)])}")
    print("\n".join(lines), flush=True)
