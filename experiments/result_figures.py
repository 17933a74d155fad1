"""The figures of RESULTS.md."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import train_size
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fashionzoo.claims.claim import BALANCED, PLAIN, RELU, SIGMOID
from fashionzoo.claims.measures import WINDOW, moving_average
from fashionzoo.images.classes import CLASSES
from fashionzoo.plots.curves import LINES, OKABE_ITO, plot_curve, training_label
from fashionzoo.plots.figures import plot_confusion
from fashionzoo.zoo.runs import Run

REPORTED = {PLAIN: 0.631, BALANCED: 0.65}  # test accuracies in the report's Task 2
STEPS = {PLAIN: 20, BALANCED: 40}  # after which it has them
OSCILLATING = 50  # last iterations of network 1 that are shown

Found = Mapping[str, Mapping[int, Run]]


def plot_seeds(axes: Axes, found: Mapping[int, Run], metric: str, label: str, color: str, line: str = "-") -> None:
    """Draw a metric of each seed's run, accuracies in per cent, with a dot where it ended."""
    for run in found.values():
        values = [100 * value if metric.endswith("acc") else value for value in run.metrics[metric]]
        plot_curve(axes, values, label, color, line)
        label = "_"
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def plot_curves(network: str, found: Mapping[int, Run]) -> Figure:
    """Draw loss and accuracy of one network."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, metric, name in zip(figure.subplots(1, 2), ("loss", "acc"), ("loss", "accuracy, %"), strict=True):
        plot_seeds(axes, found, f"train/{metric}", training_label(found[0]), OKABE_ITO[0])
        plot_seeds(axes, found, f"val/{metric}", "validation", OKABE_ITO[1], "--")
        axes.set(xlabel="epoch", ylabel=name)
    figure.axes[0].legend()
    figure.suptitle(f"{network}, {len(found)} seeds", fontsize=9)
    return figure


def plot_together(found: Found, levels: Mapping[str, float]) -> Figure:
    """Draw validation loss and accuracy of several networks on one chart, and the levels that the report gives."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for axes, metric, name in zip(figure.subplots(1, 2), ("loss", "acc"), ("loss", "accuracy, %"), strict=True):
        for (network, by_seed), color, line in zip(found.items(), OKABE_ITO, LINES, strict=False):
            plot_seeds(axes, by_seed, f"val/{metric}", network, color, line)
        axes.set(xlabel="epoch", ylabel=f"validation {name}")
    for text, level in levels.items():
        axes.axhline(100 * level, color="black", linewidth=0.6)
        axes.text(1, 100 * level, text, va="bottom", fontsize=8)
    axes.legend(loc="lower right", title="a line for each of 3 seeds")
    return figure


def plot_all(found: Found) -> Figure:
    """Draw the accuracy of all networks, a panel each; each row has its own axis, which does not begin at 0."""
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    panels = figure.subplots(2, 3, sharey="row")
    for axes, (network, by_seed) in zip(panels.flat, found.items(), strict=True):
        plot_seeds(axes, by_seed, "train/acc", training_label(by_seed[0]), OKABE_ITO[0])
        plot_seeds(axes, by_seed, "val/acc", "validation", OKABE_ITO[1], "--")
        axes.set(title=network, xlabel="epoch", ylim=(50, 82) if network.startswith("mlp") else (70, 100))
        axes.legend(loc="lower right")
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy, %")
    return figure


def plot_oscillation(run: Run) -> Figure:
    """Draw the last iterations of network 1, and its recalls in the last two of them."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    values = [100 * value for value in run.metrics["val/acc"]]
    shown = range(run.epochs - OSCILLATING + 1, run.epochs + 1)
    left.plot(shown, values[-OSCILLATING:], ".-", color=OKABE_ITO[0], label="each iteration", linewidth=0.8)
    left.plot(shown, moving_average(values)[-OSCILLATING:], color="black", label=f"mean over {WINDOW}")
    left.set(xlabel="iteration", ylabel="validation accuracy, %")
    left.legend()
    for offset, marker, color in ((2, "o", OKABE_ITO[0]), (1, "x", OKABE_ITO[1])):
        recalls = [100 * run.metrics[f"val/recall/{name}"][-offset] for name in CLASSES]
        right.plot(range(10), recalls, marker, color=color, label=f"iteration {run.epochs - offset + 1}")
    right.set_xticks(range(10), CLASSES, rotation=45, ha="right")
    right.set(ylabel="validation recall, %", ylim=(0, 105))
    right.legend(loc="lower right")
    figure.suptitle("mlp_sigmoid_narrowing, seed 0, 5,000 validation images, 500 of a class", fontsize=9)
    return figure


def plot_activations(found: Found) -> Figure:
    """Draw how the hidden activations of networks 1 and 2 are distributed, as the report's figure 2 does."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, network, color in zip(figure.subplots(1, 2, sharey=True), (SIGMOID, RELU), OKABE_ITO, strict=False):
        run = found[network][0]
        counts = [sum(row) for row in zip(*(run.activations[f"block{block}"] for block in (0, 1)), strict=True)]
        edges = run.activations["from"]
        shares = [100 * count / sum(counts) for count in counts]
        axes.stairs(shares, [*edges, 2 * edges[-1] - edges[-2]], color=color, linewidth=1.2)
        axes.set(xlabel="hidden activation", xlim=(-0.2, 3), yscale="log")
        share = 100 * run.final("test/near_zero")
        axes.set_title(f"{network}, seed 0\n{share:.2f} % below 0.01 in absolute value")
    figure.axes[0].set_ylabel("of all values on the test images, %\n(bins of 0.05)")
    return figure


def plot_sizes(accuracies: Mapping[str, Mapping[int, Sequence[float]]]) -> Figure:
    """Draw test accuracy against the number of training images, with the report's levels."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    for (network, by_size), color, line in zip(accuracies.items(), OKABE_ITO, LINES, strict=False):
        sizes = list(by_size)
        means = [100 * mean(values) for values in by_size.values()]
        axes.plot(sizes, means, line, marker="o", markersize=4, color=color, label=network)
        low, high = ([100 * end(values) for values in by_size.values()] for end in (min, max))
        axes.fill_between(sizes, low, high, color=color, alpha=0.2, linewidth=0)
    for network, level in REPORTED.items():
        axes.axhline(100 * level, color="black", linestyle=":", linewidth=0.8)
        axes.annotate(
            f"the report's {network}, {100 * level:.1f} %",
            (sizes[-1], 100 * level),
            (0, 2),
            textcoords="offset points",
            ha="right",
        )
    axes.set(xlabel="training images", ylabel="test accuracy, %", xscale="log")
    axes.set_ylim(bottom=61)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.legend(loc="upper left", title="mean and range of 3 seeds")
    return figure


def plot_readings(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw validation accuracy against the step of the readings on all images, with the report's points."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes_of = dict(zip(train_size.CNNS, figure.subplots(1, 3, sharey=True), strict=True))
    colors = dict(zip(dict.fromkeys(row["optimizer"] for row in rows), OKABE_ITO, strict=False))
    for row in rows:
        if row["train_size"] == max(each["train_size"] for each in rows):
            values = [100 * value for value in row["val/acc"]]
            label = f"{row['optimizer']}, {row['initialization']}'s weights" if row["seed"] == 0 else None
            line = LINES[0] if row["initialization"] == "He" else LINES[2]
            axes = axes_of[row["network"]]
            axes.plot(range(1, len(values) + 1), values, line, color=colors[row["optimizer"]], label=label)
    for network, axes in axes_of.items():
        if network in REPORTED:
            axes.plot(STEPS[network], 100 * REPORTED[network], "k*", markersize=10, label="the report")
        axes.set(title=network, xlabel="step on all 55,000 training images")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes_of[PLAIN].set_ylabel("validation accuracy, %\n(the report's: test)")
    figure.legend(*axes_of[PLAIN].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    return figure


def plot_results(
    found: Found, accuracies: Mapping[str, Mapping[int, Sequence[float]]], readings: Sequence[Mapping[str, Any]]
) -> dict[str, Figure]:
    """Return all figures by name.

    Args:
        found: The runs of each network by seed.
        accuracies: Test accuracies of each CNN by the number of training images.
        readings: The runs of other readings of Task 2.
    """
    mlps, cnns = ({n: by for n, by in found.items() if n.startswith(kind)} for kind in ("mlp", "cnn"))
    counts = {n: [list(row.values()) for row in by[0].confusion.values()] for n, by in found.items()}
    return {
        "networks": plot_all(found),
        "mlps": plot_together(mlps, {"the report: 78 %": 0.78, "70 %": 0.7}),
        "oscillation": plot_oscillation(found[SIGMOID][0]),
        "cnns": plot_together(cnns, {}),
        "activations": plot_activations(found),
        "train_size": plot_sizes(accuracies),
        "readings": plot_readings(readings),
        **{network: plot_curves(network, by_seed) for network, by_seed in found.items()},
        **{f"{network}_confusion": plot_confusion(counts[network], f"{network}, seed 0, test") for network in found},
    }
