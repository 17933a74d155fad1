"""`fashionzoo list`: what comes with the package, and how good it is."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from fashionzoo.cli.formats import Cell, render
from fashionzoo.cli.options import MFLOPS_GLOSS, add_format
from fashionzoo.networks import number_of
from fashionzoo.weights.manifest import PACKAGE, Weights, manifest
from fashionzoo.zoo.models import list_weights
from fashionzoo.zoo.registry import list_models, package_of

HELP = "show the trained networks that come with the package"
EXAMPLES = "fashionzoo list", "fashionzoo list --json"


COLUMNS = (
    *("network", "version", "parameters", "MFLOPs", "test accuracy, %", "95 % interval from, %", "to, %"),
    *("mean over seeds, %", "95 % interval, ± points", "seeds"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    add_format(parser)


def run(options: Namespace) -> None:
    """Print them."""
    rows = list_weights()
    plugins = [name for name in list_models() if package_of(name) != PACKAGE]
    untrained = [name for name in list_models() if name not in manifest(package_of(name))]
    if options.format == "json":
        entries = [{"network": row.name, "version": row.version, "package": row.package, **row.meta} for row in rows]
        names = [{"network": name, "version": None, "package": package_of(name)} for name in untrained]
        print(json.dumps([*entries, *names], indent=1))
        return
    if options.format != "table":
        others = ([name, *[None] * (len(COLUMNS) - 1)] for name in untrained)
        print(render(COLUMNS, [*map(_cells, rows), *others], options.format))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)  # fits into 80 columns
    for column in ("#", "network", "version"):
        table.add_column(column, no_wrap=True)
    for column in ("params", "MFLOPs", "test accuracy, %", "seeds: mean", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            str(number_of(row.name) or "-"),
            row.name,
            row.version,
            f"{row.meta['parameters']:,}",
            f"{row.meta['flops'] / 1e6:.1f}",
            row.accuracy,
            row.spread,
            str(row.meta["seeds"].get("count", "-")),
        )
    for name in untrained:
        table.add_row("-", name, *("-" for _ in range(6)))
    console = Console()
    console.print(table)
    console.print("#: the network's number in the report, as in network 2 or N2.level", highlight=False)
    console.print(MFLOPS_GLOSS, highlight=False)
    console.print("test accuracy: of the file that ships, in float32, with its 95 % interval", highlight=False)
    console.print("seeds: mean of n runs and its 95 % interval, in the precision of training", highlight=False)
    for name in plugins:
        console.print(f"{name}: from the package {package_of(name)}", highlight=False)


def _cells(weights: Weights) -> list[Cell]:
    """Return the cells of a row for other programs."""
    seeds, interval = weights.meta["seeds"], weights.meta.get("interval", (None, None))
    accuracy, low, high = map(_percent, (weights.metrics["test/acc"], *interval))
    half = seeds["interval"][1] - seeds["mean"] if "interval" in seeds else None
    size = int(weights.meta["parameters"]), f"{weights.meta['flops'] / 1e6:.1f}"
    spread = _percent(seeds["mean"]), _percent(half), seeds.get("count")
    return [weights.name, weights.version, *size, accuracy, low, high, *spread]


def _percent(share: float | None) -> str | None:
    """Return a share in per cent, with two decimals."""
    return None if share is None else f"{100 * share:.2f}"
