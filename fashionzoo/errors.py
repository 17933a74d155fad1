"""The one kind of error that a user can cause, and the nearest valid name for a mistyped one."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from typing import NoReturn


class FashionZooError(ValueError):
    """An error that the user can fix; the message is one line that says what is wrong and what to do."""


class DivergedError(FashionZooError):
    """The loss of a training run became infinite or not a number."""


InputError = FashionZooError  # its name in version 0.1


def did_you_mean(word: object, valid: Iterable[str]) -> str:
    """Suggest a valid name in place of a wrong one.

    Args:
        word: What was typed.
        valid: The names that exist.

    Returns:
        ``"did you mean X?"`` when a name comes close, all the names otherwise.

    Example:
        >>> did_you_mean("cnn_plian", ["cnn_plain", "cnn_balanced"])
        'did you mean cnn_plain?'
        >>> did_you_mean("resnet", ["cnn_plain", "cnn_balanced"])
        'choose from cnn_plain, cnn_balanced'
    """
    names = list(valid)
    close = closest(word, names)
    if close:
        return f"did you mean {close}?"
    return f"choose from {', '.join(names)}" if names else "there is none to choose from"


def closest(word: object, valid: Iterable[str]) -> str | None:
    """Return the valid name that comes closest to a word, if one comes close.

    Example:
        >>> closest("cnn_plian", ["cnn_plain", "cnn_balanced"])
        'cnn_plain'
    """
    return next(iter(difflib.get_close_matches(str(word), list(valid), n=1)), None)


def exit_with_error(message: object) -> NoReturn:
    """Print one line that says what is wrong, and end the process with code 2, as argparse does."""
    print(f"fashionzoo: error: {' '.join(str(message).split())}", file=sys.stderr)
    sys.exit(2)
