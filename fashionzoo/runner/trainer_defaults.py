"""What a launcher gives Lightning's Trainer where no flag says otherwise."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from lightning.pytorch.profilers import PassThroughProfiler
from torch import nn

from fashionzoo import environment

_NULL_CONTEXT = nullcontext()
# Images in a batch of a network without convolutions: measured on 2 cores with AMX, where both precisions take as long.
MIN_MLP_BATCH_FOR_BF16 = 256


class NullProfiler(PassThroughProfiler):
    """A profiler that measures nothing and costs nothing: Lightning asks its own some fifty times per step."""

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # type: ignore[override]
        """Return a context that does nothing."""
        return _NULL_CONTEXT


def choose_precision(
    network: nn.Module, batch_size: int | None, device: torch.device
) -> Literal["bf16-mixed", "32-true"]:
    """Choose bfloat16 where the hardware is faster in it and a step has enough to compute for its casts to pay.

    Args:
        network: What is trained.
        batch_size: Images of a step; ``None`` for all there are, or if that is not known.
        device: Where.
    """
    convolves = any(isinstance(layer, nn.Conv2d) for layer in network.modules())
    small = not convolves and batch_size is not None and batch_size < MIN_MLP_BATCH_FOR_BF16
    return "bf16-mixed" if environment.has_fast_bf16(device) and not small else "32-true"
