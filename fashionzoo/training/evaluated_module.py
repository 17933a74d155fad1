"""Validation and test of a network in Lightning, logged once per epoch."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import MeanMetric

from fashionzoo.data.dataset import Batch
from fashionzoo.errors import DivergedError, FashionZooError
from fashionzoo.images.classes import IMAGE_SIZE
from fashionzoo.images.preprocessing import Preprocess
from fashionzoo.models.network import Network
from fashionzoo.training.metrics import PredictionBuffer, eval_metrics


class EvaluatedModule(LightningModule):
    """A network whose validation and test metrics are logged against the epoch rather than the step.

    Args:
        network: What is evaluated.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.example_input_array = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE)
        self.eval_predictions = PredictionBuffer(network.num_classes)
        self.eval_loss = MeanMetric("disable")
        self.eval_metrics = eval_metrics(network.num_classes)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the labels."""
        return self.network.class_names

    @property
    def preprocess(self) -> Preprocess:
        """What turns pixels into this network's input."""
        return self.network.preprocess

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits ``(N, 10)`` of preprocessed images ``(N, 1, 28, 28)``."""
        logits: Tensor = self.network(images)
        return logits

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Store the logits of a batch."""
        images, labels = batch
        self.eval_predictions.update(self(self.preprocess(images)), labels.long())

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Store the logits of a batch."""
        self.validation_step(batch, batch_idx)

    def on_validation_epoch_start(self) -> None:
        """Reset the buffer."""
        self.eval_predictions.reset()

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of the validation images."""
        self._log_eval_metrics("val")

    def on_test_epoch_start(self) -> None:
        """Reset the buffer."""
        self.eval_predictions.reset()

    def on_test_epoch_end(self) -> None:
        """Log the metrics of the test images."""
        self._log_eval_metrics("test")

    def _log_eval_metrics(self, stage: str) -> None:
        """Log the metrics of an evaluated split."""
        if self.trainer.sanity_checking:
            return
        logits, labels = self.eval_predictions.compute()
        loss = self.mean_loss(f"{stage}/loss", self.eval_loss, logits, labels)
        self.eval_metrics.reset()
        self.eval_metrics.update(logits, labels)
        metrics = self.eval_metrics.compute()
        recalls = zip(self.class_names, metrics["recall"], strict=True)
        self.log_epoch_metrics(
            {
                f"{stage}/loss": loss,
                f"{stage}/acc": metrics["acc"],
                f"{stage}/calibration_error": metrics["calibration_error"],
                **{f"{stage}/recall/{name}": recall for name, recall in recalls},
            }
        )

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
            DivergedError: It is not a finite number, in training, which ends there: what follows would not be either.
            FashionZooError: It is not one in an evaluation.
        """
        metric.reset()
        metric.update(cross_entropy(logits, labels), len(labels))
        loss: Tensor = metric.compute()
        if not loss.isfinite():
            what = f"{name} became {loss.item()} in epoch {self.epoch_number}"
            if self.trainer.state.fn == TrainerFn.FITTING:
                raise DivergedError(f"{what}: choose a lower learning rate")
            raise FashionZooError(f"{what}: check the images and the weights")
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
