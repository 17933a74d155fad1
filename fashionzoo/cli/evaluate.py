"""`fashionzoo evaluate`: all that is measured of a network on the test images."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashionzoo.cli.formats import Cell, render
from fashionzoo.cli.options import (
    ALL_NETWORKS,
    DEFAULT_NETWORK,
    add_dpi,
    add_format,
    add_hardware,
    add_root,
    add_source,
    given,
    load_network_from_options,
    network_help,
    path,
    say_default,
    trained_networks,
    use_hardware,
)
from fashionzoo.errors import FashionZooError
from fashionzoo.terminal import format_percent, warnings_as_lines
from fashionzoo.zoo.overview import find_run
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
    named = f"{network_help()}, a run as cnn_plain/version_0, or {ALL_NETWORKS}"
    parser.add_argument("name", type=given, metavar="NETWORK", nargs="?", help=named)
    parser.add_argument(
        "folder", type=path, metavar="FOLDER", nargs="?", help="pictures of your own, in a folder for each class"
    )
    add_source(parser)
    add_root(parser)
    add_hardware(parser)
    add_format(parser)
    parser.add_argument(
        "--corruptions", action="store_true", help="evaluate on test images with noise, blur, shifts, ... instead"
    )
    parser.add_argument("--plot", type=path, metavar="FILE", help="draw the confusion matrix: .png, .svg or .pdf")
    add_dpi(parser)


def run(options: Namespace) -> None:
    """Evaluate a network, or all, and print everything."""
    if options.plot:
        from fashionzoo.plots.figures import figure_format

        figure_format(options.plot)  # refused before the evaluation
    if options.plot and options.corruptions:
        raise FashionZooError("--plot draws the confusion matrix of the clean images: leave out --corruptions")
    if options.name and options.folder is None and _is_folder(options.name):
        options.folder = Path(options.name)
        options.name = None if options.checkpoint else DEFAULT_NETWORK
    if options.folder and not options.folder.is_dir():
        raise FashionZooError(f"there is no folder {options.folder}: name one with a folder for each class")
    if options.folder and options.corruptions:
        raise FashionZooError("--corruptions are of the test images: leave out the folder")
    errors: list[FashionZooError] = []
    if options.name == ALL_NETWORKS:
        _evaluate_all(options, errors)
    else:
        loaded = _load(options.name, options)
        if options.corruptions:
            _print_corruptions(loaded, options)
        else:
            _print_scores(_evaluate(loaded, options, errors), loaded, options)
        if not options.weights:
            say_default(options.name, loaded)
    for error in dict.fromkeys(map(str, errors)):
        print(f"fashionzoo: error: {error}", file=sys.stderr)
    if errors:
        sys.exit(2)


def _is_folder(name: str) -> bool:
    """Tell whether a word names a folder of pictures, and no network or run."""
    return name not in list_models() and Path(name).is_dir() and find_run(name) is None


def _load(name: str | None, options: Namespace) -> LoadedNetwork:
    """Return a network on the device that the flags name."""
    device = use_hardware(options)
    loaded = load_network_from_options(name, options)
    loaded.network.to(device)
    return loaded


def _evaluate(loaded: LoadedNetwork, options: Namespace, errors: list[FashionZooError]) -> Evaluation:
    """Evaluate a network on the test images, or on a folder's pictures."""
    from fashionzoo.zoo.evaluation import evaluate
    from fashionzoo.zoo.folders import evaluate_folder

    if not options.folder:
        return evaluate(loaded.network, options.root)
    with warnings_as_lines():
        return evaluate_folder(loaded.network, options.folder, errors)


def _evaluate_all(options: Namespace, errors: list[FashionZooError]) -> None:
    """Evaluate all networks that come with weights, and print a table."""
    for flag in ("checkpoint", "plot", "corruptions"):
        if getattr(options, flag):
            raise FashionZooError(f"--{flag} is of one network: name it in place of {ALL_NETWORKS}")
    networks = [_load(name, options) for name in trained_networks()]
    scores = [_evaluate(loaded, options, errors) for loaded in networks]
    if options.format == "json":
        print(json.dumps([_to_dict(*each) for each in zip(networks, scores, strict=True)], indent=1))
        return
    from rich.console import Console

    from fashionzoo.plots.tables import accuracies_table, measure_rows

    labels = [loaded.label for loaded in networks]
    if options.format == "table":
        Console().print(accuracies_table(labels, scores))
    else:
        rows = [[name, *cells] for name, cells in measure_rows(scores).items()]
        print(render(["measure", *labels], rows, options.format))


def _print_scores(scores: Evaluation, loaded: LoadedNetwork, options: Namespace) -> None:
    """Print what was measured, and draw it."""
    class_names, count = loaded.network.class_names, sum(map(sum, scores.confusion))
    if options.plot:
        from fashionzoo.plots.figures import plot_confusion, save_figure

        accuracy = f"{100 * scores.metrics['test/acc']:.2f} % on {options.folder or 'the test set'}"
        figure = plot_confusion(scores.confusion, f"{loaded.label}: accuracy {accuracy}", class_names)
        save_figure(figure, options.plot, options.dpi)
        print(f"wrote {options.plot}", file=sys.stderr)
    if options.format == "json":
        print(json.dumps(_to_dict(loaded, scores), indent=1))
        return
    from rich.console import Console

    from fashionzoo.plots.tables import confusion_table, measure_rows, metrics_table

    if options.format != "table":
        rows = [[name, *cells] for name, cells in measure_rows([scores]).items()]
        print(render(["measure", loaded.label], rows, options.format))
        if options.format == "csv":
            print("the confusion matrix is in the other formats: CSV holds one table", file=sys.stderr)
        else:
            confusion: list[list[Cell]] = [
                [name, *row] for name, row in zip(class_names, scores.confusion, strict=True)
            ]
            print(f"\n{render(['true class', *class_names], confusion, options.format)}")
        return
    console = Console()
    title = f"{loaded.label}, {count:,} {f'pictures in {options.folder}' if options.folder else 'test images'}"
    console.print(metrics_table(title, scores.metrics, scores.confusion, class_names))
    console.print(confusion_table(scores.confusion, class_names))


def _to_dict(loaded: LoadedNetwork, scores: Evaluation) -> dict[str, Any]:
    """Return what was measured for JSON."""
    return {"network": loaded.name, "weights": loaded.weights, **asdict(scores)}


def _print_corruptions(loaded: LoadedNetwork, options: Namespace) -> None:
    """Print the accuracy on corrupted test images."""
    from fashionzoo.zoo.corruptions import evaluate_corruptions, mean_accuracy

    accuracies = evaluate_corruptions(loaded.network, options.root)
    if options.format == "json":
        source = {"network": loaded.name, "weights": loaded.weights}
        print(json.dumps({**source, "accuracies": accuracies, "mean": mean_accuracy(accuracies)}, indent=1))
        return
    if options.format != "table":
        columns = ["corruption", *(f"strength {strength}, %" for strength in range(1, 6))]
        rows = [[name, *(f"{100 * accuracy:.2f}" for accuracy in row)] for name, row in accuracies.items()]
        print(render(columns, rows, options.format))
        return
    from rich.console import Console

    from fashionzoo.plots.tables import corruptions_table

    title = f"{loaded.label}: {format_percent(mean_accuracy(accuracies))} on corrupted test images"
    Console().print(corruptions_table(title, accuracies))
