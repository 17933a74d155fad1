"""Callbacks that belong to every run: randomness that only depends on seed and epoch, and gradient norms."""

from __future__ import annotations

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from fashionzoo.classifier import Classifier


class EpochSeeds(Callback):
    """Seed every epoch from the run's seed and the epoch's number, so that a resumed epoch draws what it would have."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take note of the run's seed."""
        self.seed = torch.initial_seed()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed dropout and augmentation, differently in each process."""
        process = trainer.current_epoch * trainer.world_size + trainer.global_rank
        torch.manual_seed(self.seed + 1_000_003 * (process + 1))  # a prime, so that runs with near seeds do not meet


class GradientNorms(Callback):
    """Log the norm of the gradients of the first and the last layer's weights, at the last step of each epoch."""

    def __init__(self) -> None:
        self.norms: dict[str, Tensor] = {}

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Measure the last step of an epoch."""
        assert isinstance(pl_module, Classifier)
        if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            first, last = next(pl_module.network.parameters()), pl_module.network.head.weight
            for name, weights in (("first_layer", first), ("last_layer", last)):
                assert weights.grad is not None
                self.norms[f"gradient_norm/{name}"] = weights.grad.norm()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log them."""
        pl_module.log_dict(self.norms, sync_dist=True)
