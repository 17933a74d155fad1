"""Six small networks on Fashion-MNIST with PyTorch Lightning: trained, compared and checked.

Names are imported when they are first used, so that looking something up does not wait for torch and Lightning.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fashionzoo.openmp import limit_to_quota

__version__ = "0.2.0"

limit_to_quota()

if TYPE_CHECKING:
    from fashionzoo.claims.evaluation import check_claim
    from fashionzoo.data.augmentation import Augment
    from fashionzoo.data.datamodule import FashionMNISTDataModule
    from fashionzoo.data.labeled import LabeledImages, test_set
    from fashionzoo.errors import FashionZooError, InputError
    from fashionzoo.images.classes import CLASSES, Prediction
    from fashionzoo.images.preparation import Prepare
    from fashionzoo.images.preprocessing import Preprocess
    from fashionzoo.models.cnn import CNN
    from fashionzoo.models.mlp import MLP
    from fashionzoo.models.network import ModuleNetwork, Network
    from fashionzoo.networks.cnn_balanced import BalancedCNN
    from fashionzoo.networks.cnn_dropout_l2 import DropoutL2CNN
    from fashionzoo.networks.cnn_plain import PlainCNN
    from fashionzoo.networks.mlp_relu_narrowing import ReLUNarrowingMLP
    from fashionzoo.networks.mlp_relu_widening import ReLUWideningMLP
    from fashionzoo.networks.mlp_sigmoid_narrowing import SigmoidNarrowingMLP
    from fashionzoo.plots.curves import plot_runs
    from fashionzoo.runner.launch import TrainingResult, launch
    from fashionzoo.training.classifier import Classifier
    from fashionzoo.training.recipe import Recipe
    from fashionzoo.weights.manifest import Weights
    from fashionzoo.zoo.attribution import occlusion
    from fashionzoo.zoo.comparison import Comparison, compare
    from fashionzoo.zoo.evaluation import Evaluation, evaluate
    from fashionzoo.zoo.export import export
    from fashionzoo.zoo.models import get_model, get_weights
    from fashionzoo.zoo.neighbors import TrainingIndex
    from fashionzoo.zoo.recipes import RECIPES
    from fashionzoo.zoo.registry import list_models

_NAMES = {  # by the module that defines them; the classes of the networks are found by their files
    "claims.evaluation": ("check_claim",),
    "data.augmentation": ("Augment",),
    "data.datamodule": ("FashionMNISTDataModule",),
    "data.labeled": ("LabeledImages", "test_set"),
    "errors": ("FashionZooError", "InputError"),
    "images.classes": ("CLASSES", "Prediction"),
    "images.preparation": ("Prepare",),
    "images.preprocessing": ("Preprocess",),
    "models.cnn": ("CNN",),
    "models.mlp": ("MLP",),
    "models.network": ("ModuleNetwork", "Network"),
    "plots.curves": ("plot_runs",),
    "runner.launch": ("TrainingResult", "launch"),
    "training.classifier": ("Classifier",),
    "training.recipe": ("Recipe",),
    "weights.manifest": ("Weights",),
    "zoo.attribution": ("occlusion",),
    "zoo.comparison": ("Comparison", "compare"),
    "zoo.evaluation": ("Evaluation", "evaluate"),
    "zoo.export": ("export",),
    "zoo.models": ("get_model", "get_weights"),
    "zoo.neighbors": ("TrainingIndex",),
    "zoo.recipes": ("RECIPES",),
    "zoo.registry": ("list_models",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "CLASSES",
    "CNN",
    "MLP",
    "RECIPES",
    "Augment",
    "BalancedCNN",
    "Classifier",
    "Comparison",
    "DropoutL2CNN",
    "Evaluation",
    "FashionMNISTDataModule",
    "FashionZooError",
    "InputError",
    "LabeledImages",
    "ModuleNetwork",
    "Network",
    "PlainCNN",
    "Prediction",
    "Prepare",
    "Preprocess",
    "ReLUNarrowingMLP",
    "ReLUWideningMLP",
    "Recipe",
    "SigmoidNarrowingMLP",
    "TrainingIndex",
    "TrainingResult",
    "Weights",
    "check_claim",
    "compare",
    "evaluate",
    "export",
    "get_model",
    "get_weights",
    "launch",
    "list_models",
    "occlusion",
    "plot_runs",
    "test_set",
]


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        from fashionzoo.environment import check_torch_version

        check_torch_version()
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    if not name.startswith("_"):
        from fashionzoo.networks import module_of_class

        if module := module_of_class(name):
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
