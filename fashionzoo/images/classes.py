"""The ten classes, the size of an image, and what a prediction consists of."""

from __future__ import annotations

from typing import NamedTuple

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
IMAGE_SIZE = 28  # pixels, both sides


class Prediction(NamedTuple):
    """The prediction for one image: the label, its name, and the probability of each class."""

    label: int
    name: str
    probabilities: dict[str, float]
