"""Evaluation mode for a while, whatever mode the parts of a module are in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

_lock = threading.Lock()
# How many evaluate a module now, and those of its parts that were in training mode before.
_evaluated: dict[nn.Module, tuple[int, list[nn.Module]]] = {}


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode, and each of its parts back into the mode that it was in.

    Several threads may do so at once: the last to leave puts them back.

    Args:
        module: A network, or a part of one.

    Example:
        >>> network = nn.Sequential(nn.Dropout(0.5))
        >>> with eval_mode(network):
        ...     network.training
        False
        >>> network.training
        True
    """
    with _lock:
        users, training = _evaluated.get(module, (0, [part for part in module.modules() if part.training]))
        _evaluated[module] = users + 1, training
        module.eval()
    try:
        yield
    finally:
        with _lock:
            users, training = _evaluated.pop(module)
            if users > 1:
                _evaluated[module] = users - 1, training
            else:
                for part in training:
                    part.training = True
