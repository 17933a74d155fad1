"""What is printed on a terminal and typed there, whatever its encoding and shell."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def make_streams_safe() -> None:
    """Let what the terminal's encoding cannot show be printed as an escape, rather than end the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not a notebook's
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Write what is still to be printed nowhere: the interpreter flushes once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Print each warning of this package as a line of its own, like an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.filterwarnings("ignore", "Image size", RuntimeWarning)  # refused with a line of its own
        warnings.showwarning = lambda warning, *_: print(f"fashionzoo: warning: {warning}", file=sys.stderr)
        yield


def format_percent(share: float) -> str:
    """Return a share of 1 in per cent, as accuracies are printed everywhere.

    Example:
        >>> format_percent(0.2502)
        '25.02 %'
    """
    return f"{100 * share:.2f} %"


def join_command(words: Sequence[str]) -> str:
    """Return words as a line for the shell of this system.

    Example:
        >>> join_command(["tensorboard", "--logdir", "lightning_logs"])
        'tensorboard --logdir lightning_logs'
    """
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
