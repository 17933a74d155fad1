"""Networks as files: one ``.safetensors``, or a directory in the form of huggingface_hub's ``PyTorchModelHubMixin``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from fashionzoo.errors import FashionZooError
from fashionzoo.io import atomic_write, write_text

if TYPE_CHECKING:
    from fashionzoo.models.network import Network

CONFIG_NAME, WEIGHTS_NAME = "config.json", "model.safetensors"


class PretrainedMixin:
    """Saves a network so that its architecture, class names and weights can be read again."""

    def save_pretrained(self, directory: str | Path) -> None:
        """Write ``config.json`` and ``model.safetensors`` to a directory, which is made if it is not there.

        Args:
            directory: Where to.

        Raises:
            FashionZooError: The directory cannot be written, or the network is one of your own, whose architecture is
                code.

        Example:
            >>> import tempfile, fashionzoo as fz
            >>> with tempfile.TemporaryDirectory() as directory:
            ...     fz.MLP(widths=(8,)).save_pretrained(directory)
            ...     fz.MLP.from_pretrained(directory).config["widths"]
            [8]
        """
        network, directory = cast("Network", self), Path(directory)
        if network.config.get("family") == "module":
            raise FashionZooError("the architecture of this network is code, which no file holds: export it as .pt2")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            write_text(directory / CONFIG_NAME, json.dumps(describe(network), indent=1) + "\n")
            save_safetensors(network, directory / WEIGHTS_NAME)
        except OSError as error:
            raise FashionZooError(f"cannot write {directory} ({error.strerror}): choose another directory") from error

    @classmethod
    def from_pretrained(cls, path: str | Path) -> Self:
        """Return the network, in evaluation mode, that was saved to a directory or exported to a ``.safetensors`` file.

        Args:
            path: Of the directory or file.

        Raises:
            FashionZooError: There is none, it cannot be read, is a network of another kind, or of one's own, whose
                architecture is code.
        """
        path = Path(path)
        network = load_safetensors(path / WEIGHTS_NAME, path / CONFIG_NAME) if path.is_dir() else load_safetensors(path)
        if not isinstance(network, cls):
            raise FashionZooError(f"{path} holds a {type(network).__name__}: load it with fz.Network.from_pretrained")
        return network


def flush_denormals(network: nn.Module) -> None:
    """Set weights to zero that are too small for a processor's fast arithmetic; no answer changes by it.

    L2 leaves such behind, and a processor takes many times as long for each: network 5 of the report has them.

    Args:
        network: Is changed in place.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> _ = layer.weight.data.copy_(torch.tensor([[1e-40, 1e-30]]))
        >>> flush_denormals(layer)
        >>> (layer.weight == 0).tolist()
        [[True, False]]
    """
    with torch.no_grad():
        for weights in filter(torch.is_floating_point, network.parameters()):
            weights.masked_fill_(weights.abs() < torch.finfo(weights.dtype).tiny, 0)


def describe(network: Network) -> dict[str, Any]:
    """Return what it takes to build a network again: plain values."""
    return {**network.config, "class_names": list(network.class_names), "temperature": network.temperature}


def save_safetensors(network: Network, path: Path) -> None:
    """Write the weights, and what it takes to build the network again into the header."""
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    with atomic_write(path) as file:
        file.write(save(weights, metadata={"config": json.dumps(describe(network))}))


def load_safetensors(path: Path, config_path: Path | None = None) -> Network:
    """Return the network, in evaluation mode and in the precision of its weights, that a file holds.

    Args:
        path: The file.
        config_path: What says how to build the network; ``None`` for the file's own header.

    Raises:
        FashionZooError: It cannot be read, or holds a network of one's own, whose architecture is code.
    """
    from fashionzoo.models.factory import FAMILIES, build_network

    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("config", "null")
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
        config = json.loads(config_path.read_text(encoding="utf-8") if config_path else text)
    except (OSError, SafetensorError, ValueError) as error:
        raise FashionZooError(f"cannot read {path} ({error}): name what save_pretrained or export wrote") from error
    if not isinstance(config, dict) or config.get("family") not in FAMILIES:
        raise FashionZooError(f"{path} does not say how to build its network: make it, and load the tensors into it")
    class_names, temperature = config.pop("class_names", None), config.pop("temperature", 1.0)
    try:
        # Before the weights come, which would be rounded.
        network = build_network(config).to(next(value.dtype for value in weights.values() if value.is_floating_point()))
        network.temperature = float(temperature)
        if class_names is not None:
            network.name_classes(class_names)
        network.load_state_dict(weights)
        flush_denormals(network)
    except (TypeError, RuntimeError, StopIteration) as error:
        reason = " ".join(str(error).split())
        raise FashionZooError(f"the weights in {path} do not fit its configuration ({reason}): restore both") from error
    return network.eval()
