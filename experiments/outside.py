"""The section of RESULTS.md on pictures from outside: drawn, spoiled, and of what is no clothes."""

import json
from pathlib import Path
from typing import Any

import corruptions
import markdown
import pictures
import unfamiliar
from matplotlib.figure import Figure
from result_sections import figure_line

from fashionzoo.data.labeled import test_set
from fashionzoo.images.classes import FAMILIAR
from fashionzoo.models.network import compute_logits
from fashionzoo.plots.reliability import plot_reliability
from fashionzoo.weights.manifest import VERSIONS
from fashionzoo.zoo.corruptions import mean_accuracy
from fashionzoo.zoo.models import get_model, get_weights, list_weights
from fashionzoo.zoo.registry import list_models


def measured(path: Path) -> Any:
    """Return what a script has measured."""
    return json.loads(path.read_text(encoding="utf-8"))


def outside_section() -> list[str]:
    """Return the section."""
    return [
        "## Pictures from outside",
        "",
        *pictures_lines(),
        "### What is no clothes",
        "",
        *unfamiliar_lines(),
        "### Corruptions",
        "",
        *corruption_lines(),
        "### Calibration",
        "",
        *calibration_lines(),
    ]


def pictures_lines() -> list[str]:
    """Return how many drawn pictures are recognized."""
    lines = [
        "Drawings of clothes from free sets, of which `tests/pictures/drawn/LICENSES.md` has the sources, were "
        "dealt into two halves, set by set. How a picture is prepared was chosen on one half; the other was only "
        "counted. A drawing is in color, an icon of one color or two. Pictures that the tuned networks recognize "
        "(`python experiments/pictures.py`); the last column counts those that are called none of the classes:",
        "",
    ]
    for group, found in measured(pictures.OUTPUT).items():
        half, style = group.split(", ")
        names = {"all": "all", "drawing": "drawings", "icon": "icons"}[style]
        lines += [
            f"Half that was {'chosen with' if half == 'choose' else 'counted'}, {names}, {found['pictures']}:",
            "",
        ]
        rows = [
            [ground, *(row[name] for name in list_models()), row["unfamiliar"]]
            for ground, row in found["right"].items()
        ]
        lines += [*markdown.table(["ground", *list_models(), "none of these"], rows), ""]
    return lines


def unfamiliar_lines() -> list[str]:
    """Return how well scores tell clothes from the rest."""
    found, chosen = measured(unfamiliar.OUTPUT), measured(pictures.OUTPUT)["choose, all"]
    kinds = list(found["all"]["the score that ships"])[:-1]
    rows = [
        [
            "all" if name == "all" else f"{name} tuned",
            score,
            *(f"{by_kind[kind]['auroc']:.3f} ({100 * by_kind[kind]['passing']:.0f})" for kind in kinds),
            f"{sum(by_kind[kind]['auroc'] for kind in kinds) / len(kinds):.3f}",
            f"{100 * by_kind['test images']['passing']:.1f}",
        ]
        for name, scores in found.items()
        for score, by_kind in scores.items()
    ]
    return [
        "Area under the ROC curve against the test images, and in brackets the share in per cent that passes for "
        "clothes (`python experiments/unfamiliar.py`). The score that ships is a small network of its own, the same "
        f"for all twelve files: it passes what it gives at least {FAMILIAR}, the others what 95 % of the "
        "validation images exceed. It was trained with synthetic strokes, shapes, noise, stripes and cut-up "
        "training images as the other class, and with redrawn training images as clothes; digits, letters and "
        "photographs it never saw, noise, gray, checkerboards and blobs of its own it did. Its threshold "
        f"was chosen on the first half of the drawings, of which on white {chosen['right']['white']['unfamiliar']} of "
        f"{chosen['pictures']} are below it.",
        "",
        *markdown.table(["network", "score", *kinds, "mean", "test images passing, %"], rows),
        "",
    ]


def corruption_means() -> dict[str, dict[str, float]]:
    """Return the mean accuracy on corrupted test images, by network and version."""
    return {
        name: {version: mean_accuracy(accuracies) for version, accuracies in versions.items()}
        for name, versions in measured(corruptions.OUTPUT).items()
    }


def corruption_lines() -> list[str]:
    """Return the accuracy on corrupted images."""
    found = measured(corruptions.OUTPUT)
    kinds = list(next(iter(found.values()))["tuned"])
    rows = [
        [
            f"{name} {version}",
            *(f"{100 * sum(versions[version][kind]) / 5:.1f}" for kind in kinds),
            f"{100 * mean_accuracy(versions[version]):.1f}",
        ]
        for name, versions in found.items()
        for version in VERSIONS
    ]
    best = max(rows, key=lambda row: float(row[-1]))
    return [
        "Accuracy in per cent on the test images with nine corruptions, each the mean over five strengths (`fashionzoo "
        f"evaluate NAME --corruptions`). Which network is best, by this answer: {best[0]}.",
        "",
        *markdown.table(["file", *kinds, "mean"], rows),
        "",
        *figure_line("corruptions", "accuracy of the twelve files against the strength of each corruption"),
    ]


def plot_corruptions() -> Figure:
    """Plot the accuracy of all files against the strength of each corruption."""
    found = measured(corruptions.OUTPUT)
    kinds = list(next(iter(found.values()))["tuned"])
    figure = Figure(figsize=(11, 9.5), layout="constrained")
    figure.suptitle("Accuracy on 10,000 test images, corrupted, %")
    axes = figure.subplots(3, 3, sharex=True, sharey=True)
    markers = dict(zip(list_models(), "osD^v<", strict=True))
    for axis, kind in zip(axes.flat, kinds, strict=True):
        axis.set_title(kind, fontsize=10)
        for index, name in enumerate(list_models()):
            for version, style in zip(VERSIONS, ("--", "-"), strict=True):
                values = [100 * get_weights(name, version).metrics["test/acc"]]
                values += [100 * accuracy for accuracy in found[name][version][kind]]
                label = f"{name} {version}"
                axis.plot(values, style, color=f"C{index}", marker=markers[name], markersize=4, lw=1, label=label)
    for axis in axes[-1]:
        axis.set_xlabel("strength (0: as they are)")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure


def calibration_lines() -> list[str]:
    """Return what the temperatures do."""
    rows = [
        [
            f"{weights.name} {weights.version}",
            f"{weights.meta['temperature']:.3f}",
            f"{weights.metrics['test/calibration_error']:.4f}",
            f"{weights.metrics['test/calibrated_error']:.4f}",
        ]
        for weights in list_weights()
    ]
    return [
        "Temperature (Guo et al. 2017), fitted by cross-entropy on the validation images, and calibration error (15 "
        "bins, l1) on the test images without and with it.",
        "",
        *markdown.table(["file", "temperature", "without", "with"], rows),
        "",
        *figure_line(
            "reliability", "accuracy of the twelve files against their confidence, without and with temperature"
        ),
    ]


def plot_reliabilities() -> Figure:
    """Plot the reliability diagrams of all files."""
    networks = {f"{each.name} {each.version}": get_model(each.name, each.version) for each in list_weights()}
    images, labels = test_set()[:2]
    measured = {label: (compute_logits(network, images), network.temperature) for label, network in networks.items()}
    return plot_reliability(measured, labels)
