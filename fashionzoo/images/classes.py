"""The ten classes, the size of an image, and what a prediction consists of."""

from __future__ import annotations

from typing import NamedTuple

from fashionzoo.notebook import html_bars

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
NUM_SHOWN = 3  # classes that a prediction shows
UNFAMILIAR = "none of these, perhaps"
FAMILIAR = 0.15  # chosen on drawings, as most pictures that are asked about show clothes: RESULTS.md has both shares


class Prediction(NamedTuple):
    """The prediction for one image: the label, its name, the probability of each class, and whether to believe it.

    ``familiarity``, 0 to 1, says how much the image looks like those of Fashion-MNIST; see
    :func:`fashionzoo.weights.familiarity.familiarity`. It is ``None`` for a network with other classes, and for
    one that ``from_pretrained`` or ``load_from_checkpoint`` returned.
    """

    label: int
    name: str
    probabilities: dict[str, float]
    familiarity: float | None = None

    def __repr__(self) -> str:
        """Return the most likely classes in per cent.

        Example:
            >>> Prediction(6, "Shirt", {"Coat": 0.1, "Shirt": 0.8996, "Bag": 0.0004, "Dress": 0.0}, 0.01)
            <Prediction 6 Shirt: Shirt 90.0 %, Coat 10.0 %, Bag 0.0 %; none of these, perhaps>
        """
        likely = ", ".join(f"{name} {100 * share:.1f} %" for name, share in self.top_classes().items())
        doubt = "" if self.is_familiar else f"; {UNFAMILIAR}"
        return f"<Prediction {self.label} {self.name}: {likely}{doubt}>"

    def _repr_html_(self) -> str:
        """Return the most likely classes as bars, for notebooks."""
        return self.to_html(f"{self.label} {self.name}")

    def to_html(self, title: str) -> str:
        """Return the most likely classes as bars.

        Args:
            title: What stands above them.
        """
        return html_bars(title, self.top_classes(), "" if self.is_familiar else UNFAMILIAR)

    def top_classes(self, count: int = NUM_SHOWN) -> dict[str, float]:
        """Return the most likely classes with their probabilities, the largest first.

        Args:
            count: How many.
        """
        return dict(sorted(self.probabilities.items(), key=lambda item: -item[1])[:count])

    @property
    def is_familiar(self) -> bool:
        """Whether the image looks like clothes; if not, it is perhaps none of the classes."""
        return self.familiarity is None or self.familiarity >= FAMILIAR
