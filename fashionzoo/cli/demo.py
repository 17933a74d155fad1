"""`fashionzoo demo`: a page on which the networks look at the same picture."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace

import PIL

from fashionzoo.cli.options import add_logs, add_root, first_file, given
from fashionzoo.errors import FashionZooError

HELP = "open a page on which the networks look at the same picture"
EXAMPLES = "fashionzoo demo", "fashionzoo demo --port 8080 --checkpoint cnn_plain/version_0"
LOCAL = ("127.0.0.1", "localhost", "::1")
SAFE_PILLOW = 13  # the first release whose JPEG decoder holds crafted files off


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--port", type=_port, help="default: the first free one from 7860 on")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: this machine only")
    parser.add_argument("--share", action="store_true", help="make a public link through Gradio's servers")
    parser.add_argument(
        "--checkpoint",
        action="append",
        type=given,
        default=[],
        metavar="RUN",
        help="a network of your own: my_net.py, a checkpoint, a run as cnn_plain/version_0; a flag for each, as for "
        "a file and of runs of the network in it",
    )
    add_root(parser)
    add_logs(parser)


def run(options: Namespace) -> None:
    """Serve the page until Ctrl-C."""
    try:
        from fashionzoo.demo.page import build_page, serve
    except ImportError as error:
        raise FashionZooError(f"the page needs {error.name}: pip install 'fashionzoo[demo]'") from error
    from fashionzoo.zoo.loading import load_argument
    from fashionzoo.zoo.shelf import Shelf

    code = first_file(options.checkpoint)
    own = [load_argument(argument, code) for argument in options.checkpoint]
    if (options.share or options.host not in LOCAL) and int(PIL.__version__.partition(".")[0]) < SAFE_PILLOW:
        print(
            "fashionzoo: warning: with this Pillow, a crafted picture does harm: let in only people whom you trust, or "
            f"`pip install --no-deps 'pillow>={SAFE_PILLOW}'`, which Gradio runs with though it asks for less",
            file=sys.stderr,
        )
    serve(build_page(Shelf(own, options.root), options.logs), options.host, options.port, options.share)


def _port(text: str) -> int:
    """Return the number of a port."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ArgumentTypeError(f"{text} is no number from 1 to 65535")
    return int(text)
