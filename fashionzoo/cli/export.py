"""`fashionzoo export`: a network as a file for other programs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from fashionzoo.cli.options import add_root, add_source, given, load_network_from_options, network_help, path

HELP = "write a network to a file for other programs"
EXAMPLES = "fashionzoo export cnn_balanced m.pt2", "fashionzoo export cnn_plain m.safetensors --weights report"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("name", type=given, metavar="NETWORK", nargs="?", help=network_help())
    parser.add_argument("file", type=path, metavar="FILE", help="ends in .onnx, .pt2 (torch.export) or .safetensors")
    add_source(parser)
    add_root(parser)


def run(options: Namespace) -> None:
    """Write a network to a file, and print how much its probabilities differ from the network's."""
    from fashionzoo.zoo.export import PARITY_IMAGES, export

    loaded = load_network_from_options(options.name, options)
    difference = export(loaded.network, options.file, options.root)
    print(
        f"{options.file}: {loaded.name} {loaded.weights}, the same labels on {PARITY_IMAGES:,} test images, "
        f"probabilities within {difference:.1e}"
    )
