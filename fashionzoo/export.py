"""Trained networks as files for other programs, compared with the network before anyone relies on them."""

from __future__ import annotations

import copy
import importlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from fashionzoo import files
from fashionzoo.errors import InputError
from fashionzoo.networks import Network, build

PARITY_IMAGES = 1000  # of the test set
TOLERANCE = 1e-5  # between the probabilities of the network and of the file
BATCH = torch.export.Dim("batch")


class PixelsToProbabilities(nn.Module):
    """A network with the preprocessing before it and the softmax after it.

    Args:
        network: In evaluation mode.

    Shape:
        Input ``(N, 28, 28)``, uint8; output ``(N, 10)``, float32.

    Example:
        >>> from fashionzoo.networks import MLP
        >>> PixelsToProbabilities(MLP())(torch.zeros(2, 28, 28, dtype=torch.uint8)).shape
        torch.Size([2, 10])
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return the probabilities of each class."""
        logits: Tensor = self.network(self.network.preprocess(images))
        return logits.softmax(dim=1)


def export(network: Network, path: Path, root: str | Path | None = None) -> float:
    """Write a network to a file, once what is read back from it says what the network says.

    Args:
        network: In evaluation mode.
        path: Its ending decides what is written: ``.onnx`` and ``.pt2`` take uint8 images ``(N, 28, 28)``, any number,
            and return probabilities; ``.safetensors`` holds the weights, and ``config`` in its header.
        root: Folder of the data that the two are compared on.

    Returns:
        The largest difference between their probabilities on the first 1,000 test images.

    Raises:
        InputError: The ending is unknown, the file cannot be written, a package or the data is missing, or the file
            differs from the network; then nothing is left of it.
    """
    if path.suffix not in WRITERS:
        raise InputError(f"unknown ending of {path}: choose from {', '.join(WRITERS)}")
    files.fetch(root)
    images = files.load("t10k", root)[0][:PARITY_IMAGES]
    model = PixelsToProbabilities(copy.deepcopy(network)).eval().to(memory_format=torch.contiguous_format)
    try:
        # In the same folder, so that a file appears under its name only when it is whole and right.
        with tempfile.TemporaryDirectory(prefix=".fashionzoo-", dir=path.parent) as folder, torch.inference_mode():
            part = Path(folder) / path.name
            written, expected = WRITERS[path.suffix](model, part, images), model(images)
            difference = float((written - expected).abs().max())
            if not difference <= TOLERANCE or not torch.equal(written.argmax(dim=1), expected.argmax(dim=1)):
                raise InputError(f"{path} would differ from the network by {difference:.1e}: nothing was written")
            part.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror}): choose another place") from error
    return difference


def write_onnx(model: PixelsToProbabilities, path: Path, images: Tensor) -> Tensor:
    """Write ONNX; return what ONNX Runtime makes of images."""
    for package in ("onnxscript", "onnxruntime"):
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise InputError(f"ONNX needs {package}: `pip install 'fashionzoo[onnx]'`") from error
    import onnxruntime

    program = torch.onnx.export(
        model,
        (images[:2].clone(),),
        input_names=["images"],
        output_names=["probabilities"],
        dynamic_shapes={"images": {0: BATCH}},
        verbose=False,
    )
    assert program is not None
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(["probabilities"], {"images": images.numpy()})[0])


def write_pt2(model: PixelsToProbabilities, path: Path, images: Tensor) -> Tensor:
    """Write what ``torch.export`` makes of a network; return what that makes of images."""
    torch.export.save(torch.export.export(model, (images[:2].clone(),), dynamic_shapes={"images": {0: BATCH}}), path)
    probabilities: Tensor = torch.export.load(path).module()(images)
    return probabilities


def write_safetensors(model: PixelsToProbabilities, path: Path, images: Tensor) -> Tensor:
    """Write the weights, with the architecture in the header; return what a network read from it makes of images."""
    weights = {name: value.contiguous() for name, value in model.network.state_dict().items()}
    path.write_bytes(save(weights, metadata={"config": json.dumps(model.network.config)}))
    with safe_open(path, framework="pt") as file:
        network = build(json.loads(file.metadata()["config"]))
        network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118  # not a dict
    probabilities: Tensor = PixelsToProbabilities(network).eval()(images)
    return probabilities


WRITERS: dict[str, Callable[[PixelsToProbabilities, Path, Tensor], Tensor]] = {
    ".onnx": write_onnx,
    ".pt2": write_pt2,
    ".safetensors": write_safetensors,
}
