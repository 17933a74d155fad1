"""`fashionzoo claims`: what finished runs say of the report's claims."""

from __future__ import annotations

import contextlib
import json
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fashionzoo.claims import runs
from fashionzoo.claims.claim import NETWORKS, ClaimResult
from fashionzoo.claims.evaluation import evaluate_claims
from fashionzoo.cli.options import add_json
from fashionzoo.errors import FashionZooError

HELP = "check the report's claims against finished runs"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "logs", nargs="?", type=Path, default=Path("lightning_logs"), metavar="LOGDIR", help="default: lightning_logs"
    )
    parser.add_argument("--run", action="store_true", help="train first what is missing: an hour or more", dest="train")
    add_json(parser)


def run(options: Namespace) -> None:
    """Print what the runs say of each claim of the report."""
    if options.logs.exists() and not options.logs.is_dir():
        raise FashionZooError(f"{options.logs} is not a folder: name one with runs in it")
    if options.train:
        _train_missing_runs(options.logs)
    if not options.logs.is_dir():
        raise FashionZooError(f"there is no folder {options.logs}: name the one with your runs, or add --run to train")
    results = evaluate_claims(options.logs)
    if options.json:
        print(json.dumps([result.to_dict() for result in results], indent=1))
    else:
        print_results(results)
    if ignored := [
        run
        for name in NETWORKS
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
        outcome = f"[{color}]{result.outcome}[/] {result.num_passed if result.findings else ''}"
        table.add_row(claim.id, claim.statement, claim.criterion, result.measured(), outcome)
    console = Console()
    console.print(table)
    for result in results:
        if result.reason:
            console.print(f"{result.claim.id} {result.outcome}: {result.reason}", highlight=False)
    counts: Counter[str] = Counter(result.outcome for result in results)
    console.print(f"{len(results)} claims: " + ", ".join(f"{counts[outcome]} {outcome}" for outcome in colors))


def _train_missing_runs(logs: Path) -> None:
    """Train the reference runs that are missing; their output goes to the error stream."""
    from fashionzoo.callbacks.shutdown import TrainingInterruptedError
    from fashionzoo.claims import reference_runs

    try:
        with contextlib.redirect_stdout(sys.stderr):
            reference_runs.train_missing_runs(logs, "report", NETWORKS)
    except TrainingInterruptedError as interruption:
        print(f"{interruption}: resume with the same command", file=sys.stderr)
        sys.exit(128 + interruption.signum)
