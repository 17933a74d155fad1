"""Whether an image looks like what the networks were trained on: a small network that tells clothes from the rest.

It was trained with synthetic images as the other class (outlier exposure, Hendrycks, Mazeika and Dietterich 2019) by
``experiments/train_familiarity.py``. RESULTS.md compares it with scores of the networks themselves.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from fashionzoo.images.classes import CLASSES
from fashionzoo.models.network import Network, compute_logits
from fashionzoo.weights.manifest import WEIGHTS_DIR

DETECTOR_PATH = WEIGHTS_DIR / "familiarity.safetensors"
CLASS_NAMES = ("something else", "clothes")


def familiarity(images: Tensor) -> Tensor:
    """Return how much images look like those of Fashion-MNIST: the probability, among as many others.

    Args:
        images: Shape ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, uint8.

    Returns:
        Shape ``(N,)``, 0 to 1.

    Raises:
        FashionZooError: The file is missing from the installation, or damaged.

    Example:
        >>> import torch
        >>> bool(familiarity(torch.full((1, 28, 28), 128, dtype=torch.uint8)) < 0.5)
        True
    """
    return compute_logits(_detector(), images).softmax(dim=1)[:, 1]


def add_familiarity(network: Network) -> None:
    """Have a network say of each image how familiar it looks, if its classes are Fashion-MNIST's."""
    if network.class_names == CLASSES:
        network.familiarity = familiarity


@cache
def _detector() -> Network:
    """Return the network, which is read once."""
    with torch.random.fork_rng(devices=[]):  # whose random weights give way to the file's
        return Network.from_pretrained(DETECTOR_PATH)
