"""Where on a picture a network looks."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from tqdm import TqdmWarning

from fashionzoo.errors import FashionZooError
from fashionzoo.models.network import eval_mode
from fashionzoo.zoo.evaluation import as_network

if TYPE_CHECKING:
    from fashionzoo.models.network import Network
    from fashionzoo.training.classifier import Classifier

PATCH, STRIDE = 4, 2  # pixels: a seventh of the side, as large as a sleeve or a heel is wide


def occlusion(network: Network | Classifier, image: Tensor, label: int | None = None) -> Tensor:
    """Return how much less probable a class becomes while a patch around each pixel is black.

    Zeiler and Fergus 2014, section 4.2, by Captum. Black is the ground of Fashion-MNIST's images, so that covering the
    ground changes nothing.

    Args:
        network: What :func:`fashionzoo.get_model` returns, or a :class:`fashionzoo.Classifier`.
        image: Shape ``(28, 28)`` or ``(1, 1, 28, 28)``, uint8, as :class:`fashionzoo.Prepare` makes it.
        label: The class; ``None`` for the most likely one.

    Returns:
        Shape ``(28, 28)``, -1 to 1: positive where the class is seen, negative where something speaks against it. Each
        value is the mean over the patches that cover the pixel.

    Raises:
        FashionZooError: Captum is not installed.

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

    pixels = image.reshape(1, 1, *image.shape[-2:]).to(device).float() / 255
    window = (1, PATCH, PATCH)
    with torch.no_grad(), eval_mode(network):
        if label is None:
            label = int(probabilities(pixels).argmax())
        falls: Tensor = Occlusion(probabilities).attribute(
            pixels, window, strides=(1, STRIDE, STRIDE), target=label, baselines=0, perturbations_per_eval=256
        )
    return falls[0, 0].float().cpu()
