"""Logging once per epoch, against the epoch's number."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import MeanMetric

from fashionzoo.errors import FashionZooError


class EpochLoggingModule(LightningModule):
    """A LightningModule that logs against the epoch rather than the step."""

    @property
    def epoch_number(self) -> int:
        """How many epochs were trained, the running one included."""
        return self.current_epoch + (self.trainer.state.fn == TrainerFn.FITTING)

    def log_epoch_metrics(self, values: dict[str, Tensor]) -> None:
        """Log values against the epoch rather than the step.

        Args:
            values: Scalars, already those of all processes.
        """
        if self.trainer.state.fn != TrainerFn.FITTING:
            # Lightning returns and prints what goes through its loggers; it takes a metric named "step" for the x axis.
            axis = {"step": torch.tensor(float(self.epoch_number))} if self.loggers else {}
            self.log_dict({**values, **axis}, sync_dist=True)
            return
        # In a fit they are written at once, so that a checkpoint never precedes them.
        self.log_dict(values, logger=False, sync_dist=True)
        numbers = dict(zip(values, torch.stack([value.float() for value in values.values()]).tolist(), strict=True))
        for logger in self.loggers:
            logger.log_metrics(numbers, step=self.epoch_number)

    def mean_loss(self, name: str, metric: MeanMetric, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross-entropy per image over all processes.

        Args:
            name: The metric's, for the error.
            metric: What averages over processes.
            logits: Shape ``(N, classes)``.
            labels: Shape ``(N,)``.

        Raises:
            FashionZooError: It is not a finite number.
        """
        metric.reset()
        metric.update(cross_entropy(logits, labels), len(labels))
        loss: Tensor = metric.compute()
        if not loss.isfinite():
            raise FashionZooError(
                f"{name} became {loss.item()} in epoch {self.epoch_number}: choose a lower learning rate"
            )
        return loss


def cross_entropy(logits: Tensor, targets: Tensor, **options: Any) -> Tensor:
    """Return PyTorch's cross-entropy.

    Args:
        logits: Shape ``(N, classes)``.
        targets: Labels, shape ``(N,)``, or probabilities, shape ``(N, classes)``.
        **options: As :func:`torch.nn.functional.cross_entropy` takes them.

    Raises:
        FashionZooError: A label is not one of the classes.
    """
    try:
        return F.cross_entropy(logits, targets, **options)
    except IndexError as error:
        raise FashionZooError(
            f"labels from {targets.min()} to {targets.max()} for {logits.shape[1]} classes: give the network as many "
            "classes as the data has, numbered from 0"
        ) from error
