"""The figures of RESULTS.md."""

from collections.abc import Mapping, Sequence
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashionzoo.claims.runs import Run
from fashionzoo.plots.figures import plot_confusion

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # told apart by color-blind eyes too
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "axes.axisbelow": True,
    "font.size": 9,
    "legend.frameon": False,
    "savefig.dpi": 150,
    "lines.linewidth": 1.4,
}

REPORTED = {"cnn_plain": 0.631, "cnn_balanced": 0.65}  # test accuracies in the report's Task 2

Found = Mapping[str, Mapping[int, Run]]


def plot_band(axes: Axes, found: Mapping[int, Run], metric: str, label: str, color: str) -> None:
    """Draw the mean of a metric over the seeds, and its range as a band.

    Where early stopping ended the seeds at different epochs, the band ends with the first of them.
    """
    curves = list(zip(*(run.metrics[metric] for run in found.values()), strict=False))
    epochs = range(1, len(curves) + 1)
    axes.plot(epochs, [mean(values) for values in curves], color=color, label=label)
    axes.fill_between(epochs, [min(v) for v in curves], [max(v) for v in curves], color=color, alpha=0.25, linewidth=0)


def plot_curves(found: Mapping[int, Run]) -> Figure:
    """Draw loss and accuracy of one network."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, metric, name in zip(figure.subplots(1, 2), ("loss", "acc"), ("loss", "accuracy"), strict=True):
        plot_band(axes, found, f"train/{metric}", "training", OKABE_ITO[0])
        plot_band(axes, found, f"val/{metric}", "validation", OKABE_ITO[1])
        axes.set(xlabel="epoch", ylabel=name)
        axes.legend()
    return figure


def plot_together(found: Found) -> Figure:
    """Draw validation loss and accuracy of several networks on one chart."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, metric, name in zip(figure.subplots(1, 2), ("loss", "acc"), ("loss", "accuracy"), strict=True):
        for (network, by_seed), color in zip(found.items(), OKABE_ITO, strict=False):
            plot_band(axes, by_seed, f"val/{metric}", network, color)
        axes.set(xlabel="epoch", ylabel=f"validation {name}")
    axes.legend(loc="lower right")
    return figure


def plot_all(found: Found) -> Figure:
    """Draw the accuracy of all networks, a panel each."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    for axes, (network, by_seed) in zip(figure.subplots(2, 3, sharey=True).flat, found.items(), strict=True):
        plot_band(axes, by_seed, "train/acc", "training", OKABE_ITO[0])
        plot_band(axes, by_seed, "val/acc", "validation", OKABE_ITO[1])
        axes.set_title(network, fontsize=9)
        axes.set(xlabel="epoch", ylim=(0, 1))
    for axes in figure.axes[::3]:
        axes.set_ylabel("accuracy")
    figure.axes[0].legend(loc="lower right", title="mean and range of 3 seeds")
    return figure


def plot_activations(found: Found) -> Figure:
    """Draw how the hidden activations of networks 1 and 2 are distributed, as the report's figure 2 does."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, (network, by_seed), color in zip(
        figure.subplots(1, 2, sharey=True), found.items(), OKABE_ITO, strict=False
    ):
        table = by_seed[0].activations
        counts = [sum(row) for row in zip(*(table[name] for name in table if name != "from"), strict=True)]
        edges = table["from"]
        shares = [count / sum(counts) for count in counts]
        axes.bar(edges, shares, width=edges[1] - edges[0], align="edge", color=color)
        axes.set(xlabel="hidden activation", xlim=(-0.2, 3), yscale="log")
        axes.set_title(network, fontsize=9)
    figure.axes[0].set_ylabel("share of values")
    return figure


def plot_sizes(accuracies: Mapping[str, Mapping[int, Sequence[float]]]) -> Figure:
    """Draw test accuracy against the number of training images, with the report's levels."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    for (network, by_size), color in zip(accuracies.items(), OKABE_ITO, strict=False):
        sizes = list(by_size)
        axes.plot(sizes, [mean(v) for v in by_size.values()], marker="o", markersize=4, color=color, label=network)
        low, high = [min(v) for v in by_size.values()], [max(v) for v in by_size.values()]
        axes.fill_between(sizes, low, high, color=color, alpha=0.25, linewidth=0)
        if network in REPORTED:
            level, above = REPORTED[network], REPORTED[network] == max(REPORTED.values())
            axes.axhline(level, color=color, linestyle=":", linewidth=1)
            edge = "bottom" if above else "top"
            axes.text(sizes[-1], level, f"the report's {network}", color=color, ha="right", va=edge)
    axes.set(xlabel="training images", ylabel="test accuracy", xscale="log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.legend(loc="upper left")
    return figure


def plot_results(found: Found, accuracies: Mapping[str, Mapping[int, Sequence[float]]]) -> dict[str, Figure]:
    """Return all figures by name.

    Args:
        found: The runs of each network by seed.
        accuracies: Test accuracies of each CNN by the number of training images.
    """
    mlps, cnns = ({n: by for n, by in found.items() if n.startswith(kind)} for kind in ("mlp", "cnn"))
    counts = {n: [list(row.values()) for row in by[0].confusion.values()] for n, by in found.items()}
    return {
        "networks": plot_all(found),
        "mlps": plot_together(mlps),
        "cnns": plot_together(cnns),
        "activations": plot_activations(dict(list(mlps.items())[:2])),
        "train_size": plot_sizes(accuracies),
        **{network: plot_curves(by_seed) for network, by_seed in found.items()},
        **{f"{network}_confusion": plot_confusion(counts[network]) for network in found},
    }
