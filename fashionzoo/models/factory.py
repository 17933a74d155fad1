"""A network from its configuration."""

from __future__ import annotations

from typing import Any

from fashionzoo.errors import FashionZooError
from fashionzoo.models.cnn import CNN
from fashionzoo.models.mlp import MLP
from fashionzoo.models.network import Network

FAMILIES: dict[str, type[MLP] | type[CNN]] = {"MLP": MLP, "CNN": CNN}


def build_network(config: dict[str, Any]) -> Network:
    """Make the network that a configuration describes, with fresh weights.

    Args:
        config: A network's ``config``.

    Raises:
        FashionZooError: It describes no MLP or CNN, or one that cannot be.

    Example:
        >>> build_network(MLP(widths=(8, 4)).config).config["widths"]
        [8, 4]
    """
    arguments = dict(config)
    family = arguments.pop("family", None)
    if family not in FAMILIES:
        raise FashionZooError(f"a network of family {family!r} cannot be made from its configuration: name its class")
    return FAMILIES[family](**arguments)
