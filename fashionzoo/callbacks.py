"""Randomness that depends on nothing but the seed and the epoch."""

from __future__ import annotations

import torch
from lightning.pytorch import Callback, LightningModule, Trainer


class EpochSeeds(Callback):
    """Seed every epoch from the run's seed and the epoch's number, so that a resumed epoch draws what it would have."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take note of the run's seed."""
        self.seed = torch.initial_seed()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed dropout and augmentation, differently in each process."""
        process = trainer.current_epoch * trainer.world_size + trainer.global_rank
        torch.manual_seed(self.seed + 1_000_003 * (process + 1))  # a prime, so that runs with near seeds do not meet
