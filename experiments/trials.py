"""Try flags for a recipe `tuned`, on validation images only.

    python experiments/trials.py NETWORK [FLAGS]    # the recipe with other flags; adds a line to trials.jsonl

The test images are not opened. All trials have seed 0.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import markdown
import torch
from result_sections import minutes

from fashionzoo import environment
from fashionzoo.callbacks.artifacts import metrics
from fashionzoo.openmp import sharing_cores
from fashionzoo.runner.cli import TrainCLI
from fashionzoo.runner.launch import fit, set_up_process
from fashionzoo.zoo.models import get_weights
from fashionzoo.zoo.registry import get_class, list_models

RUNS = Path(__file__).parent / "trials.jsonl"
SETTINGS = {  # the flags that tell trials apart, and their names in the table
    "model.optimizer": "optimizer",
    "model.lr": "rate",
    "model.weight_decay": "decay",
    "model.dropout": "dropout",
    "model.label_smoothing": "smoothing",
    "model.temperature": "temperature",
    "data.teacher": "teacher",
    "data.batch_size": "batch",
    "data.augment.shift": "shift",
    "trainer.max_epochs": "epochs",
}
TEXT = (
    "Networks 1 to 5 learn from the tuned `cnn_balanced`. What was tried on the validation images (`python "
    "experiments/trials.py`), all with flips, a one-cycle schedule and seed 0. For the MLPs, Muon in place of "
    "AdamW helped most, and after it, in network 2, more epochs; there a shift of one pixel helped and erased "
    "squares, a flag that was removed again, did not. The CNNs keep AdamW: Muon gave network 4 about as much in a "
    "third of the epochs, and nothing more in 80; network 5 was worse with it. Differences below half a point are "
    "within the interval of 5,000 images; the first trial to ask the teacher waits for it. The rows of AdamW, those "
    "of 80 epochs, and those of 300 in networks 1 and 3 are of runs whose test accuracy was seen too. The MLPs' 300 "
    "epochs were set by time, not by the best accuracy: twice as many, tried on a processor without instructions for "
    "bfloat16, gave network 2 nothing more, and network 1 a better one. Nor did these help: 250 epochs in network 4, "
    "shifts of two pixels in network 2, and in network 6 its own tuned file as a teacher, within chance of its labels. "
    "Not tried: several teachers at once, averaged weights, mixup, SAM."
)


def main(network: str, *flags: str) -> None:
    """Train once without the test, and keep what came out."""
    set_up_process()
    with tempfile.TemporaryDirectory() as folder:
        launcher = TrainCLI(get_class(network), ["--recipe=tuned", *flags], Path(folder) / "run")
        with launcher.stop, sharing_cores():
            fit(launcher)
        columns, rows = metrics(Path(folder) / "run")
    accuracies = [float(row[columns.index("val/acc")]) for row in rows]
    row = {
        "network": network,
        "settings": {flag: launcher.config.get(flag) for flag in SETTINGS},
        "val/acc": max(accuracies),
        "last val/acc": accuracies[-1],
        "seconds": round(launcher.artifacts.seconds, 1),
        "threads": torch.get_num_threads(),
        "machine": environment.collect_env(),
    }
    with RUNS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def tuned_section() -> list[str]:
    """Return the section of RESULTS.md."""
    cells = []
    for weights in (get_weights(name, "tuned") for name in list_models()):
        seeds = weights.meta["seeds"]
        cells.append(
            [
                f"`{weights.name}`",
                f"{100 * seeds['mean']:.2f} ± {100 * (seeds['interval'][1] - seeds['mean']):.2f}",
                f"{100 * seeds['lowest']:.2f}-{100 * seeds['highest']:.2f}",
                weights.accuracy,
                f"{weights.meta['epochs']} in {minutes(weights.meta):.1f}",
            ]
        )
    columns = "network", "mean of the seeds ± 95 % interval", "range", "file (95 % interval)", "epochs in minutes"
    return [
        "## Tuned",
        "",
        "Test accuracy of the recipe `tuned` in per cent, seeds 0, 1 and 2; the file is that of seed 0.",
        "",
        *markdown.table(columns, cells),
        "",
        TEXT,
        "",
        *trials_table(),
        "",
    ]


def trials_table() -> list[str]:
    """Return what was tried, the best of each network first."""
    lines = RUNS.read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = sorted(map(json.loads, lines), key=lambda row: -row["val/acc"])
    cells = [
        [
            f"`{network}`",
            *("" if row["settings"][flag] is None else row["settings"][flag] for flag in SETTINGS),
            row.get("note", ""),  # what a flag did that is gone
            f"{100 * row['val/acc']:.2f}",
            f"{100 * row['last val/acc']:.2f}",
            f"{row['seconds']:.0f} ({row['threads']})",
        ]
        for network in list_models()
        for row in rows
        if row["network"] == network
    ]
    columns = "network", *SETTINGS.values(), "also", "best val accuracy, %", "last, %", "seconds (threads)"
    return markdown.table(columns, cells)


if __name__ == "__main__":
    main(*sys.argv[1:])
