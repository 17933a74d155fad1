"""What the subcommands of ``fashionzoo`` do. Each imports only what it needs, so that none waits for the others'."""

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

from fashionzoo.errors import InputError, nearest
from fashionzoo.recipes import RECIPES
from fashionzoo.zoo import get_model, list_models, list_weights

if TYPE_CHECKING:
    from fashionzoo.claims import Verdict
    from fashionzoo.networks import Network

ALL = "all"  # in place of a network's name
BEST = "cnn_balanced"  # what classifies when no network is named


class Chosen(NamedTuple):
    """A trained network, its name, and where its weights come from."""

    name: str
    weights: str
    network: Network


def choose(name: str | None, options: Namespace) -> Chosen:
    """Return the network that ``--weights`` or ``--checkpoint`` stand for.

    Args:
        name: What it must be; ``None`` for what the checkpoint holds or, without one, the best.
        options: Of a subcommand that has these flags.
    """
    if options.checkpoint:
        from fashionzoo import checkpoints

        held, network = checkpoints.restore(options.checkpoint)
        if name not in (None, held):
            raise InputError(f"{options.checkpoint} holds {held}, not {name}: name the network that it holds")
        return Chosen(held, options.checkpoint, network)
    name, version = name or BEST, options.weights or "tuned"
    return Chosen(name, version, get_model(name, version))


def list_networks(options: Namespace) -> None:
    """Print what comes with the package, and how good it is."""
    rows = list_weights()
    if options.json:
        print(json.dumps([{"network": row.name, "version": row.version, **row.entry} for row in rows], indent=1))
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
            f"{row.entry['parameters']:,}",
            f"{row.entry['flops'] / 1e6:.1f}",
            f"{row.metrics['test/acc']:.2%}",
            row.spread,
            f"{row.entry['bytes'] / 1e6:.1f}",
        )
    console = Console()
    console.print(table)
    console.print("test acc: the file that ships, in float32", highlight=False)
    console.print("mean (range): seeds 0, 1 and 2, in per cent, in the precision of training", highlight=False)


def fetch_data(options: Namespace) -> None:
    """Fetch and check the four files, and say where each came from."""
    from fashionzoo import files

    origins = files.fetch(options.root)
    for path, source in origins:
        files.verify(path)
        print(f"{path}  {source}, SHA-256 checked")


def fit(name: str, flags: Sequence[str]) -> None:
    """Train a network as its launcher would."""
    if name not in RECIPES:
        raise InputError(f"unknown network {name!r}: {nearest(name, list_models())}")
    from fashionzoo.classifier import NETWORKS
    from fashionzoo.launcher import launch

    launch(NETWORKS[name], flags)


def fit_nothing(options: Namespace) -> None:
    """Complain that no network was named."""
    raise InputError(f"fit needs the name of a network: {nearest('', list_models())}")


def evaluate(options: Namespace) -> None:
    """Measure a network on the test images and print everything."""
    chosen = choose(options.name, options)
    from fashionzoo.evaluation import evaluate

    scores = evaluate(chosen.network, options.root)
    if options.plot:
        from fashionzoo.figures import draw_confusion, save

        save(draw_confusion(scores.confusion), options.plot)
    if options.json:
        print(json.dumps({"network": chosen.name, "weights": chosen.weights, **asdict(scores)}, indent=1))
        return
    from rich.console import Console

    from fashionzoo.tables import confusion_table, scores_table

    console = Console()
    console.print(scores_table(f"{chosen.name} {chosen.weights}", scores.metrics, scores.confusion))
    console.print(confusion_table(scores.confusion))


def predict(options: Namespace) -> None:
    """Print the likeliest classes of each image; images that cannot be read do not keep back the others."""
    from fashionzoo import images

    if options.model == ALL and options.checkpoint:
        raise InputError("--checkpoint holds one network: leave out --model all")
    models = [choose(name, options) for name in (list_models() if options.model == ALL else [options.model])]
    warnings.showwarning = lambda warning, *_: print(f"fashionzoo: warning: {warning}", file=sys.stderr)
    refused, said = [], []
    for image in images.find(map(Path, options.images)):
        try:
            pixels = images.to_uint8(image, options.invert)
        except InputError as error:
            refused.append(error)
            continue
        for model in models:
            (prediction,) = model.network.classify([pixels])
            likeliest = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[: options.top]
            if options.json:
                origin = {"image": str(image), "network": model.name, "weights": model.weights}
                said.append({**origin, **prediction._asdict(), "probabilities": dict(likeliest)})
            else:
                who = f"{model.name:22} " if options.model == ALL else ""
                print(f"{image}: {who}" + ", ".join(f"{name} {probability:.1%}" for name, probability in likeliest))
    if options.json:
        print(json.dumps(said, indent=1))
    for complaint in refused:
        print(f"fashionzoo: error: {complaint}", file=sys.stderr)
    if refused:
        sys.exit(2)


def export(options: Namespace) -> None:
    """Write a network to a file, and say how far the file's answers are from the network's."""
    from fashionzoo.export import PARITY_IMAGES, export

    chosen = choose(options.name, options)
    difference = export(chosen.network, options.file, options.root)
    print(
        f"{options.file}: {chosen.name} {chosen.weights}, the same labels on {PARITY_IMAGES:,} test images, "
        f"probabilities within {difference:.1e}"
    )


def show_claims(options: Namespace) -> None:
    """Print what the runs say of each claim of the report."""
    if options.logs.exists() and not options.logs.is_dir():
        raise InputError(f"{options.logs} is not a folder: name one with runs in it")
    if options.run:
        from fashionzoo import reference
        from fashionzoo.resume import InterruptedRunError

        try:
            with contextlib.redirect_stdout(sys.stderr):
                reference.make(options.logs, "report", RECIPES)
        except InterruptedRunError as interruption:
            print(f"{interruption}: go on with the same command", file=sys.stderr)
            sys.exit(128 + interruption.signum)
    from fashionzoo import claims

    if not options.logs.is_dir():
        raise InputError(f"there is no folder {options.logs}: name the one with your runs, or add --run to train")
    verdicts = claims.measure(options.logs)
    if options.json:
        print(json.dumps([verdict.as_json() for verdict in verdicts], indent=1))
    else:
        print_verdicts(verdicts)
    if missing := [verdict for verdict in verdicts if verdict.outcome == "not comparable"]:
        raise InputError(
            f"{len(missing)} claims cannot be measured ({missing[0].reason}): --run makes the runs that are missing"
        )


def print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Print claims and outcomes as a table, the reasons of those that do not hold, and the count."""
    from rich.console import Console
    from rich.table import Table

    colours = {"holds": "green", "fails": "red", "not comparable": "yellow"}
    table = Table(show_lines=True)
    for column in ("id", "the report says", "expected", "measured: mean (range)", "outcome"):
        table.add_column(column, overflow="fold")
    for verdict in verdicts:
        claim, colour = verdict.claim, colours[verdict.outcome]
        outcome = f"[{colour}]{verdict.outcome}[/] {verdict.held if verdict.findings else ''}"
        table.add_row(claim.id, claim.says, claim.expects, verdict.measured(), outcome)
    console = Console()
    console.print(table)
    for verdict in verdicts:
        if verdict.reason:
            console.print(f"{verdict.claim.id} {verdict.outcome}: {verdict.reason}", highlight=False)
    counts: Counter[str] = Counter(verdict.outcome for verdict in verdicts)
    console.print(f"{len(verdicts)} claims: " + ", ".join(f"{counts[outcome]} {outcome}" for outcome in colours))
