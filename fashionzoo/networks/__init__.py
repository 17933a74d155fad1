"""The six networks, one file each: its stem is the network's name, its class says all that is the network's own.

May import the folders up to ``training``. The names are known without importing a network.
"""

from __future__ import annotations

import re
from pathlib import Path

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py")))


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
