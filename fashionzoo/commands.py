"""The subcommands of ``fashionzoo``. Imports are local to keep start-up fast."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.recipes import RECIPES
from fashionzoo.zoo import get_model, list_models, list_weights

if TYPE_CHECKING:
    from fashionzoo.claims import ClaimResult
    from fashionzoo.networks import Network

ALL_NETWORKS = "all"  # in place of a network's name
DEFAULT_NETWORK = "cnn_balanced"  # classifies when no network is named


class LoadedNetwork(NamedTuple):
    """A trained network, its name, and where its weights come from."""

    name: str
    weights: str
    network: Network


def load_network_from_options(name: str | None, options: Namespace) -> LoadedNetwork:
    """Return the network that ``--weights`` or ``--checkpoint`` stand for.

    Args:
        name: What it must be; ``None`` for what the checkpoint holds or, without one, the best.
        options: Of a subcommand that has these flags.
    """
    if options.checkpoint:
        from fashionzoo import checkpoints

        held, network = checkpoints.load_network(options.checkpoint)
        if name not in (None, held):
            raise FashionZooError(f"{options.checkpoint} holds {held}, not {name}: name the network that it holds")
        return LoadedNetwork(held, options.checkpoint, network)
    name, version = name or DEFAULT_NETWORK, options.weights or "tuned"
    return LoadedNetwork(name, version, get_model(name, version))


def list_networks(options: Namespace) -> None:
    """Print what comes with the package, and how good it is."""
    rows = list_weights()
    if options.json:
        print(json.dumps([{"network": row.name, "version": row.version, **row.meta} for row in rows], indent=1))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)  # fits into 80 columns
    for column in ("network", "version"):
        table.add_column(column, no_wrap=True)
    for column in ("params", "MFLOPs", "test acc", "mean (range)", "MB"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            row.version,
            f"{row.meta['parameters']:,}",
            f"{row.meta['flops'] / 1e6:.1f}",
            f"{row.metrics['test/acc']:.2%}",
            row.spread,
            f"{row.meta['bytes'] / 1e6:.1f}",
        )
    console = Console()
    console.print(table)
    console.print("test acc: the file that ships, in float32", highlight=False)
    console.print("mean (range): seeds 0, 1 and 2, in per cent, in the precision of training", highlight=False)


def fetch_data(options: Namespace) -> None:
    """Fetch and check the four files, and say where each came from."""
    from fashionzoo import files

    origins = files.ensure_downloaded(options.root)
    for path, source in origins:
        files.verify_checksum(path)
        print(f"{path}  {source}, SHA-256 checked")


def fit(argv: Sequence[str]) -> None:
    """Train a network as its launcher would.

    Args:
        argv: The network's name, before or after flags, and the launcher's flags.
    """
    after_flag = [False, *(word.startswith("--") and "=" not in word for word in argv)]
    names = [n for n, word in enumerate(argv) if not word.startswith("-") and not after_flag[n]]
    if not names:
        raise FashionZooError(f"fit needs the name of a network: {did_you_mean('', list_models())}")
    name = argv[names[0]]
    if name not in list_models():
        raise FashionZooError(f"unknown network {name!r}: {did_you_mean(name, list_models())}")
    from fashionzoo.classifier import NETWORKS
    from fashionzoo.launcher import launch

    launch(NETWORKS[name], [*argv[: names[0]], *argv[names[0] + 1 :]])


def evaluate(options: Namespace) -> None:
    """Evaluate a network on the test images and print everything."""
    if options.plot:
        from fashionzoo.plots import figure_format, plot_confusion, save_figure

        figure_format(options.plot)  # refused before the evaluation
    loaded = load_network_from_options(options.name, options)
    from fashionzoo.evaluation import evaluate

    scores = evaluate(loaded.network, options.root)
    if options.plot:
        save_figure(plot_confusion(scores.confusion), options.plot)
    if options.json:
        print(json.dumps({"network": loaded.name, "weights": loaded.weights, **asdict(scores)}, indent=1))
        return
    from rich.console import Console

    from fashionzoo.tables import confusion_table, metrics_table

    console = Console()
    console.print(metrics_table(f"{loaded.name} {loaded.weights}", scores.metrics, scores.confusion))
    console.print(confusion_table(scores.confusion))


def predict(options: Namespace) -> None:
    """Print the most likely classes of each image; images that cannot be read do not keep back the others."""
    from fashionzoo import images

    if options.model == ALL_NETWORKS and options.checkpoint:
        raise FashionZooError("--checkpoint holds one network: leave out --model all")
    names = list_models() if options.model == ALL_NETWORKS else [options.model]
    models = [load_network_from_options(name, options) for name in names]
    errors, answers = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda warning, *_: print(f"fashionzoo: warning: {warning}", file=sys.stderr)
        for image in images.expand_image_paths(map(Path, options.images)):
            try:
                pixels = images.to_uint8(image, options.invert)
            except FashionZooError as error:
                errors.append(error)
                continue
            for model in models:
                (prediction,) = model.network.predictions(pixels)
                top_classes = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[: options.top]
                if options.json:
                    source = {"image": str(image), "network": model.name, "weights": model.weights}
                    answers.append({**source, **prediction._asdict(), "probabilities": dict(top_classes)})
                else:
                    prefix = f"{model.name:22} " if options.model == ALL_NETWORKS else ""
                    print(f"{image}: {prefix}" + ", ".join(f"{name} {share:.1%}" for name, share in top_classes))
    if options.json:
        print(json.dumps(answers, indent=1))
    for refusal in errors:
        print(f"fashionzoo: error: {refusal}", file=sys.stderr)
    if errors:
        sys.exit(2)


def export(options: Namespace) -> None:
    """Write a network to a file, and say how far the file's answers are from the network's."""
    from fashionzoo.export import PARITY_IMAGES, export

    loaded = load_network_from_options(options.name, options)
    difference = export(loaded.network, options.file, options.root)
    print(
        f"{options.file}: {loaded.name} {loaded.weights}, the same labels on {PARITY_IMAGES:,} test images, "
        f"probabilities within {difference:.1e}"
    )


def show_claims(options: Namespace) -> None:
    """Print what the runs say of each claim of the report."""
    if options.logs.exists() and not options.logs.is_dir():
        raise FashionZooError(f"{options.logs} is not a folder: name one with runs in it")
    if options.run:
        from fashionzoo import reference_runs
        from fashionzoo.fault_tolerance import TrainingInterruptedError

        try:
            with contextlib.redirect_stdout(sys.stderr):
                reference_runs.train_missing_runs(options.logs, "report", RECIPES)
        except TrainingInterruptedError as interruption:
            print(f"{interruption}: resume with the same command", file=sys.stderr)
            sys.exit(128 + interruption.signum)
    from fashionzoo import claims, runs

    if not options.logs.is_dir():
        raise FashionZooError(f"there is no folder {options.logs}: name the one with your runs, or add --run to train")
    results = claims.evaluate_claims(options.logs)
    if options.json:
        print(json.dumps([result.to_dict() for result in results], indent=1))
    else:
        print_results(results)
    if ignored := [
        run
        for name in RECIPES
        if runs.reference_dirs(options.logs, name, "report")
        for run in runs.user_dirs(options.logs, name)
    ]:
        print(
            f"not counted: {', '.join(map(str, ignored))}, as {options.logs} has reference runs of the same networks; "
            "`fashionzoo claims DIRECTORY` measures runs of your own",
            file=sys.stderr,
        )
    if missing := [result for result in results if result.outcome == "not comparable"]:
        raise FashionZooError(
            f"{len(missing)} claims cannot be measured ({missing[0].reason}): --run makes the runs that are missing"
        )


def print_results(results: Sequence[ClaimResult]) -> None:
    """Print claims and outcomes as a table, the reasons of those that do not hold, and the count."""
    from rich.console import Console
    from rich.table import Table

    colors = {"holds": "green", "fails": "red", "not comparable": "yellow"}
    table = Table(show_lines=True)
    for column in ("id", "the report says", "expected", "measured: mean (range)", "outcome"):
        table.add_column(column, overflow="fold")
    for result in results:
        claim, color = result.claim, colors[result.outcome]
        outcome = f"[{color}]{result.outcome}[/] {result.held if result.findings else ''}"
        table.add_row(claim.id, claim.statement, claim.criterion, result.measured(), outcome)
    console = Console()
    console.print(table)
    for result in results:
        if result.reason:
            console.print(f"{result.claim.id} {result.outcome}: {result.reason}", highlight=False)
    counts: Counter[str] = Counter(result.outcome for result in results)
    console.print(f"{len(results)} claims: " + ", ".join(f"{counts[outcome]} {outcome}" for outcome in colors))
