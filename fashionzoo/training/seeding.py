"""Randomness that a resumed run repeats."""

from __future__ import annotations

import torch
from lightning.pytorch import Callback, LightningModule, Trainer


class EpochSeeding(Callback):
    """Seed every epoch from the run's seed and the epoch's number, so that a resumed epoch draws what it would have."""

    def __init__(self) -> None:
        self.seed = torch.initial_seed()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed the first epoch of a resumed run; Lightning does not call the hook below for it."""
        self.on_train_epoch_start(trainer, pl_module)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed dropout and augmentation, differently in each process."""
        process = trainer.current_epoch * trainer.world_size + trainer.global_rank
        torch.manual_seed(self.seed + 1_000_003 * (process + 1))  # a prime: runs with near seeds do not meet

    @property
    def state_key(self) -> str:
        """The name of this callback's state in checkpoints."""
        return "EpochSeeds"

    def state_dict(self) -> dict[str, int]:
        """Return what a checkpoint keeps: a launcher seeds the run that it resumes with it."""
        return {"seed": self.seed}
