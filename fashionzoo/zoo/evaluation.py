"""Evaluate a network on the 10,000 test images, without Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_calibration_error,
    multiclass_confusion_matrix,
    multiclass_recall,
)

from fashionzoo.data import mnist_like, sources
from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import CLASSES
from fashionzoo.models.network import Network, compute_logits

if TYPE_CHECKING:
    from fashionzoo.training.classifier import Classifier


@dataclass(frozen=True)
class Evaluation:
    """What was measured of a network.

    Args:
        metrics: ``test/acc``, ``test/loss``, ``test/calibration_error`` and ``test/recall/<class>``, named and computed
            as in training; of a network with a temperature also ``test/calibrated_error``, with it.
        confusion: A row for each true class: how many of its images were taken for each class.
    """

    metrics: dict[str, float]
    confusion: list[list[int]]


def evaluate(network: Network | Classifier, root: str | Path | None = None) -> Evaluation:
    """Evaluate a network on the official test set, in its own precision.

    Args:
        network: What :func:`fashionzoo.get_model` returns, or a :class:`fashionzoo.Classifier`; it is evaluated in
            evaluation mode and left in the mode that it was in.
        root: Folder of the data; ``None`` for ``$FASHIONZOO_DATA`` or the user's cache folder.

    Raises:
        FashionZooError: The data cannot be had, or is damaged.

    Example:
        >>> import fashionzoo as fz
        >>> evaluate(fz.get_model("cnn_plain", weights="tuned")).metrics["test/acc"]  # doctest: +SKIP
        0.9332
    """
    network = as_network(network)
    images, labels = load_test_split(network, root)
    return measure(compute_logits(network, images), labels, network)


def measure(logits: Tensor, labels: Tensor, network: Network) -> Evaluation:
    """Return the metrics of logits.

    Args:
        logits: Shape ``(N, classes)``.
        labels: Shape ``(N,)``.
        network: Whose they are; it has the names of the classes and the temperature.
    """
    count, temperature = network.num_classes, network.temperature
    recalls = multiclass_recall(logits, labels, count, average="none")

    def calibration_error(logits: Tensor) -> float:
        return float(multiclass_calibration_error(logits, labels, count, n_bins=15, norm="l1"))

    return Evaluation(
        {
            "test/acc": float(multiclass_accuracy(logits, labels, count, average="micro")),
            "test/loss": float(F.cross_entropy(logits, labels)),
            "test/calibration_error": calibration_error(logits),
            **({} if temperature == 1 else {"test/calibrated_error": calibration_error(logits / temperature)}),
            **{f"test/recall/{name}": float(recall) for name, recall in zip(network.class_names, recalls, strict=True)},
        },
        multiclass_confusion_matrix(logits, labels, count).tolist(),
    )


def load_test_split(network: Network, root: str | Path | None = None) -> tuple[Tensor, Tensor]:
    """Return the test images that a network is for: Fashion-MNIST's, or those of the data set whose classes it knows.

    Args:
        network: Its class names tell.
        root: Folder of the data.

    Returns:
        Images ``(N, 28, 28)``, uint8, and labels ``(N,)``.

    Raises:
        FashionZooError: The data cannot be had, are damaged, or have other classes.
    """
    if network.class_names == CLASSES:
        sources.ensure_downloaded(root)
        return sources.load_split("test", root)
    return mnist_like.load_split("test", sources.resolve_data_dir(root), network.num_classes)


def as_network(network: Network | Classifier) -> Network:
    """Return a network, or the one that a Classifier holds.

    Raises:
        FashionZooError: It is neither.
    """
    network = getattr(network, "network", network)
    if not isinstance(network, Network):
        kind = type(network).__name__
        raise FashionZooError(f"a {kind} is not a network: pass what fashionzoo.get_model returns, or a Classifier")
    return network
