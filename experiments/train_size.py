"""Train the three CNNs on small parts of the data: where do the accuracies that the report gives for them come from?

    python experiments/train_size.py      # a quarter of an hour on two cores; resumes where it was interrupted

Each line of experiments/train_size.csv is a run of a report recipe on the first so many of the training images, which
are stratified. Runs on all of them are the reference runs, and not repeated here.
"""

import csv
import sys
import tempfile
from pathlib import Path

from fashionzoo.callbacks.shutdown import TrainingInterruptedError
from fashionzoo.claims.claim import NETWORKS
from fashionzoo.claims.reference_runs import SEEDS
from fashionzoo.claims.runs import Run
from fashionzoo.runner.launch import train
from fashionzoo.zoo.registry import get_class

SIZES = (100, 200, 500, 1000, 5000)
CNNS = tuple(name for name in NETWORKS if name.startswith("cnn"))
TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("network", "train_size", "seed", "epochs", "val/acc", "test/acc")


def measure(network: str, size: int, seed: int) -> list[object]:
    """Train once; return the row of the table."""
    flags = [f"--data.train_size={size}", f"--seed_everything={seed}"]
    with tempfile.TemporaryDirectory() as folder:
        train(get_class(network), flags, Path(folder) / network / "run")
        run = Run(Path(folder) / network / "run")
        return [network, size, seed, run.epochs, run.best_epoch()[0], run.final("test/acc")]


def rows() -> list[dict[str, str]]:
    """Return what was measured so far."""
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Measure what is missing."""
    if not TABLE.exists():
        TABLE.write_text(",".join(COLUMNS) + "\n")
    known = {(row["network"], int(row["train_size"]), int(row["seed"])) for row in rows()}
    for seed in SEEDS:
        for size in SIZES:
            for network in CNNS:
                if (network, size, seed) not in known:
                    print(f"\n{network}, {size} training images, seed {seed}", flush=True)
                    try:
                        row = measure(network, size, seed)
                    except TrainingInterruptedError as interruption:
                        sys.exit(f"{interruption}: resume with the same command")
                    with TABLE.open("a") as file:
                        file.write(",".join(map(str, row)) + "\n")


if __name__ == "__main__":
    main()
