"""The one kind of error that a user can cause, and the nearest valid name for a mistyped one."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from typing import NoReturn


class InputError(ValueError):
    """Something that the user can put right; the message is one line that says what is wrong and what to do."""


def nearest(word: str, valid: Iterable[str]) -> str:
    """Suggest a valid name in place of a wrong one.

    Args:
        word: What was typed.
        valid: The names that exist.

    Returns:
        ``"did you mean X?"`` when a name comes close, all the names otherwise.

    Example:
        >>> nearest("cnn_plian", ["cnn_plain", "cnn_balanced"])
        'did you mean cnn_plain?'
        >>> nearest("resnet", ["cnn_plain", "cnn_balanced"])
        'choose from cnn_plain, cnn_balanced'
    """
    names = list(valid)
    close = difflib.get_close_matches(word, names, n=1)
    return f"did you mean {close[0]}?" if close else f"choose from {', '.join(names)}"


def fail(message: object) -> NoReturn:
    """Print one line that says what is wrong, and end the process with code 2, as argparse does."""
    print(f"fashionzoo: error: {' '.join(str(message).split())}", file=sys.stderr)
    sys.exit(2)
