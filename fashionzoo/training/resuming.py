"""What a run that is resumed with a Trainer of one's own must keep, as its optimizer and schedule do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from lightning.pytorch import Trainer

from fashionzoo.errors import FashionZooError

KEPT = ("optimizer", "lr", "momentum", "weight_decay", "schedule")


def check_optimizer_settings(before: Mapping[str, Any], now: Mapping[str, Any], init: Callable[..., None]) -> None:
    """Check that the optimizer of a resumed run, which is restored as it was, has the settings that are asked for.

    Args:
        before: Hyperparameters in the checkpoint.
        now: Those of the network.
        init: The function whose defaults hold for what both leave out.

    Raises:
        FashionZooError: One differs, which would be ignored and yet logged.
    """
    parameters = inspect.signature(init).parameters
    for name in KEPT:
        old, new = (values.get(name, parameters[name].default) for values in (before, now))
        if old != new:
            raise FashionZooError(
                f"{name} of {new}: the run that is resumed has {old} in its optimizer; keep it, or start another run "
                "from the weights with load_from_checkpoint"
            )


def check_schedule(trainer: Trainer) -> None:
    """Check that the schedule of a resumed run does not end before the run.

    Args:
        trainer: Has restored the schedule, and not trained yet.

    Raises:
        FashionZooError: It does.
    """
    for config in trainer.lr_scheduler_configs:
        end, steps = getattr(config.scheduler, "total_steps", None), trainer.estimated_stepping_batches
        if end is not None and end < steps:
            raise FashionZooError(
                f"the one_cycle schedule of the run that is resumed ends at step {end}, and the trainer's limits are "
                f"those of {steps}: keep max_epochs and max_steps, or start another run"
            )
