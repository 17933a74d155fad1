"""Training of the networks: loss, metrics and optimizer in ``Classifier``, and the report's six as its subclasses.

Plots, console output and records are left to ``tensorboard.py``, ``console.py`` and ``artifacts.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassConfusionMatrix,
    MulticlassRecall,
)

from fashionzoo.data import Batch
from fashionzoo.errors import FashionZooError
from fashionzoo.images import CLASSES, IMAGE_SIZE, ImageLike, Prediction, Preprocess
from fashionzoo.networks import CNN, MLP, Activation, Network
from fashionzoo.zoo import get_weights

MONITORABLE_METRICS = ("val/loss", "val/acc", "val/calibration_error", *(f"val/recall/{name}" for name in CLASSES))


class PredictionBuffer:
    """The logits and labels of an epoch so far: an update costs a step two copies of a few kilobytes.

    They go into two growing tensors. Thousands of small ones, living on among the activations of later steps, would
    keep the allocator from using the same memory twice.
    """

    def __init__(self) -> None:
        self.count = 0
        self.logits = torch.empty(0, len(CLASSES))
        self.labels = torch.empty(0, dtype=torch.int64)

    def update(self, logits: Tensor, labels: Tensor) -> None:
        """Store the logits ``(N, 10)`` and labels ``(N,)`` of a step."""
        start, self.count = self.count, self.count + len(labels)
        if self.count > len(self.labels) or logits.device != self.logits.device:
            # Doubling makes the tensors fit after a few steps of the first epoch.
            more_logits = logits.new_empty(2 * self.count, len(CLASSES), dtype=torch.float32)
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


class Classifier(LightningModule):
    """A network together with how it is trained and measured.

    Logs ``{train,val,test}/loss`` (cross-entropy per image) and ``/acc``, for val and test also ``/calibration_error``
    and ``/recall/<class>``, all in [0, 1] but the loss; and the norm of the gradients of the first and the last layer's
    weights at the epoch's last step. All that is logged once per epoch, against the epoch's number.

    Batches are images, uint8 or float in [0, 1], of shape ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, and labels ``(N,)``,
    from :class:`FashionMNISTDataModule` or any ``DataLoader``. The network's preprocessing is applied in the step.

    Lightning's own features, on a plain ``Trainer`` and, but for the last six, as flags of a launcher:

    - ``gradient_clip_val``: works, with an optimizer that is not fused
    - ``gradient_clip_val in bf16``: works
    - ``accumulate_grad_batches``: works; a summed loss is the sum over the accumulated batches
    - ``overfit_batches``: works
    - ``limit_train_batches``: works; a launcher refuses 0
    - ``limit_val_batches``: works; a launcher refuses 0, as early stopping and the best checkpoint need validation
    - ``max_steps``: works; a run that ends before its first validation is tested with its last weights
    - ``max_time``: works, but not with the one-cycle schedule and ``max_epochs=-1``
    - ``val_check_interval``: works; each check of an epoch is logged against the epoch's number
    - ``check_val_every_n_epoch``: works
    - ``precision bf16-true``: works
    - ``precision 64-true``: works
    - ``EMAWeightAveraging``: works; checkpoints hold the averaged weights
    - ``StochasticWeightAveraging``: works; the weights are averaged after the last validation
    - ``LearningRateMonitor``: works; with ``logging_interval="epoch"`` as everything else
    - ``CSVLogger``: works; a launcher then leaves no records, which come from event files
    - ``no logger``: works; a launcher then leaves no records
    - ``two loggers``: works
    - ``Tuner.lr_find``: works
    - ``Tuner.scale_batch_size``: works
    - ``ckpt_path best``: works
    - ``load_from_checkpoint``: works, with ``weights_only=True`` too, and for the data module
    - ``trainer.fit twice``: works; the second begins with epoch 0 and the weights of the first
    - ``DataLoader``: works, for training, validation, test and prediction

    Args:
        network: What is trained.
        lr: Learning rate.
        loss_reduction: Whether the loss that is minimized is summed over the batch or averaged.
        optimizer: Stochastic gradient descent, or AdamW (Loshchilov and Hutter 2019).
        momentum: Momentum of SGD.
        weight_decay: L2 penalty of SGD, decoupled decay of AdamW.
        label_smoothing: Share of the target that is spread over all classes (Szegedy et al. 2016).
        schedule: Keep ``lr``, or rise to it and fall to nearly zero over the run (Smith 2018).
        temperature: Temperature of distillation: divides the logits of network and teacher, if the data has one; above
            1, the classes that the teacher finds unlikely count for more (Hinton et al. 2015).

    Raises:
        FashionZooError: A number is out of its range.
    """

    name: ClassVar[str]

    def __init__(
        self,
        network: Network,
        lr: float,
        loss_reduction: Literal["sum", "mean"] = "mean",
        optimizer: Literal["sgd", "adamw"] = "sgd",
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        label_smoothing: float = 0.0,
        schedule: Literal["constant", "one_cycle"] = "constant",
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        if not (lr > 0 and math.isfinite(lr)):
            raise FashionZooError(f"lr of {lr}: choose a number above 0")
        if not 0 <= momentum < 1:
            raise FashionZooError(f"momentum of {momentum}: choose from 0 up to, but not including, 1")
        if not (weight_decay >= 0 and math.isfinite(weight_decay)):
            raise FashionZooError(f"weight_decay of {weight_decay}: choose 0 or more")
        if not 0 <= label_smoothing < 1:
            raise FashionZooError(f"label_smoothing of {label_smoothing}: choose from 0 up to, but not including, 1")
        if not (temperature > 0 and math.isfinite(temperature)):
            raise FashionZooError(f"temperature of {temperature}: choose a number above 0")
        self.network = network
        self.lr, self.loss_reduction, self.label_smoothing = lr, loss_reduction, label_smoothing
        self.optimizer_name, self.momentum, self.weight_decay = optimizer, momentum, weight_decay
        self.schedule = schedule
        self.temperature = temperature
        self.example_input_array = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE)
        self.train_predictions, self.eval_predictions = PredictionBuffer(), PredictionBuffer()
        self.gradient_norms: dict[str, Tensor] = {}
        self.train_loss, self.eval_loss = MeanMetric("disable"), MeanMetric("disable")
        self.train_accuracy = MulticlassAccuracy(len(CLASSES), average="micro", validate_args=False)
        self.eval_metrics = MetricCollection(
            {
                "acc": MulticlassAccuracy(len(CLASSES), average="micro", validate_args=False),
                "recall": MulticlassRecall(len(CLASSES), average="none", validate_args=False),
                "confusion": MulticlassConfusionMatrix(len(CLASSES), validate_args=False),
                # 15 bins and the mean gap, as in Guo et al. 2017
                "calibration_error": MulticlassCalibrationError(
                    len(CLASSES), n_bins=15, norm="l1", validate_args=False
                ),
            }
        )

    @classmethod
    def from_zoo(cls, weights: str = "tuned", **hyperparameters: Any) -> Self:
        """Return the network with weights that come with the package, for ``trainer.test`` or fine-tuning.

        Args:
            weights: ``"report"`` or ``"tuned"``.
            **hyperparameters: In place of those that it was trained with: ``lr``, ``schedule``, ``dropout``, ...

        Raises:
            FashionZooError: There are no such weights or hyperparameters, or they do not fit together.

        Example:
            >>> PlainCNN.from_zoo("tuned", lr=1e-4).hparams["lr"]
            0.0001
        """
        pretrained = get_weights(cls.name, weights)
        classifier = cls(**{**pretrained.hyperparameters, **hyperparameters})
        pretrained.load_into(classifier.network)
        return classifier

    @property
    def preprocess(self) -> Preprocess:
        """What turns pixels into this network's input."""
        return self.network.preprocess

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits ``(N, 10)`` of preprocessed images ``(N, 1, 28, 28)``."""
        logits: Tensor = self.network(images)
        return logits

    def classify(self, images: ImageLike | Iterable[ImageLike], invert: bool = False) -> Prediction | list[Prediction]:
        """Classify one image or several; see :meth:`fashionzoo.networks.Network.classify`."""
        return self.network.classify(images, invert)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy that training minimizes, computed in float32 or better.

        Args:
            logits: Shape ``(N, 10)``.
            targets: Labels, shape ``(N,)``, or the teacher's logits, shape ``(N, 10)``.
        """
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if targets.is_floating_point():
            logits, targets = logits / self.temperature, (targets.to(logits) / self.temperature).softmax(dim=1)
        return F.cross_entropy(logits, targets, reduction=self.loss_reduction, label_smoothing=self.label_smoothing)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch of images, labels and, where there is a teacher, its logits."""
        images, labels, *teacher_logits = batch
        logits = self(self.preprocess(images))
        self.train_predictions.update(logits, labels)
        loss = self.loss(logits, teacher_logits[0] if teacher_logits else labels)
        # Lightning averages over processes and over accumulated batches; a sum over the whole batch wants them added.
        num_parts = self.trainer.world_size * self.trainer.accumulate_grad_batches
        return loss * num_parts if self.loss_reduction == "sum" else loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Store the logits of a batch."""
        images, labels = batch
        self.eval_predictions.update(self(self.preprocess(images)), labels)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Store the logits of a batch."""
        self.validation_step(batch, batch_idx)

    def predict_step(self, batch: Batch | Tensor, batch_idx: int) -> Tensor:
        """Return the class probabilities ``(N, 10)`` of a batch with or without labels."""
        images = batch if isinstance(batch, Tensor) else batch[0]
        probabilities: Tensor = self(self.preprocess(images)).float().softmax(dim=1)
        return probabilities

    def on_train_epoch_start(self) -> None:
        """Reset the buffer."""
        self.train_predictions.reset()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Measure the gradients at the last step of an epoch."""
        if self.trainer.is_last_batch:
            layers = {"first_layer": next(self.network.parameters()), "last_layer": self.network.head.weight}
            for name, weights in layers.items():
                if weights.grad is not None:  # a layer may be frozen
                    self.gradient_norms[f"gradient_norm/{name}"] = weights.grad.norm()

    def on_train_epoch_end(self) -> None:
        """Log the loss and accuracy that the epoch's steps had, each before its update."""
        logits, labels = self.train_predictions.compute()
        loss = self._mean_loss("train/loss", self.train_loss, logits, labels)
        self.train_accuracy.reset()
        self.train_accuracy.update(logits, labels)
        self.log_epoch_metrics({"train/loss": loss, "train/acc": self.train_accuracy.compute(), **self.gradient_norms})

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

    @property
    def epoch_number(self) -> int:
        """How many epochs were trained, the running one included."""
        return self.current_epoch + (self.trainer.state.fn == TrainerFn.FITTING)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say in the checkpoint which network it holds, so that it can be rebuilt without Lightning."""
        checkpoint["fashionzoo"] = {"name": self.name, "config": self.network.config}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimizer and, where there is one, the schedule of its rate."""
        # Lightning refuses to clip the gradients of an optimizer that PyTorch marks as fused.
        fused = not self.trainer.gradient_clip_val
        optimizer: torch.optim.Optimizer
        if self.optimizer_name == "sgd":
            optimizer = torch.optim.SGD(
                self.parameters(), self.lr, momentum=self.momentum, weight_decay=self.weight_decay, fused=fused
            )
        else:
            optimizer = torch.optim.AdamW(self.parameters(), self.lr, weight_decay=self.weight_decay, fused=fused)
        if self.schedule == "constant":
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        if not math.isfinite(steps):
            raise FashionZooError(
                "the one_cycle schedule must know its length: set max_epochs or max_steps, or schedule=constant"
            )
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.lr, total_steps=int(steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _log_eval_metrics(self, stage: str) -> None:
        """Log the metrics of an evaluated split."""
        if self.trainer.sanity_checking:
            return
        logits, labels = self.eval_predictions.compute()
        loss = self._mean_loss(f"{stage}/loss", self.eval_loss, logits, labels)
        self.eval_metrics.reset()
        self.eval_metrics.update(logits, labels)
        metrics = self.eval_metrics.compute()
        recalls = zip(CLASSES, metrics["recall"], strict=True)
        self.log_epoch_metrics(
            {
                f"{stage}/loss": loss,
                f"{stage}/acc": metrics["acc"],
                f"{stage}/calibration_error": metrics["calibration_error"],
                **{f"{stage}/recall/{name}": recall for name, recall in recalls},
            }
        )

    def _mean_loss(self, name: str, metric: MeanMetric, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross-entropy per image, over all processes; stop the run when it is not a number."""
        metric.reset()
        metric.update(F.cross_entropy(logits, labels), len(labels))
        loss: Tensor = metric.compute()
        if not loss.isfinite():
            raise FashionZooError(
                f"{name} became {loss.item()} in epoch {self.epoch_number}: choose a lower learning rate"
            )
        return loss

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


class SigmoidNarrowingMLP(Classifier):
    """Network 1 of the report: two hidden layers that narrow, sigmoid.

    Args:
        widths: Units of each hidden layer, from the input side.
        activation: What follows each hidden layer.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        standardize: Standardize the input, or leave pixels in [0, 1].
        lr: Learning rate, on the loss summed over the training set.
        loss_reduction: Sum or mean over the batch; at the report's rate only the sum learns.
        **training: The other arguments of :class:`Classifier`.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, 10)``, logits.

    Example:
        >>> SigmoidNarrowingMLP()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    name = "mlp_sigmoid_narrowing"

    def __init__(
        self,
        widths: Sequence[int] = (256, 64),
        activation: Activation = "sigmoid",
        dropout: float = 0.0,
        standardize: bool = False,
        lr: float = 1e-5,
        loss_reduction: Literal["sum", "mean"] = "sum",
        **training: Any,
    ) -> None:
        network = MLP(widths, activation, dropout, standardize)
        super().__init__(network, lr=lr, loss_reduction=loss_reduction, **training)
        self.save_hyperparameters()


class ReLUNarrowingMLP(Classifier):
    """Network 2 of the report: network 1 with ReLU and a lower learning rate.

    Args:
        widths: Units of each hidden layer, from the input side.
        activation: What follows each hidden layer.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        standardize: Standardize the input, or leave pixels in [0, 1].
        lr: Learning rate, on the loss summed over the training set.
        loss_reduction: Sum or mean over the batch; at the report's rate only the sum learns.
        **training: The other arguments of :class:`Classifier`.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, 10)``, logits.

    Example:
        >>> ReLUNarrowingMLP(widths=(128, 32))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    name = "mlp_relu_narrowing"

    def __init__(
        self,
        widths: Sequence[int] = (256, 64),
        activation: Activation = "relu",
        dropout: float = 0.0,
        standardize: bool = False,
        lr: float = 2.7e-7,
        loss_reduction: Literal["sum", "mean"] = "sum",
        **training: Any,
    ) -> None:
        network = MLP(widths, activation, dropout, standardize)
        super().__init__(network, lr=lr, loss_reduction=loss_reduction, **training)
        self.save_hyperparameters()


class ReLUWideningMLP(Classifier):
    """Network 3 of the report: ReLU, and each hidden layer wider than the one before.

    Args:
        widths: Units of each hidden layer, from the input side.
        activation: What follows each hidden layer.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        standardize: Standardize the input, or leave pixels in [0, 1].
        lr: Learning rate, on the loss summed over the training set.
        loss_reduction: Sum or mean over the batch; at the report's rate only the sum learns.
        **training: The other arguments of :class:`Classifier`.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, 10)``, logits.

    Example:
        >>> ReLUWideningMLP()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    name = "mlp_relu_widening"

    def __init__(
        self,
        widths: Sequence[int] = (256, 512),
        activation: Activation = "relu",
        dropout: float = 0.0,
        standardize: bool = False,
        lr: float = 6e-8,
        loss_reduction: Literal["sum", "mean"] = "sum",
        **training: Any,
    ) -> None:
        network = MLP(widths, activation, dropout, standardize)
        super().__init__(network, lr=lr, loss_reduction=loss_reduction, **training)
        self.save_hyperparameters()


class PlainCNN(Classifier):
    """Network 4 of the report: a CNN whose widths get smaller, without regularization.

    Args:
        channels: Feature maps of each block, from the input side.
        hidden: Units of each fully connected hidden layer; with none, the last feature maps are averaged.
        activation: What follows each hidden layer.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        batch_norm: Normalize each convolution's output over the batch.
        convolutions: How many each block has; ``None`` for one.
        standardize: Standardize the input, or leave pixels in [0, 1].
        lr: Learning rate.
        momentum: Momentum of SGD.
        weight_decay: L2 penalty.
        **training: The other arguments of :class:`Classifier`.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, 10)``, logits.

    Example:
        >>> PlainCNN()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    name = "cnn_plain"

    def __init__(
        self,
        channels: Sequence[int] = (32, 16),
        hidden: Sequence[int] = (64,),
        activation: Activation = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        convolutions: Sequence[int] | None = None,
        standardize: bool = True,
        lr: float = 1e-2,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        **training: Any,
    ) -> None:
        network = CNN(channels, hidden, activation, dropout, batch_norm, convolutions, standardize)
        super().__init__(network, lr=lr, momentum=momentum, weight_decay=weight_decay, **training)
        self.save_hyperparameters()


class DropoutL2CNN(Classifier):
    """Network 5 of the report: network 4 with dropout and L2.

    Args:
        channels: Feature maps of each block, from the input side.
        hidden: Units of each fully connected hidden layer; with none, the last feature maps are averaged.
        activation: What follows each hidden layer.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        batch_norm: Normalize each convolution's output over the batch.
        convolutions: How many each block has; ``None`` for one.
        standardize: Standardize the input, or leave pixels in [0, 1].
        lr: Learning rate.
        momentum: Momentum of SGD.
        weight_decay: L2 penalty.
        **training: The other arguments of :class:`Classifier`.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, 10)``, logits.

    Example:
        >>> DropoutL2CNN(dropout=0.3)(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    name = "cnn_dropout_l2"

    def __init__(
        self,
        channels: Sequence[int] = (32, 16),
        hidden: Sequence[int] = (64,),
        activation: Activation = "relu",
        dropout: float = 0.5,
        batch_norm: bool = False,
        convolutions: Sequence[int] | None = None,
        standardize: bool = True,
        lr: float = 1e-2,
        momentum: float = 0.9,
        weight_decay: float = 1e-2,
        **training: Any,
    ) -> None:
        network = CNN(channels, hidden, activation, dropout, batch_norm, convolutions, standardize)
        super().__init__(network, lr=lr, momentum=momentum, weight_decay=weight_decay, **training)
        self.save_hyperparameters()


class BalancedCNN(Classifier):
    """Network 6 of the report: regularization eased, activation and widths changed.

    Args:
        channels: Feature maps of each block, from the input side.
        hidden: Units of each fully connected hidden layer; with none, the last feature maps are averaged.
        activation: What follows each hidden layer.
        dropout: Share of each hidden layer's outputs that training sets to zero.
        batch_norm: Normalize each convolution's output over the batch.
        convolutions: How many each block has; ``None`` for one.
        standardize: Standardize the input, or leave pixels in [0, 1].
        lr: Learning rate.
        momentum: Momentum of SGD.
        weight_decay: L2 penalty.
        **training: The other arguments of :class:`Classifier`.

    Shape:
        Input ``(N, 1, 28, 28)`` as ``preprocess`` returns it; output ``(N, 10)``, logits.

    Example:
        >>> BalancedCNN(activation="relu")(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    name = "cnn_balanced"

    def __init__(
        self,
        channels: Sequence[int] = (32, 64, 128),
        hidden: Sequence[int] = (),
        activation: Activation = "elu",
        dropout: float = 0.25,
        batch_norm: bool = True,
        convolutions: Sequence[int] | None = (1, 2, 2),
        standardize: bool = True,
        lr: float = 1e-2,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        **training: Any,
    ) -> None:
        network = CNN(channels, hidden, activation, dropout, batch_norm, convolutions, standardize)
        super().__init__(network, lr=lr, momentum=momentum, weight_decay=weight_decay, **training)
        self.save_hyperparameters()


NETWORKS: dict[str, type[Classifier]] = {network.name: network for network in Classifier.__subclasses__()}
