"""Access to the records of runs, without torch or Lightning."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from fashionzoo.errors import FashionZooError
from fashionzoo.weights.manifest import manifest
from fashionzoo.zoo.changes import changed_flags, flatten

LOGS = Path("lightning_logs")  # where a launcher puts its runs
REFERENCE_NAMES = (
    "report",
    "tuned",
    "quick",
    "without_dropout",
    "without_l2",
)  # folders of the runs that are published
FORMAT = 1  # of run.json; a newer version of this package may write a higher one


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
    def changed(self) -> dict[str, Any]:
        """The flags that differ from the recipe's, of older runs as far as the manifest has its values.

        Raises:
            FashionZooError: A newer version of this package wrote it.
        """
        path = self.folder / "run.json"
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["format"] > FORMAT:
                raise FashionZooError(f"{self.folder} is of a newer version of fashionzoo: update this one")
            return dict(record["changed"])
        meta = manifest().get(network_of(self.folder), {}).get(self.config["recipe"])
        if meta is None:
            return {"seed_everything": self.seed} if self.seed else {}
        return changed_flags(self.flags, meta["recipe"])

    @property
    def flags(self) -> dict[str, Any]:
        """All flags by their dotted names."""
        return flatten(self.config)

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
        if not (self.epochs and self.confusion and self.activations and self.environment["seconds"] >= 0):
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

    def tested_epoch(self) -> int:
        """Return the epoch whose weights were kept and tested: the best by what the run monitored, or the last."""
        early = self.config["early_stopping"]
        curve, best = self.metrics.get(early["monitor"], []), min if early["mode"] == "min" else max
        values = [value for value in curve if not math.isnan(value)]
        return curve.index(best(values)) + 1 if values else self.epochs

    def ended(self) -> str:
        """Return how training ended; of older runs as far as their curves tell, ``"-"`` otherwise."""
        if "ended" in self.environment:
            return str(self.environment["ended"])
        if self.epochs == self.setting("trainer.max_epochs"):
            return "all epochs"
        return (
            "early" if self.epochs - self.tested_epoch() >= self.setting("early_stopping.patience", math.inf) else "-"
        )

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


def network_of(folder: Path) -> str:
    """Return the network of a run by the folders that it is in.

    Example:
        >>> network_of(Path("lightning_logs/cnn_plain/report/seed_1"))
        'cnn_plain'
    """
    home = folder.resolve().parent
    return home.parent.name if home.name in REFERENCE_NAMES else home.name


def is_finished(folder: Path) -> bool:
    """Tell whether a run in a folder came to its end: its metrics are written last."""
    return (folder / "metrics.csv").exists()


def reference_dirs(logs: Path, network: str, recipe: str) -> list[Path]:
    """Return the directories of a network's finished reference runs."""
    home = logs / network / recipe
    return [path for path in (home, *sorted(home.glob("seed_*"))) if is_finished(path)]


def user_dirs(logs: Path, network: str) -> list[Path]:
    """Return the directories of a network's finished runs of a user's own, the oldest first."""
    paths = [path for path in (logs / network).glob("*") if path.name not in REFERENCE_NAMES and is_finished(path)]
    return sorted(paths, key=lambda path: path.stat().st_mtime)
