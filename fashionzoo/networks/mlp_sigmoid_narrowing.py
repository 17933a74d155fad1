"""Network 1 of the report: two hidden layers that narrow, sigmoid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from fashionzoo.models.layers import Activation
from fashionzoo.training.families import MLPClassifier
from fashionzoo.training.recipe import FULL_BATCH, Recipe, distilled_mlp, quick_recipe, summary


class SigmoidNarrowingMLP(MLPClassifier):
    """Two hidden layers that get narrower, sigmoid activations, learning rate 1e-5, 300 iterations.

    Accuracy starts at about 10 %, rises fast within the first 50 iterations, then levels out, with 78 % at about
    iteration 291. Trouser is labelled best and Shirt worst, which is taken for Pullover and T-shirt; sandals are
    taken for sneakers.

    Args:
        widths: Units of each hidden layer, from the input side.
        activation: What follows each hidden layer.
        lr: Learning rate, on the loss summed over the training set.
        loss_reduction: Sum or mean over the batch; at the report's rate only the sum learns.
        **arguments: The other arguments of :class:`fashionzoo.Classifier` and :class:`fashionzoo.MLP`.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, num_classes)``, logits.

    Example:
        >>> import torch
        >>> SigmoidNarrowingMLP()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    recipes: ClassVar = {
        "report": Recipe(
            summary(__doc__),
            epochs=300,
            patience=100,  # full-batch steps oscillate: accuracy may fall for some sixty of them and rise again
            data=FULL_BATCH,
        ),
        "tuned": distilled_mlp(weight_decay=0.03),
        "quick": quick_recipe(epochs=12, lr=0.002, weight_decay=0.0105, batch_size=128, standardize=True),
    }

    def __init__(
        self,
        widths: Sequence[int] = (256, 64),
        activation: Activation = "sigmoid",
        lr: float = 1e-5,
        loss_reduction: Literal["sum", "mean"] = "sum",
        **arguments: Any,
    ) -> None:
        super().__init__(widths, activation, lr, loss_reduction=loss_reduction, **arguments)
