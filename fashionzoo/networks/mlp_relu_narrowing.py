"""Network 2 of the report: network 1 with ReLU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from fashionzoo.models.layers import Activation
from fashionzoo.training.families import MLPClassifier
from fashionzoo.training.recipe import FULL_BATCH, QUICK_RELU_MLP, Recipe, distilled_mlp, summary


class ReLUNarrowingMLP(MLPClassifier):
    """Network 1 with ReLU in place of sigmoid, and a lower learning rate.

    78 % at iteration 271 instead of 291; the gradient keeps flowing where the sigmoid's vanishes; many more
    activations are very close to zero. Late in training both losses start to rise.

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
        >>> ReLUNarrowingMLP(widths=(128, 32))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    recipes: ClassVar = {
        "report": Recipe(summary(__doc__), epochs=300, patience=50, data=FULL_BATCH),
        "tuned": distilled_mlp(weight_decay=0.1),
        "quick": QUICK_RELU_MLP,
    }

    def __init__(
        self,
        widths: Sequence[int] = (256, 64),
        activation: Activation = "relu",
        lr: float = 2.7e-7,
        loss_reduction: Literal["sum", "mean"] = "sum",
        **arguments: Any,
    ) -> None:
        super().__init__(widths, activation, lr, loss_reduction=loss_reduction, **arguments)
