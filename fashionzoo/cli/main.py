"""The ``fashionzoo`` command: finds the subcommand and turns errors into one line."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence

from fashionzoo import __version__
from fashionzoo.cli import fit
from fashionzoo.cli.options import Parser
from fashionzoo.environment import check_torch_version
from fashionzoo.errors import FashionZooError, did_you_mean, exit_with_error
from fashionzoo.openmp import sharing_cores
from fashionzoo.terminal import discard_output, make_streams_safe

COMMANDS = (  # each a file of this folder
    *("list", "predict", "evaluate", "compare", "export"),
    *("fit", "tune", "runs", "plot", "data", "claims", "demo"),
)
EXAMPLES = """\
examples:
  fashionzoo list
  fashionzoo predict shirt.png
  fashionzoo predict photos/ --model all --top 1
  fashionzoo predict shirt.png --checkpoint lightning_logs/cnn_plain/version_0/checkpoints/best.ckpt --json
  fashionzoo evaluate cnn_plain --weights report --plot confusion.png
  fashionzoo compare my_net.py cnn_plain:tuned
  fashionzoo export cnn_balanced m.onnx
  fashionzoo fit cnn_plain --recipe tuned
  fashionzoo fit my_net.py --trainer.max_epochs 5
  fashionzoo tune cnn_plain --budget 20 --epochs 8
  fashionzoo runs cnn_plain --sort test
  fashionzoo plot cnn_plain/version_0 cnn_plain:report curves.pdf
  fashionzoo data
  fashionzoo claims
  fashionzoo demo
"""


@sharing_cores()
def main(args: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        args: The arguments after ``fashionzoo``; ``None`` for this process's.

    Raises:
        SystemExit: With code 2 and one line on the screen when something is wrong.
    """
    argv = sys.argv[1:] if args is None else list(args)
    make_streams_safe()
    try:
        check_torch_version()
        if not argv:
            _parser(COMMANDS).print_help()
            return
        if argv[0] == "fit":
            fit.fit(argv[1:])  # the flags are the launcher's, not this parser's
            return
        if not argv[0].startswith("-") and argv[0] not in COMMANDS:
            raise FashionZooError(f"unknown command {argv[0]!r}: {did_you_mean(argv[0], COMMANDS)}")
        options, options_of_fit = _parser([argv[0]] if argv[0] in COMMANDS else COMMANDS).parse_known_args(argv)
        if options_of_fit and options.command != "tune":
            options.parser.refuse_unknown(options_of_fit[0])
        options.flags = options_of_fit
        options.run(options)
        sys.stdout.flush()
    except FashionZooError as error:
        exit_with_error(error)
    except BrokenPipeError:  # as in `fashionzoo predict pictures/ | head`
        discard_output()
        sys.exit(1)
    except OSError as error:
        discard_output()
        if error.filename:
            exit_with_error(f"{error.filename} cannot be used ({error.strerror}): see that it may be read and written")
        exit_with_error(f"the output cannot be written ({error.strerror}): make room, or write it elsewhere")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _parser(names: Sequence[str]) -> Parser:
    """Return the parser of some commands, of which only those files are imported."""
    parser = Parser(
        prog="fashionzoo",
        description="Six small networks on Fashion-MNIST, trained and ready to train.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in names:
        module = importlib.import_module(f"fashionzoo.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog="\n  ".join(("examples:", *module.EXAMPLES)),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command)
    return parser
