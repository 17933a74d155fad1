"""Other data sets in Fashion-MNIST's file format: four IDX files of 28x28 images, as MNIST and KMNIST have them."""

from __future__ import annotations

import gzip
import hashlib
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from fashionzoo.data.idx import parse_idx
from fashionzoo.data.sources import SHA256
from fashionzoo.errors import FashionZooError

if TYPE_CHECKING:
    from torch import Tensor


def load_split(split: str, root: Path, num_classes: int) -> tuple[Tensor, Tensor]:
    """Read one split of a data set that is not Fashion-MNIST.

    Args:
        split: ``"train"`` or ``"test"``.
        root: Holds the four files, raw or ``.gz``, or has a subdirectory ``raw`` or ``*/raw`` that does.
        num_classes: How many classes the labels are of.

    Returns:
        Images ``(N, 28, 28)`` uint8, and labels ``(N,)`` int64.

    Raises:
        FashionZooError: A file is missing or damaged, has other shapes or other labels.

    Warns:
        UserWarning: The files are not Fashion-MNIST's.
    """
    prefix = "t10k" if split == "test" else split
    files = [_find(root, f"{prefix}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")]
    contents = [_content(file) for file in files]
    images, labels = (_parse(content, file) for content, file in zip(contents, files, strict=True))
    if images.ndim != 3 or images.shape[1:] != (28, 28) or labels.shape != images.shape[:1] or not len(images):
        raise FashionZooError(
            f"{files[0]} has images of shape {tuple(images.shape)} for labels of shape {tuple(labels.shape)}: "
            "use a data set of 28x28 images"
        )
    if int(labels.max()) >= num_classes:
        raise FashionZooError(
            f"{files[1]} has labels up to {int(labels.max())} for {num_classes} class names: give one for each label"
        )
    if hashlib.sha256(contents[0]).hexdigest() != SHA256[f"{prefix}-images-idx3-ubyte"]:
        warnings.warn(f"{files[0]} is not Fashion-MNIST's (SHA-256 differs): read as another data set", stacklevel=2)
    return images, labels.long()


def _find(root: Path, name: str) -> Path:
    """Return where a file is under a root, raw or compressed."""
    for directory in (root, root / "raw", *sorted(root.glob("*/raw"))):
        for path in (directory / name, directory / f"{name}.gz"):
            if path.is_file():
                return path
    raise FashionZooError(f"there is no {name} or {name}.gz in {root}: name the directory with the four IDX files")


def _content(path: Path) -> bytes:
    """Return the decompressed content of a file."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise FashionZooError(f"cannot read {path} ({error}): use an intact file") from error


def _parse(content: bytes, path: Path) -> Tensor:
    """Return the array in the content of an IDX file."""
    try:
        return parse_idx(content)
    except ValueError as error:
        raise FashionZooError(f"{path} is {error}: use another") from error
