"""`fashionzoo runs`: what was trained here, and how it went."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import Any

from fashionzoo.cli.formats import Cell, render
from fashionzoo.cli.options import add_format, add_logs, given
from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.overview import Overview, list_runs

HELP = "show what you trained: what differs from the recipe, how it ended, how good it is"
EXAMPLES = "fashionzoo runs --all", "fashionzoo runs cnn_plain --all --sort test --format csv"
COLUMNS = (
    *("run", "recipe", "changed", "epochs", "seconds", "val accuracy, %", "test accuracy, %", "ended"),
    *("network", "folder"),
)
ORDERS: dict[str, Callable[[Overview], Any]] = {  # the first is the default, of which list_runs takes care
    "newest": lambda run: 0,
    "name": lambda run: run.reference,
    "val": lambda run: -(run.val_accuracy or 0),
    "test": lambda run: -(run.test_accuracy or 0),
    "seconds": lambda run: run.seconds or 0,
}
INDENT = 2
WORDS = {"newer": "newer version"}  # of fashionzoo wrote it


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("network", nargs="?", type=given, metavar="NETWORK", help="only runs of this network")
    parser.add_argument("--all", action="store_true", help="show the runs that come with the checkout, too")
    parser.add_argument(
        "--sort", choices=ORDERS, default="newest", help="newest first, the default; the most accurate first; ..."
    )
    add_logs(parser)
    add_format(parser)


def run(options: Namespace) -> None:
    """Print a row for each run."""
    runs = sorted(list_runs(options.logs, options.network, options.all), key=ORDERS[options.sort])
    if options.format == "json":
        print(json.dumps([{"run": each.reference, **_to_dict(each)} for each in runs], indent=1))
    elif options.format != "table":
        print(render(COLUMNS, [_cells(each) for each in runs], options.format))
    elif not runs:
        of = f" of {options.network}" if options.network else ""
        raise FashionZooError(
            f"there are no runs{of} of your own in {options.logs}: see others with --all, or train one"
        )
    else:
        print_runs(runs)


def print_runs(runs: Sequence[Overview]) -> None:
    """Print runs as a table."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console, Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("run, recipe and what is changed")
    for column in ("epochs", "time", "val, %", "test, %"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("ended", overflow="fold", max_width=10)
    for each in runs:
        what = f"{each.recipe or '-'}{f' with {each.changed}' if each.changed else ''}"
        minutes = "-" if each.seconds is None else "{}:{:02}".format(*divmod(round(each.seconds), 60))
        numbers = (str(cell) if cell is not None else "-" for cell in _numbers(each))
        epochs, _, val, test = numbers
        name = Group(Text(each.reference, no_wrap=True), Padding(what, (0, 0, 0, INDENT)))
        table.add_row(name, epochs, minutes, val, test, WORDS.get(each.ended, each.ended))
    console.print(table)
    console.print("time: minutes and seconds of training up to the epoch that was tested", highlight=False)
    console.print("val, test: accuracy of that epoch on the validation and on the test images", highlight=False)
    console.print("`fashionzoo plot`, `compare` and `evaluate` take these names", highlight=False)


def _numbers(run: Overview) -> list[Cell]:
    """Return epochs, seconds and accuracies."""
    seconds = None if run.seconds is None else f"{run.seconds:.1f}"
    shares = (None if share is None else f"{100 * share:.2f}" for share in (run.val_accuracy, run.test_accuracy))
    return [run.epochs, seconds, *shares]


def _cells(run: Overview) -> list[Cell]:
    """Return the cells of a row for other programs."""
    return [run.reference, run.recipe, run.changed, *_numbers(run), run.ended, run.network, str(run.folder)]


def _to_dict(run: Overview) -> dict[str, Any]:
    """Return what is known of a run for JSON."""
    return {**vars(run), "folder": str(run.folder)}
