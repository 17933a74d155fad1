"""Convolutional networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

from torch import Tensor, nn

from fashionzoo.environment import preferred_memory_format
from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import IMAGE_SIZE
from fashionzoo.io import to_plain
from fashionzoo.models.layers import Activation, check_dropout, check_widths, fully_connected, make_activation
from fashionzoo.models.network import BlockNetwork


class CNN(BlockNetwork):
    """Blocks of 3x3 convolutions and 2x2 max pooling, then fully connected layers or an average.

    Args:
        channels: Feature maps of each block, from the input side; at most four, as each halves the image.
        hidden: Units of each fully connected hidden layer; with none, the last feature maps are averaged, each to one
            value (Lin et al. 2014).
        activation: What follows each hidden layer.
        dropout: Share that training sets to zero: of a convolution's feature maps, each whole, as its neighboring
            values say the same (Tompson et al. 2015), and of a fully connected layer's values.
        batch_norm: Normalize each convolution's output over the batch.
        convolutions: How many each block has, one after the other; ``None`` for one.
        standardize: Standardize the input, or leave it in [0, 1].
        num_classes: How many classes there are.

    Shape:
        Input ``(N, 1, 28, 28)``; output ``(N, num_classes)``, logits.

    Raises:
        FashionZooError: A width or number of convolutions is below 1, there are more than four blocks or not as many
            numbers of convolutions, the dropout is outside [0, 1), there is no such activation or fewer than two
            classes.

    Example:
        >>> import torch
        >>> CNN(channels=(16, 8), hidden=(32,))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        channels: Sequence[int] = (32, 16),
        hidden: Sequence[int] = (64,),
        activation: Activation = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        convolutions: Sequence[int] | None = None,
        standardize: bool = True,
        num_classes: int = 10,
    ) -> None:
        channels, hidden = list(channels), list(hidden)
        check_widths("channels", channels)
        if hidden:
            check_widths("hidden", hidden)
        check_dropout(dropout)
        convolutions = [1] * len(channels) if convolutions is None else convolutions
        check_widths("convolutions", convolutions)
        if len(convolutions) != len(channels):
            raise FashionZooError(f"convolutions of {list(convolutions)}: give one number for each of {list(channels)}")
        feature_size = IMAGE_SIZE >> len(channels)
        if feature_size == 0:
            raise FashionZooError(f"{len(channels)} blocks leave nothing of a 28x28 image: use at most 4")

        def block(inputs: int, outputs: int, count: int) -> nn.Sequential:
            layers: list[nn.Module] = []
            for index in range(count):
                layers += [nn.Conv2d(outputs if index else inputs, outputs, kernel_size=3, padding=1)]
                # Pooling comes before the rest, which then has a quarter of the values to work on.
                layers += [nn.MaxPool2d(2)] if index == count - 1 else []
                layers += [nn.BatchNorm2d(outputs)] if batch_norm else []
                layers += [make_activation(activation)]
            return nn.Sequential(*layers, *([nn.Dropout2d(dropout)] if dropout else []))

        blocks = [block(*sizes) for sizes in zip([1, *channels], channels, convolutions, strict=False)]
        features = channels[-1] * feature_size * feature_size
        fc_layers = fully_connected(features, hidden, activation, dropout)
        pool = nn.Identity() if fc_layers else nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        config = to_plain(
            {
                "family": "CNN",
                "channels": channels,
                "hidden": hidden,
                "activation": activation,
                "dropout": dropout,
                "batch_norm": batch_norm,
                "convolutions": list(convolutions),
                "standardize": standardize,
                "num_classes": num_classes,
            }
        )
        super().__init__([*blocks, *fc_layers], pool, [*channels, *hidden][-1], standardize, num_classes, config)
        self.to(memory_format=preferred_memory_format(self.head.weight.device))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move the network, and lay its weights out as suits another device."""
        before = self.head.weight.device
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if (device := self.head.weight.device) != before:
            self.to(memory_format=preferred_memory_format(device))
        return self
