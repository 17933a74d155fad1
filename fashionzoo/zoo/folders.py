"""Pictures of one's own, in a folder for each class, as something to evaluate a network on."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.images.batches import prepare_paths
from fashionzoo.images.conversion import names_in_words
from fashionzoo.models.network import Network, compute_logits
from fashionzoo.zoo.evaluation import Evaluation, measure


def evaluate_folder(network: Network, path: Path, errors: list[FashionZooError]) -> Evaluation:
    """Evaluate a network on the pictures of a folder; a class without pictures has no recall.

    Args:
        network: What :func:`fashionzoo.get_model` returns.
        path: See :func:`load_folder`.
        errors: Gets what is wrong with the files that cannot be read.

    Raises:
        FashionZooError: As :func:`load_folder` does.
    """
    images, labels = load_folder(path, network.class_names, errors)
    scores = measure(compute_logits(network, images), labels, network)
    absent = {f"test/recall/{network.class_names[i]}" for i, row in enumerate(scores.confusion) if not sum(row)}
    return Evaluation({key: value for key, value in scores.metrics.items() if key not in absent}, scores.confusion)


def load_folder(path: Path, class_names: Sequence[str], errors: list[FashionZooError]) -> tuple[Tensor, Tensor]:
    """Return the pictures of a folder that has a folder for each class, as torchvision's ``ImageFolder`` wants it.

    Args:
        path: The folder; those in it are named as the classes, in any case and with or without signs, or as a part of
            a name (``T-shirt``), or by labels.
        class_names: Names of the classes, in the order of the labels.
        errors: Gets what is wrong with the files that cannot be read.

    Returns:
        Images ``(N, 1, 28, 28)``, uint8, and labels ``(N,)``.

    Raises:
        FashionZooError: A folder has the name of no class, or there is no picture that can be read.
    """
    labels_by_name = {str(label): label for label in range(len(class_names))}
    parts = Counter(_plain(part) for name in class_names for part in name.split("/"))
    for label, name in enumerate(class_names):
        labels_by_name |= {_plain(part): label for part in name.split("/") if parts[_plain(part)] == 1}
        labels_by_name[_plain(name)] = label
    images, labels = [], []
    folders, files = _inside(path)
    _warn_of_skipped(path, "files in no folder of a class", files)
    for folder in folders:
        if _plain(folder.name) not in labels_by_name:
            hint = did_you_mean(folder.name, (name.replace("/", "_") for name in class_names))
            raise FashionZooError(f"{folder} has the name of no class: {hint}")
        deeper, files = _inside(folder)
        _warn_of_skipped(folder, "folders, which are left out", deeper)
        if not files:
            continue
        for _, pixels in prepare_paths([folder], "auto", errors):
            images.append(pixels)
            labels += [labels_by_name[_plain(folder.name)]] * len(pixels)
    if errors and not images:
        raise FashionZooError(f"no picture in {path} can be read: {errors[0]}")
    if not images:
        raise FashionZooError(f"{path} has no folder with pictures for a class: make one, such as {path / 'Coat'}")
    return torch.cat(images), torch.tensor(labels)


def _inside(path: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the files of a folder, without hidden ones."""
    places = sorted(place for place in path.iterdir() if not place.name.startswith("."))
    return [place for place in places if place.is_dir()], [place for place in places if not place.is_dir()]


def _warn_of_skipped(path: Path, what: str, skipped: Sequence[Path]) -> None:
    """Say what of a folder is not evaluated."""
    if skipped:
        warnings.warn(f"{path} has {what}: {names_in_words(skipped)}", stacklevel=2)


def _plain(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return re.sub(r"\W|_", "", name.casefold())
