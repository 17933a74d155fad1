"""What is checked of a run before it trains, so that nothing fails or goes wrong silently after an epoch."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence, Sized
from pathlib import Path
from typing import Any

import torch
from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningDataModule
from lightning.pytorch.callbacks import StochasticWeightAveraging

from fashionzoo.data.loaders import LoaderDataModule
from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.models.network import compute_logits
from fashionzoo.runner.resumption import config_path, refuse_changes
from fashionzoo.training.checkpoints import check_source
from fashionzoo.training.classifier import ONE_IMAGE, Classifier
from fashionzoo.training.evaluated_module import cross_entropy
from fashionzoo.training.metrics import mode_of, monitorable_metrics
from fashionzoo.zoo.changes import flatten
from fashionzoo.zoo.runs import REFERENCE_NAMES

NUM_TRIED = 64  # images of a validation batch
NEEDED_BATCHES = {
    "train": "there is nothing to train on",
    "val": "early stopping and the best checkpoint need validation",
    "test": "a run ends with a test",
}


def check_flags(config: Namespace) -> None:
    """Raise if a flag asks for what Lightning would only notice after an epoch, or not at all."""
    trainer, early, best = config.trainer, config.early_stopping, config.checkpoint
    for split, need in NEEDED_BATCHES.items():
        if trainer[f"limit_{split}_batches"] == 0:
            raise FashionZooError(f"--trainer.limit_{split}_batches of 0: {need}; choose more")
    for flag in ("accumulate_grad_batches", "check_val_every_n_epoch"):
        if trainer[flag] is not None and trainer[flag] < 1:
            raise FashionZooError(f"--trainer.{flag} of {trainer[flag]}: choose 1 or more")
    if config.seed_everything is False:
        raise FashionZooError("--seed_everything of false: a run that can be repeated has a seed; give a number")
    if 0 in (trainer.max_epochs, trainer.max_steps):
        raise FashionZooError("--trainer.max_epochs or max_steps of 0: there is nothing to train; choose more")
    if trainer.check_val_every_n_epoch and 0 <= (trainer.max_epochs or -1) < trainer.check_val_every_n_epoch:
        raise FashionZooError(
            f"--trainer.check_val_every_n_epoch of {trainer.check_val_every_n_epoch}: the run would end before, after "
            f"{trainer.max_epochs}; {NEEDED_BATCHES['val']}"
        )
    for flag in ("stopping_threshold", "divergence_threshold"):
        if early[flag] is not None:
            raise FashionZooError(
                f"--early_stopping.{flag}: a run that it ended would go on when it is resumed; leave it out"
            )
    for flag in ("every_n_epochs", "every_n_train_steps", "train_time_interval"):
        if best.get(flag) not in (None, 0, 1):
            raise FashionZooError(f"--checkpoint.{flag}: the best epoch might not be kept for the test; leave it out")
    if early.patience < 0:
        raise FashionZooError(f"--early_stopping.patience of {early.patience}: choose 0 or more")
    if best.save_top_k == 0:
        raise FashionZooError("--checkpoint.save_top_k of 0: there would be no best epoch to test; choose 1 or more")
    differ = "{step" in best.filename or ("{epoch" in best.filename and trainer.val_check_interval in (None, 1.0))
    if best.save_top_k != 1 and not differ:
        raise FashionZooError(
            f"--checkpoint.filename of {best.filename}: the {best.save_top_k} best checkpoints need names that differ; "
            'leave it out, or have "{step}" in it'
        )
    if config.last.save_weights_only:
        raise FashionZooError("--last.save_weights_only of true: a run is resumed from all that this checkpoint has")
    if config.model.get("schedule") == "one_cycle" and trainer.max_epochs == trainer.max_steps == -1:
        raise FashionZooError(
            "--trainer.max_epochs of -1: the one_cycle schedule must know its length; set the number of epochs or "
            "steps, or --model.schedule constant"
        )


def check_seed(seed: int | bool) -> None:
    """Raise if a seed is no number that all generators take."""
    if not isinstance(seed, bool) and not 0 <= seed < 2**32:
        raise FashionZooError(f"--seed_everything of {seed}: choose from 0 to {2**32 - 1}")


def check_callbacks(callbacks: Iterable[Callback]) -> None:
    """Raise if a callback of the user's own would have no effect."""
    if any(isinstance(callback, StochasticWeightAveraging) for callback in callbacks):
        raise FashionZooError(
            "StochasticWeightAveraging averages the weights after the best epoch was chosen, so that nothing would be "
            "tested or kept of it: use EMAWeightAveraging"
        )


def check_monitor(early_stopping: Namespace, class_names: Sequence[str]) -> None:
    """Raise unless early stopping and the best checkpoint watch a metric that there is, for its better values."""
    monitor, mode, valid = early_stopping.monitor, early_stopping.mode, monitorable_metrics(class_names)
    if monitor not in valid:
        raise FashionZooError(f"unknown metric {monitor!r}: {did_you_mean(monitor, valid)}")
    if mode != (right := mode_of(monitor)):
        better = "lower" if right == "min" else "higher"
        raise FashionZooError(
            f"--early_stopping.mode of {mode}: {monitor} is better when {better}; leave it out, or set it to {right}"
        )


def check_name(config: Namespace, runs_dir: Path, recipes: Iterable[str], resume_path: Path | None) -> None:
    """Raise unless the run can have the name that ``--name`` gives it.

    Args:
        config: All flags.
        runs_dir: The folder of the network's runs.
        recipes: The network's, whose names are those of published runs.
        resume_path: The checkpoint of the run that is resumed, which has its name already.
    """
    name, trainer = str(config.name), config.trainer
    if trainer.logger not in (None, True) or trainer.fast_dev_run:
        raise FashionZooError(f"--name of {name}: this run has no folder of its own; leave the flag out")
    if resume_path and config_path(resume_path).exists():
        if name != (original := config_path(resume_path).parent).name:
            raise FashionZooError(f"--name of {name}: the run in {original} is resumed there; leave the flag out")
    elif not re.fullmatch(r"\w[\w.+=,-]*", name):
        raise FashionZooError(f"--name of {name!r}: choose letters, digits and -_.+=, as in --name lr_0.01")
    elif is_reserved(name, recipes):
        raise FashionZooError(
            f"--name of {name}: published runs and those without a name are called so; choose another"
        )
    elif (runs_dir / name).exists():
        raise FashionZooError(
            f"--name of {name}: {runs_dir / name} is there already; choose another, or resume that run"
        )


def is_reserved(name: str, recipes: Iterable[str]) -> bool:
    """Tell whether published runs, those without a name or those of other seeds are called so.

    Example:
        >>> is_reserved("version_0", recipes=["report"]), is_reserved("lr_0.01", recipes=["report"])
        (True, False)
    """
    return name in (*REFERENCE_NAMES, *recipes) or bool(re.fullmatch(r"(version|seed)_\d+", name))


def check_search(trainer: Namespace) -> None:
    """Raise if the trials of a search would not be what they look like.

    Args:
        trainer: The trainer's flags.
    """
    single = isinstance(trainer.devices, list) and len(trainer.devices) == 1
    if not (trainer.devices in ("auto", "1", 1) or single) or trainer.num_nodes != 1:
        raise FashionZooError(
            "a trial is trained by one process on one device: leave out devices and num_nodes, and start the same line "
            "once more for each other device"
        )
    for flag in ("callbacks", "plugins"):
        if trainer[flag]:
            raise FashionZooError(f"--trainer.{flag} would be missing in the recipe that a search leaves: leave it out")
    if trainer.val_check_interval not in (None, 1.0):
        raise FashionZooError("--trainer.val_check_interval: a search compares epochs; leave it out")
    if trainer.max_epochs is None or trainer.max_epochs < 1:
        raise FashionZooError(f"--trainer.max_epochs of {trainer.max_epochs}: the trials of a search have 1 or more")


def check_network_matches(path: Path, checkpoint: dict[str, Any], network: type[Classifier]) -> None:
    """Raise unless a checkpoint is of a network."""
    name = checkpoint["fashionzoo"]["name"]
    if name != network.name:
        raise FashionZooError(f"{path} holds {name}, not {network.name}: use that network's launcher")


def check_checkpoint_matches(
    path: Path, checkpoint: dict[str, Any], classifier: Classifier, data: LightningDataModule, max_epochs: int | None
) -> None:
    """Raise unless a checkpoint holds this network's code, trained with these settings and data, and no longer."""
    if max_epochs not in (None, -1) and max_epochs <= checkpoint["epoch"]:
        raise FashionZooError(
            f"--trainer.max_epochs of {max_epochs}: {path} has {checkpoint['epoch'] + 1} epochs behind it; choose as "
            "many or more"
        )
    check_source(path, checkpoint["fashionzoo"], type(classifier))
    for section, key, settings in (
        ("model.", "hyper_parameters", classifier.hparams),
        ("data.", "datamodule_hyper_parameters", data.hparams),
    ):
        refuse_changes(flatten(checkpoint.get(key, {}), section), flatten(settings, section), path)


def check_hyperparameters(classifier: Classifier) -> None:
    """Raise unless all hyperparameters are values that a checkpoint without code can hold."""
    for name, value in classifier.hparams.items():
        if not _is_plain(value):
            raise FashionZooError(
                f"the argument {name!r} of {classifier.name} is a {type(value).__name__}, which a checkpoint cannot "
                "hold: use numbers, text, truth values or lists of them"
            )


def check_batch(classifier: Classifier, data: LightningDataModule) -> float:
    """Raise unless the network gives finite logits for a batch, whose labels are among its classes; return its loss."""
    try:
        images, labels = next(iter(data.val_dataloader()))[:2]
        images, labels = images[:NUM_TRIED], labels[:NUM_TRIED]
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise FashionZooError(
            f"the data give no batches of images and labels, one after the other ({error})"
        ) from error
    if labels.ndim != 1 or labels.is_floating_point() or (len(labels) and labels.min() < 0):
        raise FashionZooError(
            f"labels of shape {tuple(labels.shape)} and type {labels.dtype}: give each image the number of its class"
        )
    logits = compute_logits(classifier.network, images)
    return float(cross_entropy(logits.float(), labels.cpu().long()))


def check_smallest_batch(classifier: Classifier, data: LightningDataModule) -> None:
    """Raise if a training batch is of one image and the network normalizes over the batch."""
    batch_size = getattr(data, "batch_size", None)
    remainder = 0
    if isinstance(data, LoaderDataModule) and batch_size and not data.loaders["train"].drop_last:
        dataset = data.loaders["train"].dataset
        remainder = len(dataset) % batch_size if isinstance(dataset, Sized) else 0
    if 1 not in (batch_size, remainder):
        return
    image = next(iter(data.val_dataloader()))[0][:1].to(classifier.device)
    network = copy.deepcopy(classifier.network).train()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            network(network.preprocess(image))
    except ValueError as error:
        raise FashionZooError(ONE_IMAGE) from error


def _is_plain(value: Any) -> bool:
    """Tell whether a value is of the kinds that a checkpoint without code can hold."""
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)
