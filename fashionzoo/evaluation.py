"""What a network is worth on the 10,000 test images, without Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_calibration_error,
    multiclass_confusion_matrix,
    multiclass_recall,
)

from fashionzoo import files
from fashionzoo.images import CLASSES
from fashionzoo.networks import Network

BATCH = 500  # images at a time


@dataclass(frozen=True)
class Evaluation:
    """What was measured of a network.

    Args:
        metrics: ``test/acc``, ``test/loss``, ``test/calibration_error`` and ``test/recall/<class>``, named and computed
            as in training.
        confusion: Ten rows of ten, images of each true class that were taken for each class.
    """

    metrics: dict[str, float]
    confusion: list[list[int]]


def evaluate(network: Network, root: str | Path | None = None) -> Evaluation:
    """Measure a network on the official test set, in float32.

    Args:
        network: In evaluation mode.
        root: Folder of the data; ``None`` for ``$FASHIONZOO_DATA`` or the user's cache folder.

    Raises:
        InputError: The data cannot be had, or is damaged.
    """
    files.fetch(root)
    images, labels = files.load("t10k", root)
    logits, count = infer(network, images), len(CLASSES)
    recalls = multiclass_recall(logits, labels, count, average="none")
    return Evaluation(
        {
            "test/acc": float(multiclass_accuracy(logits, labels, count, average="micro")),
            "test/loss": float(F.cross_entropy(logits, labels)),
            "test/calibration_error": float(multiclass_calibration_error(logits, labels, count, n_bins=15, norm="l1")),
            **{f"test/recall/{name}": float(recall) for name, recall in zip(CLASSES, recalls, strict=True)},
        },
        multiclass_confusion_matrix(logits, labels, count).tolist(),
    )


@torch.inference_mode()
def infer(network: Network, images: Tensor) -> Tensor:
    """Return the logits ``(N, 10)`` of uint8 images ``(N, 28, 28)``."""
    return torch.cat([network(network.preprocess(batch)) for batch in images.split(BATCH)])
