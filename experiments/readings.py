"""Train the three CNNs by other readings of the report's Task 2, whose accuracies its words leave unexplained.

    python experiments/readings.py      # hours on two cores; resumes where it was interrupted

In Task 1 an iteration is one step on the whole training set. Here it is that for the CNNs too: 20, 200 and 40 steps at
the report's learning rate, by each optimizer, on all training images and on few, from He's initial weights and from
PyTorch's own. The gradient of a step is gathered from batches of up to 500, and batch normalization is over each of
them. Each line of experiments/readings.jsonl is a run: its curves, and the test accuracy at the step with the best
validation accuracy.
"""

import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from implementations import TRAIN
from torch import nn

from fashionzoo import Classifier
from fashionzoo.callbacks.shutdown import TrainingInterruptedError
from fashionzoo.claims.claim import BALANCED, DROPOUT, PLAIN
from fashionzoo.claims.runs import SEEDS
from fashionzoo.runner.launch import train
from fashionzoo.training.recipe import get_recipe
from fashionzoo.zoo.registry import get_class
from fashionzoo.zoo.runs import Run

OPTIMIZERS = {
    "SGD": ["--model.momentum=0"],
    "SGD with momentum": ["--model.momentum=0.9"],
    "Adam": ["--model.optimizer=adam"],
}
INITIALIZATIONS = ("He", "PyTorch")
SIZES = (100, 1000, TRAIN)  # training images
MAX_BATCH_SIZE = 500  # of what is computed at once
KEY = ("network", "optimizer", "train_size", "initialization", "seed")
CURVES = ("train/loss", "train/acc", "val/loss", "val/acc")
TABLE = Path(__file__).with_suffix(".jsonl")


def with_pytorch_initialization(network: type[Classifier]) -> type[Classifier]:
    """Return a network whose layers start from the weights that PyTorch draws for them."""

    class PyTorchInitialized(network):  # type: ignore[misc, valid-type]  # a class that is only known here
        recipes = network.recipes

        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            for layer in self.network.modules():
                if isinstance(layer, nn.Linear | nn.Conv2d):
                    layer.reset_parameters()

    return PyTorchInitialized


def measure(network: str, optimizer: str, size: int, initialization: str, seed: int) -> dict[str, Any]:
    """Train once; return the line of the table."""
    cls = get_class(network)
    steps, batch_size = get_recipe(cls, "report").epochs, min(size, MAX_BATCH_SIZE)
    flags = [
        *OPTIMIZERS[optimizer],
        f"--seed_everything={seed}",
        f"--data.train_size={size}",
        f"--data.batch_size={batch_size}",
        f"--trainer.accumulate_grad_batches={size // batch_size}",
        f"--early_stopping.patience={steps}",
    ]
    if initialization == "PyTorch":
        cls = with_pytorch_initialization(cls)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / network / "run")
        train(cls, flags, run.folder)
        curves = {curve: [round(value, 4) for value in run.metrics[curve]] for curve in CURVES}
        key = dict(zip(KEY, (network, optimizer, size, initialization, seed), strict=True))
        return {**key, "test/acc": run.final("test/acc"), **curves}


def rows() -> list[dict[str, Any]]:
    """Return what was measured so far."""
    return [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()] if TABLE.exists() else []


def main() -> None:
    """Measure what is missing, the shortest runs of each seed first."""
    known = {tuple(row[column] for column in KEY) for row in rows()}
    for seed, size, initialization in itertools.product(SEEDS, SIZES, INITIALIZATIONS):
        for network, optimizer in itertools.product((PLAIN, BALANCED, DROPOUT), OPTIMIZERS):
            key = network, optimizer, size, initialization, seed
            if key not in known:
                print(f"\n{', '.join(map(str, key))}", flush=True)
                try:
                    row = measure(*key)
                except TrainingInterruptedError as interruption:
                    sys.exit(f"{interruption}: resume with the same command")
                with TABLE.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
