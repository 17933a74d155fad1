"""The sections of RESULTS.md about claims, networks and files."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import correlation, mean
from typing import Any

import compare_files
import markdown

from fashionzoo.claims import evaluation, measures
from fashionzoo.claims.claim import SIGMOID, ClaimResult, format_mean_range
from fashionzoo.images.classes import CLASSES
from fashionzoo.training.recipe import get_recipe
from fashionzoo.zoo.intervals import mean_interval
from fashionzoo.zoo.models import get_weights, list_weights
from fashionzoo.zoo.recipes import RECIPES
from fashionzoo.zoo.registry import get_class
from fashionzoo.zoo.runs import Run

SHOWN_SEEDS = 3  # whose intervals stand in a table, where there are more
OSCILLATES = -0.9  # lag-1 autocorrelation of the changes below which a curve goes up and down at every step


def with_interval(values: Iterable[float], scale: float = 100, digits: int = 2) -> str:
    """Return the mean over the seeds with its 95 % interval, by Student's t; of shares, in per cent.

    Example:
        >>> with_interval([0.9, 0.91, 0.92])
        '91.00 ± 2.48'
    """
    scaled = [scale * value for value in values]
    if len(scaled) < 2:
        return f"{scaled[0]:.{digits}f}"
    low, high = mean_interval(scaled)
    return f"{mean(scaled):.{digits}f} ± {(high - low) / 2:.{digits}f}"


def seeds_in_words(found: Mapping[int, Run]) -> str:
    """Return which seeds there are.

    Example:
        >>> seeds_in_words({0: None, 1: None, 2: None})
        'seeds 0, 1 and 2'
    """
    *most, last = sorted(found)
    return f"seeds {', '.join(map(str, most))} and {last}" if most else f"seed {last}"


def figure_line(name: str, text: str) -> list[str]:
    """Return the line that shows a figure, and an empty one."""
    return [f"![{text}](figures/{name}.png)", ""]


def count(results: Sequence[ClaimResult]) -> str:
    """Return how many claims of each kind hold."""
    return f"Of {len(results)} claims: " + "; ".join(evaluation.count_by_kind(results))


def intervals(result: ClaimResult) -> str:
    """Return the 95 % intervals that decide a claim: of the margin over the seeds, or of each seed."""
    if result.interval:
        return f"margin over the seeds: {result.claim.format_interval(result.interval)}"
    by_seed = [finding.interval for finding in result.findings.values() if finding.interval]
    return "; ".join(map(result.claim.format_interval, by_seed[:SHOWN_SEEDS]))


def claims_table(results: Sequence[ClaimResult]) -> list[str]:
    """Return the claims, what was measured, and why those that fail do."""
    columns = "claim", "the report says", "expected", "measured: mean (range)", "95 % interval", "kind", "outcome"
    rows = [
        [
            each.claim.id,
            each.claim.statement,
            each.claim.criterion,
            f"{each.measured()}{f', in {each.claim.unit}' if each.claim.unit else ''}",
            intervals(each),
            each.claim.kind,
            each.in_words,
        ]
        for each in results
    ]
    reasons = [f"{each.claim.id}: {each.reason}" for each in results if each.reason]
    return [*markdown.table(columns, rows), "", *(line for reason in reasons for line in (reason, ""))]


def over_seeds(found: Mapping[int, Run], value: Callable[[Run], float]) -> str:
    """Return mean and range of a value over the seeds."""
    return format_mean_range(value(run) for run in found.values())


def percent_over_seeds(found: Mapping[int, Run], value: Callable[[Run], float]) -> str:
    """Return the mean of a share over the seeds with its interval, in per cent."""
    return with_interval(value(run) for run in found.values())


def summary_paragraph(network: str, found: Mapping[int, Run]) -> str:
    """Return a paragraph about a network's runs."""
    recalls = {name: mean(run.per_class_recall()[name] for run in found.values()) for name in CLASSES}
    best, worst = max(recalls, key=recalls.__getitem__), min(recalls, key=recalls.__getitem__)
    epochs, recipe = [run.epochs for run in found.values()], get_recipe(get_class(network), "report")
    stopped = "" if min(epochs) == recipe.epochs else f" of {recipe.epochs}, then early stopping"
    confusions = {
        (true, said): mean(run.confusion[true][said] for run in found.values())
        for true in CLASSES
        for said in CLASSES
        if true != said
    }
    true, said = max(confusions, key=confusions.__getitem__)
    images = sum(found[0].confusion[true].values())
    confidence = compare_files.table()["confidence"][f"{network} report"]
    surer = 100 * (confidence - get_weights(network, "report").metrics["test/acc"])
    prefix, more = ("over", "more") if surer > 0 else ("under", "less")
    return (
        f"Trained for {format_mean_range(epochs)} epochs{stopped}. Validation accuracy peaks at "
        f"{percent_over_seeds(found, lambda run: run.best_epoch()[0])} % in epoch "
        f"{over_seeds(found, lambda run: run.best_epoch()[1])}; the network of that epoch has test accuracy "
        f"{percent_over_seeds(found, lambda run: run.final('test/acc'))} %, loss "
        f"{over_seeds(found, lambda run: run.final('test/loss'))} and calibration error "
        f"{over_seeds(found, lambda run: 100 * run.final('test/calibration_error'))} points. Its weights of seed 0 "
        f"are {prefix}confident: on average {abs(surer):.1f} points {more} sure than right. {best} is recognized "
        f"best (recall {100 * recalls[best]:.1f} %), {worst} worst ({100 * recalls[worst]:.1f} %); the commonest "
        f"mistake is {true} taken for {said}, {confusions[true, said]:.0f} of {images:,} test images. At the end the "
        f"network is {percent_over_seeds(found, measures.generalization_gap)} points more accurate on training "
        "images than on validation images. Training to the tested epoch took "
        f"{over_seeds(found, lambda run: run.environment['seconds'])} seconds."
    )


def network_section(network: str, found: Mapping[int, Run], results: Sequence[ClaimResult]) -> list[str]:
    """Return what there is to show of one network."""
    own = [result for result in results if result.claim.network == network]
    run = found[0]
    settings = {
        **run.config["model"],
        "batch_size": run.config["data"].get("batch_size") or "all",
        "precision": run.config["trainer"]["precision"],
    }
    lines = [f"### `{network}`", "", f"The report: {RECIPES[network]['report'].description}", ""]
    lines += [f"Trained with: {', '.join(f'{key} {value}' for key, value in settings.items())}.", ""]
    lines += [summary_paragraph(network, found), ""]
    lines += figure_line(network, f"loss and accuracy of {network}, a line for each of {seeds_in_words(found)}")
    if network == SIGMOID:
        lines += oscillation_section(found)
    lines += claims_table(own)
    lines += figure_line(f"{network}_confusion", f"confusion matrix of {network} on the test images, seed 0")
    return lines


def oscillation_section(found: Mapping[int, Run]) -> list[str]:
    """Return what is to be said of network 1's oscillation."""
    correlations = [lag_one_autocorrelation(run.metrics["val/acc"][250:300]) for run in found.values()]
    assert max(correlations) < OSCILLATES
    return [
        "At its rate network 1 oscillates with a period of two iterations: the changes of its validation accuracy over "
        f"iterations 251 to 300 have a lag-1 autocorrelation of {format_mean_range(correlations)}. Which class it "
        "recognizes changes from one iteration to the next, and with it what a single iteration would say of a claim.",
        "",
        *figure_line(
            "oscillation", "validation accuracy of network 1 at its end, and recalls in its last two iterations"
        ),
    ]


def lag_one_autocorrelation(values: Sequence[float]) -> float:
    """Return the correlation of each change of a curve with the one before it.

    Example:
        >>> round(lag_one_autocorrelation([0, 1, 0, 1, 0, 1, 0]), 2)
        -1.0
    """
    changes = [after - before for before, after in itertools.pairwise(values)]
    return correlation(changes[:-1], changes[1:])


def files_section() -> list[str]:
    """Return what tells the files apart that ship, and what they think of themselves."""
    measured = compare_files.table()
    rows = [
        [
            f"`{weights.name}` {weights.version}",
            weights.accuracy,
            f"{100 * (measured['confidence'][f'{weights.name} {weights.version}'] - weights.metrics['test/acc']):+.1f}",
            f"{100 * weights.metrics['test/calibration_error']:.1f}",
        ]
        for weights in list_weights()
    ]
    columns = (
        "file",
        "test accuracy, % (95 % interval)",
        "confidence minus accuracy, points",
        "calibration error, points",
    )
    return [
        "## The files that ship",
        "",
        "The accuracy of each file is of 10,000 test images, with Wilson's interval. A file whose mean confidence, the "
        "probability of the class that it names, is below its accuracy is underconfident, above it overconfident.",
        "",
        *markdown.table(columns, rows),
        "",
        f"{not_told_apart()} The test compares files; another seed gives other files.",
        "",
    ]


def not_told_apart() -> str:
    """Return a sentence on the pairs of files that the test images do not tell apart."""
    pairs = compare_files.table()["pairs"]
    alike = "; ".join(
        f"{pair['first']} and {pair['second']} (p {pair['p']:.2f})" for pair in pairs if pair["p"] >= 0.05
    )
    return f"McNemar's exact test on the same images tells all pairs of files apart but {alike}."


def minutes(meta: Mapping[str, Any]) -> float:
    """Return how long all epochs took, of which the seconds up to the best were recorded.

    Example:
        >>> minutes({"made_on": {"seconds": 60}, "best_epoch": 10, "epochs": 20})
        2.0
    """
    return float(meta["made_on"]["seconds"] / meta["best_epoch"] * meta["epochs"] / 60)
