"""Accuracy on test images as a camera or scanner might have spoiled them.

As Hendrycks and Dietterich 2019 do for ImageNet: nine corruptions, each at five strengths, the mean accuracy over all.
The strengths are ours, from hardly visible to hardly readable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from fashionzoo.errors import FashionZooError
from fashionzoo.models.network import Network, compute_logits
from fashionzoo.zoo.evaluation import as_network, load_test_split

if TYPE_CHECKING:
    from pathlib import Path

    from fashionzoo.training.classifier import Classifier

try:
    from torchvision.transforms import v2
except (ImportError, RuntimeError) as error:  # the latter where it is of another torch
    raise FashionZooError(
        "the corruptions need the torchvision that goes with your torch: `pip install torchvision torch=="
        f"{torch.__version__.partition('+')[0]}`"
    ) from error

SEED = 0
DRAW_SIZE = 50  # images that share what is drawn at random: 200 draws for 10,000 images


def _noise(sigma: float) -> nn.Module:
    """Return what adds Gaussian noise to pixels in [0, 1]."""
    to_float, to_uint8 = v2.ToDtype(torch.float32, scale=True), v2.ToDtype(torch.uint8, scale=True)
    return nn.Sequential(to_float, v2.GaussianNoise(sigma=sigma), to_uint8)


CORRUPTIONS: dict[str, tuple[Callable[[float], nn.Module], Sequence[float]]] = {
    "noise": (_noise, (0.04, 0.08, 0.12, 0.18, 0.26)),
    "blur": (lambda sigma: v2.GaussianBlur(7, (sigma, sigma)), (0.5, 0.75, 1.0, 1.25, 1.5)),
    "brightness": (lambda factor: v2.ColorJitter(brightness=(factor, factor)), (0.8, 0.6, 0.45, 0.3, 0.2)),
    "contrast": (lambda factor: v2.ColorJitter(contrast=(factor, factor)), (0.8, 0.6, 0.45, 0.3, 0.2)),
    "shift": (lambda pixels: v2.RandomAffine(0, translate=(pixels / 28, pixels / 28)), (1, 2, 3, 4, 5)),
    "rotation": (lambda degrees: v2.RandomAffine((-degrees, degrees)), (5, 10, 15, 22, 30)),
    "scale": (lambda share: v2.RandomAffine(0, scale=(1 - share, 1 + share)), (0.05, 0.1, 0.15, 0.2, 0.3)),
    "JPEG": (lambda quality: v2.JPEG(int(quality)), (60, 40, 25, 15, 8)),
    "occlusion": (lambda area: v2.RandomErasing(1, (area, area), (1, 1)), (0.02, 0.04, 0.08, 0.12, 0.18)),
}


def corrupt(images: Tensor, name: str, strength: int) -> Tensor:
    """Return corrupted images, the same at each call.

    Args:
        images: Shape ``(N, 28, 28)``, uint8.
        name: One of ``CORRUPTIONS``.
        strength: 0, the weakest, to 4.

    Returns:
        Shape ``(N, 1, 28, 28)``, uint8.

    Example:
        >>> corrupt(torch.full((2, 28, 28), 200, dtype=torch.uint8), "brightness", 1).unique()
        tensor([120], dtype=torch.uint8)
    """
    make, strengths = CORRUPTIONS[name]
    transform = make(strengths[strength])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)  # that of the CPU alone
        return torch.cat([transform(part) for part in images.reshape(-1, 1, 28, 28).split(DRAW_SIZE)])


def evaluate_corruptions(network: Network | Classifier, root: str | Path | None = None) -> dict[str, list[float]]:
    """Return the accuracy on the corrupted test images, by corruption, from the weakest to the strongest.

    Args:
        network: What :func:`fashionzoo.get_model` returns, or a :class:`fashionzoo.Classifier`.
        root: Folder of the data; ``None`` for ``$FASHIONZOO_DATA`` or the user's cache folder.

    Raises:
        FashionZooError: The data is missing or damaged.
    """
    network = as_network(network)
    images, labels = load_test_split(network, root)
    return {
        name: [
            float((compute_logits(network, corrupt(images, name, strength)).argmax(dim=1) == labels).float().mean())
            for strength in range(len(strengths))
        ]
        for name, (_, strengths) in CORRUPTIONS.items()
    }


def mean_accuracy(accuracies: dict[str, list[float]]) -> float:
    """Return the mean over all corruptions and strengths.

    Example:
        >>> mean_accuracy({"blur": [0.5, 0.3], "noise": [0.9, 0.7]})
        0.6
    """
    values = [value for row in accuracies.values() for value in row]
    return round(sum(values) / len(values), 6)
