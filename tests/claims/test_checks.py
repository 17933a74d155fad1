"""Every check can hold, fail and be undecided: shown with invented runs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fashionzoo.claims.claim import (
    ABLATIONS,
    BALANCED,
    CLAIMS,
    DROPOUT,
    NETWORKS,
    PLAIN,
    RELU,
    SIGMOID,
    WIDENING,
    InconclusiveError,
    SeedRuns,
)
from fashionzoo.claims.evaluation import evaluate_claim
from fashionzoo.images.classes import CLASSES
from fashionzoo.weights.manifest import find_weights
from fashionzoo.zoo.runs import Run

Points = Mapping[int, float]  # a curve runs straight from one to the next
Value = Points | float  # or has one value throughout
Changes = Mapping[str, Mapping[str, Value | Sequence[Value] | Mapping[str, Any]]]
VAL = "val/acc"
DEFAULT = {VAL: 0.5, "test/acc": 0.5, "val/loss": 0.5, "train/loss": 0.5}
EPOCHS = {**dict.fromkeys((SIGMOID, RELU, WIDENING), 300), PLAIN: 20, BALANCED: 40}


def curve(points: Value, epochs: int) -> list[float]:
    """Return a value for each epoch."""
    if not isinstance(points, Mapping):
        return [points] * epochs
    at, values = list(points), list(points.values())

    def value(epoch: int) -> float:
        right = min(max(bisect_left(at, epoch), 1), len(at) - 1)
        share = (epoch - at[right - 1]) / (at[right] - at[right - 1])
        return values[right - 1] + min(max(share, 0.0), 1.0) * (values[right] - values[right - 1])

    return [value(epoch) for epoch in range(1, epochs + 1)]


def invent(network: str, seed: int, changes: Mapping[str, Any]) -> Run:
    """Return a run by the report's recipe with given curves; a list has one for each seed."""
    ablation = ABLATIONS.get(network, {})
    recipe = find_weights("fashionzoo", DROPOUT if ablation else network, "report").recipe
    config: dict[str, Any] = {"seed_everything": seed}
    for flag, value in {**recipe, **ablation}.items():
        section = config
        *sections, key = flag.split(".")
        for name in sections:
            section = section.setdefault(name, {})
        section[key] = value
    confusion = {true: {name: 900 if name == true else 10 for name in CLASSES} for true in CLASSES}
    for true, counts in changes.get("confusion", {}).items():
        confusion[true] |= counts
    metrics = {name: points[seed] if isinstance(points, list) else points for name, points in changes.items()}
    run, epochs = Run(Path(network)), EPOCHS.get(network, 200)
    vars(run).update(
        config=config,
        confusion=confusion,
        metrics={
            "epoch": [float(epoch) for epoch in range(1, epochs + 1)],
            **{name: curve(points, epochs) for name, points in metrics.items() if name != "confusion"},
        },
    )
    return run


def outcome(claim_id: str, changes: Changes) -> str:
    """Return the outcome of a claim on three seeds of invented runs."""
    (claim,) = (claim for claim in CLAIMS if claim.id == claim_id)
    names = (*NETWORKS, *ABLATIONS)
    by_seed = [
        SeedRuns(seed, {name: invent(name, seed, {**DEFAULT, **changes.get(name, {})}) for name in names})
        for seed in range(3)
    ]
    return evaluate_claim(claim, by_seed).outcome


def recalls(**values: Value) -> dict[str, Value]:
    """Return validation recalls, those not named in the middle."""
    return {f"val/recall/{name}": values.get(name, 0.7) for name in CLASSES}


def reaches(level: float, iteration: int) -> dict[str, Value]:
    """Return a validation accuracy that jumps over a level."""
    return {VAL: {1: 0.1, iteration - 1: level - 0.1, iteration: level + 0.1}}


def shirt(network: str, **counts: int) -> Changes:
    """Return a network with given confusions of true Shirt."""
    names = {"tshirt": "T-shirt/top"}
    return {network: {"confusion": {"Shirt": {names.get(name, name): count for name, count in counts.items()}}}}


def on_test(**accuracies: float) -> Changes:
    """Return test accuracies, networks not named at 0.5."""
    return {name: {"test/acc": accuracies.get(name, 0.5)} for name in NETWORKS}


def gaps(**train: float) -> Changes:
    """Return training accuracies over a validation accuracy of 0.8."""
    steady: dict[str, Value] = {VAL: 0.8, "val/loss": 0.5}
    return {name: {**steady, "train/acc_without_dropout": accuracy} for name, accuracy in train.items()}


RISING, LOW = {1: 0.9, 10: 0.3, 20: 0.6}, {1: 0.9, 10: 0.3, 20: 0.3}
FALLING = {1: 0.9, 20: 0.1}
UNSURE_RISE = [{1: 0.9, 10: 0.3, 40: end} for end in (0.3, 0.315, 0.33)]
# By claim: runs on which it holds, fails, and cannot be decided.
CASES: dict[str, tuple[Changes, Changes, Changes]] = {
    "N1.start": ({SIGMOID: {VAL: 0.1}}, {SIGMOID: {VAL: 0.3}}, {SIGMOID: {VAL: 0.25}}),
    "N1.shape": (
        {SIGMOID: {VAL: {1: 0.1, 45: 0.7, 300: 0.75}}},
        {SIGMOID: {VAL: {1: 0.1, 45: 0.3, 300: 0.8}}},
        {SIGMOID: {VAL: {1: 0.1, 45: 0.7, 290: 0.9, 300: 0.9}}},
    ),
    "N1.level": (
        {SIGMOID: reaches(0.78, 290)},
        {SIGMOID: reaches(0.78, 200)},
        {SIGMOID: {VAL: {1: 0.1, 200: 0.78, 300: 0.78}}},
    ),
    "N1.best_class": (
        {SIGMOID: recalls(Trouser={1: 0.1, 200: 0.95})},
        {SIGMOID: recalls(Trouser=0.8, Bag=0.95)},
        {SIGMOID: recalls(Trouser=0.94, Bag=0.95)},
    ),
    "N1.worst_class": (
        {SIGMOID: recalls(Shirt=0.3)},
        {SIGMOID: recalls(Shirt=0.5, Coat=0.3)},
        {SIGMOID: recalls(Shirt=0.31, Coat=0.3)},
    ),
    "N1.shirt": (
        shirt(SIGMOID, Pullover=300),
        shirt(SIGMOID, Pullover=100, Coat=300),
        shirt(SIGMOID, Pullover=200, Coat=201),
    ),
    "N1.shirt_tshirt": (
        shirt(SIGMOID, Coat=300, tshirt=200),
        shirt(SIGMOID, Coat=300, Pullover=200, tshirt=100),
        shirt(SIGMOID, Coat=300, Pullover=200, tshirt=199),
    ),
    "N1.sandal": (
        {SIGMOID: {"confusion": {"Sandal": {"Sneaker": 200}}}},
        {SIGMOID: {"confusion": {"Sandal": {"Bag": 200}}}},
        {SIGMOID: {"confusion": {"Sandal": {"Sneaker": 100, "Bag": 101}}}},
    ),
    "N2.rate": (
        {RELU: {VAL: 0.7}, SIGMOID: {VAL: 0.6}},
        {RELU: {VAL: 0.6}, SIGMOID: {VAL: 0.7}},
        {RELU: {VAL: 0.7}, SIGMOID: {VAL: 0.695}},
    ),
    "N2.level": (
        {RELU: reaches(0.78, 270)},
        {RELU: reaches(0.78, 200)},
        {RELU: {VAL: {1: 0.1, 200: 0.78, 300: 0.78}}},
    ),
    "N2.sooner": (
        {RELU: reaches(0.78, 200), SIGMOID: {VAL: {1: 0.7, 249: 0.7, 250: 0.9}}},  # which is ahead at first
        {RELU: reaches(0.78, 250), SIGMOID: reaches(0.78, 200)},
        {RELU: {VAL: {1: 0.1, 300: 0.9}}, SIGMOID: {VAL: {1: 0.11, 300: 0.9}}},
    ),
    "N2.gradient": (
        {RELU: {"gradient_norm/first_layer": 3.0}, SIGMOID: {"gradient_norm/first_layer": 1.0}},
        {RELU: {"gradient_norm/first_layer": 1.0}, SIGMOID: {"gradient_norm/first_layer": 3.0}},
        {RELU: {"gradient_norm/first_layer": [1.0, 2.0, 3.0]}, SIGMOID: {"gradient_norm/first_layer": 1.5}},
    ),
    "N2.sparse": (
        {RELU: {"test/near_zero": 0.4}, SIGMOID: {"test/near_zero": 0.1}},
        {RELU: {"test/near_zero": 0.1}, SIGMOID: {"test/near_zero": 0.4}},
        {RELU: {"test/near_zero": [0.1, 0.2, 0.4]}, SIGMOID: {"test/near_zero": 0.2}},
    ),
    "N2.late": (
        {RELU: {"train/loss": RISING, "val/loss": RISING}},
        {RELU: {"train/loss": RISING, "val/loss": FALLING}},
        {RELU: {"train/loss": RISING, "val/loss": [FALLING, FALLING, RISING]}},
    ),
    "N3.slow": (
        {WIDENING: {"val/loss": {1: 2.0, 50: 1.9, 300: 1.0}}},
        {WIDENING: {"val/loss": {1: 2.0, 50: 1.5, 300: 1.0}}},
        {WIDENING: {"val/loss": [{1: 2.0, 50: at, 300: 1.0} for at in (1.9, 1.75, 1.6)]}},
    ),
    "N3.others": (
        {SIGMOID: {VAL: 0.8}, RELU: {VAL: 0.8}},
        {SIGMOID: {VAL: 0.8}, RELU: {VAL: {1: 0.1, 300: 0.8}}},
        {SIGMOID: {VAL: 0.8}, RELU: {VAL: {1: 0.1, 45: 0.76, 55: 0.76, 295: 0.8, 300: 0.8}}},
    ),
    "N3.level": ({WIDENING: {VAL: 0.7}}, {WIDENING: {VAL: 0.8}}, {WIDENING: {VAL: 0.73}}),
    "N3.lowest": (
        {WIDENING: {VAL: 0.7}, SIGMOID: {VAL: 0.8}, RELU: {VAL: 0.8}},
        {WIDENING: {VAL: 0.7}, SIGMOID: {VAL: 0.8}, RELU: {VAL: 0.6}},
        {WIDENING: {VAL: 0.7}, SIGMOID: {VAL: 0.8}, RELU: {VAL: 0.7}},
    ),
    "N3.longer": (
        {WIDENING: {VAL: {1: 0.5, 199: 0.5, 200: 0.8}}, SIGMOID: reaches(0.65, 50), RELU: reaches(0.65, 90)},
        {WIDENING: reaches(0.65, 200), SIGMOID: reaches(0.65, 250), RELU: reaches(0.65, 90)},
        {WIDENING: reaches(0.65, 200), SIGMOID: reaches(0.65, 200), RELU: reaches(0.65, 90)},
    ),
    "N3.shirt": (
        shirt(WIDENING, Dress=200, Pullover=200, Coat=200),
        shirt(WIDENING, Dress=50, Pullover=200, Coat=200, tshirt=200),
        shirt(WIDENING, Dress=199, Pullover=300, Coat=300, tshirt=200),
    ),
    "N4.level": (on_test(cnn_plain=0.631), on_test(cnn_plain=0.7), on_test(cnn_plain=0.651)),
    "N4.overfit": (
        {PLAIN: {"val/loss": RISING, "train/loss": FALLING}},
        {PLAIN: {"val/loss": LOW, "train/loss": FALLING}},
        {PLAIN: {"val/loss": [*UNSURE_RISE[:2], RISING], "train/loss": FALLING}},
    ),
    "N5.slower": (
        {DROPOUT: {VAL: 0.7}, PLAIN: {VAL: 0.8}},
        {DROPOUT: {VAL: 0.8}, PLAIN: {VAL: 0.7}},
        {DROPOUT: {VAL: 0.8}, PLAIN: {VAL: 0.8}},
    ),
    "N5.never": (
        {DROPOUT: {VAL: 0.7}, PLAIN: {VAL: 0.8}},
        {DROPOUT: {VAL: {1: 0.1, 200: 0.9}}, PLAIN: {VAL: 0.8}},
        {DROPOUT: {VAL: {1: 0.1, 200: 0.8}}, PLAIN: {VAL: 0.8}},
    ),
    "N5.cause": (
        {DROPOUT: {VAL: 0.7}, "without_dropout": {VAL: 0.8}, "without_l2": {VAL: 0.8}},
        {DROPOUT: {VAL: 0.7}, "without_dropout": {VAL: 0.8}, "without_l2": {VAL: 0.6}},
        {DROPOUT: {VAL: 0.7}, "without_dropout": {VAL: 0.8}, "without_l2": {VAL: 0.7}},
    ),
    "N5.no_overfit": (
        gaps(cnn_dropout_l2=0.81, cnn_plain=0.9),
        gaps(cnn_dropout_l2=0.95, cnn_plain=0.9),
        gaps(cnn_dropout_l2=0.9, cnn_plain=0.9),
    ),
    "N5.sparse": (
        {DROPOUT: {"test/near_zero": 0.4}, PLAIN: {"test/near_zero": 0.3}},
        {DROPOUT: {"test/near_zero": 0.3}, PLAIN: {"test/near_zero": 0.4}},
        {DROPOUT: {"test/near_zero": [0.3, 0.4, 0.5]}, PLAIN: {"test/near_zero": 0.4}},
    ),
    "N6.level": (on_test(cnn_balanced=0.65), on_test(cnn_balanced=0.6), on_test(cnn_balanced=0.67)),
    "N6.best": (
        on_test(cnn_balanced=0.9),
        on_test(cnn_balanced=0.9, cnn_plain=0.95),
        on_test(cnn_balanced=0.9, cnn_plain=0.899),
    ),
    "N6.fewer": (
        {BALANCED: {VAL: 0.9}, DROPOUT: {VAL: {1: 0.1, 150: 0.8, 151: 0.8}}},
        {BALANCED: {VAL: 0.7}, DROPOUT: {VAL: {1: 0.1, 150: 0.8, 151: 0.8}}},
        {BALANCED: {VAL: 0.9}, DROPOUT: {VAL: [{1: 0.1, end: 0.8, end + 1: 0.8} for end in (2, 3, 9)]}},
    ),
    "N6.gap": (
        gaps(cnn_balanced=0.81, cnn_plain=0.9),
        gaps(cnn_balanced=0.95, cnn_plain=0.9),
        gaps(cnn_balanced=0.9, cnn_plain=0.905),
    ),
    "N6.no_overfit": (
        {BALANCED: {"val/loss": LOW}},
        {BALANCED: {"val/loss": RISING}},
        {BALANCED: {"val/loss": UNSURE_RISE}},
    ),
    "all.best": (
        on_test(cnn_balanced=0.9),
        on_test(cnn_balanced=0.9, mlp_relu_narrowing=0.95),
        on_test(cnn_balanced=0.9, mlp_relu_narrowing=0.9),
    ),
}
EVERYWHERE: Changes = {name: {"gradient_norm/last_layer": 1.0} for name in NETWORKS}


@pytest.mark.parametrize("claim_id", CASES)
def test_a_check_can_hold_fail_and_be_undecided(claim_id: str) -> None:
    for expected, changes in zip(("holds", "fails", "undecided"), CASES[claim_id], strict=True):
        everywhere = {name: {**EVERYWHERE.get(name, {}), **changes.get(name, {})} for name in {*EVERYWHERE, *changes}}
        assert outcome(claim_id, everywhere) == expected


def test_every_check_is_here_but_that_of_a_setting() -> None:
    """N2.lr compares two settings, and a run with another setting does not count."""
    assert {*CASES, "N2.lr"} == {claim.id for claim in CLAIMS}
    assert outcome("N2.lr", {}) == "holds"


def test_a_run_that_ended_early_says_nothing_about_all_its_epochs() -> None:
    run = invent(DROPOUT, 0, {**DEFAULT, VAL: 0.7})
    run.metrics["epoch"] = run.metrics["epoch"][:90]
    (never,) = (claim for claim in CLAIMS if claim.id == "N5.never")
    with pytest.raises(InconclusiveError, match="ended after 90 of its 200 epochs"):
        never.check(SeedRuns(0, {DROPOUT: run, PLAIN: invent(PLAIN, 0, {**DEFAULT, VAL: 0.8})}))


def test_one_seed_is_said_to_be_one() -> None:
    (claim,) = (claim for claim in CLAIMS if claim.id == "N3.level")
    result = evaluate_claim(claim, [SeedRuns(4, {WIDENING: invent(WIDENING, 0, {**DEFAULT, VAL: 0.7})})])
    assert result.in_words == "holds in one seed"
