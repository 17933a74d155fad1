"""The trained networks that come with the package: their weights, what was measured of them, how they were made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.recipes import RECIPES

if TYPE_CHECKING:
    from torch import Tensor

    from fashionzoo.images import Preprocess
    from fashionzoo.networks import Network

WEIGHTS_DIR = Path(__file__).parent / "weights"
MANIFEST_PATH = WEIGHTS_DIR / "manifest.json"
VERSIONS = ("report", "tuned")
REINSTALL_HINT = "reinstall it with `pip install --force-reinstall --no-deps fashionzoo`"


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
    meta: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """The ``.safetensors`` file."""
        return WEIGHTS_DIR / str(self.meta["file"])

    @property
    def config(self) -> dict[str, Any]:
        """The architecture, as :func:`fashionzoo.networks.build` takes it."""
        return dict(self.meta["config"])

    @property
    def metrics(self) -> dict[str, float]:
        """What this very file reaches on the 10,000 test images: ``test/acc``, ``test/recall/Shirt``, ..."""
        return dict(self.meta["metrics"])

    @property
    def spread(self) -> str:
        """Mean and range of the runs' test accuracy over the seeds, in per cent, as tables show them."""
        mean, lowest, highest = (100 * self.meta["seeds"][key] for key in ("mean", "lowest", "highest"))
        return f"{mean:.2f} ({lowest:.2f}-{highest:.2f})"

    @property
    def recipe(self) -> dict[str, Any]:
        """The flags that it was trained with."""
        return dict(self.meta["recipe"])

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The arguments of the network's class that it was trained with."""
        flags = self.meta["recipe"].items()
        return {flag.removeprefix("model."): value for flag, value in flags if flag.startswith("model.")}

    def transforms(self) -> Preprocess:
        """Return what turns pixels, ``(N, 28, 28)``, uint8 or float in [0, 1], into the network's input."""
        from fashionzoo.images import Preprocess

        return Preprocess(self.config["standardize"])

    def load_into(self, network: Network) -> None:
        """Give a network the weights.

        Args:
            network: Of the architecture that they were trained with; only the dropout may differ.

        Raises:
            FashionZooError: The network has another architecture, or the file is not intact.
        """
        for key, value in self.config.items():
            if key != "dropout" and network.config[key] != value:
                raise FashionZooError(
                    f"{key}={network.config[key]} does not fit the {self.version} weights of {self.name}, trained with "
                    f"{value}: leave it out, or take weights=None"
                )
        network.load_state_dict(self.get_state_dict())

    def get_state_dict(self) -> dict[str, Tensor]:
        """Return the tensors of the file.

        Raises:
            FashionZooError: The file is missing from the installation, or is not the one that was published.
        """
        from safetensors.torch import load

        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise FashionZooError(f"cannot read {self.path} ({error.strerror}): {REINSTALL_HINT}") from error
        if hashlib.sha256(content).hexdigest() != self.meta["sha256"]:
            raise FashionZooError(f"{self.path} is not what was published (SHA-256 differs): {REINSTALL_HINT}")
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
        FashionZooError: There is no such network or version; the message names the nearest.

    Example:
        >>> get_weights("cnn_plain", "report").recipe["trainer.max_epochs"]
        20
    """
    if name not in list_models():
        raise FashionZooError(f"unknown network {name!r}: {did_you_mean(name, list_models())}")
    if version not in VERSIONS:
        raise FashionZooError(f"unknown weights {version!r} of {name}: {did_you_mean(version, VERSIONS)}")
    try:
        return Weights(name, version, manifest()[name][version])
    except KeyError as error:
        raise FashionZooError(f"{MANIFEST_PATH} says nothing of {name} {version}: {REINSTALL_HINT}") from error


def get_model(name: str, weights: str | None = None, **hyperparameters: Any) -> Network:
    """Return a network: trained and in evaluation mode, or fresh.

    Args:
        name: A network's registry name.
        weights: ``"report"`` or ``"tuned"`` for the trained network, ``None`` for random weights.
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
    from fashionzoo.networks import build

    pretrained = get_weights(name, "report" if weights is None else weights)
    config = pretrained.config
    for key in hyperparameters:
        if key not in config or key == "family":
            valid = sorted(set(config) - {"family"})
            raise FashionZooError(f"{name} has no hyperparameter {key!r}: {did_you_mean(key, valid)}")
    try:
        network = build({**config, **hyperparameters})
    except TypeError as error:
        raise FashionZooError(f"{name} cannot be made of {hyperparameters}: {error}") from error
    if weights is not None:
        pretrained.load_into(network)
        network.eval()
    return network


@cache
def manifest() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what is known of all weights, by network and version.

    Raises:
        FashionZooError: It is missing from the installation.
    """
    try:
        metas: dict[str, dict[str, dict[str, Any]]] = json.loads(MANIFEST_PATH.read_text())
    except (OSError, ValueError) as error:
        raise FashionZooError(f"cannot read {MANIFEST_PATH} ({error}): {REINSTALL_HINT}") from error
    return metas
