"""Network 4 of the report: a CNN whose widths get smaller, without regularization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from fashionzoo.models.layers import Activation
from fashionzoo.training.families import CNNClassifier
from fashionzoo.training.recipe import DISTILLED_CNN, QUICK_SMALL_CNN, SMALL_BATCHES, Recipe, summary


class PlainCNN(CNNClassifier):
    """A CNN whose widths get smaller, without any regularization, learning rate 1e-2, 20 iterations.

    63.1 % on the test set. The test loss rises while the training loss falls: it overfits.

    Args:
        channels: Feature maps of each block, from the input side.
        hidden: Units of each fully connected hidden layer.
        activation: What follows each hidden layer.
        lr: Learning rate.
        momentum: Momentum of SGD.
        **arguments: The other arguments of :class:`fashionzoo.Classifier` and :class:`fashionzoo.CNN`.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, num_classes)``, logits.

    Example:
        >>> import torch
        >>> PlainCNN()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    recipes: ClassVar = {
        "report": Recipe(summary(__doc__), epochs=20, patience=20, data=SMALL_BATCHES),
        "tuned": DISTILLED_CNN,
        "quick": QUICK_SMALL_CNN,
    }

    def __init__(
        self,
        channels: Sequence[int] = (32, 16),
        hidden: Sequence[int] = (64,),
        activation: Activation = "relu",
        lr: float = 1e-2,
        momentum: float = 0.9,
        **arguments: Any,
    ) -> None:
        super().__init__(channels, hidden, activation, lr, momentum=momentum, **arguments)
