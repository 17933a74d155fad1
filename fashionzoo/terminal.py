"""What is printed on a terminal and typed there, whatever its encoding and shell."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence


def make_streams_safe() -> None:
    """Let what the terminal's encoding cannot show be printed as an escape, rather than end the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not a notebook's
            stream.reconfigure(errors="backslashreplace")


def join_command(words: Sequence[str]) -> str:
    """Return words as a line for the shell of this system.

    Example:
        >>> join_command(["tensorboard", "--logdir", "lightning_logs"])
        'tensorboard --logdir lightning_logs'
    """
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
