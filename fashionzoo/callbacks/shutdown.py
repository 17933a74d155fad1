"""A graceful end of a run when a signal asks for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping

Handler = Callable[[int, FrameType | None], Any] | int | None


class TrainingInterruptedError(Exception):
    """A signal asked the run to end.

    Args:
        signum: Which one.
        trainer: Whose run it is.
    """

    def __init__(self, signum: int, trainer: Trainer) -> None:
        place = "the test" if trainer.testing else f"epoch {trainer.current_epoch + 1}"
        super().__init__(f"interrupted by {signal.Signals(signum).name} in {place}")
        self.signum, self.trainer = signum, trainer


class GracefulShutdown(Callback):
    """End the run after the current step when Ctrl-C, Ctrl-Break or SIGTERM asks for it; a second one ends it at once.

    SIGTERM is left to Lightning where SLURM sends it.
    """

    def __init__(self) -> None:
        self.signum = 0
        self.ended_before = False
        self.previous: dict[int, Handler] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            names = ("SIGINT",) if SLURMEnvironment.detect() else ("SIGINT", "SIGTERM", "SIGBREAK")
            signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
            self.previous = {signum: signal.signal(signum, self._handle_signal) for signum in signals}

    def __exit__(self, *_: object) -> None:
        for signum, handler in self.previous.items():
            signal.signal(signum, handler)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let a resumed run that early stopping had ended before stay ended."""
        for callback in trainer.early_stopping_callbacks:
            if isinstance(callback, EarlyStopping) and callback.wait_count >= max(callback.patience, 1):
                trainer.should_stop = True
                self.ended_before = True

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the last epoch of such a run, as Lightning does where all epochs are done: it was saved before."""
        if self.ended_before:
            progress = trainer.fit_loop.epoch_progress.current
            progress.completed = progress.processed  # type: ignore[attr-defined]  # a ProcessedTracker here

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
