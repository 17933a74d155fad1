"""Is one network better than another, or was it chance?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from scipy.stats import binomtest
from torch import Tensor

from fashionzoo.errors import FashionZooError
from fashionzoo.models.network import Network, compute_logits, count_flops
from fashionzoo.notebook import html_table
from fashionzoo.zoo.evaluation import Evaluation, as_network, load_test_split, measure

if TYPE_CHECKING:
    from fashionzoo.training.classifier import Classifier


@dataclass(frozen=True)
class Candidate:
    """A network in a comparison.

    Args:
        label: Its name there.
        evaluation: What was measured of it.
        interval: The 95 % interval of its test accuracy, by Wilson's score (1927).
        num_parameters: How many parameters it has.
        flops: Floating-point operations of one image.
    """

    label: str
    evaluation: Evaluation
    interval: tuple[float, float]
    num_parameters: int
    flops: int

    @property
    def accuracy(self) -> float:
        """Its test accuracy."""
        return self.evaluation.metrics["test/acc"]


@dataclass(frozen=True)
class Pair:
    """Two networks on the same images.

    Args:
        first: The label of one.
        second: The label of the other.
        only_first: Images that only the first is right on.
        only_second: Images that only the second is right on.
        p: How often chance alone would make the two numbers at least as unequal: McNemar's exact test (1947).
    """

    first: str
    second: str
    only_first: int
    only_second: int
    p: float

    def __str__(self) -> str:
        better, other, more = self.first, self.second, self.only_first - self.only_second
        if more < 0:
            better, other, more = other, better, -more
        if more == 0:
            return f"{better} and {other} are right on as many images."
        images = "image" if more == 1 else "images"
        return (
            f"{better} is right on {more} {images} more than {other}; a difference this large comes about by chance in "
            f"{odds(self.p)} cases (p {f'= {self.p:.2g}' if self.p else 'below 1e-300'})."
        )


@dataclass(frozen=True)
class Comparison:
    """Several networks on the same test images.

    Args:
        candidates: The networks, in the order in which they were given.
        pairs: All pairs of them.
        class_names: Names of the classes.
    """

    candidates: Sequence[Candidate]
    pairs: Sequence[Pair]
    class_names: Sequence[str]

    def __repr__(self) -> str:
        """Return accuracies and a sentence for each pair."""
        accuracies = ", ".join(f"{each.label} {100 * each.accuracy:.2f} %" for each in self.candidates)
        return f"<Comparison {accuracies}: {' '.join(map(str, self.pairs))}>"

    def _repr_html_(self) -> str:
        """Return accuracies and a sentence for each pair, for notebooks."""
        rows = [
            [each.label, f"{100 * each.accuracy:.2f}", "{:.2f}-{:.2f}".format(*(100 * end for end in each.interval))]
            for each in self.candidates
        ]
        return html_table(["network", "accuracy, %", "95 % interval"], rows, map(str, self.pairs))


def compare(networks: Mapping[str, Network | Classifier], root: str | Path | None = None) -> Comparison:
    """Compare networks on the official test set.

    Args:
        networks: Two or more, by label; each is evaluated in evaluation mode and left in the mode that it was in.
        root: Folder of the data; ``None`` for ``$FASHIONZOO_DATA`` or the user's cache folder.

    Raises:
        FashionZooError: There are fewer than two networks, they know different classes, or the data cannot be had.

    Example:
        >>> import fashionzoo as fz
        >>> networks = {version: fz.get_model("cnn_plain", version) for version in ("report", "tuned")}
        >>> compare(networks).pairs[0].p < 0.01  # doctest: +SKIP
        True
    """
    modules = {label: as_network(network) for label, network in networks.items()}
    if len(modules) < 2:
        raise FashionZooError("a comparison needs two different networks or more: name another")
    first, *others = modules.values()
    if any(other.class_names != first.class_names for other in others):
        raise FashionZooError("the networks know different classes: compare those that were trained on the same data")
    images, labels = load_test_split(first, root)
    return compare_logits(modules, {label: compute_logits(each, images) for label, each in modules.items()}, labels)


def compare_logits(networks: Mapping[str, Network], logits_of: Mapping[str, Tensor], labels: Tensor) -> Comparison:
    """Compare networks by their logits for the same images.

    Args:
        networks: Two or more, by label.
        logits_of: The logits of each, shape ``(N, classes)``.
        labels: Shape ``(N,)``.
    """
    candidates, correct = [], {}
    for label, network in networks.items():
        logits = logits_of[label]
        correct[label] = logits.argmax(dim=1) == labels
        interval = binomtest(int(correct[label].sum()), len(labels)).proportion_ci(0.95, method="wilson")
        num_parameters = sum(parameter.numel() for parameter in network.parameters())
        evaluation = measure(logits, labels, network)
        candidates.append(
            Candidate(label, evaluation, (interval.low, interval.high), num_parameters, count_flops(network))
        )
    return Comparison(candidates, list(_pairs(correct)), next(iter(networks.values())).class_names)


def _pairs(correct: Mapping[str, Tensor]) -> Iterable[Pair]:
    """Test each pair of networks, by which images each is right on."""
    for (first, one), (second, other) in combinations(correct.items(), 2):
        only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
        disagreements = only_first + only_second
        p = float(binomtest(only_first, disagreements).pvalue) if disagreements else 1.0
        yield Pair(first, second, only_first, only_second, p)


def odds(p: float) -> str:
    """Say a probability as people say it.

    Example:
        >>> odds(0.31), odds(0.02), odds(1e-7)
        ('3 of 10', '2 of 100', 'fewer than 1 of 10,000')
    """
    for cases in (10, 100, 1000, 10_000):
        if p * cases >= 1 or (cases == 10 and p >= 0.095):
            return f"{math.floor(p * cases + 0.5)} of {cases:,}"
    return "fewer than 1 of 10,000"
