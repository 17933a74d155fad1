"""Curves of runs: how a metric went from epoch to epoch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.zoo.changes import describe_changes, differences
from fashionzoo.zoo.overview import get_runs
from fashionzoo.zoo.runs import LOGS, Run, network_of

Line = Literal["-", "--", ":"]
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # told apart by color-blind eyes too
LINES: tuple[Line, ...] = ("-", "--", ":")  # and without color
MARKERS = ("o", "s", "^", "D", "v", "X", "P", "<", ">", "*")  # of several runs, told apart without color too
NUM_MARKERS = 8  # on a curve
DEFAULT_METRICS = ("loss", "acc")
SPLITS = {"train": "training", "val": "validation"}
NAMES = {"acc": "accuracy", "acc_without_dropout": "accuracy without dropout", "near_zero": "activations near zero"}
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "axes.axisbelow": True,
    "axes.titlesize": 9,
    "font.size": 9,
    "legend.frameon": False,
    "savefig.dpi": 150,
    "lines.linewidth": 1.2,
}


def plot_runs(runs: Sequence[str | Path], metrics: Sequence[str] = DEFAULT_METRICS, logs: str | Path = LOGS) -> Figure:
    """Plot the curves of one run or several, a chart for each metric.

    A run has one color and marker; validation is a solid line, training a dashed one. The legend says in what the runs
    differ.

    Args:
        runs: Their names, as ``fashionzoo runs`` shows them (``"cnn_plain/version_0"``), their folders, or published
            runs such as ``"cnn_plain:report"``.
        metrics: ``"loss"``, ``"acc"`` or another that is logged of training and validation; or one alone, as
            ``"val/recall/Shirt"`` or ``"gradient_norm/first_layer"``. Shares are shown in per cent.
        logs: The folder of the runs that have a name only.

    Raises:
        FashionZooError: There is no such run, its records are incomplete, or none has such a metric.

    Example:
        >>> import fashionzoo as fz
        >>> figure = fz.plot_runs(["cnn_plain:report", "cnn_plain:tuned"])  # doctest: +SKIP
        >>> figure.savefig("curves.pdf")  # doctest: +SKIP
    """
    found = get_runs(runs, Path(logs))
    if not found:
        raise FashionZooError("there is no run to plot: name one that `fashionzoo runs` shows")
    labels = run_labels(found)
    charts = [(metric, _tags(metric, found)) for metric in dict.fromkeys(metrics)]
    columns = min(2, len(charts))
    rows, legend_rows = math.ceil(len(charts) / columns), len(found) if len(found) > 1 else 1
    with rc_context(STYLE):  # type: ignore[arg-type]  # a literal type for each key
        figure = Figure(figsize=(4.6 * columns, 2.9 * rows + 0.2 * legend_rows), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, (metric, tags) in zip(panels, charts, strict=False):
            for number, run in enumerate(found):
                _plot_run(axes, run, tags, number, alone=len(found) == 1)
            axes.set(xlabel="epoch", ylabel=_axis_name(tags[0] if len(tags) == 1 else metric))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in panels[len(charts) :]:
            axes.remove()
        _add_legend(figure, found, labels, [tag for _, tags in charts for tag in tags])
    return figure


def run_labels(runs: Sequence[Run]) -> list[str]:
    """Return what tells runs apart: network, recipe, what was changed; a run's name where that is the same.

    Args:
        runs: One or more.
    """
    networks, recipes = [network_of(run.folder) for run in runs], [str(run.config["recipe"]) for run in runs]
    changed = [run.changed for run in runs]
    if len(runs) == 1:
        with_changes = f" with {describe_changes(changed[0])}" if changed[0] else ""
        return [f"{networks[0]}/{runs[0].folder.name}: recipe {recipes[0]}{with_changes}"]
    alike = len(set(zip(networks, recipes, strict=True))) == 1
    differ = differences(changed, [run.flags for run in runs] if alike else changed)
    labels = [
        " ".join(part for part, parts in ((network, networks), (recipe, recipes)) if len(set(parts)) > 1)
        for network, recipe in zip(networks, recipes, strict=True)
    ]
    words = map(describe_changes, differ)
    labels = [", ".join(filter(None, parts)) for parts in zip(labels, words, strict=True)]
    if len(set(labels)) == len(labels):
        return labels
    return [": ".join(filter(None, (run.folder.name, label))) for run, label in zip(runs, labels, strict=True)]


def training_label(run: Run) -> str:
    """Return what the training curve of a network is, which is measured during the epoch."""
    return "training, dropout on" if run.setting("model.dropout") else "training"


def plot_curve(axes: Axes, values: Sequence[float], label: str, color: str, line: str = "-", **style: Any) -> None:
    """Plot values against the epoch, with a dot where the run ended.

    Args:
        axes: Where to.
        values: One for each epoch, NaN where nothing was logged.
        label: What the legend says of it; ``"_"`` for nothing.
        color: Of the line.
        line: Its style.
        **style: Other properties of the line.
    """
    points = [(epoch, value) for epoch, value in enumerate(values, 1) if not math.isnan(value)]
    if not points:
        return
    axes.plot(*zip(*points, strict=True), line, color=color, label=label, alpha=0.8, linewidth=0.9, **style)
    axes.plot(*points[-1], ".", color=color, markersize=4)


def _plot_run(axes: Axes, run: Run, tags: Sequence[str], number: int, alone: bool) -> None:
    """Plot the curves of one of several runs."""
    for tag in tags:
        training = tag.startswith("train/") and len(tags) > 1
        values = [_scale(tag) * value for value in run.metrics.get(tag, ())]
        if all(map(math.isnan, values)):
            warnings.warn(f"the run in {run.folder} has no {tag}: it is left out of that chart", stacklevel=3)
            continue
        style: dict[str, Any] = {"color": OKABE_ITO[0 if training else 1]}
        if not alone:
            step = max(1, len(values) // NUM_MARKERS)
            style = {**_style(number), "markevery": (number * step // 3 % step, step)}  # no marker hides another
        plot_curve(axes, values, "_", line=LINES[1] if training else LINES[0], **style)


def _style(number: int) -> dict[str, Any]:
    """Return the color and the marker of one of several runs."""
    return {
        "color": OKABE_ITO[number % len(OKABE_ITO)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 4,
    }


def _add_legend(figure: Figure, runs: Sequence[Run], labels: Sequence[str], tags: Sequence[str]) -> None:
    """Say below the charts which run has which color and marker, and which line is training and which validation."""
    alone, split = len(runs) == 1, len({tag.partition("/")[0] for tag in tags} & {"train", "val"}) > 1
    handles = [] if alone else [Line2D([], [], label=label, **_style(n)) for n, label in enumerate(labels)]
    if split:
        of_train, of_val = OKABE_ITO[:2] if alone else ("black", "black")
        training = training_label(runs[0]) if alone else "training"
        handles.append(Line2D([], [], color=of_val, linestyle=LINES[0], label="validation"))
        handles.append(Line2D([], [], color=of_train, linestyle=LINES[1], label=training))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2 if alone or len(figure.axes) > 1 else 1)
    networks = {network_of(run.folder) for run in runs}
    if alone or len(networks) == 1:
        figure.suptitle(labels[0] if alone else networks.pop(), fontsize=9)


def _tags(metric: str, runs: Sequence[Run]) -> list[str]:
    """Return what is logged of a metric: itself, or of training and validation.

    Raises:
        FashionZooError: No run has it.
    """
    known = dict.fromkeys(name for run in runs for name in run.metrics if name != "epoch")
    if metric in known:
        return [metric]
    tags = [f"{split}/{metric}" for split in SPLITS if f"{split}/{metric}" in known]
    if not tags:
        hint = did_you_mean(metric, [*DEFAULT_METRICS, *known])
        raise FashionZooError(f"no run has a metric {metric!r}: {hint}")
    return tags


def _scale(tag: str) -> int:
    """Return 100 for shares, which are shown in per cent, 1 otherwise."""
    shares = ("acc", "acc_without_dropout", "calibration_error", "near_zero", "recall")
    return 100 if any(part in shares for part in tag.split("/")) else 1


def _axis_name(metric: str) -> str:
    """Return what an axis shows.

    Example:
        >>> _axis_name("acc"), _axis_name("val/recall/Shirt"), _axis_name("gradient_norm/first_layer")
        ('accuracy, %', 'validation recall of Shirt, %', 'gradient norm, first layer')
    """
    split, _, rest = metric.partition("/") if metric.partition("/")[0] in (*SPLITS, "test") else ("", "", metric)
    kind, _, of = rest.partition("/")
    if kind == "recall" and of:
        name = f"recall of {of}"
    else:
        name = ", ".join(filter(None, (NAMES.get(kind, kind.replace("_", " ")), of.replace("_", " "))))
    words = " ".join(filter(None, (SPLITS.get(split, split), name)))
    return f"{words}, %" if _scale(metric) == 100 else words
