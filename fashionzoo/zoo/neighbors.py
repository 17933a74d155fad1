"""The training images that a network finds most like a picture, by the features before its last layer."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional as F

from fashionzoo.data import sources
from fashionzoo.errors import FashionZooError
from fashionzoo.images.classes import CLASSES
from fashionzoo.images.conversion import ImageLike, single_image
from fashionzoo.io import atomic_write
from fashionzoo.models.activations import compute_features
from fashionzoo.zoo.evaluation import as_network

if TYPE_CHECKING:
    from fashionzoo.models.network import Network
    from fashionzoo.training.classifier import Classifier


class Neighbor(NamedTuple):
    """A training image near to a picture: its pixels, its label, and how alike the features are, at most 1."""

    image: Tensor
    label: int
    similarity: float

    def __repr__(self) -> str:
        """Return the class and the similarity.

        Example:
            >>> import torch
            >>> Neighbor(torch.zeros(28, 28), 4, 0.9876)
            <Neighbor 4 Coat: 0.988>
        """
        return f"<Neighbor {self.label} {CLASSES[self.label]}: {self.similarity:.3f}>"


class TrainingIndex:
    """The features of all 60,000 training images by one network.

    They are computed once and kept in the folder ``features`` beside the data, by the hash of the network's weights;
    those of a module of your own, whose code no hash of weights tells, are computed each time. Similarity is the cosine
    of two feature vectors, as Sun et al. 2022 compare them.

    Args:
        network: What :func:`fashionzoo.get_model` returns, or a :class:`fashionzoo.Classifier`, for Fashion-MNIST's
            classes.
        root: Folder of the data; ``None`` for ``$FASHIONZOO_DATA`` or the user's cache folder.

    Raises:
        FashionZooError: The data cannot be had, the network knows other classes, or it has no linear layer.

    Example:
        >>> import fashionzoo as fz
        >>> index = TrainingIndex(fz.get_model("mlp_relu_narrowing", weights="tuned"))  # doctest: +SKIP
        >>> index.nearest(fz.test_set().images[0])[0].label  # doctest: +SKIP
        9
    """

    def __init__(self, network: Network | Classifier, root: str | Path | None = None) -> None:
        self.network = as_network(network)
        if self.network.class_names != CLASSES:
            raise FashionZooError("the network knows other classes than the training images of Fashion-MNIST have")
        sources.ensure_downloaded(root)
        self.images, self.labels = sources.load_split("train", root)
        if self.network.config["family"] == "module":
            self.features = F.normalize(compute_features(self.network, self.images), dim=1)
            return
        directory = sources.resolve_data_dir(root) / "features"
        self.features_path = directory / f"{_fingerprint(self.network)}.safetensors"
        try:
            self.features = F.normalize(
                load_file(self.features_path)["features"].float(), dim=1
            )  # half precision had rounded them
        except (OSError, SafetensorError, KeyError):  # none yet, or one that is damaged
            self.features = F.normalize(compute_features(self.network, self.images), dim=1)
            with suppress(OSError):
                directory.mkdir(exist_ok=True)
                with atomic_write(self.features_path) as file:
                    file.write(save({"features": self.features.half()}))

    def nearest(self, image: ImageLike, count: int = 5) -> list[Neighbor]:
        """Return the nearest training images, the nearest first.

        Args:
            image: One image, as :meth:`fashionzoo.Network.classify` takes it: a path, a picture, 28x28 pixels.
            count: How many.

        Raises:
            FashionZooError: The image cannot be used, or there are not so many training images.
        """
        if count not in range(1, len(self.images) + 1):
            raise FashionZooError(f"{count} nearest images: choose 1 to {len(self.images)}")
        features = F.normalize(compute_features(self.network, single_image(image)), dim=1)
        similarities, indices = (self.features @ features[0]).clamp(max=1).topk(count)
        return [
            Neighbor(self.images[index], int(self.labels[index]), similarity)
            for similarity, index in zip(similarities.tolist(), indices.tolist(), strict=True)
        ]


def _fingerprint(network: Network) -> str:
    """Return what tells a network's features from those of others: its weights and its preprocessing."""
    digest = hashlib.sha256(str(network.config).encode())
    for name, values in network.state_dict().items():
        digest.update(name.encode() + values.cpu().double().numpy().tobytes())
    return digest.hexdigest()[:16]
