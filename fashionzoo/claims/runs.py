"""Access to the records of finished runs, without torch or Lightning."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from fashionzoo.errors import FashionZooError

SEEDS = (0, 1, 2)
MLP_SEEDS = range(10)  # of the report's recipe, which takes a minute


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        folder: Where its records are.
    """

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """All flags of the run, as its ``config.yaml`` has them."""
        config: dict[str, Any] = yaml.safe_load((self.folder / "config.yaml").read_bytes())
        return config

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Seconds of training up to the epoch that was tested, precision, hardware and versions."""
        environment: dict[str, Any] = json.loads((self.folder / "machine.json").read_text(encoding="utf-8"))
        return environment

    @cached_property
    def metrics(self) -> dict[str, list[float]]:
        """The curve of each metric, a value per epoch, NaN where nothing was logged."""
        columns, *rows = self._table("metrics.csv")
        values = [[float(cell) if cell else math.nan for cell in row] for row in rows]
        return {name: list(column) for name, *column in zip(columns, *values, strict=True)}

    @cached_property
    def confusion(self) -> dict[str, dict[str, int]]:
        """How many test images of each true class were taken for each class."""
        (_, *names), *rows = self._table("confusion.csv")
        return {true: dict(zip(names, map(int, counts), strict=True)) for true, *counts in rows}

    @cached_property
    def activations(self) -> dict[str, list[float]]:
        """The histogram of hidden activations: lower edges of the bins as ``from``, and the counts of each block."""
        columns, *rows = self._table("activations.csv")
        return {name: list(map(float, column)) for name, *column in zip(columns, *rows, strict=True)}

    def setting(self, flag: str, default: Any = None) -> Any:
        """Return the value of a flag, or the default where the run has none of that name."""
        value: Any = self.config
        for key in flag.split("."):
            if not isinstance(value, dict) or key not in value:
                return default
            value = value[key]
        return value

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.config["seed_everything"])

    @property
    def epochs(self) -> int:
        """How many epochs it trained."""
        return len(self.metrics["epoch"])

    def check(self) -> None:
        """Raise unless the records are what a run leaves.

        Raises:
            ValueError, KeyError, TypeError: They are not.
        """
        if not (self.epochs and self.confusion and self.activations and self.environment["seconds"]):
            raise ValueError("empty")
        if self.metrics["epoch"] != list(range(1, self.epochs + 1)):
            raise ValueError("metrics.csv has not every epoch once")
        for name, curve in self.metrics.items():
            if name.endswith("/acc") and not all(0 <= value <= 1 for value in curve if not math.isnan(value)):
                raise ValueError(f"metrics.csv has a {name} outside 0 to 1")
        if math.isnan(self.final("test/acc")):
            raise ValueError("metrics.csv has no test/acc in its last row")
        if any(list(row) != list(self.confusion) or min(row.values()) < 0 for row in self.confusion.values()):
            raise ValueError("confusion.csv is no table of all classes")
        right = sum(row[true] for true, row in self.confusion.items())
        if abs(right / sum(sum(row.values()) for row in self.confusion.values()) - self.final("test/acc")) > 1e-4:
            raise ValueError("confusion.csv and metrics.csv have different test accuracies")

    def final(self, metric: str) -> float:
        """Return a metric at the end of the run."""
        return self.metrics[metric][-1]

    def best_epoch(self) -> tuple[float, int]:
        """Return the highest validation accuracy, and the epoch that had it first."""
        curve = self.metrics["val/acc"]
        return max(curve), curve.index(max(curve)) + 1

    def first_epoch_reaching(self, metric: str, at_least: float) -> float:
        """Return the first epoch in which a metric reached a value; infinity if none did."""
        return next((epoch for epoch, value in enumerate(self.metrics[metric], 1) if value >= at_least), math.inf)

    def per_class_recall(self) -> dict[str, float]:
        """Return the share of each class's test images that were recognized."""
        return {true: counts[true] / sum(counts.values()) for true, counts in self.confusion.items()}

    def most_confused_with(self, true: str) -> list[str]:
        """Return the other classes in the order in which a class was taken for them, the commonest first."""
        others = {name: count for name, count in self.confusion[true].items() if name != true}
        return sorted(others, key=lambda name: -others[name])

    def _table(self, name: str) -> list[list[str]]:
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))


def run_dir(logs: Path, network: str, recipe: str, seed: int) -> Path:
    """Return the folder of a reference run: that of seed 0 holds those of the others.

    Example:
        >>> run_dir(Path("lightning_logs"), "cnn_plain", "report", 2).as_posix()
        'lightning_logs/cnn_plain/report/seed_2'
    """
    home = logs / network / recipe
    return home / f"seed_{seed}" if seed else home


def declared_seeds(network: str, recipe: str = "report") -> Sequence[int]:
    """Return the seeds of a network's reference runs, which were declared before them.

    Example:
        >>> list(declared_seeds("cnn_plain"))
        [0, 1, 2]
    """
    return MLP_SEEDS if network.startswith("mlp") and recipe == "report" else SEEDS


def is_finished(folder: Path) -> bool:
    """Tell whether a run in a folder came to its end: its metrics are written last."""
    return (folder / "metrics.csv").exists()


def reference_dirs(logs: Path, network: str, recipe: str) -> list[Path]:
    """Return the directories of a network's finished reference runs."""
    home = logs / network / recipe
    return [path for path in (home, *sorted(home.glob("seed_*"))) if is_finished(path)]


def user_dirs(logs: Path, network: str) -> list[Path]:
    """Return the directories of a network's finished runs of a user's own, the oldest first."""
    paths = sorted((logs / network).glob("version_*"), key=lambda path: path.stat().st_mtime)
    return [path for path in paths if is_finished(path)]


def find(logs: Path, network: str, recipe: str) -> dict[int, Run]:
    """Return a network's finished runs by their seed: the reference runs or, where there are none, a user's own.

    Args:
        logs: A folder like ``lightning_logs``.
        network: A network's registry name.
        recipe: What the runs were trained by.

    Raises:
        FashionZooError: The records of a run cannot be read.
    """
    found = {}
    for folder in reference_dirs(logs, network, recipe) or user_dirs(logs, network):
        run = Run(folder)
        try:
            run.check()
            if run.config["recipe"] == recipe:
                found[run.seed] = run
        except OSError as error:
            raise FashionZooError(f"cannot read the records in {folder} ({error}): restore them") from error
        except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            raise FashionZooError(f"the records in {folder} are damaged ({error}): restore them") from error
    return found
