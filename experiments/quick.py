"""Train all six networks by their recipe `quick`, and race to an accuracy beside what people write by hand.

    python experiments/quick.py search    # how the recipes were found: an hour and a half on two cores
    python experiments/quick.py           # ten seeds of each, and the race: two hours; resumes

Each line of experiments/quick.jsonl is a run of the recipe, those of experiments/quick_race.jsonl an implementation of
the race. A search leaves its trials in experiments/studies, from which the best flags were copied into the recipes.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import markdown
import torch
from benchmark import working
from implementations import RACE, usable

from fashionzoo import environment
from fashionzoo.callbacks.shutdown import TrainingInterruptedError
from fashionzoo.cli.main import main as fashionzoo
from fashionzoo.runner.launch import train
from fashionzoo.training.recipe import get_recipe
from fashionzoo.zoo.intervals import mean_interval
from fashionzoo.zoo.registry import get_class, list_models
from fashionzoo.zoo.runs import Run
from fashionzoo.zoo.studies import read_summary

HERE = Path(__file__).parent
RUNS, RACES, STUDIES = HERE / "quick.jsonl", HERE / "quick_race.jsonl", HERE / "studies"
SEEDS = range(10)
LEVELS = (0.9, 0.93)  # of validation accuracy
RIVALS = ("fashionzoo", "tutorial, 0 workers", "bare", "bare-bf16")
MAX_EPOCHS = 25  # after which an implementation of the race gives up
SEARCHES = {  # the space, which is a file beside this one, and the flags
    "mlp_sigmoid_narrowing": ("quick_sigmoid_mlp.yaml", "--budget=12 --epochs=12 --model.standardize=true"),
    "mlp_relu_narrowing": ("quick_relu_mlp.yaml", "--budget=10 --epochs=12"),
    "mlp_relu_widening": ("quick_relu_mlp.yaml", "--budget=6 --epochs=12"),
    "cnn_plain": ("quick_cnn.yaml", "--budget=14 --epochs=8"),
    "cnn_dropout_l2": ("quick_cnn.yaml", "--budget=10 --epochs=8 --model.dropout=0.02"),
    "cnn_balanced": ("quick_cnn.yaml", "--budget=12 --epochs=8 --model.dropout=0.02"),
}


def search() -> None:
    """Search the flags of each network, and keep the trials."""
    STUDIES.mkdir(exist_ok=True)
    for network, (space, flags) in SEARCHES.items():
        with tempfile.TemporaryDirectory() as folder:
            fashionzoo(
                ["tune", network, f"--space={HERE / space}", f"--trainer.default_root_dir={folder}", *flags.split()]
            )
            shutil.copy(Path(folder) / "lightning_logs" / network / "study" / "study.json", STUDIES / f"{network}.json")


def measure(network: str, seed: int) -> dict[str, Any]:
    """Train once, all epochs and the test; return the line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        run, start = Run(Path(folder) / network / "run"), time.perf_counter()
        train(get_class(network), ["--recipe=quick", f"--seed_everything={seed}"], run.folder)
        seconds = round(time.perf_counter() - start, 1)
        accuracies = {"val/acc": run.best_epoch()[0], "test/acc": run.final("test/acc")}
    took = {"seconds": seconds, "threads": torch.get_num_threads(), "machine": environment.collect_env()}
    return {"network": network, "seed": seed, **accuracies, **took}


def race(implementation: str) -> dict[str, Any]:
    """Train by one implementation until it reaches the highest level; return the seconds to each."""
    reached: dict[str, float] = {}
    seconds, epochs = 0.0, 0
    with working(RACE, [implementation]) as workers:
        worker = workers[implementation]
        while epochs < MAX_EPOCHS:
            try:
                seconds += worker.epoch()
            except RuntimeError:  # the recipe's end
                break
            epochs += 1
            print(f"{implementation}: epoch {epochs}, {seconds:.1f} s, {worker.accuracy:.4f}", flush=True)
            for level in LEVELS:
                if worker.accuracy >= level:
                    reached.setdefault(f"{level:g}", round(seconds, 1))
            if len(reached) == len(LEVELS):
                break
    return {
        "implementation": implementation,
        "reached": reached,
        "epochs": epochs,
        "seconds": round(seconds, 1),
        "machine": environment.collect_env(),
    }


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return what was measured so far."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def add_line(path: Path, row: dict[str, Any]) -> None:
    """Keep what was measured."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def quick_section() -> list[str]:
    """Return the section of RESULTS.md."""
    return [
        "## Quick",
        "",
        "The recipe `quick` is for a few epochs, without a teacher (`python "
        f"experiments/quick.py`): test accuracy in per cent, of n of the {len(SEEDS)} seeds. Seconds are those of a "
        "run with validation, logs, checkpoints and the test, without the start of the process; the fastest of those "
        "with most threads, as other programs ran beside some.",
        "",
        *runs_table(read_lines(RUNS)),
        "",
        *(race_lines() if RACES.exists() else []),
        "The searches, on validation images, all trials with seed 0; the spaces are the files `quick_*.yaml` in "
        "`experiments`, narrowed to Muon with a one-cycle schedule after planning searches in the default space, and "
        "that of the CNNs once more after 12 trials of `cnn_plain`, whose recipe was then also measured on the test "
        "images, with two seeds. Second searches, after these recipes had been measured on the test images, changed "
        "nothing: with smaller batches networks 1 and 2 did not get better in five trials each, and what twelve trials "
        "found for network 5 was within chance of its recipe over six seeds. The last column is what the best of two "
        "trials is expected to reach (Dodge et al. 2019):",
        "",
        *studies_table(),
        "",
    ]


def race_lines() -> list[str]:
    """Return the race to an accuracy."""
    return [
        "Beside it, `cnn_balanced` trained as people do it by hand, in batches of 128 with Adam as PyTorch has it: "
        "seconds to a validation accuracy, each implementation alone on the machine, once. The bare loops' validation "
        "is not counted.",
        "",
        *race_table(read_lines(RACES)),
        "",
    ]


def runs_table(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return accuracies and seconds of each network, and on what they were measured."""
    by_network: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_network[row["network"]].append(row)
    cells = []
    for network in filter(by_network.get, list_models()):
        accuracies = [100 * row["test/acc"] for row in by_network[network]]
        low, high = mean_interval(accuracies)
        cells.append(
            [
                f"`{network}`",
                get_recipe(get_class(network), "quick").epochs,
                f"{statistics.mean(accuracies):.2f} ± {(high - low) / 2:.2f}",
                f"{statistics.stdev(accuracies):.2f}",
                f"{min(accuracies):.2f}-{max(accuracies):.2f}",
                f"{fastest(network):.0f}",
                len(accuracies),
            ]
        )
    columns = "network", "epochs", "mean ± 95 % interval", "standard deviation", "range", "seconds, fastest", "n"
    return [*markdown.table(columns, cells), "", *machines(row for each in by_network.values() for row in each)]


def fastest(network: str) -> float:
    """Return the seconds of the fastest of the runs with most threads."""
    runs = [row for row in read_lines(RUNS) if row["network"] == network]
    _, seconds = min((-row["threads"], row["seconds"]) for row in runs)
    return float(seconds)


def race_table(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return the seconds to each level."""
    measured = list(rows)
    ours = next(row for row in measured if row["implementation"] == "fashionzoo")["reached"]
    cells = []
    for row in measured:
        reached = []
        for level in map("{:g}".format, LEVELS):
            seconds = row["reached"].get(level)
            ratio = f" ({seconds / ours[level]:.1f})" if seconds and ours.get(level) else ""
            reached.append(
                f"{seconds:.0f}{ratio}" if seconds else f"not in {row['epochs']} epochs, {row['seconds']:.0f}"
            )
        cells.append([row["implementation"], *reached])
    columns = [f"seconds to {100 * level:g} % (ratio)" for level in LEVELS]
    return [*markdown.table(["implementation", *columns], cells), "", *machines(measured)]


def machines(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return on what rows were measured."""
    described = sorted({", ".join(f"{key} {value}" for key, value in row["machine"].items()) for row in rows})
    return [f"Measured on: {'; '.join(described)}."]


def studies_table() -> list[str]:
    """Return what the searches found."""
    cells = []
    for network, (space, flags) in SEARCHES.items():
        study = read_summary(STUDIES / f"{network}.json")
        best = max((trial for trial in study.trials if trial["state"] == "complete"), key=lambda trial: trial["value"])
        shown = {flag: f"{value:.3g}" if isinstance(value, float) else value for flag, value in best["flags"].items()}
        best_flags = ", ".join(f"{flag.partition('.')[2]} {value}" for flag, value in shown.items())
        cells.append(
            [
                f"`{network}`",
                len(study.values),
                f"`{space}` {flags}",
                f"{100 * best['value']:.2f}",
                best_flags,
                f"{100 * study.expected_best(2):.2f}",
            ]
        )
    return markdown.table(["network", "trials", "space and flags", "best, %", "its flags", "best of two, %"], cells)


def main() -> None:
    """Measure what is missing, or search again."""
    if sys.argv[1:] == ["search"]:
        search()
        return
    known = {(row["network"], row["seed"]) for row in read_lines(RUNS)}
    try:
        for seed in SEEDS:
            for network in list_models():
                if (network, seed) not in known:
                    print(f"\n{network}, seed {seed}", flush=True)
                    add_line(RUNS, measure(network, seed))
    except TrainingInterruptedError as interruption:
        sys.exit(f"{interruption}: resume with the same command")
    raced = {row["implementation"] for row in read_lines(RACES)}
    for implementation in RIVALS:
        if implementation in usable(RACE) and implementation not in raced:
            add_line(RACES, race(implementation))


if __name__ == "__main__":
    main()
