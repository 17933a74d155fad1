"""Activations, and checks of the arguments that MLP and CNN share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import nn

from fashionzoo.errors import FashionZooError, did_you_mean

Activation = Literal["sigmoid", "tanh", "relu", "elu"]

# All of them rise, so that an activation and a maximum can change places.
ACTIVATIONS: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "elu": nn.ELU}


def make_activation(name: str) -> nn.Module:
    """Return the module of an activation.

    Raises:
        FashionZooError: There is no such activation.
    """
    if name not in ACTIVATIONS:
        raise FashionZooError(f"unknown activation {name!r}: {did_you_mean(name, ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def fully_connected(inputs: int, widths: Sequence[int], activation: Activation, dropout: float) -> list[nn.Sequential]:
    """Return hidden layers, each a linear map, an activation and, if there is any, dropout; the first flattens."""
    layers = [
        nn.Sequential(
            nn.Linear(before, width), make_activation(activation), *([nn.Dropout(dropout)] if dropout else [])
        )
        for before, width in zip([inputs, *widths], widths, strict=False)
    ]
    if layers:
        layers[0].insert(0, nn.Flatten())
    return layers


def check_widths(name: str, widths: Sequence[int]) -> None:
    """Raise unless there are widths, each 1 or more."""
    if len(widths) == 0 or min(widths) < 1:
        raise FashionZooError(f"{name} of {list(widths)}: give at least one number, each 1 or more")


def check_dropout(p: float) -> None:
    """Raise unless a share can be dropped."""
    if not 0 <= p < 1:
        raise FashionZooError(f"dropout of {p}: choose a share from 0 up to, but not including, 1")
