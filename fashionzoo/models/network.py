"""What every network here is: the classes that it knows, its preprocessing, and hidden blocks to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import CLASSES, IMAGE_SIZE, Prediction
from fashionzoo.images.conversion import ImageLike, images_to_batch, is_single
from fashionzoo.images.preparation import Ground
from fashionzoo.images.preprocessing import Preprocess
from fashionzoo.models.evaluation_mode import eval_mode
from fashionzoo.models.pretrained import PretrainedMixin

EVAL_BATCH_SIZE = 500  # images


class Network(PretrainedMixin, nn.Module):
    """A module that maps preprocessed images to logits, with the preprocessing that it was trained with.

    Args:
        standardize: See :class:`fashionzoo.Preprocess`.
        num_classes: How many logits an image has.
        config: The arguments that make the same network again, plain values.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, num_classes)``, logits.
    """

    def __init__(self, standardize: bool, num_classes: int, config: dict[str, Any]) -> None:
        super().__init__()
        self.preprocess = Preprocess(standardize)
        self.num_classes = num_classes
        self.class_names = default_class_names(num_classes)
        self.config = config
        self.temperature = 1.0  # logits are divided by it before they become probabilities (Guo et al. 2017)
        self.familiarity: Callable[[Tensor], Tensor] | None = None

    @property
    def hidden_blocks(self) -> dict[str, nn.Module]:
        """The parts whose outputs are the hidden activations, from the input side, by name."""
        raise NotImplementedError

    @property
    def layer_weights(self) -> dict[str, nn.Parameter]:
        """The weights of the ``first_layer`` and the ``last_layer``."""
        weights = [parameter for parameter in self.parameters() if parameter.ndim > 1]
        return {"first_layer": weights[0], "last_layer": weights[-1]} if weights else {}

    def name_classes(self, names: Sequence[str]) -> None:
        """Give the classes names.

        Args:
            names: One for each, in the order of the labels.

        Raises:
            FashionZooError: There are more or fewer names than classes, or two are the same.
        """
        if len(names) != self.num_classes or len(set(names)) != len(names):
            raise FashionZooError(
                f"{len(set(names))} different class names for {self.num_classes} classes: give one for each"
            )
        self.class_names = tuple(map(str, names))

    @overload
    def classify(  # type: ignore[overload-overlap]  # a str is also an iterable of str
        self, images: str | Path | Image, ground: Ground = "auto"
    ) -> Prediction: ...

    @overload
    def classify(  # type: ignore[overload-overlap]  # a tensor is also an iterable of tensors
        self, images: Tensor | np.ndarray, ground: Ground = "auto"
    ) -> Prediction | list[Prediction]: ...

    @overload
    def classify(self, images: Iterable[ImageLike], ground: Ground = "auto") -> list[Prediction]: ...

    def classify(
        self, images: ImageLike | Iterable[ImageLike], ground: Ground = "auto"
    ) -> Prediction | list[Prediction]:
        """Classify one image or several.

        Args:
            images: A path, a PIL image, a tensor, a NumPy array, a batch of 28x28 images, or any number of these as a
                list, a set, a generator, ...; pictures are prepared as the data set's images were, 28x28 tensors and
                arrays are taken as they are. See :func:`fashionzoo.images.conversion.to_uint8`.
            ground: See :class:`fashionzoo.Prepare`.

        Returns:
            One :class:`Prediction` for a single image, a list for a batch or several images.

        Raises:
            FashionZooError: An image cannot be used, or the logits are not finite; the message says why.

        Example:
            >>> from fashionzoo import MLP
            >>> MLP().classify(torch.zeros(28, 28)).name in CLASSES
            True
        """
        predictions = self.predictions(images_to_batch(images, ground))
        return predictions[0] if is_single(images) else predictions

    def predictions(self, images: Tensor) -> list[Prediction]:
        """Classify images that are in the form of Fashion-MNIST already.

        Args:
            images: Shape ``(N, 1, 28, 28)``, uint8.
        """
        logits, names = compute_logits(self, images), self.class_names
        rows = (logits / self.temperature).softmax(dim=1).tolist()
        familiar = self.familiarity(images).tolist() if self.familiarity else [None] * len(rows)
        return [
            Prediction(label, names[label], dict(zip(names, row, strict=True)), score)
            for label, row, score in zip(logits.argmax(dim=1).tolist(), rows, familiar, strict=True)
        ]


class BlockNetwork(Network):
    """Hidden blocks and a linear head on top.

    Args:
        blocks: The hidden blocks, from the input side; what the report calls hidden activations is their output.
        pool: What stands between them and the head.
        features: Values per image that reach the head.
        standardize: See :class:`fashionzoo.Preprocess`.
        num_classes: How many logits an image has.
        config: The arguments that :func:`fashionzoo.models.factory.build_network` needs, plain values.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        pool: nn.Module,
        features: int,
        standardize: bool,
        num_classes: int,
        config: dict[str, Any],
    ) -> None:
        if num_classes < 2:
            raise FashionZooError(f"num_classes of {num_classes}: choose 2 or more")
        super().__init__(standardize, num_classes, config)
        self.blocks = nn.ModuleList(blocks)
        self.pool = pool
        self.head = nn.Linear(features, num_classes)
        self.init_weights()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of preprocessed images."""
        for block in self.blocks:
            images = block(images)
        logits: Tensor = self.head(self.pool(images))
        return logits

    def init_weights(self) -> None:
        """Draw the weights as He et al. 2015 do, uniformly, and set the biases to zero."""
        for layer in self.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # every layer here has a bias

    @property
    def hidden_blocks(self) -> dict[str, nn.Module]:
        """The blocks."""
        return {f"block{index}": block for index, block in enumerate(self.blocks)}


class ModuleNetwork(Network):
    """Any module that maps ``(N, 1, 28, 28)`` float to ``(N, classes)`` logits, as a network of this package.

    Args:
        module: The module, tried on two black images.
        standardize: See :class:`fashionzoo.Preprocess`.

    Raises:
        FashionZooError: Its output has another shape, is not finite, or it fails.

    Example:
        >>> ModuleNetwork(nn.Sequential(nn.Flatten(), nn.Linear(784, 5))).num_classes
        5
    """

    def __init__(self, module: nn.Module, standardize: bool = True) -> None:
        logits = _try_module(module)
        super().__init__(standardize, logits.shape[1], {"family": "module", "standardize": standardize})
        self.preprocess.to(logits.device)
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of preprocessed images."""
        logits: Tensor = self.module(images)
        return logits

    @property
    def hidden_blocks(self) -> dict[str, nn.Module]:
        """The module's ``blocks`` if it has such a list, otherwise its layers but the last."""
        blocks = getattr(self.module, "blocks", None)
        if isinstance(blocks, nn.ModuleList | nn.Sequential):
            return {f"block{index}": block for index, block in enumerate(blocks)}
        layers = {name: part for name, part in self.module.named_modules() if name and not any(part.children())}
        return dict(list(layers.items())[:-1])


def default_class_names(num_classes: int) -> tuple[str, ...]:
    """Return Fashion-MNIST's names of ten classes, the labels' numbers for another number of classes.

    Example:
        >>> default_class_names(3)
        ('0', '1', '2')
    """
    return CLASSES if num_classes == len(CLASSES) else tuple(map(str, range(num_classes)))


@torch.inference_mode()
def compute_logits(network: Network, images: Tensor) -> Tensor:
    """Return the logits of images in evaluation mode, on the network's device and batch by batch.

    Args:
        network: A network with its ``preprocess``; it is left in the mode that it was in.
        images: Shape ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, uint8.

    Returns:
        Shape ``(N, classes)``, float32, on the CPU.

    Raises:
        FashionZooError: A logit is not finite, or there are not as many as the network knows classes.

    Example:
        >>> from fashionzoo import MLP
        >>> compute_logits(MLP(), torch.zeros(3, 28, 28, dtype=torch.uint8)).shape
        torch.Size([3, 10])
    """
    device = network.preprocess.scale.device
    with eval_mode(network):
        logits = torch.cat(
            [network(network.preprocess(batch.to(device))).float().cpu() for batch in images.split(EVAL_BATCH_SIZE)]
        )
    if logits.shape[1:] != (network.num_classes,):
        raise FashionZooError(
            f"logits of shape {tuple(logits.shape)} of a network with {network.num_classes} classes: make another "
            "network rather than change its head"
        )
    if not logits.isfinite().all():
        raise FashionZooError("the network's logits are not finite: check its weights and layers")
    return logits


def count_flops(network: Network) -> int:
    """Return the floating-point operations of one image, a multiplication and an addition counted as two.

    Example:
        >>> from fashionzoo import MLP
        >>> count_flops(MLP(widths=(8,)))
        12704
    """
    image = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE, device=network.preprocess.scale.device)
    with eval_mode(network), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(network.preprocess(image))
    return int(counter.get_total_flops())


def _try_module(module: nn.Module) -> Tensor:
    """Return a module's logits for two black images, after a check that they are logits."""
    name, device = type(module).__name__, next((parameter.device for parameter in module.parameters()), None)
    images = torch.zeros(2, 1, IMAGE_SIZE, IMAGE_SIZE, device=device)
    try:
        with torch.no_grad(), eval_mode(module):
            logits = module(images)
    except Exception as error:  # a stranger's module may raise anything
        raise FashionZooError(f"{name} fails on images of shape {tuple(images.shape)} ({error})") from error
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != 2 or logits.shape[1] < 2:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise FashionZooError(f"{name} maps (2, 1, 28, 28) to {shape}: let it return logits, (N, classes)")
    if not logits.isfinite().all():
        raise FashionZooError(f"{name} returns logits that are not finite: check its weights")
    return logits
