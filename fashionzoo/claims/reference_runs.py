"""Reference runs: all networks by one recipe, with the seeds that were declared beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import mean

from fashionzoo.claims.runs import find, is_finished, run_dir
from fashionzoo.runner.launch import train
from fashionzoo.zoo.registry import get_class

SEEDS = (0, 1, 2)
RECORDS = ("config.yaml", "metrics.csv", "confusion.csv", "activations.csv", "machine.json")


def train_missing_runs(logs: Path, recipe: str, networks: Iterable[str]) -> None:
    """Train, seed by seed, what is missing; a run that was interrupted is resumed.

    The run of the first seed keeps what TensorBoard shows and its best checkpoint, the others only their records.

    Args:
        logs: A folder like ``lightning_logs``.
        recipe: ``"report"`` or ``"tuned"``.
        networks: Registry names.

    Raises:
        FashionZooError: A run cannot be trained.
        TrainingInterruptedError: A signal asked to end.
    """
    planned = [(network, seed) for seed in SEEDS for network in networks]
    for number, (network, seed) in enumerate(planned, 1):
        folder = run_dir(logs, network, recipe, seed)
        if not is_finished(folder):
            left = format_remaining_time(logs, recipe, planned[number - 1 :])
            print(f"\nrun {number} of {len(planned)}: {network}, seed {seed}; time left: {left}", flush=True)
            last = folder / "checkpoints" / "last.ckpt"
            if folder.exists() and not last.exists():
                prune_run_dir(folder, first=False)  # of a run that was killed in its first epoch
            resumed = [f"--ckpt_path={last}"] if last.exists() else []
            train(get_class(network), [f"--recipe={recipe}", f"--seed_everything={seed}", *resumed], folder)
        prune_run_dir(folder, first=seed == SEEDS[0])


def format_remaining_time(logs: Path, recipe: str, planned: list[tuple[str, int]]) -> str:
    """Estimate how long the missing runs take, from the finished ones."""
    took = {n: [run.environment["seconds"] for run in find(logs, n, recipe).values()] for n, _ in planned}
    finished = [seconds for each in took.values() for seconds in each]
    if not finished:
        return "known after the first run"
    missing = [network for network, seed in planned if not is_finished(run_dir(logs, network, recipe, seed))]
    seconds = sum(mean(took[network] or finished) for network in missing)
    return f"about {seconds / 60:.0f} minutes"


def prune_run_dir(folder: Path, first: bool) -> None:
    """Remove what a finished run leaves beside its records and, of the first seed, what is looked at and shipped."""
    checkpoints = folder / "checkpoints"
    for path in [*folder.iterdir(), *checkpoints.glob("*")]:
        kept = path.name in RECORDS or (first and (path.name == "best.ckpt" or "tfevents" in path.name))
        if path.is_file() and not kept:
            path.unlink()
    if checkpoints.is_dir() and not first:
        checkpoints.rmdir()
