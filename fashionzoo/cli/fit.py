"""`fashionzoo fit`: train and test a network as its launcher would."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from itertools import pairwise

from fashionzoo.cli.options import network_help
from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.io import expand
from fashionzoo.runner.short_help import format_general_help
from fashionzoo.zoo.registry import find_network, list_models

HELP = "train and test a network"
EXAMPLES = "fashionzoo fit cnn_plain --trainer.max_epochs 2", "fashionzoo fit mlp_relu_narrowing --threads 1"


def add_arguments(parser: ArgumentParser) -> None:
    """Add none: they are the launcher's."""


def run(options: Namespace) -> None:
    """Say that a name is needed."""
    fit([])


def fit(argv: Sequence[str]) -> None:
    """Train a network.

    Args:
        argv: What names the network, before or after flags, and the launcher's flags.

    Raises:
        FashionZooError: No network is named, or there is none of that name.
    """
    if argv and set(argv) <= {"-h", "--help"}:
        print(format_general_help(network_help(), EXAMPLES))
        return
    _refuse_network_flag(argv)
    after_flag = [False, *(word.startswith("--") and "=" not in word for word in argv)]
    words = [n for n, word in enumerate(argv) if not word.startswith("-")]
    free, known = [n for n in words if not after_flag[n]], [n for n in words if argv[n] in list_models()]
    names = [n for n in free if n in known] or free or known  # a word after a flag may be its value
    if not names:
        raise FashionZooError(f"fit needs the name of a network: {did_you_mean('', list_models())}")
    reference = expand(argv[names[0]])
    from fashionzoo.zoo.loading import load_class

    network = load_class(reference)
    from fashionzoo.runner.launch import run_command

    run_command(network, [*argv[: names[0]], *argv[names[0] + 1 :]])


def _refuse_network_flag(argv: Sequence[str]) -> None:
    """Raise if a flag names the network, by its name or its number in the report."""
    words = [part for word in argv for part in (word.split("=", 1) if word.startswith("--") else [word])]
    for flag, value in pairwise(words):
        if flag in ("--model", "--network") and (name := find_network(value)):
            raise FashionZooError(f"{flag} of {value}: the network comes without a flag: `fashionzoo fit {name}`")
