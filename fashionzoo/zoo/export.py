"""Trained networks as files for other programs, compared with the network before anyone relies on them."""

from __future__ import annotations

import copy
import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from fashionzoo.errors import FashionZooError
from fashionzoo.images.preprocessing import Preprocess
from fashionzoo.models.factory import FAMILIES
from fashionzoo.models.network import Network
from fashionzoo.models.pretrained import load_safetensors, save_safetensors
from fashionzoo.zoo.evaluation import as_network, load_test_split

if TYPE_CHECKING:
    from fashionzoo.training.classifier import Classifier

PARITY_IMAGES = 1000  # of the test set
ATOL = 1e-5  # between the probabilities of the network and of the file
BATCH = torch.export.Dim("batch")


class InferenceModule(nn.Module):
    """A network with the preprocessing before it and the softmax after it.

    Args:
        network: In evaluation mode.

    Shape:
        Input ``(N, 28, 28)``, uint8; output ``(N, classes)``, float32.

    Example:
        >>> from fashionzoo import MLP
        >>> InferenceModule(MLP())(torch.zeros(2, 28, 28, dtype=torch.uint8)).shape
        torch.Size([2, 10])
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return the probabilities of each class."""
        logits: Tensor = self.network(self.network.preprocess(images))
        return (logits / self.network.temperature).softmax(dim=1)


def export(network: Network | Classifier, path: str | Path, root: str | Path | None = None) -> float:
    """Write a network to a file, once what is read back from it gives the network's probabilities.

    Args:
        network: What :func:`fashionzoo.get_model` returns, or a :class:`fashionzoo.Classifier`.
        path: Its suffix decides what is written: ``.onnx`` and ``.pt2`` take uint8 images ``(N, 28, 28)``, any number,
            and return probabilities; ``.safetensors`` holds the weights, and the architecture in its header, for
            :meth:`fashionzoo.Network.from_pretrained`.
        root: Folder of the data that the two are compared on.

    Returns:
        The largest difference between their probabilities on the first 1,000 test images.

    Raises:
        FashionZooError: The suffix is unknown, the file cannot be written, a package or the data is missing, or the
            file differs from the network; then nothing is left of it.
    """
    path = Path(path)
    write = EXPORTERS.get(path.suffix.lower())
    if write is None:
        raise FashionZooError(f"unknown suffix of {path}: choose from {', '.join(EXPORTERS)}")
    network = as_network(network)
    images = load_test_split(network, root)[0][:PARITY_IMAGES]
    model = InferenceModule(copy.deepcopy(network))
    model.network.preprocess = Preprocess(network.preprocess.standardize)  # not rounded to a half network's type
    model = model.eval().float().cpu().to(memory_format=torch.contiguous_format)
    try:
        # In the same folder, so that a file appears under its name only when it is complete and right.
        with tempfile.TemporaryDirectory(prefix=".fashionzoo-", dir=path.parent) as folder, torch.inference_mode():
            tmp_path = Path(folder) / path.name
            actual, expected = write(model, tmp_path, images), model(images)
            difference = float((actual - expected).abs().max())
            if not difference <= ATOL or not torch.equal(actual.argmax(dim=1), expected.argmax(dim=1)):
                raise FashionZooError(f"{path} would differ from the network by {difference:.1e}: nothing was written")
            tmp_path.replace(path)
    except OSError as error:
        raise FashionZooError(f"cannot write {path} ({error.strerror}): choose another directory") from error
    except FashionZooError:
        raise
    except Exception as error:  # a stranger's network may do what the format cannot hold
        reason = " ".join(str(error).split())[:200]
        hint = f": torch 2.9 can write more than {torch.__version__}" if torch.__version__ < "2.9" else ""
        raise FashionZooError(
            f"the network cannot be written as {path.suffix} ({type(error).__name__}: {reason}){hint}"
        ) from error
    return difference


def write_onnx(model: InferenceModule, path: Path, images: Tensor) -> Tensor:
    """Write ONNX; return ONNX Runtime's probabilities."""
    for package in ("onnxscript", "onnxruntime"):
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise FashionZooError(f"ONNX needs {package}: `pip install onnxscript onnxruntime`") from error
    import onnxruntime

    dynamo = torch.__version__ >= "2.9"  # before it, that exporter cannot write batch normalization
    program = torch.onnx.export(
        model,
        (images[:2].clone(),),
        None if dynamo else path,
        input_names=["images"],
        output_names=["probabilities"],
        dynamic_shapes={"images": {0: BATCH}} if dynamo else None,
        dynamic_axes=None if dynamo else {"images": {0: "batch"}},
        dynamo=dynamo,
        verbose=False,
    )
    if program is not None:
        program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(["probabilities"], {"images": images.numpy()})[0])


def write_pt2(model: InferenceModule, path: Path, images: Tensor) -> Tensor:
    """Write a ``torch.export`` program; return its probabilities."""
    torch.export.save(torch.export.export(model, (images[:2].clone(),), dynamic_shapes={"images": {0: BATCH}}), path)
    probabilities: Tensor = torch.export.load(path).module()(images)
    return probabilities


def write_safetensors(model: InferenceModule, path: Path, images: Tensor) -> Tensor:
    """Write the weights, with the architecture in the header; return the probabilities of a network read from it."""
    save_safetensors(model.network, path)
    if model.network.config.get("family") in FAMILIES:
        network = load_safetensors(path)
    else:
        network = copy.deepcopy(model.network)
        network.load_state_dict(load_file(path))
    probabilities: Tensor = InferenceModule(network).eval()(images)
    return probabilities


EXPORTERS: dict[str, Callable[[InferenceModule, Path, Tensor], Tensor]] = {
    ".onnx": write_onnx,
    ".pt2": write_pt2,
    ".safetensors": write_safetensors,
}
