"""The figure of a search: its trials, what mattered, and what to expect of a smaller budget."""

from __future__ import annotations

from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fashionzoo.zoo.studies import StudySummary


def plot_study(study: StudySummary) -> Figure:
    """Plot the trials of a study in their order, the importance of each flag, and the expected best by budget.

    Example:
        >>> trials = [{"number": 0, "state": "complete", "value": 0.9, "epochs": 1, "seconds": 1.0, "flags": {}}]
        >>> study = StudySummary("my_net", "study", "val/acc", "maximize", 0, {}, {}, {}, trials)
        >>> [axes.get_xlabel() for axes in plot_study(study).axes]
        ['trial', 'importance', 'number of trials']
    """
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    history, importance, expected = figure.subplots(1, 3)
    _plot_history(history, study)
    _plot_importances(importance, study)
    for axes in (history, expected):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    budgets = range(1, len(study.values) + 1)
    expected.plot(budgets, [study.expected_best(budget) for budget in budgets], color="black")
    expected.set_title("expected best of so many trials", fontsize=9)
    expected.set_xlabel("number of trials")
    expected.set_ylabel(study.metric)
    figure.suptitle(f"{study.network}: {len(study.values)} trials, validation images", fontsize=10)
    return figure


def _plot_history(axes: Axes, study: StudySummary) -> None:
    """Plot the value of each trial, and the best so far."""
    for state, marker in (("complete", "o"), ("pruned", "x")):
        points = [
            (trial["number"], trial["value"])
            for trial in study.trials
            if trial["state"] == state and trial["value"] is not None
        ]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color="C0" if state == "complete" else "gray", label=state)
    better = max if study.direction == "maximize" else min
    complete = [(trial["number"], trial["value"]) for trial in study.trials if trial["state"] == "complete"]
    if complete:
        numbers, values = zip(*complete, strict=True)
        best = [*accumulate(values, better), better(values)]
        axes.step([*numbers, study.trials[-1]["number"]], best, where="post", color="black", label="best so far")
        low_quarter = sorted(values, reverse=study.direction == "minimize")[len(values) // 4]
        margin = best[-1] - low_quarter or 0.01
        axes.set_ylim(*sorted((low_quarter - margin, best[-1] + 0.3 * margin)))
        axes.legend(fontsize=8)
    axes.set_title("history; the worst are cut off", fontsize=9)
    axes.set_xlabel("trial")
    axes.set_ylabel(study.metric)


def _plot_importances(axes: Axes, study: StudySummary) -> None:
    """Plot the share of each flag."""
    if not study.importances:
        axes.text(0.5, 0.5, "too few trials to tell", ha="center", va="center", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
    flags = sorted(study.importances, key=lambda flag: study.importances[flag])
    axes.barh(flags, [study.importances[flag] for flag in flags], color="C0")
    axes.tick_params(axis="y", labelsize=8)
    axes.set_title("what makes good trials differ", fontsize=9)
    axes.set_xlabel("importance")
