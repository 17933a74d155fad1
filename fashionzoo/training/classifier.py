"""Training of a network as a LightningModule: loss, metrics, optimizer.

Plots, console output and records are left to the callbacks.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.parsing import collect_init_args
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric
from torchmetrics.classification import MulticlassAccuracy

from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.data.dataset import Batch
from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import Prediction
from fashionzoo.images.conversion import ImageLike
from fashionzoo.images.preparation import Ground
from fashionzoo.io import to_plain
from fashionzoo.models.network import ModuleNetwork, Network
from fashionzoo.training.distillation import Teacher
from fashionzoo.training.evaluated_module import EvaluatedModule, cross_entropy
from fashionzoo.training.metrics import PredictionBuffer
from fashionzoo.training.optimizers import check_hyperparameters, make_optimizer, one_cycle
from fashionzoo.training.recipe import DEFAULT_RECIPES, Recipe
from fashionzoo.training.resuming import check_optimizer_settings, check_schedule
from fashionzoo.weights.manifest import find_weights

ONE_IMAGE = "a training batch has one image, of which batch normalization makes nothing: choose another batch size"


class Classifier(EvaluatedModule):
    """A network together with how it is trained and measured.

    Logs ``{train,val,test}/loss`` (cross-entropy per image) and ``/acc``, for val and test also ``/calibration_error``
    and ``/recall/<class>``, all in [0, 1] but the loss; and the norm of the gradients of the first and the last layer's
    weights at the epoch's last step. All that is logged once per epoch, against the epoch's number.

    Batches are images, uint8 or float in [0, 1], of shape ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, and labels ``(N,)``,
    from :class:`FashionMNISTDataModule` or any ``DataLoader``. The network's preprocessing is applied in the step.

    A subclass is a network with a name, which may bring recipes; the arguments of its constructor are its
    hyperparameters and the launcher's flags.

    Lightning's own features, on a plain ``Trainer`` and, but for the last six, as flags of a launcher:

    - ``gradient_clip_val``: works, with an optimizer that is not fused
    - ``gradient_clip_val in bf16``: works
    - ``accumulate_grad_batches``: works; a step is that of the sum of the losses, or of their mean, over the batches
      that were accumulated, which are fewer at the end of an epoch
    - ``overfit_batches``: works
    - ``limit_train_batches``: works; a launcher refuses 0
    - ``limit_val_batches``: works; a launcher refuses 0, as early stopping and the best checkpoint need validation
    - ``max_steps``: works; a run that ends before its first validation is tested with its last weights
    - ``max_time``: works, but not with the one-cycle schedule and ``max_epochs=-1``
    - ``val_check_interval``: works; each check of an epoch is logged against the epoch's number
    - ``check_val_every_n_epoch``: works
    - ``precision bf16-true``: works
    - ``precision 64-true``: works
    - ``EMAWeightAveraging``: works; checkpoints hold the averaged weights, and a launcher tests them
    - ``StochasticWeightAveraging``: works; a launcher refuses it, as the average comes after the best epoch is chosen
    - ``LearningRateMonitor``: works; with ``logging_interval="epoch"`` as everything else
    - ``CSVLogger``: works; a launcher then leaves no records, which come from event files
    - ``no logger``: works; a launcher then leaves no records
    - ``two loggers``: works
    - ``Tuner.lr_find``: works
    - ``Tuner.scale_batch_size``: works
    - ``ckpt_path best``: works
    - ``load_from_checkpoint``: works, with ``weights_only=True`` too, and for the data module
    - ``trainer.fit twice``: works, with a new ``Trainer``; the same one is at its last epoch already
    - ``DataLoader``: works, for training, validation, test and prediction

    Args:
        network: What is trained: a network of this package, or any module that maps ``(N, 1, 28, 28)`` float to
            ``(N, classes)`` logits, whose input is then standardized. It is put into training mode.
        lr: Learning rate.
        loss_reduction: Whether the loss that is minimized is summed over the batch or averaged.
        optimizer: Stochastic gradient descent, Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), or Muon
            (Jordan et al. 2024) for the hidden layers with AdamW for the rest.
        momentum: Momentum of SGD.
        weight_decay: L2 penalty of SGD and Adam, decoupled decay of AdamW and Muon.
        label_smoothing: Share of the target that is spread over all classes (Szegedy et al. 2016).
        schedule: Keep ``lr``, or rise to it and fall to nearly zero over the run (Smith 2018).
        temperature: Temperature of distillation: divides the logits of network and teacher, if the data has one; above
            1, the classes that the teacher finds unlikely count for more (Hinton et al. 2015).
        class_names: Names of the classes, in the order of the labels; ``None`` for Fashion-MNIST's where there are ten,
            numbers otherwise.

    Raises:
        FashionZooError: A number is out of its range, or there are not as many names as classes.

    Example:
        >>> class Linear(Classifier):
        ...     def __init__(self, lr: float = 0.1) -> None:
        ...         super().__init__(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), lr)
        >>> Linear().name, dict(Linear(lr=0.2).hparams)
        ('Linear', {'lr': 0.2})
    """

    name: ClassVar[str] = "Classifier"
    recipes: ClassVar[Mapping[str, Recipe]] = DEFAULT_RECIPES
    source: ClassVar[dict[str, str] | None] = None  # file and SHA-256 of the code of a network of one's own

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Name a network of this package after its file, any other after its class."""
        super().__init_subclass__(**kwargs)
        package, _, module = cls.__module__.rpartition(".")
        cls.name = module if package == "fashionzoo.networks" else cls.__name__

    def __init__(
        self,
        network: nn.Module,
        lr: float,
        loss_reduction: Literal["sum", "mean"] = "mean",
        optimizer: Literal["sgd", "adam", "adamw", "muon"] = "sgd",
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        label_smoothing: float = 0.0,
        schedule: Literal["constant", "one_cycle"] = "constant",
        temperature: float = 1.0,
        class_names: Sequence[str] | None = None,
    ) -> None:
        chosen = {"optimizer": optimizer, "schedule": schedule, "loss_reduction": loss_reduction}
        check_hyperparameters(lr, momentum, weight_decay, label_smoothing, temperature, **chosen)
        if not isinstance(network, Network):
            network = ModuleNetwork(network)
        if class_names is not None:
            network.name_classes(class_names)
        if not network.training:  # such as get_model returns
            network.train()
        super().__init__(network)
        self.lr, self.momentum, self.weight_decay = to_plain((lr, momentum, weight_decay))
        self.label_smoothing, self.temperature = to_plain((label_smoothing, temperature))
        self.loss_reduction, self.optimizer_name, self.schedule = to_plain((loss_reduction, optimizer, schedule))
        self.train_predictions = PredictionBuffer(network.num_classes)
        self.gradient_norms: dict[str, Tensor] = {}
        self.train_loss = MeanMetric("disable")
        self.train_accuracy = MulticlassAccuracy(network.num_classes, average="micro", validate_args=False)
        frame = inspect.currentframe()
        assert frame is not None
        # The arguments of the class that was called; those that it passes on to this one follow from them.
        arguments = collect_init_args(frame, [], classes=(Classifier,))[-1]
        self.save_hyperparameters({key: to_plain(value) for key, value in arguments.items() if key != "network"})

    @classmethod
    def from_zoo(cls, weights: str = "tuned", **hyperparameters: Any) -> Self:
        """Return the network with weights that come with its package, for ``trainer.test`` or fine-tuning.

        Args:
            weights: ``"report"`` or ``"tuned"``.
            **hyperparameters: In place of those that it was trained with: ``lr``, ``schedule``, ``dropout``, ...

        Raises:
            FashionZooError: There are no such weights or hyperparameters, or they do not fit together.

        Example:
            >>> import fashionzoo as fz
            >>> fz.PlainCNN.from_zoo("tuned", lr=1e-4).hparams["lr"]
            0.0001
        """
        pretrained = find_weights(cls.__module__.partition(".")[0], cls.name, weights)
        try:
            classifier = cls(**{**pretrained.hyperparameters, **hyperparameters})
        except TypeError as error:
            raise FashionZooError(f"{cls.__name__} cannot be made of {hyperparameters}: {error}") from error
        pretrained.load_into(classifier.network)
        return classifier

    def classify(
        self, images: ImageLike | Iterable[ImageLike], ground: Ground = "auto"
    ) -> Prediction | list[Prediction]:
        """Classify one image or several; see :meth:`fashionzoo.Network.classify`."""
        return self.network.classify(images, ground)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy that training minimizes, computed in float32 or better.

        Args:
            logits: Shape ``(N, 10)``.
            targets: Labels, shape ``(N,)``, or the teacher's logits, shape ``(N, 10)``.
        """
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if targets.is_floating_point():
            logits, targets = logits / self.temperature, (targets.to(logits) / self.temperature).softmax(dim=1)
        return cross_entropy(logits, targets, reduction=self.loss_reduction, label_smoothing=self.label_smoothing)

    def setup(self, stage: str) -> None:
        """Have the data's teacher, if there is one, answer for the training images."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]  # set by Lightning's connector
        if stage == "fit":
            self.network.temperature = 1.0  # what was fitted to other weights
        if stage == "fit" and isinstance(data, FashionMNISTDataModule) and data.teacher is not None:
            data.ask_teacher = Teacher(data)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a batch of images, labels and, where there is a teacher, its logits."""
        images, labels, *teacher_logits = batch
        labels = labels.long()
        try:
            logits = self(self.preprocess(images))
        except ValueError as error:
            if len(images) == 1 and "more than 1 value per channel" in str(error):
                raise FashionZooError(ONE_IMAGE) from error
            raise
        self.train_predictions.update(logits, labels)
        if teacher_logits and teacher_logits[0].shape != logits.shape:
            raise FashionZooError(
                f"a training batch has a third part of shape {tuple(teacher_logits[0].shape)}: leave it out, or give a "
                "teacher's logits, a row for each image"
            )
        loss = self.loss(logits, teacher_logits[0] if teacher_logits else labels)
        # Lightning averages over processes and over accumulated batches; a sum over the whole batch wants them added.
        num_parts = self.trainer.world_size * self.trainer.accumulate_grad_batches
        return loss * num_parts if self.loss_reduction == "sum" else loss

    def predict_step(self, batch: Batch | Tensor, batch_idx: int) -> Tensor:
        """Return the class probabilities ``(N, 10)`` of a batch with or without labels."""
        images = batch if isinstance(batch, Tensor) else batch[0]
        logits: Tensor = self(self.preprocess(images)).float()
        return (logits / self.network.temperature).softmax(dim=1)

    def on_train_epoch_start(self) -> None:
        """Reset the buffer."""
        self.train_predictions.reset()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Average over the batches that were accumulated; measure the gradients at the last step of an epoch."""
        parts = self.trainer.accumulate_grad_batches
        accumulated = self.trainer.fit_loop.batch_idx % parts + 1
        if accumulated < parts and self.loss_reduction == "mean":
            # Lightning has divided by the number of batches that a group should have.
            for parameter in self.parameters():
                if parameter.grad is not None:
                    parameter.grad *= parts / accumulated
        if self.trainer.is_last_batch:
            for layer, weights in self.network.layer_weights.items():
                if weights.grad is not None:  # a layer may be frozen
                    self.gradient_norms[f"gradient_norm/{layer}"] = weights.grad.norm()

    def on_train_epoch_end(self) -> None:
        """Log the loss and accuracy that the epoch's steps had, each before its update."""
        logits, labels = self.train_predictions.compute()
        loss = self.mean_loss("train/loss", self.train_loss, logits, labels)
        self.train_accuracy.reset()
        self.train_accuracy.update(logits, labels)
        self.log_epoch_metrics({"train/loss": loss, "train/acc": self.train_accuracy.compute(), **self.gradient_norms})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say in the checkpoint which network it holds, so that it can be rebuilt without Lightning."""
        checkpoint["fashionzoo"] = {
            "name": self.name,
            "config": self.network.config,
            "class_names": list(self.class_names),
            "temperature": self.network.temperature,
            **({"source": self.source} if self.source else {}),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of another network, and to resume a run with what its optimizer does not take.

        Raises:
            FashionZooError: It holds another, or a hyperparameter of the optimizer differs.
        """
        about = checkpoint.get("fashionzoo", {})
        name = about.get("name", self.name)
        if name != self.name:
            raise FashionZooError(f"the checkpoint holds {name}, not {self.name}: load it with that network's class")
        trainer = self._trainer
        if trainer is not None and trainer.state.fn == TrainerFn.FITTING and trainer.ckpt_path:
            check_optimizer_settings(checkpoint.get("hyper_parameters", {}), self.hparams, Classifier.__init__)
        else:
            self.network.temperature = about.get("temperature", 1.0)

    def on_train_start(self) -> None:
        """Refuse to resume a run beyond the end of its schedule."""
        check_schedule(self.trainer)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimizer and, where there is one, the schedule of its rate."""
        # Lightning refuses to clip the gradients of an optimizer that PyTorch marks as fused.
        fused = not self.trainer.gradient_clip_val
        optimizer = make_optimizer(
            self.optimizer_name, self.parameters(), self.lr, self.momentum, self.weight_decay, fused
        )
        if self.schedule == "constant":
            return optimizer
        scheduler = one_cycle(optimizer, self.lr, self.trainer.estimated_stepping_batches)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
