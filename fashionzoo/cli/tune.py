"""`fashionzoo tune`: search the flags of a network on validation images."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING

from fashionzoo.cli.options import add_json, given, network_help, path
from fashionzoo.errors import FashionZooError
from fashionzoo.terminal import join_command

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from fashionzoo.runner.search import Search

HELP = "search the flags of a network on validation images"
WAIT_S = 1
EXAMPLES = (
    "fashionzoo tune cnn_plain --budget 20 --epochs 8",
    "fashionzoo tune mlp_relu_narrowing --budget 20 --epochs 12 --space space.yaml",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags; others are those of `fashionzoo fit`, and all trials have them."""
    parser.usage = "fashionzoo tune NETWORK [--budget N] [--epochs N] [--space FILE] [FLAGS OF FIT]"
    parser.add_argument("network", type=given, metavar="NETWORK", help=network_help())
    parser.add_argument("--budget", type=positive, default=50, metavar="N", help="number of trials; default: 50")
    parser.add_argument("--epochs", type=positive, metavar="N", help="epochs of each trial; default: the recipe's")
    parser.add_argument("--space", type=path, metavar="FILE", help="YAML file of flags and what they are drawn from")
    parser.add_argument("--study", default="study", metavar="NAME", help="name of the study; default: study")
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="a database that several processes share, as postgresql://user@host/name; default: an SQLite file, "
        "study.db, in the directory of the network's logs",
    )
    add_json(parser)


def positive(text: str) -> int:
    """Return a number above 0."""
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text}: give a whole number above 0")
    return int(text)


def run(options: Namespace) -> None:
    """Search, and leave the best flags as a recipe, the trials and their figure."""
    search = make_search(options)
    from fashionzoo.callbacks.shutdown import TrainingInterruptedError

    try:
        run_trials(search, options.budget)
    except TrainingInterruptedError as interruption:
        print(f"{interruption}: the same line continues the study", file=sys.stderr)
        sys.exit(128 + interruption.signum)
    best = search.best_trial()
    summary = search.summary()
    search.folder.mkdir(parents=True, exist_ok=True)
    from fashionzoo.io import write_text

    summary_path, recipe_path, figure_path = (
        search.folder / f"{search.name}{end}" for end in (".json", ".yaml", ".png")
    )
    write_text(summary_path, json.dumps(summary, indent=1) + "\n")
    if best is None:
        errors = [trial["error"] for trial in summary["trials"] if "error" in trial]
        reason = f"the last: {errors[-1]}" if errors else "all were pruned"
        raise FashionZooError(f"no trial of {len(summary['trials'])} came to its end; {reason}")
    from fashionzoo.plots.figures import save_figure
    from fashionzoo.plots.study import plot_study
    from fashionzoo.zoo.studies import read_summary

    study = read_summary(summary_path)
    title = f"# {search.network.name}: the best of {len(study.values)} trials, {search.metric} {best.value:.4f}\n"
    write_text(recipe_path, title + search.recipe(best))
    save_figure(plot_study(study), figure_path)
    if options.json:
        print(json.dumps(summary, indent=1))
        return
    print(recipe_path.read_text(encoding="utf-8"), end="")
    print(f"trials  {summary_path}")
    print(f"figure  {figure_path}")
    print(f"use     {join_command(['fashionzoo', 'fit', options.network, '--config', str(recipe_path)])}")


def make_search(options: Namespace) -> Search:
    """Return the search that the options stand for."""
    from fashionzoo.zoo.loading import load_class

    network = load_class(options.network)
    try:
        import optuna  # noqa: F401
        import optuna_integration  # noqa: F401
    except ImportError as error:
        raise FashionZooError("a search needs Optuna: pip install 'fashionzoo[tune]'") from error
    from fashionzoo.runner.checks import is_reserved
    from fashionzoo.runner.cli import TrainCLI
    from fashionzoo.runner.launch import set_up_process
    from fashionzoo.runner.search import Search
    from fashionzoo.runner.space import default_space, read_space

    if not options.study.isidentifier():
        raise FashionZooError(f"--study of {options.study}: give a name of letters, digits and underscores")
    if is_reserved(options.study, network.recipes):
        raise FashionZooError(f"--study of {options.study}: runs are called so; choose another name")
    given_flags = [flag.partition("=")[0].lstrip("-") for flag in options.flags if flag.startswith("--")]
    if refused := {"name", "ckpt_path"}.intersection(given_flags):
        raise FashionZooError(f"--{refused.pop()} is for one run, and a search makes many: leave it out")
    epochs = [f"--trainer.max_epochs={options.epochs}"] if options.epochs else []
    if epochs:
        if "trainer.max_epochs" in given_flags:
            raise FashionZooError("--epochs and --trainer.max_epochs are the same: give one of them")
        given_flags.append("trainer.max_epochs")
    set_up_process()
    flags = [*options.flags, *epochs]  # last, as a file of flags may have other epochs
    cli = TrainCLI(network, flags)
    given_flags += cli.changed  # by such a file
    if options.space:
        space = read_space(options.space)
        if fixed := [flag for flag in space if is_given(flag, given_flags)]:
            raise FashionZooError(f"{fixed[0]} is in the space and given as a flag: leave one of them out")
    else:
        space = default_space([flag for flag in vars(cli.config.as_flat()) if not is_given(flag, given_flags)])
    search = Search(network, flags, space, options.study, options.storage)
    if (search.folder / "config.yaml").exists():
        raise FashionZooError(f"--study of {options.study}: there is a run in {search.folder}; choose another name")
    return search


def is_given(flag: str, given_flags: Iterable[str]) -> bool:
    """Tell whether a flag, or a part of it, or the group that it is in, is among those given.

    Example:
        >>> [is_given("data.augment.flip", [given]) for given in ("data.augment", "data.augment.shift")]
        [True, False]
    """
    return any(f"{given}.".startswith(f"{flag}.") or f"{flag}.".startswith(f"{given}.") for given in given_flags)


def run_trials(search: Search, budget: int) -> None:
    """Make the trials, and print each with the best so far; on a terminal there is a bar."""
    from tqdm import tqdm

    if done := len(search.counted_trials()):
        print(f"the study {search.name} has {done} {'trial' if done == 1 else 'trials'} already", file=sys.stderr)
    bar = tqdm(total=budget, unit="trial", dynamic_ncols=True, disable=not sys.stderr.isatty())
    waits = count()

    def report(trial: FrozenTrial) -> None:
        best, value = search.best_trial(), search.value(trial)
        seconds = f"{trial.duration.total_seconds():.0f} s" if trial.duration else ""
        result = f"{search.metric} {value:.4f}" if value is not None else str(trial.user_attrs.get("error"))
        so_far = f"  best {best.value:.4f} of trial {best.number}" if best else ""
        state = "" if trial.state.name == "COMPLETE" else f" ({trial.state.name.lower()})"
        tqdm.write(f"trial {trial.number}{state}  {result}{so_far}  {seconds}", file=sys.stderr)
        bar.update(len(search.counted_trials()) - bar.n)

    def wait() -> None:
        if next(waits) == 0:
            tqdm.write("waiting for trials of other processes, or to know that they are dead", file=sys.stderr)
        time.sleep(WAIT_S)

    with bar:
        search.run(budget, report, wait)
