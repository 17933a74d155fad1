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
FAMILIAR = 0.15  # chosen on drawings, as most pictures that are asked about show clothes: RESULTS.md has both shares


class Prediction(NamedTuple):
    """The prediction for one image: the label, its name, the probability of each class, and whether to believe it.

    ``familiarity``, 0 to 1, says how much the image looks like those of Fashion-MNIST; see
    :func:`fashionzoo.weights.familiarity.familiarity`. It is ``None`` for a network with other classes.
    """

    label: int
    name: str
    probabilities: dict[str, float]
    familiarity: float | None = None

    @property
    def is_familiar(self) -> bool:
        """Whether the image looks like clothes; if not, it is perhaps none of the classes."""
        return self.familiarity is None or self.familiarity >= FAMILIAR
