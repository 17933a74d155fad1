"""The ``fashionzoo`` command: its subcommands and flags; ``commands.py`` carries them out."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from fashionzoo import __version__, commands
from fashionzoo.errors import FashionZooError, did_you_mean, exit_with_error
from fashionzoo.recipes import RECIPES

EXAMPLES = """\
examples:
  fashionzoo list
  fashionzoo predict shirt.png
  fashionzoo predict photos/ --model all --top 1
  fashionzoo predict shirt.png --checkpoint lightning_logs/cnn_plain/version_0/checkpoints/best.ckpt --json
  fashionzoo evaluate cnn_plain --weights report --plot confusion.png
  fashionzoo export cnn_balanced m.onnx
  fashionzoo fit cnn_plain --recipe tuned
  fashionzoo data
  fashionzoo claims
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors take one line and name the nearest subcommand."""

    def error(self, message: str) -> NoReturn:
        """End the process with what is wrong in one line."""
        exit_with_error(f"{message}; see `{self.prog} --help`")


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        args: The arguments after ``fashionzoo``; ``None`` for this process's.

    Raises:
        SystemExit: With code 2 and one line on the screen when something is wrong.
    """
    argv = sys.argv[1:] if args is None else list(args)
    parser = _parser(needs_name=not any(word.startswith("--checkpoint") for word in argv))
    try:
        if not argv:
            parser.print_help()
            return
        if argv[0] == "fit" and argv[1:] not in (["-h"], ["--help"]):
            commands.fit(argv[1:])  # the flags are the launcher's, not this parser's
            return
        if argv and not argv[0].startswith("-") and argv[0] not in (*COMMANDS, "fit"):
            raise FashionZooError(f"unknown command {argv[0]!r}: {did_you_mean(argv[0], (*COMMANDS, 'fit'))}")
        options = parser.parse_args(argv)
        COMMANDS[options.command](options)
        sys.stdout.flush()
    except FashionZooError as error:
        exit_with_error(error)
    except BrokenPipeError:  # as in `fashionzoo predict pictures/ | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "list": commands.list_networks,
    "predict": commands.predict,
    "evaluate": commands.evaluate,
    "export": commands.export,
    "data": commands.fetch_data,
    "claims": commands.show_claims,
}


def _parser(needs_name: bool) -> Parser:
    """Return the parser of everything but the flags of ``fit``; a checkpoint stands for the name of its network."""
    parser = Parser(
        prog="fashionzoo",
        description="Six small networks on Fashion-MNIST, trained and ready to train.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    argv = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    as_json = Parser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON")
    root = Parser(add_help=False)
    root.add_argument("--root", help="folder of the data; default: $FASHIONZOO_DATA or the user's cache folder")
    trained = Parser(add_help=False)
    source = trained.add_mutually_exclusive_group()
    source.add_argument("--weights", help="what comes with the package: report or tuned; default: tuned")
    source.add_argument("--checkpoint", help="what a run of yours left under checkpoints/")
    name = Parser(add_help=False)
    name.add_argument(
        "name", metavar="NETWORK", nargs=None if needs_name else "?", help=f"one of {', '.join(sorted(RECIPES))}"
    )

    argv.add_parser("list", help="show the trained networks that come with the package", parents=[as_json])
    predict = argv.add_parser("predict", help="classify images", parents=[trained, as_json])
    predict.add_argument("images", nargs="+", metavar="IMAGE", help="image files of any size, or folders of them")
    predict.add_argument(
        "--model", metavar="NETWORK", help=f"a network, or {commands.ALL_NETWORKS}; default: {commands.DEFAULT_NETWORK}"
    )
    top = range(1, 11)  # there are ten classes
    predict.add_argument("--top", type=int, default=3, choices=top, metavar="K", help="classes to show; default: 3")
    predict.add_argument("--invert", action="store_true", help="the images are black on white")
    evaluate = argv.add_parser(
        "evaluate", help="evaluate a network on the 10,000 test images", parents=[name, trained, root, as_json]
    )
    evaluate.add_argument("--plot", type=Path, metavar="FILE", help="draw the confusion matrix: .png, .svg or .pdf")
    export = argv.add_parser("export", help="write a network for other programs", parents=[name, trained, root])
    export.add_argument("file", type=Path, metavar="FILE", help="ends in .onnx, .pt2 (torch.export) or .safetensors")
    fit = argv.add_parser("fit", help="train and test a network", usage="fashionzoo fit NETWORK [FLAGS]")
    fit.epilog = f"NETWORK is one of {', '.join(sorted(RECIPES))}; `fashionzoo fit NETWORK --help` lists its flags."
    argv.add_parser("data", help="fetch and check Fashion-MNIST", parents=[root])
    claims = argv.add_parser("claims", help="check the report's claims against finished runs", parents=[as_json])
    claims.add_argument(
        "logs", nargs="?", type=Path, default=Path("lightning_logs"), metavar="LOGDIR", help="default: lightning_logs"
    )
    claims.add_argument("--run", action="store_true", help="train first what is missing: an hour or more")
    return parser
