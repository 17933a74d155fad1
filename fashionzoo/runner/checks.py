"""What is checked of a run before it trains, so that nothing fails or goes wrong silently after an epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.pytorch import LightningDataModule

from fashionzoo.errors import FashionZooError
from fashionzoo.models.network import compute_logits
from fashionzoo.runner.resumption import flatten, refuse_changes
from fashionzoo.training.classifier import Classifier
from fashionzoo.training.epoch_logging import cross_entropy

NUM_TRIED = 64  # images of a validation batch


def check_checkpoint_matches(
    path: Path, checkpoint: dict[str, Any], classifier: Classifier, data: LightningDataModule
) -> None:
    """Raise unless a checkpoint holds this network, trained with these settings on these data."""
    name = checkpoint["fashionzoo"]["name"]
    if name != classifier.name:
        raise FashionZooError(f"{path} holds {name}, not {classifier.name}: use that network's launcher")
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


def check_batch(classifier: Classifier, data: LightningDataModule) -> None:
    """Raise unless the network gives finite logits for a batch, whose labels are among its classes."""
    try:
        images, labels = next(iter(data.val_dataloader()))[:2]
        images, labels = images[:NUM_TRIED], labels[:NUM_TRIED]
    except (TypeError, ValueError, IndexError) as error:
        raise FashionZooError(f"the data give no batches of images and labels ({error})") from error
    logits = compute_logits(classifier.network, images)
    if not logits.isfinite().all():
        raise FashionZooError(f"{classifier.name} returns logits that are not finite: check its weights and layers")
    cross_entropy(logits, labels.cpu())


def _is_plain(value: Any) -> bool:
    """Tell whether a value is of the kinds that a checkpoint without code can hold."""
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str)
