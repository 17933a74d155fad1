"""The ``fashionzoo`` command. A subcommand imports only what it needs."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fashionzoo import __version__
from fashionzoo.errors import InputError, fail, nearest
from fashionzoo.recipes import RECIPES

if TYPE_CHECKING:
    from fashionzoo.claims import Verdict

EXAMPLES = """\
examples:
  fashionzoo list
  fashionzoo data
  fashionzoo fit mlp_relu_narrowing --trainer.max_epochs 50
  fashionzoo fit cnn_plain --recipe tuned
  fashionzoo claims
  fashionzoo predict shirt.png --checkpoint lightning_logs/cnn_plain/version_0/checkpoints/best.ckpt
"""
TOP = 3  # classes that predict shows


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors take one line and name the nearest subcommand."""

    def error(self, message: str) -> NoReturn:
        """End the process with what is wrong in one line."""
        fail(f"{message}; see `{self.prog} --help`")


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        args: The words after ``fashionzoo``; ``None`` for this process's.

    Raises:
        SystemExit: With code 2 and one line on the screen when something is wrong.
    """
    words = sys.argv[1:] if args is None else list(args)
    parser = _parser()
    try:
        if len(words) > 1 and words[0] == "fit" and not words[1].startswith("-"):
            fit(words[1], words[2:])  # the rest are the launcher's flags, not this parser's
            return
        if words and not words[0].startswith("-") and words[0] not in COMMANDS:
            raise InputError(f"unknown command {words[0]!r}: {nearest(words[0], COMMANDS)}")
        options = parser.parse_args(words)
        COMMANDS[options.command](options)
    except InputError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def list_networks(options: argparse.Namespace) -> None:
    """Print the networks and how long their recipes run."""
    for name in sorted(RECIPES):
        recipes = ", ".join(f"{recipe} ({value.epochs} epochs)" for recipe, value in RECIPES[name].items())
        print(f"{name:22} recipes: {recipes}")


def fetch_data(options: argparse.Namespace) -> None:
    """Fetch and check the four files, and say where each came from."""
    from fashionzoo import files

    origins = files.fetch(options.root)
    for path, source in origins:
        files.verify(path)
        print(f"{path}  {source}, SHA-256 checked")


def fit(name: str, flags: Sequence[str]) -> None:
    """Train a network as its launcher would."""
    if name not in RECIPES:
        raise InputError(f"unknown network {name!r}: {nearest(name, sorted(RECIPES))}")
    from fashionzoo.classifier import NETWORKS
    from fashionzoo.launcher import launch

    launch(NETWORKS[name], flags)


def fit_nothing(options: argparse.Namespace) -> None:
    """Complain that no network was named."""
    raise InputError(f"fit needs the name of a network: {nearest('', sorted(RECIPES))}")


def predict(options: argparse.Namespace) -> None:
    """Print the likeliest classes of each image; images that cannot be read do not keep back the others."""
    from fashionzoo import checkpoints, images

    network = checkpoints.restore(options.checkpoint)
    warnings.showwarning = lambda warning, *_: print(f"fashionzoo: warning: {warning}", file=sys.stderr)
    refused = []
    for image in images.find(map(Path, options.images)):
        try:
            prediction = network.classify(image, options.invert)
        except InputError as error:
            refused.append(error)
            continue
        likeliest = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:TOP]
        print(f"{image}: " + ", ".join(f"{name} {probability:.1%}" for name, probability in likeliest))
    for complaint in refused:
        print(f"fashionzoo: error: {complaint}", file=sys.stderr)
    if refused:
        sys.exit(2)


def show_claims(options: argparse.Namespace) -> None:
    """Print what the runs say of each claim of the report."""
    if options.logs.exists() and not options.logs.is_dir():
        raise InputError(f"{options.logs} is not a folder: name one with runs in it")
    if options.run:
        from fashionzoo import reference
        from fashionzoo.resume import InterruptedRunError

        try:
            with contextlib.redirect_stdout(sys.stderr):
                reference.make(options.logs, "report")
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


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "claims": show_claims,
    "list": list_networks,
    "data": fetch_data,
    "fit": fit_nothing,
    "predict": predict,
}


def _parser() -> Parser:
    """Return the parser of everything but the flags of ``fit``."""
    parser = Parser(
        prog="fashionzoo",
        description="Six small networks on Fashion-MNIST.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="show the networks")
    data = commands.add_parser("data", help="fetch and check Fashion-MNIST")
    data.add_argument("--root", help="folder of the data; default: $FASHIONZOO_DATA or the user's cache folder")
    claims = commands.add_parser("claims", help="check the report's claims against finished runs")
    claims.add_argument(
        "logs", nargs="?", type=Path, default=Path("lightning_logs"), metavar="LOGDIR", help="default: lightning_logs"
    )
    claims.add_argument("--run", action="store_true", help="train first what is missing: an hour or more")
    claims.add_argument("--json", action="store_true", help="print JSON, with each seed's numbers")
    fitting = commands.add_parser("fit", help="train and test a network", usage="fashionzoo fit NETWORK [FLAGS]")
    fitting.epilog = f"NETWORK is one of {', '.join(sorted(RECIPES))}; `fashionzoo fit NETWORK --help` lists its flags."
    predicting = commands.add_parser("predict", help="say what is on images")
    predicting.add_argument("images", nargs="+", metavar="IMAGE", help="image files of any size, or folders of them")
    predicting.add_argument("--invert", action="store_true", help="the images are black on white")
    predicting.add_argument("--checkpoint", required=True, help="what a run left under checkpoints/")
    return parser
