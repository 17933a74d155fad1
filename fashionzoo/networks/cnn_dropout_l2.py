"""Network 5 of the report: network 4 with dropout and L2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from fashionzoo.models.layers import Activation
from fashionzoo.training.families import CNNClassifier
from fashionzoo.training.recipe import DISTILLED_CNN, QUICK_SMALL_CNN, SMALL_BATCHES, Recipe, summary


class DropoutL2CNN(CNNClassifier):
    """Network 4 with dropout and L2, all else the same.

    It no longer overfits, but learns more slowly and does not reach network 4's accuracy even in 200 iterations;
    dropout makes the activations sparse.

    Args:
        channels: Feature maps of each block, from the input side.
        hidden: Units of each fully connected hidden layer.
        activation: What follows each hidden layer.
        lr: Learning rate.
        momentum: Momentum of SGD.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        weight_decay: L2 penalty of SGD.
        **arguments: The other arguments of :class:`fashionzoo.Classifier` and :class:`fashionzoo.CNN`.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, num_classes)``, logits.

    Example:
        >>> import torch
        >>> DropoutL2CNN(dropout=0.3)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    recipes: ClassVar = {
        "report": Recipe(summary(__doc__), epochs=200, patience=200, data=SMALL_BATCHES),
        "without_dropout": Recipe(
            "As report, without dropout.", epochs=200, patience=200, model={"dropout": 0.0}, data=SMALL_BATCHES
        ),
        "without_l2": Recipe(
            "As report, without L2.", epochs=200, patience=200, model={"weight_decay": 0.0}, data=SMALL_BATCHES
        ),
        "tuned": replace(
            DISTILLED_CNN,
            description=f"{DISTILLED_CNN.description} Dropout is low and AdamW's weight decay stands for L2.",
            model={**DISTILLED_CNN.model, "dropout": 0.05},
        ),
        "quick": replace(QUICK_SMALL_CNN, model={**QUICK_SMALL_CNN.model, "dropout": 0.02}),
    }

    def __init__(
        self,
        channels: Sequence[int] = (32, 16),
        hidden: Sequence[int] = (64,),
        activation: Activation = "relu",
        lr: float = 1e-2,
        momentum: float = 0.9,
        dropout: float = 0.5,
        weight_decay: float = 1e-2,
        **arguments: Any,
    ) -> None:
        super().__init__(
            channels, hidden, activation, lr, momentum=momentum, dropout=dropout, weight_decay=weight_decay, **arguments
        )
