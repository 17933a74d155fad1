"""What the checks of several claims look at.

Network 1 oscillates with a period of two iterations, so that no single one decides: levels and first iterations are
read from the mean over five.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean

from fashionzoo.claims.claim import InconclusiveError
from fashionzoo.claims.uncertainty import Verdict, decide, difference_interval, larger_interval
from fashionzoo.zoo.intervals import Interval, wilson_interval
from fashionzoo.zoo.runs import Run

WINDOW = 5  # iterations that a level is the mean of
RECALL_WINDOW = 20  # last iterations that a class's recall is the mean of
CLASSES = 10  # of which validation has equally many images


def moving_average(values: Sequence[float], window: int = WINDOW) -> list[float]:
    """Return the mean of each value and those before it.

    Example:
        >>> moving_average([1.0, 2.0, 6.0], window=2)
        [1.5, 4.0]
    """
    return [mean(values[start : start + window]) for start in range(len(values) - window + 1)]


def metric_at_epoch(run: Run, metric: str, epoch: int, window: int = 1) -> float:
    """Return the mean of a metric over the epochs up to one, counted from 1.

    Raises:
        InconclusiveError: The run was shorter.
    """
    if epoch > run.epochs:
        raise InconclusiveError(f"{run.folder} ended after epoch {run.epochs}, before {epoch}")
    return mean(run.metrics[metric][epoch - window : epoch])


def num_val_images(run: Run) -> int:
    """Return how many validation images a run had."""
    return int(run.config["data"]["val_size"])


def level_interval(run: Run, accuracy: float) -> Interval:
    """Return the 95 % interval of an accuracy on a run's validation images."""
    return wilson_interval(accuracy, num_val_images(run))


def gap_interval(run: Run, first: float, second: float) -> Interval:
    """Return the 95 % interval of the difference of two accuracies on a run's validation images."""
    return difference_interval(first, second, num_val_images(run))


def first_iterations(run: Run, level: float) -> dict[str, float]:
    """Return when the validation accuracy, a mean over five iterations, first reaches a level.

    Returns:
        ``iteration``; ``from`` and ``to``, the iterations at which the interval of the accuracy first touches the level
        and first lies above it; infinity for one that never comes.
    """
    smoothed = [(epoch, value) for epoch, value in enumerate(moving_average(run.metrics["val/acc"]), WINDOW)]
    intervals = [(epoch, level_interval(run, value)) for epoch, value in smoothed]
    return {
        "iteration": next((epoch for epoch, value in smoothed if value >= level), math.inf),
        "from": next((epoch for epoch, (_, high) in intervals if high >= level), math.inf),
        "to": next((epoch for epoch, (low, _) in intervals if low >= level), math.inf),
    }


def comes_before(first: dict[str, float], second: dict[str, float]) -> Verdict:
    """Tell whether one first iteration comes before another, as far as their intervals say."""
    if first["to"] < second["from"]:
        return "holds"
    return "fails" if second["to"] < first["from"] else "undecided"


def ranked_recalls(run: Run) -> list[tuple[str, float]]:
    """Return the classes with their validation recall, a mean over the last 20 iterations, the best first."""
    prefix = "val/recall/"
    recalls = {
        metric.removeprefix(prefix): mean(curve[-RECALL_WINDOW:])
        for metric, curve in run.metrics.items()
        if metric.startswith(prefix)
    }
    return sorted(recalls.items(), key=lambda item: -item[1])


def leads(run: Run, better: float, worse: float) -> Verdict:
    """Tell whether one class's recall is above another's, as far as the interval of the difference says."""
    return decide(difference_interval(better, worse, num_val_images(run) // CLASSES), lowest=0.0)


def taken_more_often(run: Run, true: str, named: str, other: str) -> Verdict:
    """Tell whether a class is taken for one rather than for another, as far as the exact interval says."""
    counts = run.confusion[true]
    return decide(larger_interval(counts[named], counts[other]), lowest=0.5)


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


def generalization_gap_difference(one: Run, other: Run) -> Interval:
    """Return the 95 % interval of how much larger one run's generalization gap is than another's."""
    difference, below, above = generalization_gap(one) - generalization_gap(other), 0.0, 0.0
    for run, sign in ((one, 1), (other, -1)):
        low, high = gap_interval(run, run.final("train/acc_without_dropout"), run.final("val/acc"))
        half = generalization_gap(run) - low, high - generalization_gap(run)
        below, above = math.hypot(below, half[0 if sign > 0 else 1]), math.hypot(above, half[1 if sign > 0 else 0])
    return difference - below, difference + above


def num_test_images(run: Run) -> int:
    """Return how many test images a run had."""
    return sum(sum(row.values()) for row in run.confusion.values())


def confusion_rates(run: Run, true: str, count: int) -> dict[str, float]:
    """Return the share of a class's test images that went to each of its commonest confusions."""
    images = sum(run.confusion[true].values())
    return {name: run.confusion[true][name] / images for name in run.most_confused_with(true)[:count]}
