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
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from tqdm import tqdm

from fashionzoo.callbacks.ending import ending, stopping_callback
from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.plots.tables import metrics_table
from fashionzoo.terminal import format_percent, join_command
from fashionzoo.training.classifier import Classifier
from fashionzoo.zoo.changes import describe_changes

CURVES = {"train/loss": "train loss", "val/loss": "val loss", "val/acc": "val acc"}
PRECISIONS = {  # Lightning's names of those that most runs have, in other words
    "32-true": "float32",
    "bf16-mixed": "bfloat16, weights in float32",
    "16-mixed": "float16, weights in float32",
}
SAID_APART = ("trainer.max_epochs", "seed_everything", "data.train_size", "data.val_size")  # flags in a run's summary
LOG_INTERVAL_S = 10.0  # seconds between progress lines where there is no terminal to draw a bar on


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
        self.start_time = self.last_log_time = 0.0
        self.start_step = 0
        self.num_steps = float("inf")

    def disable(self) -> None:
        """Print nothing, as Lightning asks of all processes but the first."""
        self.enabled = False

    def enable(self) -> None:
        """Print again."""
        self.enabled = True

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the bar, at the step where a resumed run continues."""
        self.num_steps, self.start_step = trainer.estimated_stepping_batches, trainer.global_step
        if self.enabled and sys.stderr.isatty():
            total = None if self.num_steps == float("inf") else int(self.num_steps)
            self.bar = tqdm(total=total, initial=self.start_step, unit="step", dynamic_ncols=True)
        self.start_time = self.last_log_time = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Count the steps; without a bar, say how far an epoch that takes long is."""
        if self.bar is not None:
            self.bar.update(trainer.global_step - self.bar.n)
        else:
            self._show(trainer, last=False)

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
        """Show losses and accuracy of the epochs so far, and the time left."""
        if self.bar is None and not (self.enabled and (last or time.monotonic() - self.last_log_time > LOG_INTERVAL_S)):
            return
        metrics = trainer.callback_metrics
        values = "  ".join(
            f"{name} {format_metric(key, metrics[key])}" for key, name in CURVES.items() if key in metrics
        )
        epoch = f"epoch {trainer.current_epoch}/{trainer.max_epochs if trainer.max_epochs != -1 else '?'}"
        if self.bar is not None:
            self.bar.set_description_str(epoch, refresh=False)
            self.bar.set_postfix_str(values, refresh=last)
        else:
            left = "" if last else self._time_left(trainer)
            print("  ".join(filter(None, (epoch, values, left))), file=sys.stderr, flush=True)
            self.last_log_time = time.monotonic()

    def _time_left(self, trainer: Trainer) -> str:
        """Say how long the steps that are left take at the mean pace so far, where their number is known."""
        done = trainer.global_step - self.start_step
        if not done or self.num_steps == float("inf"):
            return ""
        seconds = (time.monotonic() - self.start_time) / done * (self.num_steps - trainer.global_step)
        return f"{tqdm.format_interval(seconds)} left"

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
        "device": f"{devices}, {describe_precision(trainer.precision)}",
        "data": _describe_data(trainer.datamodule),  # type: ignore[attr-defined]
        "logs": getattr(trainer.logger, "log_dir", None) or "none",  # trainer.log_dir would wait for all processes
    }
    for name, text in lines.items():
        print(f"{name:8} {text}", flush=True)


def describe_precision(precision: str) -> str:
    """Return Lightning's name of a precision, and what it means.

    Example:
        >>> describe_precision("32-true")
        '32-true precision (float32)'
    """
    return f"{precision} precision{f' ({PRECISIONS[precision]})' if precision in PRECISIONS else ''}"


def format_metric(name: str, value: float | torch.Tensor) -> str:
    """Return the value of a metric as it is printed: a loss as it is, all others are shares and in per cent.

    Example:
        >>> format_metric("val/loss", 0.25), format_metric("val/acc", 0.25)
        ('0.2500', '25.00 %')
    """
    return f"{float(value):.4f}" if name.endswith("/loss") else format_percent(float(value))


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
    if callback := stopping_callback(trainer):
        more = f" by {format_metric(callback.monitor, abs(callback.min_delta))}" if callback.min_delta else ""
        each_epoch = trainer.check_val_every_n_epoch == trainer.val_check_interval == 1
        unit = ("epoch" if each_epoch else "validation") + ("s" if callback.wait_count != 1 else "")
        return (
            f"stopped early after epoch {epochs}: {callback.monitor} was not{more} better than "
            f"{format_metric(callback.monitor, callback.best_score)} for {callback.wait_count} {unit}"
        )
    if ending(trainer) == "all epochs":
        return f"stopped after epoch {epochs}: all epochs done"
    return f"stopped after epoch {epochs}: another limit of the trainer was reached"


def print_test_results(network: Classifier, trainer: Trainer, checkpoint: str, diverged: bool) -> None:
    """Print the table of a tested network, and where its checkpoint and logs are."""
    console = Console()
    confusion = network.eval_metrics["confusion"].compute().tolist()
    scores = {name: float(value) for name, value in trainer.callback_metrics.items()}
    name = f"{network.name} diverged\n" if diverged else f"{network.name}, "
    title = f"{name}{sum(map(sum, confusion)):,} test images"
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
