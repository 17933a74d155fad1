"""A comparison of networks as a figure and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table

from fashionzoo.plots.tables import ACCURACY, HIGH, LOW, measure_rows
from fashionzoo.zoo.comparison import Candidate, Comparison

LABEL_WIDTH, COLUMN_WIDTH = 25, 12  # characters: "recall of T-shirt/top, %", "92.81-93.79"


def plot_comparison(comparison: Comparison) -> Figure:
    """Plot accuracy with its 95 % interval, and the recall of each class.

    Args:
        comparison: What :func:`fashionzoo.compare` returns.
    """
    candidates, names = comparison.candidates, comparison.class_names
    rows = range(len(candidates))
    figure = Figure(figsize=(4.6 + 0.62 * len(names), 1.7 + 0.42 * len(candidates)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 0.17 * len(names)))
    for row, candidate in enumerate(candidates):
        low, high = candidate.interval
        left.plot([100 * low, 100 * high], [row, row], color="tab:blue", linewidth=2)
        left.plot([100 * candidate.accuracy], [row], "o", color="tab:blue")
    left.set_yticks(rows, [candidate.label for candidate in candidates])
    left.set_xlabel("test accuracy, %\n(95 % interval)")
    left.grid(axis="x", alpha=0.3)
    recalls = [
        [100 * candidate.evaluation.metrics[f"test/recall/{name}"] for name in names] for candidate in candidates
    ]
    lowest = min(map(min, recalls))
    right.imshow(recalls, cmap="Blues", vmin=lowest, vmax=100, aspect="auto")
    right.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    right.set_title("recall, %", fontsize=10)
    right.tick_params(left=False)
    for row, values in enumerate(recalls):
        for column, value in enumerate(values):
            color = "white" if value > (lowest + 100) / 2 else "black"
            right.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=8, color=color)
    return figure


def comparison_tables(
    comparison: Comparison, seconds: Mapping[str, float], seeds: Mapping[str, str], width: int
) -> Iterator[Table]:
    """Return what was measured, a column for each network, numbered in the order of the comparison.

    Args:
        comparison: What :func:`fashionzoo.compare` returns.
        seconds: Seconds per epoch of training, by label, where known.
        seeds: Mean accuracy over seeds with its 95 % interval, in per cent, by label, where there are several.
        width: Characters of a line; networks that do not fit go into another table.
    """
    columns = max(1, (width - LABEL_WIDTH) // COLUMN_WIDTH)
    for start in range(0, len(comparison.candidates), columns):
        yield _table(comparison, range(start, min(start + columns, len(comparison.candidates))), seconds, seeds)


def _table(comparison: Comparison, numbers: range, seconds: Mapping[str, float], seeds: Mapping[str, str]) -> Table:
    """Return the table of some of the networks.

    Args:
        comparison: What :func:`fashionzoo.compare` returns.
        numbers: Which of its networks.
        seconds: Seconds per epoch of training, by label, where known.
        seeds: Mean accuracy over seeds with its 95 % interval, in per cent, by label, where there are several.
    """
    candidates = [comparison.candidates[number] for number in numbers]
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, caption_justify="left")
    table.add_column("", no_wrap=True)
    for number in numbers:
        table.add_column(f"{number + 1}", justify="right", min_width=COLUMN_WIDTH - 1)
    rows = comparison_rows(candidates, seconds, seeds)
    accuracies, low, high = (map(str, rows.pop(name)) for name in (ACCURACY, LOW, HIGH))
    table.add_row(ACCURACY, *accuracies)
    table.add_row("95 % interval", *(f"{start}-{end}" for start, end in zip(low, high, strict=True)))
    for name, cells in rows.items():
        if not any(cells):
            continue
        if name == f"recall of {comparison.class_names[0]}, %":
            table.add_section()
        table.add_row(name, *(f"{cell:,}" if isinstance(cell, int) else cell or "" for cell in cells))
    return table


def comparison_rows(
    candidates: Sequence[Candidate], seconds: Mapping[str, float], seeds: Mapping[str, str]
) -> dict[str, list[str | int | None]]:
    """Return what was measured by the name of the measure, a cell for each network.

    Args:
        candidates: The networks.
        seconds: Seconds per epoch of training, by label, where known.
        seeds: Mean accuracy over seeds with its 95 % interval, in per cent, by label, where there are several.
    """
    labels, rows = [each.label for each in candidates], measure_rows([each.evaluation for each in candidates])
    others: dict[str, list[str | int | None]] = {
        "mean over seeds": [seeds.get(label) for label in labels],
        "parameters": [each.num_parameters for each in candidates],
        "MFLOPs": [f"{each.flops / 1e6:.1f}" for each in candidates],
        "seconds per epoch": [f"{seconds[label]:.1f}" if label in seconds else None for label in labels],
    }
    return {**{name: rows.pop(name) for name in (ACCURACY, LOW, HIGH)}, **others, **rows}
