"""A claim as a figure: the curves that decide it or, where none does, the numbers of each seed."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fashionzoo.claims.claim import ClaimResult, SeedRuns
from fashionzoo.claims.measures import WINDOW, moving_average

COLORS = ("#0072B2", "#D55E00", "#009E73")  # Okabe and Ito's (2008), in the order in which they differ most in gray
AXIS_LABELS = {"acc": "accuracy, %", "loss": "loss (cross-entropy)"}


def plot_claim(result: ClaimResult, by_seed: Sequence[SeedRuns]) -> Figure:
    """Plot what decides a claim.

    Args:
        result: The claim and what was found.
        by_seed: The runs of each seed.
    """
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    if result.claim.curve:
        _plot_curves(axes, result, by_seed)
    else:
        _plot_numbers(axes, result)
    figure.suptitle(f"{result.claim.id}, “{result.claim.statement}”: {result.in_words}", fontsize=10)
    return figure


def _plot_curves(axes: Axes, result: ClaimResult, by_seed: Sequence[SeedRuns]) -> None:
    """Plot a metric of each run: every epoch thin and, where levels are read from means over five, the mean thick."""
    claim = result.claim
    split, _, name = claim.curve.partition("/")
    scale = 1 if name == "loss" else 100
    for network, color in zip(claim.shown, COLORS, strict=False):
        label = f"{network}, {len(result.findings)} seed{'s' if len(result.findings) > 1 else ''}"
        for found in by_seed:
            if found.seed not in result.findings:
                continue
            curve = [scale * value for value in found[network].metrics[claim.curve]]
            if name == "loss":
                axes.plot(
                    range(1, len(curve) + 1), found[network].metrics["train/loss"], ":", color=color, linewidth=0.8
                )
            averaged = network.startswith("mlp")
            axes.plot(range(1, len(curve) + 1), curve, color=color, alpha=0.35 if averaged else 0.9, linewidth=0.8)
            if averaged:
                axes.plot(range(WINDOW, len(curve) + 1), moving_average(curve), color=color, linewidth=1.4)
            axes.plot([], [], color=color, label=label)
            label = "_"
    if claim.level is not None:
        axes.axhline(scale * claim.level, color="black", linestyle=":", linewidth=1)
    iterations = "iteration (one step on all training images)" if claim.shown[0].startswith("mlp") else "epoch"
    axes.set(xlabel=iterations, ylabel=f"{split} {AXIS_LABELS.get(name, name.replace('/', ' of ') + ', %')}")
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if name == "loss":
        axes.plot([], [], "k:", label="training loss")
    axes.legend(title=f"thick: mean over {WINDOW}" if claim.shown[0].startswith("mlp") else None)


def _plot_numbers(axes: Axes, result: ClaimResult) -> None:
    """Plot the numbers that were measured, a mark for each seed."""
    for seed, finding in result.findings.items():
        values = [result.claim.in_unit(value) for value in finding.measured.values()]
        axes.plot(values, list(finding.measured), "o", alpha=0.7, label=f"seed {seed}")
    axes.set(xlabel=result.claim.unit, title=result.claim.criterion)
    axes.margins(y=0.2)
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
