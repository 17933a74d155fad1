"""Train the three CNNs on small parts of the data: where do the accuracies that the report gives for them come from?

    python experiments/train_size.py      # a quarter of an hour on two cores; resumes where it was interrupted

Each line of experiments/train_size.csv is a run of a report recipe on the first so many of the training images, which
are stratified. Runs on all of them are the reference runs, and not repeated here. Few images are also few updates:
network 4 makes as many on the fewest images as on all of them in runs of their own, validated every 430 epochs.
"""

import csv
import math
import sys
import tempfile
from pathlib import Path

from fashionzoo.callbacks.shutdown import TrainingInterruptedError
from fashionzoo.claims.claim import NETWORKS, PLAIN
from fashionzoo.claims.runs import SEEDS
from fashionzoo.runner.launch import train
from fashionzoo.training.recipe import get_recipe
from fashionzoo.zoo.registry import get_class
from fashionzoo.zoo.runs import Run

SIZES = (100, 200, 500, 1000, 5000)
CNNS = tuple(name for name in NETWORKS if name.startswith("cnn"))
LONG_SIZE, LONG_EVERY = SIZES[0], 430  # epochs of 2 updates are as many as one of the 860 that all images give
TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("network", "train_size", "every", "seed", "epochs", "val/acc", "test/acc")
PLANNED = (*((network, size, 1) for size in SIZES for network in CNNS), (PLAIN, LONG_SIZE, LONG_EVERY))


def measure(network: str, size: int, every: int, seed: int) -> list[object]:
    """Train once; return the row of the table.

    Args:
        network: Its name.
        size: Training images.
        every: How many epochs stand for one of the recipe.
        seed: The run's.
    """
    cls = get_class(network)
    epochs = every * get_recipe(cls, "report").epochs
    flags = [
        f"--data.train_size={size}",
        f"--seed_everything={seed}",
        f"--trainer.max_epochs={epochs}",
        f"--trainer.check_val_every_n_epoch={every}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / network / "run")
        train(cls, flags, run.folder)
        best = max(value for value in run.metrics["val/acc"] if not math.isnan(value))
        return [network, size, every, seed, run.epochs, best, run.final("test/acc")]


def rows() -> list[dict[str, str]]:
    """Return what was measured so far."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Measure what is missing."""
    if not TABLE.exists():
        TABLE.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    known = {(row["network"], int(row["train_size"]), int(row["every"]), int(row["seed"])) for row in rows()}
    for seed in SEEDS:
        for network, size, every in PLANNED:
            if (network, size, every, seed) not in known:
                print(f"\n{network}, {size} training images, seed {seed}", flush=True)
                try:
                    row = measure(network, size, every, seed)
                except TrainingInterruptedError as interruption:
                    sys.exit(f"{interruption}: resume with the same command")
                with TABLE.open("a", encoding="utf-8") as file:
                    file.write(",".join(map(str, row)) + "\n")


if __name__ == "__main__":
    main()
