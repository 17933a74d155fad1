"""`fashionzoo plot`: the curves of runs as a figure."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from fashionzoo.cli.options import add_dpi, add_logs
from fashionzoo.errors import FashionZooError
from fashionzoo.terminal import warnings_as_lines
from fashionzoo.zoo.overview import find_run

HELP = "draw curves of runs: loss and accuracy, or any metric that is logged"
EXAMPLES = (
    "fashionzoo plot cnn_plain:report cnn_plain:tuned",
    "fashionzoo plot cnn_plain:report shirts.pdf --metric val/recall/Shirt",
)
DEFAULT_FILE = Path("curves.png")
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="cnn_plain/version_0 as `fashionzoo runs` shows it, a folder, or a published run as cnn_plain:report; the "
        f"last may be the FILE to write, which ends in .png, .svg or .pdf; default: {DEFAULT_FILE}",
    )
    parser.add_argument(
        "--metric",
        action="append",
        metavar="NAME",
        help="loss, acc, or a column of metrics.csv, as val/recall/Shirt; one flag for each; default: loss and acc",
    )
    add_dpi(parser)
    add_logs(parser)


def run(options: Namespace) -> None:
    """Draw the curves and say where they are."""
    from fashionzoo.plots.curves import DEFAULT_METRICS, plot_runs
    from fashionzoo.plots.figures import figure_format, save_figure

    *others, last = options.runs
    is_file = Path(last).suffix[1:].isalpha() and find_run(last, options.logs) is None  # not as in lr_0.01
    runs, path = (others, Path(last)) if is_file else (options.runs, DEFAULT_FILE)
    if more := [word for word in others if word.endswith(FIGURE_SUFFIXES) and find_run(word, options.logs) is None]:
        raise FashionZooError(f"plot writes one file: leave out {', '.join(more)}")
    if not runs:
        raise FashionZooError(f"plot needs a run beside the file {path}: `fashionzoo runs` shows those that there are")
    figure_format(path)
    with warnings_as_lines():
        figure = plot_runs(runs, options.metric or DEFAULT_METRICS, options.logs)
    save_figure(figure, path, options.dpi)
    print(f"wrote {path}")
