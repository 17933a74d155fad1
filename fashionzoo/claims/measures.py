"""What the checks of several claims look at."""

from __future__ import annotations

from statistics import mean

from fashionzoo.claims.claim import InconclusiveError
from fashionzoo.claims.runs import Run


def metric_at_epoch(run: Run, metric: str, epoch: int) -> float:
    """Return a metric at an epoch, counted from 1.

    Raises:
        InconclusiveError: The run was shorter.
    """
    if epoch > run.epochs:
        raise InconclusiveError(f"{run.folder} ended after epoch {run.epochs}, before {epoch}")
    return run.metrics[metric][epoch - 1]


def gradient_ratio(run: Run) -> float:
    """Return the mean ratio of the first layer's gradient norm to the last layer's over iterations 50 to 300."""
    metric_at_epoch(run, "val/acc", 300)
    first, last = (run.metrics[f"gradient_norm/{layer}_layer"][49:300] for layer in ("first", "last"))
    return mean(one / other for one, other in zip(first, last, strict=True))


def generalization_gap(run: Run) -> float:
    """Return how much more accurate the trained network is on training images than on validation images.

    Both without dropout: with it, the gap would look small for the wrong reason.
    """
    return run.final("train/acc_without_dropout") - run.final("val/acc")


def confusion_rates(run: Run, true: str, count: int) -> dict[str, float]:
    """Return the share of a class's test images that went to each of its commonest confusions."""
    images = sum(run.confusion[true].values())
    return {name: run.confusion[true][name] / images for name in run.most_confused_with(true)[:count]}


def moving_average(values: list[float], window: int = 5) -> list[float]:
    """Return the moving average.

    Example:
        >>> moving_average([1.0, 2.0, 6.0], window=2)
        [1.5, 4.0]
    """
    return [mean(values[start : start + window]) for start in range(len(values) - window + 1)]
