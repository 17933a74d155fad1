"""Optimizers, their schedules, and the ranges of what both take."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch.nn import Parameter

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.training.muon import MuonAdamW

CHOICES = {
    "optimizer": ("sgd", "adam", "adamw", "muon"),
    "schedule": ("constant", "one_cycle"),
    "loss_reduction": ("sum", "mean"),
}


def check_hyperparameters(
    lr: float, momentum: float, weight_decay: float, label_smoothing: float, temperature: float, **chosen: str
) -> None:
    """Raise if a hyperparameter of training is out of its range.

    Args:
        lr: Above 0.
        momentum: In [0, 1).
        weight_decay: 0 or more.
        label_smoothing: In [0, 1).
        temperature: Above 0.
        **chosen: ``optimizer``, ``schedule`` and ``loss_reduction``.

    Raises:
        FashionZooError: One is; the message names what is possible.
    """
    if not (lr > 0 and math.isfinite(lr)):
        raise FashionZooError(f"lr of {lr}: choose a number above 0")
    if not 0 <= momentum < 1:
        raise FashionZooError(f"momentum of {momentum}: choose from 0 up to, but not including, 1")
    if not (weight_decay >= 0 and math.isfinite(weight_decay)):
        raise FashionZooError(f"weight_decay of {weight_decay}: choose 0 or more")
    if not 0 <= label_smoothing < 1:
        raise FashionZooError(f"label_smoothing of {label_smoothing}: choose from 0 up to, but not including, 1")
    if not (temperature > 0 and math.isfinite(temperature)):
        raise FashionZooError(f"temperature of {temperature}: choose a number above 0")
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            raise FashionZooError(f"{name} of {value!r}: {did_you_mean(value, CHOICES[name])}")


def make_optimizer(
    name: str, parameters: Iterable[Parameter], lr: float, momentum: float, weight_decay: float, fused: bool
) -> torch.optim.Optimizer:
    """Return an optimizer.

    Args:
        name: ``"sgd"``, ``"adam"``, ``"adamw"`` or ``"muon"``; only the first takes a momentum.
        parameters: What it changes.
        lr: Learning rate.
        momentum: Momentum of SGD.
        weight_decay: L2 penalty of SGD and Adam, decoupled decay of AdamW and Muon.
        fused: Change all parameters in one kernel.
    """
    if name == "sgd":
        return torch.optim.SGD(parameters, lr, momentum=momentum, weight_decay=weight_decay, fused=fused)
    if name == "muon":
        return MuonAdamW(parameters, lr, weight_decay, fused)
    adam = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return adam(parameters, lr, weight_decay=weight_decay, fused=fused)


def one_cycle(optimizer: torch.optim.Optimizer, lr: float, steps: float) -> torch.optim.lr_scheduler.OneCycleLR:
    """Return a schedule that rises to a learning rate and falls to nearly zero (Smith 2018).

    Args:
        optimizer: Whose rate it sets.
        lr: The highest rate.
        steps: The length of the run.

    Raises:
        FashionZooError: The run has no end.
    """
    if not math.isfinite(steps):
        raise FashionZooError(
            "the one_cycle schedule must know its length: set max_epochs or max_steps, or schedule=constant"
        )
    # Muon has one for each part, and that of SGD is what was asked for.
    cycle_momentum = not isinstance(optimizer, MuonAdamW | torch.optim.SGD)
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, int(steps), cycle_momentum=cycle_momentum)
