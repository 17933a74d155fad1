"""Where on a picture a network looks."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from tqdm import TqdmWarning

from fashionzoo.errors import FashionZooError
from fashionzoo.images.conversion import ImageLike, single_image
from fashionzoo.models.evaluation_mode import eval_mode
from fashionzoo.zoo.evaluation import as_network

if TYPE_CHECKING:
    from fashionzoo.models.network import Network
    from fashionzoo.training.classifier import Classifier

PATCH, STRIDE = 4, 2  # pixels: a seventh of the side, as large as a sleeve or a heel is wide


def occlusion(network: Network | Classifier, image: ImageLike, label: int | None = None) -> Tensor:
    """Return how much less probable a class becomes while a patch around each pixel is black.

    Zeiler and Fergus 2014, section 4.2, by Captum. Black is the ground of Fashion-MNIST's images, so that covering the
    ground changes nothing.

    Args:
        network: What :func:`fashionzoo.get_model` returns, or a :class:`fashionzoo.Classifier`.
        image: One image, as :meth:`fashionzoo.Network.classify` takes it: a path, a picture, 28x28 pixels.
        label: The class, from 0 on; ``None`` for the most likely one.

    Returns:
        Shape ``(28, 28)``, -1 to 1: positive where the class is seen, negative where something speaks against it. Each
        value is the mean over the patches that cover the pixel.

    Raises:
        FashionZooError: Captum is not installed, the image cannot be used, or there is no such class.

    Example:
        >>> from fashionzoo import MLP
        >>> occlusion(MLP(), torch.zeros(28, 28, dtype=torch.uint8)).abs().max()
        tensor(0.)
    """
    try:
        with warnings.catch_warnings(action="ignore", category=TqdmWarning):  # a bar that is not shown here
            from captum.attr import Occlusion
    except ImportError as error:
        raise FashionZooError("this needs captum: pip install 'fashionzoo[demo]'") from error
    network = as_network(network)
    device = network.preprocess.scale.device

    def probabilities(pixels: Tensor) -> Tensor:
        logits: Tensor = network(network.preprocess(pixels))
        return (logits / network.temperature).softmax(dim=1)

    pixels = single_image(image).to(device).float() / 255
    if label is not None and label not in range(network.num_classes):
        raise FashionZooError(f"there is no class {label!r}: choose a number from 0 to {network.num_classes - 1}")
    window = (1, PATCH, PATCH)
    with torch.no_grad(), eval_mode(network):
        label = int(probabilities(pixels).argmax() if label is None else label)
        falls: Tensor = Occlusion(probabilities).attribute(
            pixels, window, strides=(1, STRIDE, STRIDE), target=label, baselines=0, perturbations_per_eval=256
        )
    return falls[0, 0].float().cpu()
