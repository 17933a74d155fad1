"""The weights that come with the package, what was measured of them, and how they are verified."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashionzoo.errors import FashionZooError, did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

    from fashionzoo.images.preprocessing import Preprocess
    from fashionzoo.models.network import Network


PACKAGE = "fashionzoo"
WEIGHTS_DIR = Path(__file__).parent
VERSIONS = ("report", "tuned")  # of this package's networks; those of another have what its manifest says


@dataclass(frozen=True)
class Weights:
    """The weights of one version of one network.

    Args:
        name: The network's registry name.
        version: ``"report"`` or ``"tuned"``.
        meta: All that the manifest says of them.
        package: The package that they come with.
    """

    name: str
    version: str
    meta: Mapping[str, Any]
    package: str = PACKAGE

    @property
    def path(self) -> Path:
        """The ``.safetensors`` file."""
        return weights_dir(self.package) / str(self.meta["file"])

    @property
    def config(self) -> dict[str, Any]:
        """The architecture, as :func:`fashionzoo.models.factory.build_network` takes it."""
        return copy.deepcopy(dict(self.meta["config"]))

    @property
    def metrics(self) -> dict[str, float]:
        """What this very file reaches on the 10,000 test images: ``test/acc``, ``test/recall/Shirt``, ..."""
        return copy.deepcopy(dict(self.meta["metrics"]))

    @property
    def accuracy(self) -> str:
        """The file's test accuracy with its 95 % interval (Wilson 1927), in per cent, as tables show it."""
        text = f"{100 * self.metrics['test/acc']:.2f}"
        if "interval" not in self.meta:  # another package may leave it out
            return text
        low, high = self.meta["interval"]
        return f"{text} ({100 * low:.2f}-{100 * high:.2f})"

    @property
    def spread(self) -> str:
        """Mean test accuracy of the runs over the seeds with its 95 % interval (Student 1908), in per cent."""
        seeds = self.meta["seeds"]
        text = f"{100 * seeds['mean']:.2f}"
        return f"{text} ±{100 * (seeds['interval'][1] - seeds['mean']):.2f}" if "interval" in seeds else text

    @property
    def recipe(self) -> dict[str, Any]:
        """The flags that it was trained with."""
        return copy.deepcopy(dict(self.meta["recipe"]))

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The arguments of the network's class that it was trained with."""
        flags = self.meta["recipe"].items()
        return {flag.removeprefix("model."): value for flag, value in flags if flag.startswith("model.")}

    def transforms(self) -> Preprocess:
        """Return what turns pixels, ``(N, 28, 28)``, uint8 or float in [0, 1], into the network's input."""
        from fashionzoo.images.preprocessing import Preprocess

        return Preprocess(self.config["standardize"])

    def load_into(self, network: Network) -> None:
        """Give a network the weights.

        Args:
            network: Of the architecture that they were trained with; only the dropout may differ.

        Raises:
            FashionZooError: The network has another architecture, or the file is not intact.
        """
        for key, value in self.config.items():
            own = network.config.get(key)
            if key != "dropout" and own != value:
                raise FashionZooError(
                    f"{key}={own} does not fit the {self.version} weights of {self.name}, trained with "
                    f"{value}: leave it out, or take weights=None"
                )
        from fashionzoo.models.pretrained import flush_denormals
        from fashionzoo.weights.familiarity import add_familiarity

        try:
            network.load_state_dict(self.get_state_dict())
        except RuntimeError as error:
            raise FashionZooError(
                f"a network with {network.num_classes} classes does not fit the {self.version} weights of {self.name}: "
                "leave the change out, or take weights=None"
            ) from error
        flush_denormals(network)
        network.temperature = float(self.meta.get("temperature", 1.0))
        add_familiarity(network)

    def get_state_dict(self) -> dict[str, Tensor]:
        """Return the tensors of the file.

        Raises:
            FashionZooError: The file is missing from the installation, or is not the one that was published.
        """
        from safetensors.torch import load

        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise FashionZooError(
                f"cannot read {self.path} ({error.strerror}): {reinstall_hint(self.package)}"
            ) from error
        if hashlib.sha256(content).hexdigest() != self.meta["sha256"]:
            raise FashionZooError(
                f"{self.path} is not what was published (SHA-256 differs): {reinstall_hint(self.package)}"
            )
        return load(content)


def find_weights(package: str, name: str, version: str) -> Weights:
    """Return weights that come with a package.

    Args:
        package: Its name; its weights and their manifest are in its directory ``weights``.
        name: A network's registry name.
        version: A version of its weights.

    Raises:
        FashionZooError: There are none; the message names the nearest.

    Example:
        >>> find_weights("fashionzoo", "cnn_plain", "report").recipe["trainer.max_epochs"]
        20
    """
    metas = manifest(package)
    if name not in metas:
        own = "train it, or take the weights of a network that `fashionzoo list` shows"
        hint = did_you_mean(name, metas) if metas else reinstall_hint(package) if package == PACKAGE else own
        raise FashionZooError(f"there are no weights of {name} in {package}: {hint}")
    if version not in metas[name]:
        raise FashionZooError(f"unknown weights {version!r} of {name}: {did_you_mean(version, metas[name])}")
    return Weights(name, version, metas[name][version], package)


@cache
def manifest(package: str = PACKAGE) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what is known of all weights that come with a package, by network and version.

    Args:
        package: Its name; it is not imported.

    Raises:
        FashionZooError: The manifest is missing from the installation of this package, or cannot be read.
    """
    path = weights_dir(package) / "manifest.json"
    if package != PACKAGE and not path.exists():
        return {}
    try:
        metas: dict[str, dict[str, dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FashionZooError(f"cannot read {path} ({error}): {reinstall_hint(package)}") from error
    return metas


def weights_dir(package: str) -> Path:
    """Return the directory of the weights that come with a package, which is not imported."""
    if package == PACKAGE:
        return WEIGHTS_DIR
    spec = importlib.util.find_spec(package) if package != "__main__" else None
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places or [package]))) / "weights"


def reinstall_hint(package: str) -> str:
    """Return what to do about a damaged installation."""
    return f"reinstall it with `pip install --force-reinstall --no-deps {package}`"
