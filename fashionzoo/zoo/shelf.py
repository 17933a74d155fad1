"""Networks by label, with what is computed of each once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fashionzoo.data import sources
from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.loading import LoadedNetwork
from fashionzoo.zoo.models import get_model, list_weights

if TYPE_CHECKING:
    from torch import Tensor

    from fashionzoo.data.labeled import LabeledImages
    from fashionzoo.models.network import Network
    from fashionzoo.zoo.neighbors import TrainingIndex


class Shelf:
    """All weights that come with packages, and networks of one's own; nothing is loaded before it is asked for.

    Args:
        own: Networks of one's own.
        root: Folder of the data, which is never downloaded from here.
    """

    def __init__(self, own: Sequence[LoadedNetwork] = (), root: Path | None = None) -> None:
        self.root = root
        self.own = {each.label: each.network for each in own}
        self.labels = [*dict.fromkeys([*self.own, *(f"{each.name}:{each.version}" for each in list_weights())])]
        self.network = cache(self._network)
        self.test_set = cache(self._test_set)
        self.logits = cache(self._logits)
        self.index = cache(self._index)

    def _network(self, label: str) -> Network:
        return self.own[label].eval() if label in self.own else get_model(*label.split(":"))

    def _test_set(self) -> LabeledImages:
        from fashionzoo.data.labeled import test_set

        sources.require_local(self.root)
        return test_set(self.root)

    def _logits(self, label: str) -> Tensor:
        """Return a network's logits for the test images."""
        from fashionzoo.models.network import compute_logits

        network, (images, _, class_names) = self.network(label), self.test_set()
        if network.class_names != class_names:
            raise FashionZooError(f"{label} knows other classes than the test images of Fashion-MNIST have")
        return compute_logits(network, images)

    def _index(self, label: str) -> TrainingIndex:
        from fashionzoo.zoo.neighbors import TrainingIndex

        sources.require_local(self.root)
        return TrainingIndex(self.network(label), self.root)
