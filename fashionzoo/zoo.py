"""The trained networks that come with the package: their weights, what was measured of them, how they were made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashionzoo.errors import InputError, nearest
from fashionzoo.recipes import RECIPES

if TYPE_CHECKING:
    from torch import Tensor

    from fashionzoo.images import Preprocess
    from fashionzoo.networks import Network

FOLDER = Path(__file__).parent / "weights"
MANIFEST = FOLDER / "manifest.json"
VERSIONS = ("report", "tuned")
REINSTALL = "reinstall it with `pip install --force-reinstall --no-deps fashionzoo`"


@dataclass(frozen=True)
class Weights:
    """The weights of one version of one network.

    Args:
        name: The network's registry name.
        version: ``"report"`` or ``"tuned"``.
        entry: All that the manifest says of them.
    """

    name: str
    version: str
    entry: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """The ``.safetensors`` file."""
        return FOLDER / str(self.entry["file"])

    @property
    def config(self) -> dict[str, Any]:
        """The architecture, as :func:`fashionzoo.networks.build` takes it."""
        return dict(self.entry["config"])

    @property
    def metrics(self) -> dict[str, float]:
        """What this very file reaches on the 10,000 test images: ``test/acc``, ``test/recall/Shirt``, ..."""
        return dict(self.entry["metrics"])

    @property
    def spread(self) -> str:
        """Mean and range of the runs' test accuracy over the seeds, in per cent, as tables show them."""
        mean, lowest, highest = (100 * self.entry["seeds"][key] for key in ("mean", "lowest", "highest"))
        return f"{mean:.2f} ({lowest:.2f}-{highest:.2f})"

    @property
    def recipe(self) -> dict[str, Any]:
        """The flags that it was trained with."""
        return dict(self.entry["recipe"])

    def transforms(self) -> Preprocess:
        """Return what turns uint8 images ``(N, 28, 28)`` into the network's input."""
        from fashionzoo.images import Preprocess

        return Preprocess(self.config["standardize"])

    def get_state_dict(self) -> dict[str, Tensor]:
        """Return the tensors of the file.

        Raises:
            InputError: The file is missing from the installation, or is not the one that was published.
        """
        from safetensors.torch import load

        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {self.path} ({error.strerror}): {REINSTALL}") from error
        if hashlib.sha256(content).hexdigest() != self.entry["sha256"]:
            raise InputError(f"{self.path} is not what was published (SHA-256 differs): {REINSTALL}")
        return load(content)


def list_models() -> list[str]:
    """Return the names of the networks.

    Example:
        >>> list_models()[0]
        'cnn_balanced'
    """
    return sorted(RECIPES)


def list_weights() -> list[Weights]:
    """Return all weights that come with the package.

    Example:
        >>> list_weights()[-1].path.suffix
        '.safetensors'
    """
    return [get_weights(name, version) for name in list_models() for version in VERSIONS]


def get_weights(name: str, version: str) -> Weights:
    """Return the weights of one version of a network, with what was measured of them.

    Args:
        name: A network's registry name.
        version: ``"report"``, as the report trained it, or ``"tuned"``, as well as is known today.

    Raises:
        InputError: There is no such network or version; the message names the nearest.

    Example:
        >>> get_weights("cnn_plain", "report").recipe["trainer.max_epochs"]
        20
    """
    if name not in RECIPES:
        raise InputError(f"unknown network {name!r}: {nearest(name, list_models())}")
    if version not in VERSIONS:
        raise InputError(f"unknown weights {version!r} of {name}: {nearest(version, VERSIONS)}")
    try:
        return Weights(name, version, manifest()[name][version])
    except KeyError as error:
        raise InputError(f"{MANIFEST} says nothing of {name} {version}: {REINSTALL}") from error


def get_model(name: str, weights: str | None = None, **hyperparameters: Any) -> Network:
    """Return a network: trained and in evaluation mode, or fresh.

    Args:
        name: A network's registry name.
        weights: ``"report"`` or ``"tuned"`` for the trained network, ``None`` for random weights.
        **hyperparameters: In place of the network's own: ``widths``, ``channels``, ``activation``, ``dropout``, ... Of
            a trained network only the dropout can be chosen, for training it further.

    Raises:
        InputError: There is no such network, version or hyperparameter, or a value does not fit.

    Example:
        >>> import torch
        >>> get_model("cnn_balanced", weights="tuned").classify(torch.zeros(28, 28)).label in range(10)
        True
        >>> get_model("mlp_relu_narrowing", widths=(128, 32)).config["widths"]
        [128, 32]
    """
    from fashionzoo.networks import build

    published = get_weights(name, weights or "report")
    config = published.config
    for key, value in hyperparameters.items():
        if key not in config or key == "family":
            valid = sorted(set(config) - {"family"})
            raise InputError(f"{name} has no hyperparameter {key!r}: {nearest(key, valid)}")
        fits = key == "dropout" or (list(value) if isinstance(value, tuple) else value) == config[key]
        if weights is not None and not fits:
            raise InputError(
                f"{key}={value} does not fit the {weights} weights of {name}, trained with {config[key]}: leave it "
                "out, or take weights=None"
            )
    try:
        network = build({**config, **hyperparameters})
    except TypeError as error:
        raise InputError(f"{name} cannot be made of {hyperparameters}: {error}") from error
    if weights is not None:
        network.load_state_dict(published.get_state_dict())
        network.eval()
    return network


@cache
def manifest() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what is known of all weights, by network and version.

    Raises:
        InputError: It is missing from the installation.
    """
    try:
        entries: dict[str, dict[str, dict[str, Any]]] = json.loads(MANIFEST.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {MANIFEST} ({error}): {REINSTALL}") from error
    return entries
