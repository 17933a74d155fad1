"""`fashionzoo evaluate`: all that is measured of a network on the test images."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fashionzoo.cli.options import (
    DEFAULT_NETWORK,
    add_hardware,
    add_json,
    add_root,
    add_source,
    given,
    load_network_from_options,
    network_help,
    path,
    use_hardware,
)
from fashionzoo.errors import FashionZooError
from fashionzoo.terminal import format_percent, warnings_as_lines
from fashionzoo.zoo.registry import list_models

if TYPE_CHECKING:
    from fashionzoo.zoo.evaluation import Evaluation
    from fashionzoo.zoo.loading import LoadedNetwork

HELP = "evaluate a network on the 10,000 test images, or on pictures of your own"
EXAMPLES = (
    "fashionzoo evaluate cnn_plain --weights report --plot confusion.png",
    "fashionzoo evaluate mlp_relu_narrowing --threads 1",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("name", type=given, metavar="NETWORK", nargs="?", help=network_help())
    parser.add_argument(
        "folder", type=path, metavar="FOLDER", nargs="?", help="pictures of your own, in a folder for each class"
    )
    add_source(parser)
    add_root(parser)
    add_hardware(parser)
    add_json(parser)
    parser.add_argument(
        "--corruptions", action="store_true", help="evaluate on test images with noise, blur, shifts, ... instead"
    )
    parser.add_argument("--plot", type=path, metavar="FILE", help="draw the confusion matrix: .png, .svg or .pdf")


def run(options: Namespace) -> None:
    """Evaluate a network and print everything."""
    if options.plot:
        from fashionzoo.plots.figures import figure_format

        figure_format(options.plot)  # refused before the evaluation
    if options.plot and options.corruptions:
        raise FashionZooError("--plot draws the confusion matrix of the clean images: leave out --corruptions")
    is_folder = options.name not in list_models() and Path(options.name or "").is_dir()
    if options.name and options.folder is None and is_folder:
        options.folder = Path(options.name)
        options.name = None if options.checkpoint else DEFAULT_NETWORK
    if options.folder and not options.folder.is_dir():
        raise FashionZooError(f"there is no folder {options.folder}: name one with a folder for each class")
    if options.folder and options.corruptions:
        raise FashionZooError("--corruptions are of the test images: leave out the folder")
    device = use_hardware(options)
    loaded = load_network_from_options(options.name, options)
    loaded.network.to(device)
    if options.corruptions:
        _print_corruptions(loaded, options)
        return
    from fashionzoo.zoo.evaluation import evaluate
    from fashionzoo.zoo.folders import evaluate_folder

    errors: list[FashionZooError] = []
    if options.folder:
        with warnings_as_lines():
            scores = evaluate_folder(loaded.network, options.folder, errors)
    else:
        scores = evaluate(loaded.network, options.root)
    _print_scores(scores, loaded, options)
    for error in errors:
        print(f"fashionzoo: error: {error}", file=sys.stderr)
    if errors:
        sys.exit(2)


def _print_scores(scores: Evaluation, loaded: LoadedNetwork, options: Namespace) -> None:
    """Print what was measured, and draw it."""
    class_names = loaded.network.class_names
    if options.plot:
        from fashionzoo.plots.figures import plot_confusion, save_figure

        title = f"{loaded.name} {loaded.weights}, {options.folder or 'test'}"
        save_figure(plot_confusion(scores.confusion, title, class_names), options.plot)
    if options.json:
        print(json.dumps({"network": loaded.name, "weights": loaded.weights, **asdict(scores)}, indent=1))
        return
    from rich.console import Console

    from fashionzoo.plots.tables import confusion_table, metrics_table

    console = Console()
    title, count = f"{loaded.name} {loaded.weights}", sum(map(sum, scores.confusion))
    title += f", {count:,} pictures in {options.folder}" if options.folder else f", {count:,} test images"
    console.print(metrics_table(title, scores.metrics, scores.confusion, class_names))
    console.print(confusion_table(scores.confusion, class_names))


def _print_corruptions(loaded: LoadedNetwork, options: Namespace) -> None:
    """Print the accuracy on corrupted test images."""
    from fashionzoo.zoo.corruptions import evaluate_corruptions, mean_accuracy

    accuracies = evaluate_corruptions(loaded.network, options.root)
    if options.json:
        source = {"network": loaded.name, "weights": loaded.weights}
        print(json.dumps({**source, "accuracies": accuracies, "mean": mean_accuracy(accuracies)}, indent=1))
        return
    from rich.console import Console

    from fashionzoo.plots.tables import corruptions_table

    title = f"{loaded.name} {loaded.weights}: {format_percent(mean_accuracy(accuracies))} on corrupted test images"
    Console().print(corruptions_table(title, accuracies))
