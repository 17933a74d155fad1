"""`fashionzoo compare`: is one network better than another?"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from fashionzoo.cli.formats import render
from fashionzoo.cli.options import (
    MFLOPS_GLOSS,
    add_format,
    add_hardware,
    add_root,
    first_file,
    given,
    network_help,
    path,
    say_default,
    use_hardware,
)
from fashionzoo.errors import FashionZooError
from fashionzoo.weights.manifest import VERSIONS
from fashionzoo.zoo.intervals import mean_interval
from fashionzoo.zoo.loading import LoadedNetwork, load_argument
from fashionzoo.zoo.models import get_weights
from fashionzoo.zoo.overview import find_run, read_overview
from fashionzoo.zoo.registry import list_models
from fashionzoo.zoo.runs import Run, network_of
from fashionzoo.zoo.studies import at_equal_budget

HELP = "compare networks on the test images: is one better, or was it chance?"
EXAMPLES = (
    "fashionzoo compare cnn_plain:report cnn_plain:tuned",
    "fashionzoo compare cnn_plain mlp_relu_narrowing --plot comparison.png",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "networks",
        nargs="+",
        type=given,
        metavar="NETWORK",
        help=f"{network_help()}, with a version as cnn_plain:report, a checkpoint, or a run as cnn_plain/version_0",
    )
    parser.add_argument(
        "--network",
        type=given,
        metavar="FILE",
        help="file with the class of your own network, needed for its checkpoints; default: the file that is compared",
    )
    add_root(parser)
    add_hardware(parser)
    add_format(parser)
    parser.add_argument("--plot", type=path, metavar="FILE", help="draw accuracies and recalls: .png, .svg or .pdf")


def run(options: Namespace) -> None:
    """Print the table, the recalls and a sentence for each pair."""
    if options.plot:
        from fashionzoo.plots.figures import figure_format, save_figure

        figure_format(options.plot)  # refused before the evaluation
    device = use_hardware(options)
    own = first_file(options.networks)
    loaded: dict[str, LoadedNetwork] = {}
    recipes = own_recipes(options.networks)
    for argument in options.networks:
        if argument in recipes:
            argument = f"{argument}:{recipes[argument]}"
            print(f"{argument} is compared, as your run of it has that recipe", file=sys.stderr)
        network = load_argument(argument, options.network or own)
        label = f"{network.name}:{network.weights}" if network.weights in VERSIONS else argument
        if label in loaded:
            raise FashionZooError(f"{label} is named twice: name another")
        network.network.to(device)
        loaded[label] = network
    from fashionzoo.zoo.comparison import compare

    comparison = compare({label: network.network for label, network in loaded.items()}, options.root)
    for argument, network in zip(options.networks, loaded.values(), strict=True):
        if argument not in recipes:
            say_default(argument, network)
    if options.plot:
        from fashionzoo.plots.comparison import plot_comparison

        save_figure(plot_comparison(comparison), options.plot)
        print(f"wrote {options.plot}", file=sys.stderr)
    seconds = {label: value for label, network in loaded.items() if (value := seconds_per_epoch(network))}
    seeds = {label: text for label, network in loaded.items() if (text := spread_over_seeds(network))}
    searched = at_equal_budget(network.name for network in loaded.values())
    if options.format == "json":
        known = {"seconds_per_epoch": seconds, "accuracy_over_seeds": seeds, "at_equal_budget": searched}
        print(json.dumps({**asdict(comparison), **known}, indent=1))
        return
    from rich.console import Console

    from fashionzoo.plots.comparison import comparison_rows, comparison_tables
    from fashionzoo.plots.tables import CALIBRATION_GLOSS

    if options.format != "table":
        rows = comparison_rows(comparison.candidates, seconds, seeds)
        print(
            render(["measure", *loaded], [[name, *cells] for name, cells in rows.items() if any(cells)], options.format)
        )
        for sentence in (*comparison.pairs, *filter(None, [searched])):
            print(sentence, file=sys.stderr)
        return

    console = Console()
    for number, label in enumerate(loaded, 1):
        console.print(f"{number}  {label}", highlight=False)
    for table in comparison_tables(comparison, seconds, seeds, console.width):
        console.print(table)
    for pair in comparison.pairs:
        console.print(str(pair), highlight=False)
    if searched:
        console.print(searched, highlight=False)
    console.print(
        "Each p is about these weights on these test images: training again with another seed gives other weights. "
        "Seconds are those of the machine and the training images of each run.",
        highlight=False,
    )
    console.print(f"{CALIBRATION_GLOSS}\n{MFLOPS_GLOSS}", highlight=False)


def own_recipes(arguments: Sequence[str]) -> dict[str, str]:
    """Return the recipes, by network, of the runs among what is compared: a bare name stands for the same version."""
    recipes: dict[str, str] = {}
    for argument in arguments:
        folder = None if argument in list_models() else find_run(argument)
        if folder and (version := str(read_overview(folder).recipe)) in VERSIONS:
            recipes.setdefault(network_of(folder), version)
    return recipes


def _run_of(network: LoadedNetwork) -> Run | None:
    """Return the finished run that left a network's checkpoint."""
    run_dir = Path(network.weights).resolve().parent.parent
    return Run(run_dir) if network.weights.endswith(".ckpt") and _has_records(run_dir) else None


def _has_records(run_dir: Path) -> bool:
    """Tell whether a run has come to its end and its records can be read."""
    return read_overview(run_dir).test_accuracy is not None


def seconds_per_epoch(network: LoadedNetwork) -> float | None:
    """Return the seconds that an epoch of training took, validation included, where that was recorded."""
    if run := _run_of(network):
        return float(run.environment["seconds"]) / run.tested_epoch()
    if network.weights in VERSIONS:
        meta = get_weights(network.name, network.weights).meta
        return float(meta["made_on"]["seconds"]) / int(meta["best_epoch"])
    return None


def spread_over_seeds(network: LoadedNetwork) -> str | None:
    """Return the mean test accuracy over the seeds of a recipe with its 95 % interval, in per cent, of two or more."""
    if network.weights in VERSIONS:
        return get_weights(network.name, network.weights).spread
    run = _run_of(network)
    if run is None:
        return None
    settings = {**run.config, "seed_everything": None}
    directories = [path for path in run.folder.parent.iterdir() if _has_records(path)]
    siblings = {
        each.seed: each for each in map(Run, directories) if {**each.config, "seed_everything": None} == settings
    }
    accuracies = [100 * each.final("test/acc") for each in siblings.values()]
    if len(accuracies) < 2:
        return None
    low, high = mean_interval(accuracies)
    return f"{mean(accuracies):.2f} ±{(high - low) / 2:.2f}"
