"""Checkpoints of this zoo: read safely, and made into a network without Lightning."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from fashionzoo.errors import FashionZooError
from fashionzoo.networks import Network, build


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint, values only: nothing in it is ever executed.

    Args:
        path: What a run left under ``checkpoints/``.

    Returns:
        Lightning's dictionary; ``["fashionzoo"]`` has the network's ``name`` and ``config``.

    Raises:
        FashionZooError: There is no such file, or it is not a checkpoint of this zoo.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise FashionZooError(f"there is no checkpoint {path}: check the name") from error
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise FashionZooError(
            f"{path} is not a checkpoint, is damaged, or holds more than values: use another"
        ) from error
    if not isinstance(checkpoint, dict) or "fashionzoo" not in checkpoint:
        raise FashionZooError(f"{path} is not a checkpoint of fashionzoo: use one from lightning_logs/*/*/checkpoints")
    return checkpoint


def load_network(path: str | Path) -> tuple[str, Network]:
    """Return the name of the network in a checkpoint, and the trained network, ready to classify.

    Args:
        path: What a run left under ``checkpoints/``.

    Raises:
        FashionZooError: As :func:`read` does.
    """
    checkpoint = load_checkpoint(path)
    network = build(checkpoint["fashionzoo"]["config"])
    weights = checkpoint["state_dict"]
    network.load_state_dict({key.removeprefix("network."): value for key, value in weights.items()})
    return checkpoint["fashionzoo"]["name"], network.eval()
