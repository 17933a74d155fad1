"""The six networks, one file each: its stem is the network's name, its class says all that is the network's own.

May import the folders up to ``training``. The names are known without importing a network.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py")))


@cache
def title_of(name: str) -> str:
    """Return the first line of a network's file, without importing it.

    Example:
        >>> title_of("mlp_relu_narrowing")
        'Network 2 of the report: network 1 with ReLU.'
    """
    return (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8").splitlines()[0].strip('"')


def number_of(name: str) -> int | None:
    """Return the number of a network in the report, by which people call it; ``None`` for others.

    Example:
        >>> number_of("mlp_relu_narrowing"), number_of("my_network")
        (2, None)
    """
    numbered = re.match(r"Network (\d+) of the report", title_of(name)) if name in NAMES else None
    return int(numbered[1]) if numbered else None


def module_of_class(class_name: str) -> str | None:
    """Return the module of the network with a class of a name, without importing any.

    Example:
        >>> module_of_class("PlainCNN")
        'fashionzoo.networks.cnn_plain'
    """
    for name in NAMES:
        if re.search(
            rf"^class {class_name}\(", (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"), re.MULTILINE
        ):
            return f"{__name__}.{name}"
    return None
