"""The files that a run leaves beside its event files: its flags, and what ``runs.py`` reads of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

from fashionzoo import environment
from fashionzoo.callbacks.console import stop_reason
from fashionzoo.callbacks.ending import Ending, ending, has_diverged
from fashionzoo.callbacks.run_page import run_page
from fashionzoo.callbacks.shutdown import TrainingInterruptedError
from fashionzoo.callbacks.trainer_data import get_loader, get_split, tensorboards
from fashionzoo.errors import DivergedError
from fashionzoo.io import write_csv, write_text
from fashionzoo.models.activations import SAMPLE, activations, near_zero_fraction
from fashionzoo.models.evaluation_mode import eval_mode
from fashionzoo.training.classifier import Classifier
from fashionzoo.zoo.runs import FORMAT

METRIC_GROUPS = ("train", "val", "test", "gradient_norm", "near_zero")
LOSSES = ("train/loss", "val/loss", "test/loss")  # what every epoch has at least one of
LOWEST, HIGHEST, BINS = -1.0, 5.0, 120  # of the histogram of activations: what lies outside counts to its end bins


class RunArtifacts(Callback):
    """Save the flags of a run when it starts, and write its records when it has been tested.

    - ``config.yaml``: all flags, for ``--config``
    - ``run.json``: the recipe, and the flags that differ from it
    - ``metrics.csv``: all scalars, a row per epoch; what is measured at the end is in the last row
    - ``confusion.csv``: the confusion matrix of the test images; rows are true classes
    - ``activations.csv``: how many activations of each hidden block, on the test images, are in each bin, to six digits
    - ``machine.json``: seconds of training up to the epoch that is tested, precision, hardware and versions, and
      what ended the run: ``"all epochs"``, ``"early"`` or ``"limit"``; ``"diverged"`` if it is no better than guessing
    - ``README.md``: all that in words

    A run whose loss becomes infinite or not a number ends at the end of that epoch with an error: it is not tested, and
    only ``machine.json`` says what happened, as of one that a signal interrupted.

    Args:
        config: The content of ``config.yaml``.
        recipe: The recipe's name.
        changed: The flags that differ from it.
    """

    untrained_loss = 0.0  # of the network before training, per image

    def __init__(self, config: str, recipe: str, changed: Mapping[str, Any]) -> None:
        self.config, self.recipe, self.changed = config, recipe, changed
        self.stop_reason = ""
        self.seconds = self.start = 0.0
        self.train_accuracy = torch.tensor(torch.nan)
        self.ended: Ending = "limit"
        self.bin_counts: dict[str, torch.Tensor] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the flags, and which of them are not the recipe's."""
        assert isinstance(pl_module, Classifier)
        for logger in tensorboards(trainer) if trainer.is_global_zero else []:
            path = Path(logger.log_dir) / "config.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            for record in ("metrics.csv", "machine.json"):  # of a run that had ended and goes on
                path.with_name(record).unlink(missing_ok=True)
            write_text(path, self.config)
            about = {"format": FORMAT, "network": pl_module.name, "recipe": self.recipe, "changed": self.changed}
            write_text(path.with_name("run.json"), json.dumps(about, indent=1) + "\n")

    @property
    def state_key(self) -> str:
        """The name of this callback's state in checkpoints."""
        return "Records"

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self.start = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the epoch's time, its validation included."""
        self.seconds += time.perf_counter() - self.start

    def state_dict(self) -> dict[str, float]:
        """Return what a checkpoint keeps."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Continue to count."""
        self.seconds = state_dict["seconds"]

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the trained network, without dropout, on as many of its training images as there are for validation.

        The accuracy that is logged while training has dropout in it, and lags behind by half an epoch.
        """
        assert isinstance(pl_module, Classifier)
        self.stop_reason = stop_reason(trainer)
        # Every leading part of Fashion-MNIST's training set is stratified.
        images, labels = get_split(trainer, "train", len(get_loader(trainer, "val").dataset))  # type: ignore[arg-type]
        # Lightning has moved the network back from a GPU by now.
        images, labels = images.to(pl_module.device), labels.to(pl_module.device)
        with eval_mode(pl_module.network), torch.no_grad(), trainer.precision_plugin.forward_context():
            batches = [pl_module(pl_module.preprocess(batch)) for batch in images.split(SAMPLE)]
        logits = torch.cat(batches).float()
        self.train_accuracy = (logits.argmax(dim=1) == labels).float().mean()
        diverged = has_diverged(logits, labels.long(), self.untrained_loss)
        if diverged:
            self.stop_reason += "; it diverged, and is no better than guessing"
        self.ended = "diverged" if diverged else ending(trainer)  # a test restores the callbacks of the best epoch

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log that, and the share of hidden activations near zero."""
        assert isinstance(pl_module, Classifier)
        fractions = []
        self.bin_counts = {}
        for batch in get_split(trainer, "test")[0].split(SAMPLE):
            blocks = activations(pl_module.network, batch)
            if blocks:
                fractions.append(near_zero_fraction(torch.cat([values.flatten() for values in blocks.values()])))
            for block, values in blocks.items():
                counts = values.float().clamp(LOWEST, HIGHEST).histc(BINS, LOWEST, HIGHEST).cpu()
                self.bin_counts[block] = self.bin_counts.get(block, 0) + counts
        near_zero = {"test/near_zero": torch.stack(fractions).mean()} if fractions else {}
        pl_module.log_epoch_metrics({"train/acc_without_dropout": self.train_accuracy, **near_zero})

    @rank_zero_only
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the files; ``metrics.csv`` comes last and marks the run as finished."""
        assert isinstance(pl_module, Classifier)
        rows, test_accuracy = confusion(pl_module), float(trainer.callback_metrics["test/acc"])
        num_images = sum(sum(counts) for _, *counts in rows)
        for logger in tensorboards(trainer):
            folder = Path(logger.log_dir)
            logger.experiment.flush()
            write_csv(folder / "confusion.csv", ["true", *pl_module.class_names], rows)
            write_csv(folder / "activations.csv", *histogram(self.bin_counts))
            self._write_machine(folder, trainer, self.ended)
            page = run_page(folder, pl_module, self.recipe, self.changed, self.stop_reason, test_accuracy, num_images)
            write_text(folder / "README.md", page)
            write_csv(folder / "metrics.csv", *metrics(folder))

    @rank_zero_only
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Record that a loss became infinite or not a number, or that a signal ended the run."""
        endings: dict[type, Ending] = {DivergedError: "diverged", TrainingInterruptedError: "interrupted"}
        for logger in tensorboards(trainer) if type(exception) in endings else []:
            self._write_machine(Path(logger.log_dir), trainer, endings[type(exception)])

    def _write_machine(self, folder: Path, trainer: Trainer, ended: Ending) -> None:
        """Write ``machine.json``."""
        machine = {
            "seconds": round(self.seconds, 1),
            "ended": ended,
            "precision": str(trainer.precision),
            **environment.collect_env(),
        }
        write_text(folder / "machine.json", json.dumps(machine, indent=1) + "\n")


def confusion(classifier: Classifier) -> list[list[Any]]:
    """Return the rows of the confusion matrix of the split that was evaluated last, each led by its true class."""
    counts = classifier.eval_metrics["confusion"].compute().tolist()
    return [[name, *row] for name, row in zip(classifier.class_names, counts, strict=True)]


def histogram(bin_counts: Mapping[str, torch.Tensor]) -> tuple[list[str], list[list[Any]]]:
    """Return the histogram of hidden activations: column names, and a row for each bin led by its lower edge."""
    edges = [round(LOWEST + index * (HIGHEST - LOWEST) / BINS, 6) for index in range(BINS)]
    columns = [column.to(torch.int64).tolist() for column in bin_counts.values()]
    return ["from", *bin_counts], [list(row) for row in zip(edges, *columns, strict=True)]


def metrics(folder: Path) -> tuple[list[str], list[list[Any]]]:
    """Return the network's scalars in a directory's event files, as TensorBoard would show them, in six digits.

    What others log against the step is left out: its numbers are not those of the epochs.

    Returns:
        The names of the columns, and a row for each epoch; a cell is empty where nothing was logged.
    """
    events = EventAccumulator(str(folder), size_guidance={SCALARS: 0})
    events.Reload()
    tags = sorted(tag for tag in events.Tags()[SCALARS] if tag.partition("/")[0] in METRIC_GROUPS)
    values = {tag: {event.step: f"{event.value:.6g}" for event in events.Scalars(tag)} for tag in tags}
    epochs = sorted({epoch for tag in LOSSES for epoch in values.get(tag, {})})
    values = {tag: curve for tag, curve in values.items() if curve.keys() <= set(epochs)}
    return ["epoch", *values], [[epoch, *(curve.get(epoch, "") for curve in values.values())] for epoch in epochs]
