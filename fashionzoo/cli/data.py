"""`fashionzoo data`: fetch and check the four files."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from fashionzoo.cli.options import add_root
from fashionzoo.data import sources

HELP = "fetch and check Fashion-MNIST"
EXAMPLES = "fashionzoo data", "fashionzoo data --root data"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    add_root(parser)


def run(options: Namespace) -> None:
    """Fetch and check the files, and say where each came from."""
    for path, source in sources.ensure_downloaded(options.root):
        sources.read_verified(path)
        print(f"{path}  {source}, SHA-256 checked")
