"""`fashionzoo fit`: train and test a network as its launcher would."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from fashionzoo.cli.options import network_help
from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.io import expand
from fashionzoo.zoo.registry import list_models

HELP = "train and test a network"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes: its flags are the launcher's."""
    parser.usage = "fashionzoo fit NETWORK [FLAGS]"
    parser.epilog = f"NETWORK is {network_help()}; `fashionzoo fit NETWORK --help` lists its flags."


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
    after_flag = [False, *(word.startswith("--") and "=" not in word for word in argv)]
    words = [n for n, word in enumerate(argv) if not word.startswith("-")]
    names = [n for n in words if argv[n] in list_models()] or [n for n in words if not after_flag[n]]
    if not names:
        raise FashionZooError(f"fit needs the name of a network: {did_you_mean('', list_models())}")
    reference = expand(argv[names[0]])
    from fashionzoo.zoo.loading import load_class

    network = load_class(reference)
    from fashionzoo.runner.launch import run_command

    run_command(network, [*argv[: names[0]], *argv[names[0] + 1 :]])
