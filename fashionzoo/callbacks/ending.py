"""How a run ended, and whether its training diverged."""

from __future__ import annotations

import math
from typing import Literal

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor

from fashionzoo.training.evaluated_module import cross_entropy

Ending = Literal["all epochs", "early", "limit", "diverged", "interrupted"]
EXPLODED = 2.0  # times the loss of guessing, or of the untrained network where that is larger
SAME = 1e-4  # of the largest logit: what the answers to different images may differ by and still be one


def ending(trainer: Trainer) -> Ending:
    """Return what ended a run: its number of epochs, early stopping, or another limit of the trainer."""
    if stopping_callback(trainer):
        return "early"
    return "all epochs" if trainer.max_epochs in range(trainer.current_epoch + 1) else "limit"


def stopping_callback(trainer: Trainer) -> EarlyStopping | None:
    """Return the callback that stopped a run early, if one did."""
    for callback in trainer.early_stopping_callbacks:
        if isinstance(callback, EarlyStopping) and callback.stopped_epoch:
            return callback
    return None


def has_diverged(logits: Tensor, labels: Tensor, untrained_loss: float) -> bool:
    """Tell whether training made a network worse than guessing: its loss exploded, or it answers all images alike.

    Args:
        logits: Of the trained network on training images, shape ``(N, classes)``.
        labels: Shape ``(N,)``.
        untrained_loss: Its loss per image before training.

    Example:
        >>> import torch
        >>> labels = torch.arange(100) % 10
        >>> has_diverged(torch.full((100, 10), -7.0), labels, untrained_loss=2.4)  # of ReLUs that are all off
        True
        >>> has_diverged(torch.randn(100, 10), labels, untrained_loss=2.4)  # as one that has not learned much yet
        False
    """
    loss, guessing = float(cross_entropy(logits, labels)), math.log(logits.shape[1])
    if not loss <= EXPLODED * max(guessing, untrained_loss):  # NaN is not
        return True
    alike = (logits - logits[0]).abs().max() <= SAME * logits.abs().max()
    return bool(alike) and loss > (1 - SAME) * guessing
