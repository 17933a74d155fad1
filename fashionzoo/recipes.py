"""How each network is trained: two frozen recipes a network, plain values that need neither torch nor Lightning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fashionzoo.errors import FashionZooError, did_you_mean


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


FULL_BATCH = {"batch_size": None}  # an iteration of the report's networks 1 to 3 is one step on the whole training set
SMALL_BATCHES = {"batch_size": 64}  # at twice that, network 4 hardly overfits in its 20 epochs
TUNED = {"optimizer": "adamw", "lr": 5e-3, "weight_decay": 1e-2, "schedule": "one_cycle", "loss_reduction": "mean"}
AUGMENTED = {"augment": {"flip": True, "shift": 1}}
DISTILLED = {**AUGMENTED, "teacher": "cnn_balanced"}
DISTILLED_DESCRIPTION = (
    "AdamW with a one-cycle schedule, flips and shifts of one pixel, and the tuned cnn_balanced as the teacher, at a "
    "temperature of 4."
)
DISTILLED_MLP = Recipe(
    DISTILLED_DESCRIPTION,
    epochs=600,
    patience=600,
    model={**TUNED, "lr": 7e-3, "temperature": 4.0, "standardize": True},
    data={"batch_size": 512, **DISTILLED},
)

# The patience of the report's recipes is the whole run where the report describes what happens late in it (4, 6), and
# long enough elsewhere to end only what no longer gets better.
RECIPES: dict[str, dict[str, Recipe]] = {
    "mlp_sigmoid_narrowing": {
        "report": Recipe(
            "Two hidden layers that get narrower, sigmoid activations, learning rate 1e-5, 300 iterations. Accuracy "
            "starts at about 10 %, rises fast within the first 50 iterations, then levels out, with 78 % at about "
            "iteration 291. Trouser is labelled best and Shirt worst, which is taken for Pullover and T-shirt; sandals "
            "are taken for sneakers.",
            epochs=300,
            patience=100,  # full-batch steps oscillate: accuracy may fall for some sixty of them and rise again
            data=FULL_BATCH,
        ),
        "tuned": DISTILLED_MLP,
    },
    "mlp_relu_narrowing": {
        "report": Recipe(
            "Network 1 with ReLU in place of sigmoid, and a lower learning rate. 78 % at iteration 271 instead of 291; "
            "the gradient keeps flowing where the sigmoid's vanishes; many more activations are very close to zero. "
            "Late in training both losses start to rise.",
            epochs=300,
            patience=50,
            data=FULL_BATCH,
        ),
        "tuned": DISTILLED_MLP,
    },
    "mlp_relu_widening": {
        "report": Recipe(
            "ReLU again, but the hidden layers get wider. The loss stays high until about epoch 50 and accuracy peaks "
            "at around 70 %, the lowest and slowest of the three MLPs. Shirts are taken for dresses, pullovers and "
            "coats.",
            epochs=300,
            patience=50,
            data=FULL_BATCH,
        ),
        "tuned": DISTILLED_MLP,
    },
    "cnn_plain": {
        "report": Recipe(
            "A CNN whose widths get smaller, without any regularization, learning rate 1e-2, 20 iterations: 63.1 % on "
            "the test set. The test loss rises while the training loss falls: it overfits.",
            epochs=20,
            patience=20,
            data=SMALL_BATCHES,
        ),
        "tuned": Recipe(
            DISTILLED_DESCRIPTION,
            epochs=100,
            patience=100,
            model={**TUNED, "temperature": 4.0},
            data={"batch_size": 128, **DISTILLED},
        ),
    },
    "cnn_dropout_l2": {
        "report": Recipe(
            "Network 4 with dropout and L2, all else the same. It no longer overfits, but learns more slowly and does "
            "not reach network 4's accuracy even in 200 iterations; dropout makes the activations sparse.",
            epochs=200,
            patience=30,
            data=SMALL_BATCHES,
        ),
        "tuned": Recipe(
            f"{DISTILLED_DESCRIPTION} Dropout is low and AdamW's weight decay stands for L2.",
            epochs=100,
            patience=100,
            model={**TUNED, "temperature": 4.0, "dropout": 0.05},
            data={"batch_size": 128, **DISTILLED},
        ),
    },
    "cnn_balanced": {
        "report": Recipe(
            "Regularisation slightly eased, another activation, other widths: 65 % over 40 epochs, the highest of the "
            "three CNNs, in far fewer iterations than network 5 and with less overfitting than network 4.",
            epochs=40,
            patience=40,
            data=SMALL_BATCHES,
        ),
        "tuned": Recipe(
            "AdamW with a one-cycle schedule, label smoothing, less dropout, flips and shifts of one pixel.",
            epochs=60,
            patience=60,
            model={**TUNED, "label_smoothing": 0.05, "dropout": 0.05},
            data={"batch_size": 128, **AUGMENTED},
        ),
    },
}


def get_recipe(network: str, recipe: str) -> Recipe:
    """Return a network's recipe.

    Args:
        network: A network's registry name.
        recipe: ``"report"`` or ``"tuned"``.

    Raises:
        FashionZooError: There is no such network or recipe; the message names the nearest.

    Example:
        >>> get_recipe("cnn_plain", "report").epochs
        20
    """
    if network not in RECIPES:
        raise FashionZooError(f"unknown network {network!r}: {did_you_mean(network, sorted(RECIPES))}")
    if recipe not in RECIPES[network]:
        raise FashionZooError(f"unknown recipe {recipe!r} of {network}: {did_you_mean(recipe, RECIPES[network])}")
    return RECIPES[network][recipe]
