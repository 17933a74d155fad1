"""What was measured on the test images, as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from fashionzoo.images.classes import CLASSES
from fashionzoo.terminal import format_percent
from fashionzoo.zoo.evaluation import Evaluation
from fashionzoo.zoo.intervals import wilson_interval

CALIBRATION_GLOSS = "calibration error: mean distance of confidence from accuracy"
ACCURACY, LOW, HIGH = "accuracy, %", "95 % interval from, %", "95 % interval to, %"
CALIBRATION = "calibration error, %"
RECALL = "test/recall/"
Confusion = Sequence[Sequence[int]]  # a row for each true class: how many of its images were taken for each class


def top_confusions(
    confusion: Confusion, count: int = 3, class_names: Sequence[str] = CLASSES
) -> list[tuple[str, str, int]]:
    """Name the largest confusions.

    Args:
        confusion: Rows are the true classes.
        count: How many to name.
        class_names: Names of the classes.

    Returns:
        True class, predicted class, images; largest first.

    Example:
        >>> confusion = [[100 * (true == predicted) for predicted in range(10)] for true in range(10)]
        >>> confusion[6][0] = 7
        >>> top_confusions(confusion, 1)
        [('Shirt', 'T-shirt/top', 7)]
    """
    mistakes = [
        (true, predicted, images)
        for true, row in zip(class_names, confusion, strict=True)
        for predicted, images in zip(class_names, row, strict=True)
        if true != predicted
    ]
    return sorted(mistakes, key=lambda mistake: -mistake[2])[:count]


def metrics_table(
    title: str, metrics: Mapping[str, float], confusion: Confusion, class_names: Sequence[str] = CLASSES
) -> Table:
    """Return accuracy, loss, calibration error and recalls, and the most common mistakes.

    Args:
        title: What was tested, and on what.
        metrics: ``test/acc`` and so on.
        confusion: Rows are the true classes.
        class_names: Names of the classes.

    Example:
        >>> scores = dict.fromkeys(["test/acc", "test/loss", "test/calibration_error"], 0.5)
        >>> recalls = {f"test/recall/{name}": 0.5 for name in CLASSES}
        >>> metrics_table("half", scores | recalls, [[1] * 10] * 10).row_count
        17
    """
    table = Table(title=title, min_width=46, caption=CALIBRATION_GLOSS, caption_justify="left")
    table.add_column("measure")
    table.add_column("value", justify="right")
    table.add_row("accuracy", format_percent(metrics["test/acc"]))
    low, high = wilson_interval(metrics["test/acc"], sum(map(sum, confusion)))
    table.add_row("95 % interval", f"{100 * low:.2f} to {format_percent(high)}")
    table.add_row("loss", f"{metrics['test/loss']:.4f}")
    table.add_row("calibration error", format_percent(metrics["test/calibration_error"]))
    if "test/calibrated_error" in metrics:
        table.add_row("calibration error, with temperature", format_percent(metrics["test/calibrated_error"]))
    table.add_section()
    for label in class_names:
        recall = metrics.get(f"test/recall/{label}")  # there may be no image of the class
        table.add_row(
            f"recall of {label}",
            "-" if recall is None else format_percent(recall),
            end_section=label == class_names[-1],
        )
    for true, predicted, images in top_confusions(confusion, class_names=class_names):
        table.add_row(f"{true} taken for {predicted}", f"{images}")
    return table


def measure_rows(scores: Sequence[Evaluation]) -> dict[str, list[str | int | None]]:
    """Return what was measured by the name of the measure, a cell for each network, shares in per cent.

    Args:
        scores: What was measured of each network.

    Example:
        >>> metrics = {"test/acc": 0.5, "test/loss": 1.0, "test/calibration_error": 0.1, "test/recall/Coat": 0.25}
        >>> list(measure_rows([Evaluation(metrics, [[50, 50]])]).values())
        [['50.00'], ['40.38'], ['59.62'], ['1.0000'], ['10.00'], ['25.00']]
    """
    intervals = [wilson_interval(each.metrics["test/acc"], sum(map(sum, each.confusion))) for each in scores]
    rows: dict[str, list[str | int | None]] = {
        ACCURACY: [f"{100 * each.metrics['test/acc']:.2f}" for each in scores],
        LOW: [f"{100 * low:.2f}" for low, _ in intervals],
        HIGH: [f"{100 * high:.2f}" for _, high in intervals],
        "loss": [f"{each.metrics['test/loss']:.4f}" for each in scores],
        CALIBRATION: [f"{100 * calibration_error(each.metrics):.2f}" for each in scores],
    }
    for name in (name for name in scores[0].metrics if name.startswith(RECALL)):
        recalls = [each.metrics.get(name) for each in scores]  # there may be no image of the class
        cells = [None if recall is None else f"{100 * recall:.2f}" for recall in recalls]
        rows[f"recall of {name.removeprefix(RECALL)}, %"] = [*cells]
    return rows


def calibration_error(metrics: Mapping[str, float]) -> float:
    """Return the calibration error of the probabilities that a network gives, which are those with its temperature."""
    return metrics.get("test/calibrated_error", metrics["test/calibration_error"])


def accuracies_table(labels: Sequence[str], scores: Sequence[Evaluation]) -> Table:
    """Return accuracy, loss and calibration of several networks, a row each.

    Args:
        labels: Their names.
        scores: What was measured of each.
    """
    rows = measure_rows(scores)
    intervals = [f"{low}-{high}" for low, high in zip(rows[LOW], rows[HIGH], strict=True)]
    columns = {
        "network": labels,
        **{ACCURACY: rows[ACCURACY], "95 % interval": intervals},
        **{name: rows[name] for name in ("loss", CALIBRATION)},
    }
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name == "network" else "right", no_wrap=name == "network")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(str, row))
    return table


def confusion_table(confusion: Confusion, class_names: Sequence[str] = CLASSES) -> Table:
    """Return a confusion matrix; a column is named by its class's number, zeros are dots.

    Args:
        confusion: Rows are the true classes.
        class_names: Names of the classes.

    Example:
        >>> len(confusion_table([[1] * 10] * 10).columns)
        11
    """
    table = Table(title="true class (rows), predicted class (columns)")
    table.add_column("")
    for number in range(len(class_names)):
        table.add_column(f"{number}", justify="right")
    for number, (name, row) in enumerate(zip(class_names, confusion, strict=True)):
        cells = [
            f"[bold]{images}[/]" if predicted == number else f"{images or '.'}" for predicted, images in enumerate(row)
        ]
        table.add_row(f"{number} {name}", *cells)
    return table


def corruptions_table(title: str, accuracies: Mapping[str, Sequence[float]]) -> Table:
    """Return the accuracy for each corruption and strength.

    Args:
        title: What was tested, and the mean.
        accuracies: From the weakest to the strongest, by corruption.

    Example:
        >>> corruptions_table("half", {"blur": [0.5] * 5}).row_count
        1
    """
    table = Table(title=title, min_width=len(title))
    table.add_column("corruption")
    for strength in range(1, 6):
        table.add_column(f"strength {strength}", justify="right")
    for name, row in accuracies.items():
        table.add_row(name, *map(format_percent, row))
    return table
