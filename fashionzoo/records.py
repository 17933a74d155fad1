"""What is measured once, at the end of a run, and the four small files that ``runs.py`` reads of it."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

from fashionzoo import hardware
from fashionzoo.classifier import Classifier
from fashionzoo.files import replacing
from fashionzoo.images import CLASSES
from fashionzoo.tensorboard import SAMPLE, activations, data_of, evaluating, share_near_zero, tensorboards

LOWEST, HIGHEST, BINS = -1.0, 5.0, 120  # of the histogram of activations: what lies outside counts to its end bins


class Records(Callback):
    """Write the records of a run when it has been tested.

    - ``metrics.csv``: all scalars, a row an epoch; what is measured at the end stands in the last row
    - ``confusion.csv``: the confusion matrix of the test images; rows are true classes
    - ``activations.csv``: how many activations of each hidden block, on the test images, lie in each bin, to six digits
    - ``machine.json``: seconds of training up to the epoch that is tested, precision, hardware and versions
    """

    def __init__(self) -> None:
        self.seconds = self.began = 0.0
        self.train_accuracy = torch.tensor(torch.nan)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count what a teacher took before the first epoch."""
        self.seconds += data_of(trainer).seconds_asking

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self.began = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the epoch's time, its validation included."""
        self.seconds += time.perf_counter() - self.began

    def state_dict(self) -> dict[str, float]:
        """Return what a checkpoint keeps."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Go on counting."""
        self.seconds = state_dict["seconds"]

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the trained network, without dropout, on as many of its training images as there are for validation.

        The accuracy that is logged while training has dropout in it, and lags behind by half an epoch.
        """
        assert isinstance(pl_module, Classifier)
        data = data_of(trainer)
        train = data.sets["train"]
        sample = slice(len(data.sets["val"]))  # stratified, as every leading part of the training set is
        # Lightning has moved the network back from a GPU by now.
        images, labels = (part[sample].to(pl_module.device) for part in (train.images, train.labels))
        with evaluating(pl_module.network), torch.no_grad(), trainer.precision_plugin.forward_context():
            right = [
                pl_module(batch.float() if batch.is_floating_point() else data.preprocess(batch)).argmax(dim=1) == truth
                for batch, truth in zip(images.split(SAMPLE), labels.split(SAMPLE), strict=True)
            ]
        self.train_accuracy = torch.cat(right).float().mean()

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log that, and the share of hidden activations near zero, with the network as it is used and as it trains."""
        assert isinstance(pl_module, Classifier)
        measures = {"train/acc_without_dropout": self.train_accuracy}
        training = copy.deepcopy(pl_module.network).train()  # a copy: batch statistics would change
        for name, network in (("near_zero", pl_module.network), ("near_zero_while_training", training)):
            shares = [
                share_near_zero(torch.cat([values.flatten() for values in activations(network, batch).values()]))
                for batch in data_of(trainer).sets["test"].images.split(SAMPLE)
            ]
            measures[f"test/{name}"] = torch.stack(shares).mean()
        pl_module.log_epoch(measures)

    @rank_zero_only
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the files; ``metrics.csv`` comes last and marks the run as finished."""
        assert isinstance(pl_module, Classifier)
        machine = {"seconds": round(self.seconds, 1), "precision": str(trainer.precision), **hardware.describe()}
        for logger in tensorboards(trainer):
            folder = Path(logger.log_dir)
            logger.experiment.flush()
            write_csv(folder / "confusion.csv", ["true", *CLASSES], confusion(pl_module))
            write_csv(folder / "activations.csv", *histogram(pl_module, data_of(trainer).sets["test"].images))
            (folder / "machine.json").write_text(json.dumps(machine, indent=1) + "\n")
            write_csv(folder / "metrics.csv", *metrics(folder))


def confusion(classifier: Classifier) -> list[list[Any]]:
    """Return the rows of the confusion matrix of the split that was evaluated last, each led by its true class."""
    counts = classifier.scores["confusion"].compute().tolist()
    return [[name, *row] for name, row in zip(CLASSES, counts, strict=True)]


def histogram(classifier: Classifier, images: torch.Tensor) -> tuple[list[str], list[list[Any]]]:
    """Return the histogram of hidden activations: column names, and a row for each bin led by its lower edge."""
    counts: dict[str, torch.Tensor] = {}
    for batch in images.split(SAMPLE):
        for name, values in activations(classifier.network, batch).items():
            found = values.float().clamp(LOWEST, HIGHEST).histc(BINS, LOWEST, HIGHEST).cpu()
            counts[name] = counts.get(name, 0) + found
    edges = [round(LOWEST + index * (HIGHEST - LOWEST) / BINS, 6) for index in range(BINS)]
    columns = [column.to(torch.int64).tolist() for column in counts.values()]
    return ["from", *counts], [list(row) for row in zip(edges, *columns, strict=True)]


def metrics(folder: Path) -> tuple[list[str], list[list[Any]]]:
    """Return the scalars in a folder's event files, as TensorBoard would show them, in six digits.

    Returns:
        The names of the columns, and a row for each epoch; a cell is empty where nothing was logged.
    """
    events = EventAccumulator(str(folder), size_guidance={SCALARS: 0})
    events.Reload()
    tags = sorted(events.Tags()[SCALARS])
    values = {tag: {event.step: f"{event.value:.6g}" for event in events.Scalars(tag)} for tag in tags}
    epochs = sorted({epoch for curve in values.values() for epoch in curve})
    return ["epoch", *tags], [[epoch, *(values[tag].get(epoch, "") for tag in tags)] for epoch in epochs]


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table, whole or not at all."""
    with replacing(path) as part:
        part.write("".join(f"{','.join(map(str, row))}\n" for row in (columns, *rows)).encode())
