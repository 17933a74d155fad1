"""Six small networks on Fashion-MNIST with PyTorch Lightning: trained, compared and checked.

Names are imported when they are first used, so that looking something up does not wait for torch and Lightning.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from fashionzoo.classifier import (
        BalancedCNN,
        Classifier,
        DropoutL2CNN,
        PlainCNN,
        ReLUNarrowingMLP,
        ReLUWideningMLP,
        SigmoidNarrowingMLP,
    )
    from fashionzoo.data import Augment, FashionMNISTDataModule
    from fashionzoo.errors import FashionZooError, InputError
    from fashionzoo.evaluation import Evaluation, evaluate
    from fashionzoo.images import CLASSES, Prediction, Preprocess
    from fashionzoo.launcher import launch
    from fashionzoo.networks import CNN, MLP
    from fashionzoo.recipes import RECIPES, Recipe
    from fashionzoo.zoo import Weights, get_model, get_weights, list_models

_HOMES = {
    "classifier": (
        "BalancedCNN",
        "Classifier",
        "DropoutL2CNN",
        "PlainCNN",
        "ReLUNarrowingMLP",
        "ReLUWideningMLP",
        "SigmoidNarrowingMLP",
    ),
    "data": ("Augment", "FashionMNISTDataModule"),
    "errors": ("FashionZooError", "InputError"),
    "evaluation": ("Evaluation", "evaluate"),
    "images": ("CLASSES", "Prediction", "Preprocess"),
    "launcher": ("launch",),
    "networks": ("CNN", "MLP"),
    "recipes": ("RECIPES", "Recipe"),
    "zoo": ("Weights", "get_model", "get_weights", "list_models"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CLASSES",
    "CNN",
    "MLP",
    "RECIPES",
    "Augment",
    "BalancedCNN",
    "Classifier",
    "DropoutL2CNN",
    "Evaluation",
    "FashionMNISTDataModule",
    "FashionZooError",
    "InputError",
    "PlainCNN",
    "Prediction",
    "Preprocess",
    "ReLUNarrowingMLP",
    "ReLUWideningMLP",
    "Recipe",
    "SigmoidNarrowingMLP",
    "Weights",
    "evaluate",
    "get_model",
    "get_weights",
    "launch",
    "list_models",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
