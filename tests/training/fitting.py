"""A small network, and a plain Trainer that fits it."""

from typing import Any

import torch
from lightning.pytorch import Trainer

import fashionzoo as fz

QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}


def network(**arguments: Any) -> fz.PlainCNN:
    """Return a small network, the same each time."""
    torch.manual_seed(0)
    return fz.PlainCNN(channels=(4,), hidden=(8,), **arguments)


def fitted(
    data: Any, model: fz.Classifier | None = None, checkpoints: bool = False, **options: Any
) -> tuple[Trainer, fz.Classifier]:
    """Fit a network for two epochs, unless the options say otherwise."""
    model = network() if model is None else model
    options = {"max_epochs": 2, "logger": False, "enable_checkpointing": checkpoints, **QUIET, **options}
    trainer = Trainer(**options)
    trainer.fit(model, data)
    return trainer, model


def same(one: fz.Classifier, other: fz.Classifier) -> bool:
    """Tell whether two networks have the same weights."""
    weights = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in weights)
