"""What a recipe is, and the parts that the recipes of several networks share.

The patience of the report's recipes is the whole run where the report describes what happens late in it (4, 5, 6), and
long enough elsewhere to end only what no longer gets better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fashionzoo.errors import FashionZooError, did_you_mean

if TYPE_CHECKING:
    from fashionzoo.training.classifier import Classifier


@dataclass(frozen=True)
class Recipe:
    """Values for a launcher's flags; what it leaves out keeps the flag's default.

    Args:
        description: For ``report``, what the report says about the network; for ``tuned``, what is different.
        epochs: The maximum number of epochs.
        patience: Validation checks without a better accuracy before training stops.
        model: Arguments of the network's class.
        data: Arguments of the data module.
    """

    description: str
    epochs: int
    patience: int
    model: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    def cli_defaults(self) -> dict[str, Any]:
        """Return the recipe as command-line flags and their values.

        Example:
            >>> Recipe("", epochs=3, patience=3, data={"batch_size": None}).cli_defaults()["data.batch_size"] is None
            True
        """
        return {
            "trainer.max_epochs": self.epochs,
            "early_stopping.patience": self.patience,
            **{f"model.{key}": value for key, value in self.model.items()},
            **{f"data.{key}": value for key, value in self.data.items()},
        }


def get_recipe(network: type[Classifier], recipe: str) -> Recipe:
    """Return a network's recipe.

    Args:
        network: The network's class.
        recipe: ``"report"``, ``"tuned"``, or another that the class brings.

    Raises:
        FashionZooError: There is no such recipe; the message names the nearest.

    Example:
        >>> from fashionzoo import PlainCNN
        >>> get_recipe(PlainCNN, "report").epochs
        20
    """
    if recipe not in network.recipes:
        raise FashionZooError(f"unknown recipe {recipe!r} of {network.name}: {did_you_mean(recipe, network.recipes)}")
    return network.recipes[recipe]


def summary(docstring: str | None) -> str:
    """Return the text of a docstring up to its first section, in one line.

    Example:
        >>> summary("Network 1. Args: lr: Learning rate.")
        'Network 1.'
    """
    return " ".join((docstring or "").partition("Args:")[0].split())


FULL_BATCH = {"batch_size": None}  # an iteration of the report's networks 1 to 3 is one step on the whole training set
SMALL_BATCHES = {"batch_size": 64}  # at twice that, network 4 hardly overfits in its 20 epochs
ADAMW = {"optimizer": "adamw", "lr": 5e-3, "weight_decay": 1e-2, "schedule": "one_cycle", "loss_reduction": "mean"}
AUGMENTED = {"augment": {"flip": True, "shift": 1}}
DISTILLED = {**AUGMENTED, "teacher": "cnn_balanced"}
DISTILLATION = (
    "with a one-cycle schedule, flips and shifts of one pixel, and the tuned cnn_balanced as the teacher, at a "
    "temperature of 4."
)
DISTILLED_CNN = Recipe(
    f"AdamW {DISTILLATION}",
    epochs=100,
    patience=100,
    model={**ADAMW, "temperature": 4.0},
    data={"batch_size": 128, **DISTILLED},
)


def distilled_mlp(weight_decay: float) -> Recipe:
    """Return a recipe for an MLP that learns from the tuned cnn_balanced.

    Args:
        weight_decay: Decoupled weight decay.

    Example:
        >>> distilled_mlp(weight_decay=0.1).data["teacher"]
        'cnn_balanced'
    """
    return Recipe(
        f"Muon {DISTILLATION}",
        epochs=300,
        patience=300,
        model={
            "optimizer": "muon",
            "lr": 1e-2,
            "weight_decay": weight_decay,
            "schedule": "one_cycle",
            "loss_reduction": "mean",
            "temperature": 4.0,
            "standardize": True,
        },
        data={"batch_size": 1024, **DISTILLED},
    )


def quick_recipe(
    epochs: int,
    lr: float,
    weight_decay: float,
    batch_size: int,
    shift: int = 0,
    **model: Any,
) -> Recipe:
    """Return a recipe for a few epochs, with Muon.

    Args:
        epochs: How many, all of which are trained.
        lr: Learning rate.
        weight_decay: Decoupled weight decay.
        batch_size: Images of a step.
        shift: Pixels by which training images move.
        **model: Other arguments of the network's class.

    Example:
        >>> quick_recipe(epochs=8, lr=0.01, weight_decay=0.1, batch_size=128).patience
        8
    """
    chosen = {"lr": lr, "weight_decay": weight_decay, "schedule": "one_cycle", "loss_reduction": "mean"}
    return Recipe(
        f"Muon with a one-cycle schedule{', flips and shifts' if shift else ' and flips'}, for {epochs} epochs.",
        epochs=epochs,
        patience=epochs,
        model={"optimizer": "muon", **chosen, **model},
        data={"batch_size": batch_size, "augment": {"flip": True, "shift": shift}},
    )


QUICK_RELU_MLP = quick_recipe(  # what the searches for networks 2 and 3 both found
    epochs=12, lr=0.00355, weight_decay=0.213, batch_size=256, label_smoothing=0.1, standardize=True
)

QUICK_SMALL_CNN = quick_recipe(  # what the searches for networks 4 and 5 both found
    epochs=8, lr=0.00485, weight_decay=0.167, batch_size=128, label_smoothing=0.1
)

DEFAULT_RECIPES = {
    "default": Recipe(
        "The network's own settings, in batches of 128, for 20 epochs.",
        epochs=20,
        patience=20,
        data={"batch_size": 128},
    ),
    "quick": quick_recipe(epochs=8, lr=0.005, weight_decay=0.1, batch_size=128, shift=1),
}
