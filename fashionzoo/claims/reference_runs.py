"""Reference runs: all networks by one recipe, with the seeds that were declared beforehand."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from statistics import mean

from fashionzoo.claims import runs
from fashionzoo.claims.measures import RECALL_WINDOW
from fashionzoo.claims.runs import SEEDS, declared_seeds, find, run_dir
from fashionzoo.io import write_csv
from fashionzoo.runner.launch import train
from fashionzoo.weights.manifest import VERSIONS
from fashionzoo.zoo.registry import get_class
from fashionzoo.zoo.runs import is_finished

RECORDS = ("config.yaml", "metrics.csv", "confusion.csv", "activations.csv", "machine.json")
CLAIMED = (
    *("train/loss", "train/acc_without_dropout", "val/acc", "val/loss"),
    *("gradient_norm/", "test/acc", "test/near_zero"),
)
RECALL = "val/recall/"  # of which claims read the last epochs


def train_missing_runs(logs: Path, recipe: str, networks: Iterable[str]) -> None:
    """Train, seed by seed, what is missing; a run that was interrupted is resumed.

    The run of the first seed keeps what TensorBoard shows and its best checkpoint if its weights ship, the others only
    their records, and seeds after the third only what claims read of them.

    Args:
        logs: A folder like ``lightning_logs``.
        recipe: ``"report"``, ``"tuned"`` or an ablation of network 5.
        networks: Registry names.

    Raises:
        FashionZooError: A run cannot be trained.
        TrainingInterruptedError: A signal asked to end.
    """
    planned = [
        (network, seed) for seed in runs.MLP_SEEDS for network in networks if seed in declared_seeds(network, recipe)
    ]
    for number, (network, seed) in enumerate(planned, 1):
        folder = run_dir(logs, network, recipe, seed)
        if not is_finished(folder):
            left = format_remaining_time(logs, recipe, planned[number - 1 :])
            print(f"\nrun {number} of {len(planned)}: {network}, seed {seed}; time left: {left}", flush=True)
            last = folder / "checkpoints" / "last.ckpt"
            if folder.exists() and not last.exists():
                prune_run_dir(folder, keep_logs=False)  # of a run that was killed in its first epoch
            resumed = [f"--ckpt_path={last}"] if last.exists() else []
            train(get_class(network), [f"--recipe={recipe}", f"--seed_everything={seed}", *resumed], folder)
        prune_run_dir(folder, keep_logs=seed == SEEDS[0] and recipe in VERSIONS)
        if seed not in SEEDS:
            reduce_metrics(folder / "metrics.csv")


def format_remaining_time(logs: Path, recipe: str, planned: list[tuple[str, int]]) -> str:
    """Estimate how long the missing runs take, from the finished ones."""
    took = {n: [run.environment["seconds"] for run in find(logs, n, recipe).values()] for n, _ in planned}
    finished = [seconds for each in took.values() for seconds in each]
    if not finished:
        return "known after the first run"
    missing = [network for network, seed in planned if not is_finished(run_dir(logs, network, recipe, seed))]
    seconds = sum(mean(took[network] or finished) for network in missing)
    return f"about {seconds / 60:.0f} minutes"


def prune_run_dir(folder: Path, keep_logs: bool) -> None:
    """Remove what a finished run leaves beside its records.

    Args:
        folder: The run's.
        keep_logs: Keep what TensorBoard shows, and the best checkpoint.
    """
    checkpoints = folder / "checkpoints"
    for path in [*folder.iterdir(), *checkpoints.glob("*")]:
        kept = path.name in RECORDS or (keep_logs and (path.name == "best.ckpt" or "tfevents" in path.name))
        if path.is_file() and not kept:
            path.unlink()
    if checkpoints.is_dir() and not keep_logs:
        checkpoints.rmdir()


def reduce_metrics(path: Path) -> None:
    """Keep of a run's curves what claims read."""
    with path.open(encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    kept = [i for i, column in enumerate(columns) if column == "epoch" or column.startswith((*CLAIMED, RECALL))]
    recalls = {i for i in kept if columns[i].startswith(RECALL)}
    early = len(rows) - RECALL_WINDOW
    reduced = [["" if i in recalls and number < early else row[i] for i in kept] for number, row in enumerate(rows)]
    write_csv(path, [columns[i] for i in kept], reduced)
