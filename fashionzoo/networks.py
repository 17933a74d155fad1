"""The two families of networks, as plain modules: no Lightning, nothing to log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor, nn

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.images import CLASSES, IMAGE_SIZE, ImageLike, Prediction, Preprocess, images_to_batch, is_single

Activation = Literal["sigmoid", "tanh", "relu", "elu"]
EVAL_BATCH_SIZE = 500  # images

# All of them rise, so that an activation and a maximum can change places.
ACTIVATIONS: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "elu": nn.ELU}


class Network(nn.Module):
    """Hidden blocks and a linear head on top, with the preprocessing that they were trained with.

    Args:
        blocks: The hidden blocks, from the input side; what the report calls hidden activations is their output.
        pool: What stands between them and the head.
        features: Values per image that reach the head.
        standardize: See :class:`fashionzoo.images.Preprocess`.
        config: The arguments that :func:`build` needs to make the same network again, plain values.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, 10)``, logits.
    """

    def __init__(
        self, blocks: Sequence[nn.Module], pool: nn.Module, features: int, standardize: bool, config: dict[str, Any]
    ) -> None:
        super().__init__()
        self.preprocess = Preprocess(standardize)
        self.blocks = nn.ModuleList(blocks)
        self.pool = pool
        self.head = nn.Linear(features, len(CLASSES))
        self.config = config

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of preprocessed images."""
        for block in self.blocks:
            images = block(images)
        logits: Tensor = self.head(self.pool(images))
        return logits

    def init_weights(self) -> Self:
        """Draw the weights as He et al. 2015 do, uniformly, and set the biases to zero."""
        for layer in self.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # every layer here has a bias
        return self

    @overload
    def classify(  # type: ignore[overload-overlap]  # a str is also an iterable of str
        self, images: str | Path | Image, invert: bool = False
    ) -> Prediction: ...

    @overload
    def classify(  # type: ignore[overload-overlap]  # a tensor is also an iterable of tensors
        self, images: Tensor | np.ndarray, invert: bool = False
    ) -> Prediction | list[Prediction]: ...

    @overload
    def classify(self, images: Iterable[ImageLike], invert: bool = False) -> list[Prediction]: ...

    def classify(self, images: ImageLike | Iterable[ImageLike], invert: bool = False) -> Prediction | list[Prediction]:
        """Classify one image or several.

        Args:
            images: A path, a PIL image, a tensor, a NumPy array, a batch of 28x28 images, or any number of these as a
                list, a set, a generator, ...; white on black, as in Fashion-MNIST. See
                :func:`fashionzoo.images.to_uint8`.
            invert: They are black on white.

        Returns:
            One :class:`Prediction` for a single image, a list for a batch or several images.

        Raises:
            FashionZooError: An image cannot be used; the message says why.

        Example:
            >>> MLP().classify(torch.zeros(28, 28)).name in CLASSES
            True
        """
        predictions = self.predictions(images_to_batch(images, invert))
        return predictions[0] if is_single(images) else predictions

    def predictions(self, images: Tensor) -> list[Prediction]:
        """Classify images that are in the form of Fashion-MNIST already.

        Args:
            images: Shape ``(N, 1, 28, 28)``, uint8.
        """
        probabilities = compute_logits(self, images).softmax(dim=1)
        return [
            Prediction(label, CLASSES[label], dict(zip(CLASSES, row, strict=True)))
            for label, row in zip(probabilities.argmax(dim=1).tolist(), probabilities.tolist(), strict=True)
        ]


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode, and each of its parts back into the mode that it was in.

    Args:
        module: A network, or a part of one.

    Example:
        >>> network = MLP(dropout=0.5)
        >>> with eval_mode(network):
        ...     network.training
        False
        >>> network.training
        True
    """
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


@torch.inference_mode()
def compute_logits(network: Network, images: Tensor) -> Tensor:
    """Return the logits of images in evaluation mode, on the network's device and batch by batch.

    Args:
        network: A network with its ``preprocess``; it is left in the mode that it was in.
        images: Shape ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, uint8.

    Returns:
        Shape ``(N, 10)``, float32, on the CPU.

    Example:
        >>> compute_logits(MLP(), torch.zeros(3, 28, 28, dtype=torch.uint8)).shape
        torch.Size([3, 10])
    """
    device = next(network.parameters()).device
    with eval_mode(network):
        return torch.cat(
            [network(network.preprocess(batch.to(device))).float().cpu() for batch in images.split(EVAL_BATCH_SIZE)]
        )


class MLP(Network):
    """A multilayer perceptron.

    Args:
        widths: Units of each hidden layer, from the input side.
        activation: What follows each hidden layer.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        standardize: Standardize the input, or leave it in [0, 1].

    Shape:
        Input ``(N, 1, 28, 28)``; output ``(N, 10)``, logits.

    Raises:
        FashionZooError: A width is below 1, the dropout outside [0, 1), or there is no such activation.

    Example:
        >>> MLP(widths=(128, 32))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        widths: Sequence[int] = (256, 64),
        activation: Activation = "relu",
        dropout: float = 0.0,
        standardize: bool = False,
    ) -> None:
        _check_widths("widths", widths)
        _check_dropout(dropout)
        blocks = [
            nn.Sequential(
                nn.Linear(inputs, width), _activation(activation), *([nn.Dropout(dropout)] if dropout else [])
            )
            for inputs, width in zip([IMAGE_SIZE * IMAGE_SIZE, *widths], widths, strict=False)
        ]
        blocks[0].insert(0, nn.Flatten())
        config = {
            "family": "MLP",
            "widths": list(widths),
            "activation": activation,
            "dropout": dropout,
            "standardize": standardize,
        }
        super().__init__(blocks, nn.Identity(), widths[-1], standardize, config)
        self.init_weights()


class CNN(Network):
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

    Shape:
        Input ``(N, 1, 28, 28)``; output ``(N, 10)``, logits.

    Raises:
        FashionZooError: A width or number of convolutions is below 1, there are more than four blocks or not as many
            numbers of convolutions, the dropout is outside [0, 1), or there is no such activation.

    Example:
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
    ) -> None:
        _check_widths("channels", channels)
        if hidden:
            _check_widths("hidden", hidden)
        _check_dropout(dropout)
        convolutions = [1] * len(channels) if convolutions is None else convolutions
        _check_widths("convolutions", convolutions)
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
                layers += [_activation(activation)]
            return nn.Sequential(*layers, *([nn.Dropout2d(dropout)] if dropout else []))

        blocks = [block(*sizes) for sizes in zip([1, *channels], channels, convolutions, strict=False)]
        features = channels[-1] * feature_size * feature_size
        fc_layers = [
            nn.Sequential(
                nn.Linear(inputs, width), _activation(activation), *([nn.Dropout(dropout)] if dropout else [])
            )
            for inputs, width in zip([features, *hidden], hidden, strict=False)
        ]
        if fc_layers:
            fc_layers[0].insert(0, nn.Flatten())
        pool = nn.Identity() if fc_layers else nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        config = {
            "family": "CNN",
            "channels": list(channels),
            "hidden": list(hidden),
            "activation": activation,
            "dropout": dropout,
            "batch_norm": batch_norm,
            "convolutions": list(convolutions),
            "standardize": standardize,
        }
        super().__init__([*blocks, *fc_layers], pool, [*channels, *hidden][-1], standardize, config)
        self.init_weights()
        self.to(memory_format=torch.channels_last)


def build(config: dict[str, Any]) -> Network:
    """Make the network that a configuration describes, with fresh weights.

    Args:
        config: A network's ``config``.

    Example:
        >>> build(MLP(widths=(8, 4)).config).config["widths"]
        [8, 4]
    """
    arguments = dict(config)
    families: dict[str, type[MLP] | type[CNN]] = {"MLP": MLP, "CNN": CNN}
    return families[arguments.pop("family")](**arguments)


def _activation(name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise FashionZooError(f"unknown activation {name!r}: {did_you_mean(name, ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def _check_widths(name: str, widths: Sequence[int]) -> None:
    if not widths or min(widths) < 1:
        raise FashionZooError(f"{name} of {list(widths)}: give at least one number, each 1 or more")


def _check_dropout(share: float) -> None:
    if not 0 <= share < 1:
        raise FashionZooError(f"dropout of {share}: choose a share from 0 up to, but not including, 1")
