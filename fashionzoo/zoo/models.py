"""The networks by name: fresh or trained."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.networks import NAMES
from fashionzoo.weights.manifest import PACKAGE, VERSIONS, Weights, find_weights, manifest
from fashionzoo.zoo.overview import find_run
from fashionzoo.zoo.registry import get_class, list_models, package_of, suggest_network

if TYPE_CHECKING:
    from fashionzoo.models.network import Network


def list_weights() -> list[Weights]:
    """Return all weights that come with this package and with those that offer networks.

    Example:
        >>> list_weights()[1].path.name
        'cnn_balanced-tuned.safetensors'
    """
    if not manifest():
        find_weights(PACKAGE, NAMES[0], VERSIONS[0])  # which says that they are missing from the installation
    return [
        get_weights(name, version) for name in list_models() for version in manifest(package_of(name)).get(name, {})
    ]


def get_weights(name: str, version: str) -> Weights:
    """Return the weights of one version of a network, with what was measured of them.

    Args:
        name: A network's registry name.
        version: ``"report"``, as the report trained it, or ``"tuned"``, as well as is known today.

    Raises:
        FashionZooError: There is no such network or version; the message names the nearest.

    Example:
        >>> get_weights("cnn_plain", "report").recipe["trainer.max_epochs"]
        20
    """
    if name not in list_models():
        raise FashionZooError(f"unknown network {name!r}: {suggest_network(name)}")
    return find_weights(package_of(name), name, version)


def get_model(name: str | None = None, weights: str | Path | None = None, **hyperparameters: Any) -> Network:
    """Return a network: trained and in evaluation mode, or fresh.

    Args:
        name: A network's registry name; not needed where the weights are of a run or a file, which say what they hold.
            A run's name stands for its weights, too.
        weights: ``"report"`` or ``"tuned"`` for the network that comes with its package; a checkpoint, a run's
            directory or name (``"cnn_plain/version_0"``), an exported ``.safetensors``; ``None`` for random weights.
        **hyperparameters: In place of the network's own: ``widths``, ``channels``, ``activation``, ``dropout``, ... Of
            a trained network only the dropout can be chosen, for training it further.

    Raises:
        FashionZooError: There is no such network, version or hyperparameter, or a value does not fit.

    Example:
        >>> import torch
        >>> get_model("cnn_balanced", weights="tuned").classify(torch.zeros(28, 28)).label in range(10)
        True
        >>> get_model("mlp_relu_narrowing", widths=(128, 32)).config["widths"]
        [128, 32]
    """
    if isinstance(name, str) and weights is None and "/" in name and find_run(name):
        weights, name = Path(name), None
    if isinstance(weights, Path) or (isinstance(weights, str) and _is_place(weights)):
        from fashionzoo.zoo.loading import load_trained

        if hyperparameters:
            raise FashionZooError(f"{weights} has its own hyperparameters: leave out {', '.join(hyperparameters)}")
        return load_trained(name, checkpoint=weights).network
    if name is None:
        raise FashionZooError(
            f"get_model needs a network's name, or a file of weights: {did_you_mean('', list_models())}"
        )
    if weights is None:
        return _build(name, {}, hyperparameters)
    pretrained = get_weights(name, weights)
    network = _build(name, pretrained.config, hyperparameters, pretrained.hyperparameters)
    pretrained.load_into(network)
    return network.eval()


def _is_place(weights: str) -> bool:
    """Tell whether weights are those of a file or run, and no version.

    Example:
        >>> _is_place("cnn_plain/version_0"), _is_place("x.ckpt"), _is_place("tuned")
        (True, True, False)
    """
    path = Path(weights)
    return bool(weights) and (bool(path.suffix) or len(path.parts) > 1 or (weights not in VERSIONS and path.is_dir()))


def _build(name: str, config: dict[str, Any], chosen: dict[str, Any], trained: dict[str, Any] | None = None) -> Network:
    """Make a network from the configuration of its weights or, where that is no MLP or CNN, from its class."""
    from fashionzoo.models.factory import FAMILIES, build_network

    try:
        if config.get("family") in FAMILIES:
            network = build_network({**config, **chosen})
        else:
            network = get_class(name)(**{**(trained or {}), **chosen}).network
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise FashionZooError(f"{name} cannot be made of {chosen}: {error}") from error
        network = _build(name, config, {}, trained)
    architecture = set(network.config) | _own_arguments(name)
    for key in chosen:
        if key not in architecture or key == "family":
            raise FashionZooError(
                f"{name} has no hyperparameter {key!r}: {did_you_mean(key, sorted(architecture - {'family'}))}"
            )
    return network


def _own_arguments(name: str) -> set[str]:
    """Return the arguments that a network of another package has beside those of training."""
    if package_of(name) == PACKAGE:
        return set()
    from fashionzoo.training.classifier import Classifier

    own, training = (inspect.signature(each).parameters for each in (get_class(name), Classifier))
    return set(own) - set(training)
