"""Metrics of an epoch, computed once at its end from the logits of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassConfusionMatrix,
    MulticlassRecall,
)

LOWER_IS_BETTER = ("val/loss", "val/calibration_error")


def mode_of(metric: str) -> Literal["min", "max"]:
    """Return whether a metric is better when lower, ``"min"``, or when higher.

    Example:
        >>> mode_of("val/loss"), mode_of("val/recall/Bag")
        ('min', 'max')
    """
    return "min" if metric in LOWER_IS_BETTER else "max"


def monitorable_metrics(class_names: Sequence[str]) -> list[str]:
    """Return the metrics that early stopping and the best checkpoint can watch.

    Example:
        >>> monitorable_metrics(["cat", "dog"])
        ['val/loss', 'val/acc', 'val/calibration_error', 'val/recall/cat', 'val/recall/dog']
    """
    return ["val/loss", "val/acc", "val/calibration_error", *(f"val/recall/{name}" for name in class_names)]


def eval_metrics(num_classes: int) -> MetricCollection:
    """Return what is measured of an evaluated split: ``acc``, ``recall``, ``confusion``, ``calibration_error``."""
    return MetricCollection(
        {
            "acc": MulticlassAccuracy(num_classes, average="micro", validate_args=False),
            "recall": MulticlassRecall(num_classes, average="none", validate_args=False),
            "confusion": MulticlassConfusionMatrix(num_classes, validate_args=False),
            # 15 bins and the mean gap, as in Guo et al. 2017
            "calibration_error": MulticlassCalibrationError(num_classes, n_bins=15, norm="l1", validate_args=False),
        }
    )


class PredictionBuffer:
    """The logits and labels of an epoch so far: an update costs a step two copies of a few kilobytes.

    They go into two growing tensors. Thousands of small ones, living on among the activations of later steps, would
    keep the allocator from using the same memory twice.

    Args:
        num_classes: Logits of an image.
    """

    def __init__(self, num_classes: int) -> None:
        self.count = 0
        self.logits = torch.empty(0, num_classes)
        self.labels = torch.empty(0, dtype=torch.int64)

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Store the logits ``(N, classes)`` and labels ``(N,)`` of a step."""
        start, self.count = self.count, self.count + len(labels)
        if self.count > len(self.labels) or logits.device != self.logits.device:
            # Doubling makes the tensors fit after a few steps of the first epoch.
            more_logits = logits.new_empty(2 * self.count, self.logits.shape[1], dtype=torch.float32)
            more_labels = labels.new_empty(2 * self.count)
            more_logits[:start], more_labels[:start] = self.logits[:start], self.labels[:start]
            self.logits, self.labels = more_logits, more_labels
        self.logits[start : self.count] = logits.detach()
        self.labels[start : self.count] = labels

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return all logits, float32, and labels."""
        return self.logits[: self.count], self.labels[: self.count]

    def reset(self) -> None:
        """Forget them."""
        self.count = 0
