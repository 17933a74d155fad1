"""Which networks there are: those of this package, and those that other packages offer.

A package offers a network through the entry-point group ``fashionzoo.networks``: its name there is the network's, its
value a subclass of :class:`fashionzoo.Classifier`, or any module class or function that returns one. Nothing is
imported before the network is asked for.
"""

from __future__ import annotations

import importlib
import re
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.networks import NAMES, number_of

if TYPE_CHECKING:
    from fashionzoo.training.classifier import Classifier

GROUP = "fashionzoo.networks"


def list_models() -> list[str]:
    """Return the names of the networks.

    Example:
        >>> list_models()[0]
        'cnn_balanced'
    """
    return [*NAMES, *plugins()]


def suggest_network(word: object) -> str:
    """Return what to say to somebody who named no network that there is.

    Args:
        word: What was typed: perhaps a number of the report's.

    Example:
        >>> suggest_network("2")
        'network 2 is mlp_relu_narrowing'
        >>> suggest_network("cnn_plian")
        'did you mean cnn_plain?'
    """
    named = find_network(word)
    return f"network {number_of(named)} is {named}" if named else did_you_mean(word, list_models())


def find_network(word: object) -> str | None:
    """Return the network that a name or a number of the report's stands for, if it stands for one.

    Example:
        >>> find_network("N2"), find_network("cnn_plain"), find_network("7")
        ('mlp_relu_narrowing', 'cnn_plain', None)
    """
    numbered = re.fullmatch(r"(?i)(?:n|network)?[ _-]?(\d)", str(word))
    number = int(numbered[1]) if numbered else 0
    return next((name for name in list_models() if word == name or number_of(name) == number), None)


def package_of(name: str) -> str:
    """Return the package that a network comes from.

    Example:
        >>> package_of("cnn_plain")
        'fashionzoo'
    """
    return plugins()[name].module.partition(".")[0] if name in plugins() else "fashionzoo"


@cache
def plugins() -> dict[str, EntryPoint]:
    """Return the networks of other packages by name; a name that is taken is refused with a warning."""
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        if entry.name in NAMES or (entry.name in found and entry.value != found[entry.name].value):
            owner = found[entry.name].value if entry.name in found else "this package"
            print(
                f"fashionzoo: warning: {entry.name} of {entry.value} is left out: {owner} has that name already",
                file=sys.stderr,
            )
        else:
            found[entry.name] = entry
    return found


def get_class(name: str) -> type[Classifier]:
    """Return the class of a network.

    Args:
        name: Its registry name.

    Raises:
        FashionZooError: There is none, or the package that offers it cannot be loaded.

    Example:
        >>> get_class("cnn_plain").__name__
        'PlainCNN'
    """
    from fashionzoo.training.classifier import Classifier
    from fashionzoo.training.wrapping import as_classifier

    if name in NAMES:
        module = importlib.import_module(f"{GROUP}.{name}")
        return next(
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Classifier) and value.__module__ == module.__name__
        )
    if name not in list_models():
        raise FashionZooError(f"unknown network {name!r}: {suggest_network(name)}")
    entry = plugins()[name]
    try:
        network = entry.load()
    except Exception as error:  # a stranger's package may raise anything
        raise FashionZooError(
            f"{name} cannot be loaded from {entry.value} ({type(error).__name__}: {error}): mend or remove the package"
        ) from error
    if not callable(network):
        raise FashionZooError(f"{name} of {entry.value} is no network but {network!r}: mend or remove the package")
    return as_classifier(network, name)
