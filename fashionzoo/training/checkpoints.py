"""Checkpoints: read safely, and made into a network without Lightning."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from fashionzoo.errors import FashionZooError
from fashionzoo.models.factory import FAMILIES, build_network
from fashionzoo.models.network import Network
from fashionzoo.models.pretrained import flush_denormals
from fashionzoo.weights.familiarity import add_familiarity

if TYPE_CHECKING:
    from fashionzoo.training.classifier import Classifier


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
    except Exception as error:  # a damaged file makes the unpickler raise nearly anything
        raise FashionZooError(
            f"{path} is not a checkpoint, is damaged, or holds more than values: use another"
        ) from error
    if not isinstance(checkpoint, dict) or "fashionzoo" not in checkpoint:
        raise FashionZooError(f"{path} is not a checkpoint of fashionzoo: use one from lightning_logs/*/*/checkpoints")
    return checkpoint


def load_network(path: str | Path, network_class: type[Classifier] | None = None) -> tuple[str, Network]:
    """Return the name of the network in a checkpoint, and the trained network, ready to classify.

    Args:
        path: What a run left under ``checkpoints/``.
        network_class: The class of a network that is not an MLP or CNN of this package. A checkpoint names no code to
            run: whoever loads it does.

    Raises:
        FashionZooError: As :func:`load_checkpoint` does, or the network is not of the class.
    """
    checkpoint = load_checkpoint(path)
    about, weights = checkpoint["fashionzoo"], checkpoint["state_dict"]
    name = str(about["name"])
    if about["config"].get("family") in FAMILIES:
        network = build_network(about["config"])
    elif network_class is None:
        raise FashionZooError(
            f"{path} holds {name}, which is not of this package: name its file or class too (in a comparison with "
            "--network)"
        )
    else:
        check_source(path, about, network_class)
        network = network_class(**checkpoint["hyper_parameters"]).network
    try:
        network.load_state_dict({key.removeprefix("network."): value for key, value in weights.items()})
    except RuntimeError as error:
        raise FashionZooError(
            f"{path} holds weights that do not fit {name} as it is now: use the code that it was trained with"
        ) from error
    flush_denormals(network)
    network.name_classes(about.get("class_names", network.class_names))
    network.temperature = about.get("temperature", 1.0)
    add_familiarity(network)
    return name, network.eval()


def check_source(path: str | Path, about: dict[str, Any], network_class: type[Classifier]) -> None:
    """Check that a checkpoint comes from the code that a network's class is from.

    Args:
        path: The checkpoint's file.
        about: What the checkpoint says of its network.
        network_class: The class that it is loaded with.

    Raises:
        FashionZooError: It was trained from another file.

    Warns:
        UserWarning: The file has changed since.
    """
    trained, current = about.get("source"), network_class.source
    if trained is None or current is None or trained == current:
        return
    if trained["file"] != current["file"]:
        raise FashionZooError(
            f"{path} holds {about['name']} of {trained['file']}, not of {current['file']}: name the file that it was "
            "trained from"
        )
    warnings.warn(f"{current['file']} has changed since {path} was trained: its answers may not be those", stacklevel=3)
