"""What searches left, without Optuna: their trials, and how good the best of so many trials is expected to be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.runs import LOGS

# They say which images judge.
VALIDATION_FLAGS = (
    *("data.seed", "data.val_size", "data.class_names"),
    *("trainer.limit_val_batches", "trainer.overfit_batches"),
)


@dataclass(frozen=True)
class StudySummary:
    """A study as ``fashionzoo tune`` leaves it in ``study.json``.

    Args:
        network: Whose flags were searched.
        study: Its name.
        metric: What was compared, on validation images.
        direction: ``"maximize"`` or ``"minimize"``.
        seed: The seed of all trials.
        flags: The recipe of all trials, and what they change of it.
        space: What the others were drawn from.
        importances: The share of each drawn flag in what makes good trials differ.
        trials: Number, state, value, epochs, seconds and flags of each; the error of one that failed by its flags.
        images: The flags that say which images taught and which judged.
    """

    network: str
    study: str
    metric: str
    direction: str
    seed: int
    flags: dict[str, Any]
    space: dict[str, Any]
    importances: dict[str, float]
    trials: list[dict[str, Any]]
    images: dict[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> list[float]:
        """The metric of each trial that cost budget, in their order: one that failed by its flags has the worst."""
        ended = [trial for trial in self.trials if trial["state"] in ("complete", "pruned") or "error" in trial]
        values = [None if "error" in trial else trial["value"] for trial in ended]
        known = [value for value in values if value is not None]
        worst = min if self.direction == "maximize" else max
        return [worst(known) if value is None else value for value in values] if known else []

    def described(self) -> str:
        """Name the study, the epochs of its longest trial, and the images where they are not all."""
        epochs = max(trial["epochs"] for trial in self.trials)
        size = self.images.get("data.train_size")
        images = f", {size:,} images" if size else ""
        return f"{self.study}, {epochs} {'epoch' if epochs == 1 else 'epochs'}{images}"

    def expected_best(self, budget: int) -> float:
        """Return the value that the best of so many trials is expected to have; see :func:`expected_best`."""
        sign = 1 if self.direction == "maximize" else -1
        return sign * expected_best([sign * value for value in self.values], budget)


def expected_best(values: Sequence[float], budget: int) -> float:
    """Return the expected maximum of trials drawn from those that were made.

    The probability that the best of n draws is not above the i-th smallest of N values is (i/N)^n (Dodge et al. 2019,
    "Show Your Work", equation 7). It is exact for trials that are independent; those of a search that learns become
    better, so that it says a little too much for small budgets.

    Args:
        values: The value of each trial, higher is better.
        budget: How many are drawn.

    Example:
        >>> expected_best([1.0, 2.0], budget=1), expected_best([1.0, 2.0], budget=2)
        (1.5, 1.75)
    """
    ordered, count = sorted(values), len(values)
    return sum(
        value * ((rank / count) ** budget - ((rank - 1) / count) ** budget) for rank, value in enumerate(ordered, 1)
    )


def read_summary(path: Path) -> StudySummary:
    """Read what a search left.

    Raises:
        FashionZooError: It cannot be read.
    """
    try:
        return StudySummary(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise FashionZooError(f"the study {path} cannot be read ({error}): run its search again") from error


def find_study(network: str, logs: Path = LOGS) -> StudySummary | None:
    """Return the newest study of a network, or ``None`` where there is none.

    Args:
        network: Its name.
        logs: A folder like ``lightning_logs``.

    Raises:
        FashionZooError: It cannot be read.
    """
    paths = [
        path
        for path in (logs / network).glob("*/*.json")
        if path.stem == path.parent.name and not (path.parent / "config.yaml").exists()  # a run has files of that kind
    ]
    return read_summary(max(paths, key=lambda path: path.stat().st_mtime)) if paths else None


def at_equal_budget(networks: Iterable[str], logs: Path = LOGS) -> str | None:
    """Say how good the best of equally many trials is expected to be, of networks that were searched by one metric.

    Args:
        networks: Their names.
        logs: A folder like ``lightning_logs``.

    Returns:
        A sentence, or ``None`` unless there are studies of two networks or more, on the same validation images.
    """
    studies = [study for network in dict.fromkeys(networks) if (study := find_study(network, logs)) and study.values]
    judges = [(study.metric, {**study.images, "data.train_size": None}) for study in studies]
    if len(studies) < 2 or any(judge != judges[0] for judge in judges):
        return None
    budget = min(len(study.values) for study in studies)
    expected = ", ".join(
        f"{study.network} {study.expected_best(budget):.4f} ({study.described()})" for study in studies
    )
    return (
        f"At the same budget of {budget} {'trial' if budget == 1 else 'trials'} of `fashionzoo tune`, the best is "
        f"expected to have {studies[0].metric} {expected}, on validation images."
    )
