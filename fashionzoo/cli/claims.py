"""`fashionzoo claims`: what finished runs say of the report's claims."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from fashionzoo.claims.claim import ABLATIONS, DROPOUT, NETWORKS, ClaimResult, Kind, Outcome
from fashionzoo.claims.evaluation import count_by_kind, evaluate_claims, find_claim, find_seed_runs
from fashionzoo.cli.formats import render
from fashionzoo.cli.options import add_format, given, path
from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.runs import reference_dirs, user_dirs

HELP = "check the report's claims against finished runs"
EXAMPLES = "fashionzoo claims", "fashionzoo claims N1.level --plot level.png"
CLAIM_ID = re.compile(r"(N\d|all)\.\w+$", re.IGNORECASE)
COLORS: dict[Outcome, str] = {"holds": "green", "fails": "red", "undecided": "yellow", "not comparable": "yellow"}
STATEMENT, MIN_STATEMENT_WIDTH = 1, 20  # the column of the report's words
KINDS: dict[Kind, str] = {"free": "free", "fitted": "fitted", "by construction": "built-in"}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "arguments",
        nargs="*",
        type=given,
        metavar="ID|LOGDIR",
        help="claims to show in full, as N1.level, and the folder of the runs; default: all of lightning_logs",
    )
    parser.add_argument(
        "--run", action="store_true", help="train the missing runs first: an hour or more", dest="train"
    )
    parser.add_argument(
        "--plot", metavar="FILE", type=path, help="plot the curves or numbers that decide one claim: .png, .svg or .pdf"
    )
    add_format(parser)


def run(options: Namespace) -> None:
    """Print what the runs say of each claim of the report, or of some."""
    ids = [find_claim(word).id for word in options.arguments if CLAIM_ID.match(word)]
    folders = [Path(word) for word in options.arguments if not CLAIM_ID.match(word)]
    if len(folders) > 1:
        raise FashionZooError(f"two folders, {folders[0]} and {folders[1]}: name one with runs in it")
    logs = folders[0] if folders else Path("lightning_logs")
    if logs.exists() and not logs.is_dir():
        raise FashionZooError(f"{logs} is not a folder: name one with runs in it")
    if options.plot and len(ids) != 1:
        raise FashionZooError("--plot draws one claim: name it, as in `fashionzoo claims N1.level --plot level.png`")
    if options.plot:
        from fashionzoo.plots.figures import figure_format

        figure_format(options.plot)
    if options.train:
        _train_missing_runs(logs)
    if not logs.is_dir():
        raise FashionZooError(f"there is no folder {logs}: name the one with your runs, or add --run to train")
    by_seed = find_seed_runs(logs)
    results = evaluate_claims(by_seed)
    if not any(result.findings for result in results):
        raise FashionZooError(f"{results[0].reason} in {logs}: name the folder with your runs, or add --run to train")
    shown = [result for result in results if result.claim.id in ids] or results
    if options.format == "json":
        print(json.dumps([result.to_dict() for result in shown], indent=1))
    elif options.format != "table":
        rows = [
            [each.claim.id, each.claim.statement, each.claim.kind, each.in_words, each.reason or None] for each in shown
        ]
        print(render(["claim", "the report says", "kind", "outcome", "why"], rows, options.format))
    elif ids:
        for result in shown:
            print_in_full(result)
    else:
        print_results(shown)
    if options.plot:
        from fashionzoo.claims.plots import plot_claim
        from fashionzoo.plots.figures import save_figure

        save_figure(plot_claim(shown[0], by_seed), options.plot)
    if ignored := [run for name in NETWORKS if reference_dirs(logs, name, "report") for run in user_dirs(logs, name)]:
        print(
            f"not counted: {', '.join(map(str, ignored))}, as {logs} has reference runs of the same networks; "
            "`fashionzoo claims DIRECTORY` measures runs of your own",
            file=sys.stderr,
        )
    if missing := [result for result in shown if result.outcome == "not comparable"]:
        raise FashionZooError(
            f"{', '.join(result.claim.id for result in missing)}: cannot be measured ({missing[0].reason}): "
            "--run makes runs that are missing, once those that do not count are deleted"
        )


def print_results(results: Sequence[ClaimResult]) -> None:
    """Print claims and outcomes as a table, and how many of each kind hold."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    rows = [[each.claim.id, each.claim.statement, KINDS[each.claim.kind], each.in_words] for each in results]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = console.width - sum(widths) + widths[STATEMENT] - len(widths) - 1  # of what is too wide, only these are cut
    widths[STATEMENT] = max(min(widths[STATEMENT], room), MIN_STATEMENT_WIDTH)
    for column, width in zip(("id", "the report says", "kind", "outcome"), widths, strict=True):
        table.add_column(column, no_wrap=True, width=width)
    for result, row in zip(results, rows, strict=True):
        table.add_row(*row[:-1], f"[{COLORS[result.outcome]}]{row[-1]}[/]")
    console.print(table)
    for line in count_by_kind(results):
        console.print(line, highlight=False)
    for reason, ids in left_out(results).items():
        console.print(f"left out of {', '.join(ids)}: {reason}", highlight=False)
    console.print("N1 to N6 are the networks by their numbers in the report, as in `fashionzoo list`", highlight=False)
    console.print("2 of 3 counts seeds; undecided: the 95 % interval includes both outcomes", highlight=False)
    console.print(
        "`fashionzoo claims N1.level` shows a claim in full: its check and what was measured", highlight=False
    )


def left_out(results: Sequence[ClaimResult]) -> dict[str, list[str]]:
    """Return why runs do not count, each with the claims that others decide."""
    reasons: dict[str, list[str]] = {}
    for result in results:
        for reason in dict.fromkeys(result.left_out.values()):
            reasons.setdefault(reason, []).append(result.claim.id)
    return reasons


def print_in_full(result: ClaimResult) -> None:
    """Print the words of a claim, its check, and what each seed shows."""
    claim = result.claim
    print(f"{claim.id} ({claim.network}, {claim.kind}): {result.in_words}")
    print(f"  the report says: {claim.statement}")
    unit = f", numbers in {claim.unit}" if claim.unit else ""
    print(f"  the check:       {claim.criterion}{unit}")
    for seed, finding in result.findings.items():
        values = ", ".join(f"{label} {claim.in_unit(value):.4g}" for label, value in finding.measured.items())
        interval = ""
        if finding.interval:
            interval = f"; 95 % interval of what is checked: {claim.format_interval(finding.interval)}"
        print(f"  seed {seed}:          {finding.verdict}; {values.replace(' inf', ' never')}{interval}")
    if result.interval:
        interval = claim.format_interval(result.interval)
        print(f"  over the seeds:  95 % interval of the margin by which it holds: {interval}")
    for seed, reason in result.left_out.items():
        print(f"  seed {seed} left out: {reason}")
    if result.reason:
        print(f"  why:             {result.reason}")


def _train_missing_runs(logs: Path) -> None:
    """Train the reference runs that are missing; their output goes to the error stream."""
    from fashionzoo.callbacks.shutdown import TrainingInterruptedError
    from fashionzoo.claims import reference_runs

    try:
        with contextlib.redirect_stdout(sys.stderr):
            reference_runs.train_missing_runs(logs, "report", NETWORKS)
            for recipe in ABLATIONS:
                reference_runs.train_missing_runs(logs, recipe, [DROPOUT])
    except TrainingInterruptedError as interruption:
        print(f"{interruption}: resume with the same command", file=sys.stderr)
        sys.exit(128 + interruption.signum)
