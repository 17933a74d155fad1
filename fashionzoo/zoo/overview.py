"""Runs at a glance, by the names that people give them: what was trained, how it ended, how good it is."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.zoo.changes import describe_changes
from fashionzoo.zoo.runs import LOGS, REFERENCE_NAMES, Run, is_finished, network_of

DAMAGE = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, yaml.YAMLError)  # of broken records
MAX_NAMED = 5  # runs that an error offers
TRACES = ("run.json", "config.yaml", "metrics.csv", "checkpoints")  # each tells that a folder is a run's


@dataclass(frozen=True)
class Overview:
    """A run in a row; what is not known of it is ``None``.

    Args:
        folder: Where it is.
        network: What was trained.
        name: The run's name among those of its network.
        ended: ``"all epochs"``, ``"early"``, ``"diverged"``, ``"interrupted"``, ...; ``"unfinished"``, ``"damaged"`` or
            ``"newer"``, of a version of this package, where there are no records that can be read.
        recipe: What it was trained by.
        changed: In which flags it differs from the recipe.
        epochs: How many it trained.
        seconds: Of training up to the epoch that was tested.
        val_accuracy: Of that epoch, in [0, 1].
        test_accuracy: Of its weights, in [0, 1].
    """

    folder: Path
    network: str
    name: str
    ended: str
    recipe: str | None = None
    changed: str | None = None
    epochs: int | None = None
    seconds: float | None = None
    val_accuracy: float | None = None
    test_accuracy: float | None = None

    @property
    def reference(self) -> str:
        """What names the run on the command line."""
        return f"{self.network}/{self.name}"

    @property
    def modified(self) -> float:
        """When something was last written to its folder."""
        with contextlib.suppress(OSError):
            return self.folder.stat().st_mtime
        return 0.0


def read_overview(folder: Path) -> Overview:
    """Return what the records of a run say, as far as they can be read."""
    network, run = network_of(folder), Run(folder)
    name = f"{folder.parent.name}/{folder.name}" if folder.parent.name in REFERENCE_NAMES else folder.name
    recipe = changed = None
    try:
        changed, recipe = describe_changes(run.changed), str(run.config["recipe"])
        if not is_finished(folder):
            return Overview(folder, network, name, _why_unfinished(run), recipe, changed)
        run.check()
        val_accuracy = run.metrics["val/acc"][run.tested_epoch() - 1] if "val/acc" in run.metrics else None
        numbers = run.epochs, float(run.environment["seconds"]), val_accuracy, run.final("test/acc")
        return Overview(folder, network, name, run.ended(), recipe, changed, *numbers)
    except FashionZooError:
        return Overview(folder, network, name, "newer", recipe, changed)
    except DAMAGE:
        ended = "damaged" if is_finished(folder) else "unfinished"
        return Overview(folder, network, name, ended, recipe, changed)


def _why_unfinished(run: Run) -> str:
    """Return what is known of why a run did not come to its end."""
    ended = run.ended() if (run.folder / "machine.json").exists() else ""
    return ended if ended in ("diverged", "interrupted") else "unfinished"


def list_runs(logs: Path = LOGS, network: str | None = None, reference: bool = False) -> list[Overview]:
    """Return the runs in a folder, the newest first.

    Args:
        logs: A folder like ``lightning_logs``.
        network: Only those of this one.
        reference: Those that are published, too.

    Raises:
        FashionZooError: There is no such folder, or no run of such a network.
    """
    if not logs.is_dir():
        raise FashionZooError(f"there is no folder {logs}: train with `fashionzoo fit`, or name the one with your runs")
    networks = sorted(path.name for path in logs.iterdir() if path.is_dir())
    if network is not None and network not in networks:
        raise FashionZooError(f"there are no runs of {network!r} in {logs}: {did_you_mean(network, networks)}")
    folders = [path for name in networks if network in (None, name) for path in (logs / name).iterdir()]
    published = [path for path in folders if path.name in REFERENCE_NAMES]
    shown = [path for path in folders if path not in published]
    if reference:
        shown += [each for path in published for each in (path, *sorted(path.glob("seed_*")))]
    runs = [read_overview(path) for path in shown if any((path / trace).exists() for trace in TRACES)]
    return sorted(runs, key=lambda run: (-run.modified, run.reference))


def find_run(reference: str | Path, logs: Path = LOGS) -> Path | None:
    """Return the folder of a run, or ``None`` where nothing has that name.

    Args:
        reference: A folder, a checkpoint in it, ``cnn_plain/version_0``, or a published run such as
            ``cnn_plain:report``.
        logs: Where runs are that have a name only.

    Example:
        >>> find_run("cnn_plain/no_such_run") is None
        True
    """
    path = Path(reference)
    if path.suffix == ".ckpt" and path.parent.name == "checkpoints":
        path = path.parent.parent
    for folder in (path, logs / path, logs / str(reference).replace(":", "/")):
        if folder.is_dir() and any((folder / trace).exists() for trace in TRACES):
            return folder
    return None


def get_runs(references: Sequence[str | Path], logs: Path = LOGS) -> list[Run]:
    """Return finished runs by their names.

    Args:
        references: See :func:`find_run`.
        logs: Where runs are that have a name only.

    Raises:
        FashionZooError: There is none of a name, or its records are incomplete, damaged or of a newer version.
    """
    runs: list[Run] = []
    for reference in references:
        folder = find_run(reference, logs)
        if folder in [run.folder for run in runs]:
            raise FashionZooError(f"the run {reference} is named twice: name another")
        if folder is None:
            if ":" in str(reference):
                raise FashionZooError(
                    f"there is no published run {reference} in {logs}: they come with the checkout, whose folder "
                    "lightning_logs --logs names"
                )
            known = [run.reference for run in list_runs(logs)] if logs.is_dir() else []
            hint = (
                did_you_mean(reference, known[:MAX_NAMED]) if known else "`fashionzoo runs` shows those that there are"
            )
            raise FashionZooError(f"there is no run {reference}: {hint}")
        ended = read_overview(folder).ended
        if not is_finished(folder):
            hint = "train with a lower learning rate" if ended == "diverged" else "resume it"
            raise FashionZooError(f"the run in {folder} has no records ({ended}): {hint}")
        if ended == "damaged":
            raise FashionZooError(f"the records in {folder} are damaged: restore them, or train again")
        run = Run(folder)
        _ = run.changed  # raises where a newer version wrote it
        runs.append(run)
    return runs
