"""Fault tolerance: repeatable randomness, checkpoints that are written atomically, and a graceful shutdown."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping

from fashionzoo.errors import FashionZooError
from fashionzoo.files import atomic_write

Handler = Callable[[int, FrameType | None], Any] | int | None


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
        """Return what a checkpoint keeps."""
        return {"seed": self.seed}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Continue with the seed of the run."""
        self.seed = state_dict["seed"]


class TrainingInterruptedError(Exception):
    """A signal asked the run to end.

    Args:
        signum: Which one.
        trainer: Whose run it is.
    """

    def __init__(self, signum: int, trainer: Trainer) -> None:
        super().__init__(f"interrupted by {signal.Signals(signum).name} in epoch {trainer.current_epoch + 1}")
        self.signum, self.trainer = signum, trainer


class GracefulShutdown(Callback):
    """End the run after the current step when Ctrl-C or SIGTERM asks for it; a second Ctrl-C ends it at once.

    SIGTERM is left to Lightning where SLURM sends it.
    """

    def __init__(self) -> None:
        self.signum = 0
        self.previous: dict[int, Handler] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            signals = [signal.SIGINT] if SLURMEnvironment.detect() else [signal.SIGINT, signal.SIGTERM]
            self.previous = {signum: signal.signal(signum, self._handle_signal) for signum in signals}

    def __exit__(self, *_: object) -> None:
        for signum, handler in self.previous.items():
            signal.signal(signum, handler)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let a resumed run that early stopping had ended before stay ended."""
        for callback in trainer.early_stopping_callbacks:
            if isinstance(callback, EarlyStopping) and callback.wait_count >= callback.patience:
                trainer.should_stop = True

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Stop if a signal has come."""
        self._stop(trainer)

    def on_validation_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Stop if a signal has come."""
        self._stop(trainer)

    def on_test_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Stop if a signal has come."""
        self._stop(trainer)

    def _handle_signal(self, signum: int, frame: FrameType | None) -> None:
        if self.signum:
            raise KeyboardInterrupt
        self.signum = signum

    def _stop(self, trainer: Trainer) -> None:
        if self.signum:
            raise TrainingInterruptedError(self.signum, trainer)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write checkpoints so that a kill or a full disk leaves the one before intact.

    Lightning's own way goes through the folder for temporary files, which is often on another disk, from where nothing
    moves in one piece.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint beside its place, then move it there.

        Raises:
            FashionZooError: It cannot be written.
        """
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(Path(path)) as part:
                torch.save(checkpoint, part)
        except (OSError, RuntimeError) as error:  # torch turns a failed write into a RuntimeError
            raise FashionZooError(
                f"cannot write the checkpoint {path} ({error}): make room or choose another folder with "
                "--trainer.default_root_dir; the checkpoint before it is intact"
            ) from error
