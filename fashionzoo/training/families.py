"""Classifiers of the two families, whose architecture's arguments are hyperparameters beside those of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fashionzoo.images.classes import CLASSES
from fashionzoo.models.cnn import CNN
from fashionzoo.models.layers import Activation
from fashionzoo.models.mlp import MLP
from fashionzoo.training.classifier import Classifier


class MLPClassifier(Classifier):
    """A multilayer perceptron and its training.

    Args:
        widths: Units of each hidden layer, from the input side.
        activation: What follows each hidden layer.
        lr: Learning rate.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        standardize: Standardize the input, or leave pixels in [0, 1].
        num_classes: How many classes there are; ``None`` for as many as ``class_names``, ten without them.
        **training: The other arguments of :class:`Classifier`.

    Example:
        >>> import torch
        >>> MLPClassifier((8, 4), "tanh", lr=0.1, num_classes=3)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: Activation,
        lr: float,
        dropout: float = 0.0,
        standardize: bool = False,
        num_classes: int | None = None,
        **training: Any,
    ) -> None:
        super().__init__(MLP(widths, activation, dropout, standardize, _count(num_classes, training)), lr, **training)


class CNNClassifier(Classifier):
    """A convolutional network and its training.

    Args:
        channels: Feature maps of each block, from the input side.
        hidden: Units of each fully connected hidden layer; with none, the last feature maps are averaged.
        activation: What follows each hidden layer.
        lr: Learning rate.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        batch_norm: Normalize each convolution's output over the batch.
        convolutions: How many each block has; ``None`` for one.
        standardize: Standardize the input, or leave pixels in [0, 1].
        num_classes: How many classes there are; ``None`` for as many as ``class_names``, ten without them.
        **training: The other arguments of :class:`Classifier`.

    Example:
        >>> import torch
        >>> CNNClassifier((8, 4), (), "relu", lr=0.1)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        channels: Sequence[int],
        hidden: Sequence[int],
        activation: Activation,
        lr: float,
        dropout: float = 0.0,
        batch_norm: bool = False,
        convolutions: Sequence[int] | None = None,
        standardize: bool = True,
        num_classes: int | None = None,
        **training: Any,
    ) -> None:
        count = _count(num_classes, training)
        network = CNN(channels, hidden, activation, dropout, batch_norm, convolutions, standardize, count)
        super().__init__(network, lr, **training)


def _count(num_classes: int | None, training: Mapping[str, Any]) -> int:
    """Return the number of classes."""
    return len(training.get("class_names") or CLASSES) if num_classes is None else num_classes
