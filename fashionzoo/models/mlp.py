"""Multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fashionzoo.images.classes import IMAGE_SIZE
from fashionzoo.io import to_plain
from fashionzoo.models.layers import Activation, check_dropout, check_widths, fully_connected
from fashionzoo.models.network import BlockNetwork


class MLP(BlockNetwork):
    """A multilayer perceptron.

    Args:
        widths: Units of each hidden layer, from the input side.
        activation: What follows each hidden layer.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        standardize: Standardize the input, or leave it in [0, 1].
        num_classes: How many classes there are.

    Shape:
        Input ``(N, 1, 28, 28)``; output ``(N, num_classes)``, logits.

    Raises:
        FashionZooError: A width is below 1, the dropout outside [0, 1), there is no such activation or
            fewer than two classes.

    Example:
        >>> import torch
        >>> MLP(widths=(128, 32))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        widths: Sequence[int] = (256, 64),
        activation: Activation = "relu",
        dropout: float = 0.0,
        standardize: bool = False,
        num_classes: int = 10,
    ) -> None:
        check_widths("widths", widths)
        check_dropout(dropout)
        config = to_plain(
            {
                "family": "MLP",
                "widths": list(widths),
                "activation": activation,
                "dropout": dropout,
                "standardize": standardize,
                "num_classes": num_classes,
            }
        )
        blocks = fully_connected(IMAGE_SIZE * IMAGE_SIZE, widths, activation, dropout)
        super().__init__(blocks, nn.Identity(), widths[-1], standardize, num_classes, config)
