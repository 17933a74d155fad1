"""Evaluate a network on the 10,000 test images, without Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch.nn import functional as F
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_calibration_error,
    multiclass_confusion_matrix,
    multiclass_recall,
)

from fashionzoo import files
from fashionzoo.images import CLASSES
from fashionzoo.networks import Network, compute_logits


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
    """Evaluate a network on the official test set, in its own precision.

    Args:
        network: What :func:`fashionzoo.get_model` returns, or a :class:`fashionzoo.Classifier`; it is evaluated in
            evaluation mode and left in the mode that it was in.
        root: Folder of the data; ``None`` for ``$FASHIONZOO_DATA`` or the user's cache folder.

    Raises:
        FashionZooError: The data cannot be had, or is damaged.

    Example:
        >>> evaluate(fashionzoo.get_model("cnn_plain", weights="tuned")).metrics["test/acc"]  # doctest: +SKIP
        0.9332
    """
    files.ensure_downloaded(root)
    images, labels = files.load_split("test", root)
    logits, count = compute_logits(network, images), len(CLASSES)
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
