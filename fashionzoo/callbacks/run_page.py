"""The ``README.md`` of a run's folder: what was trained, how it ended, how good it is, and what to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fashionzoo.models.factory import FAMILIES
from fashionzoo.terminal import join_command
from fashionzoo.training.classifier import Classifier
from fashionzoo.weights.manifest import VERSIONS, manifest
from fashionzoo.zoo.changes import describe_changes
from fashionzoo.zoo.intervals import wilson_interval
from fashionzoo.zoo.registry import package_of

LAST = "metrics.csv"  # is written after the page
FILES = {
    "checkpoints/best.ckpt": "the weights of the epoch that was tested",
    "checkpoints/last.ckpt": "the last epoch, with all that it takes to resume",
    "config.yaml": "all flags, for `--config`",
    "run.json": "the flags that differ from the recipe's",
    "metrics.csv": "all curves, a row for each epoch; accuracies are in [0, 1], what was tested is in the last row",
    "confusion.csv": "the confusion matrix of the test images; rows are true classes",
    "activations.csv": "a histogram of the hidden activations",
    "machine.json": "seconds of training, precision, hardware and versions",
    "events.out.tfevents.*": "what `tensorboard --logdir` shows",
}


def run_page(
    folder: Path,
    classifier: Classifier,
    recipe: str,
    changed: Mapping[str, Any],
    ended: str,
    accuracy: float,
    num_images: int,
) -> str:
    """Return the page of a tested run, in Markdown.

    Args:
        folder: Of the run.
        classifier: What was trained.
        recipe: The recipe's name.
        changed: The flags that differ from it.
        ended: Why training stopped.
        accuracy: On the test images, in [0, 1].
        num_images: How many those are.
    """
    low, high = wilson_interval(accuracy, num_images)
    lines = [
        f"# {classifier.name}/{folder.name}",
        "",
        f"- Trained: {classifier.name} by the recipe {recipe}, "
        f"{f'with {describe_changes(changed)}' if changed else 'nothing changed'}.",
        f"- Training {ended}.",
        f"- Test accuracy: {100 * accuracy:.2f} % of {num_images:,} images, 95 % interval {100 * low:.2f} to "
        f"{100 * high:.2f} % (Wilson): that of other test images, not of another training. It was tested in the "
        "precision in which it trained; `evaluate` and `compare` compute in float32.",
        "",
        "From the folder in which it was trained:",
        "",
        *(f"- {what}: `{command}`" for what, command in _commands(folder, classifier, recipe).items()),
        "",
        "| file | what it is |",
        "|---|---|",
        *(f"| `{name}` | {what} |" for name, what in FILES.items() if name == LAST or any(folder.glob(name))),
    ]
    return "\n".join(lines) + "\n"


def _commands(folder: Path, classifier: Classifier, recipe: str) -> dict[str, str]:
    """Return what can be done with a run."""
    run, network = str(folder), classifier.source["file"] if classifier.source else classifier.name
    pretrained = manifest(package_of(classifier.name)).get(classifier.name, {})
    other = f"{classifier.name}:{recipe}" if recipe in pretrained else f"cnn_plain:{VERSIONS[0]}"
    if classifier.network.config.get("family") in FAMILIES:
        use = {
            "load in Python": f"fashionzoo.get_model(weights={run!r})",
            "classify": join_command(["fashionzoo", "predict", "photo.png", "--checkpoint", run]),
            "compare": join_command(["fashionzoo", "compare", run, other]),
        }
    else:  # no file of this run holds its code
        use = {
            "classify": join_command(["fashionzoo", "predict", "photo.png", "--model", network, "--checkpoint", run]),
            "compare": join_command(["fashionzoo", "compare", run, other, "--network", network]),
        }
    last, config = (str(folder / name) for name in ("checkpoints/last.ckpt", "config.yaml"))
    return {
        **use,
        "plot": join_command(["fashionzoo", "plot", run]),
        "resume": join_command(["fashionzoo", "fit", network, "--ckpt_path", last]),
        "train again": join_command(["fashionzoo", "fit", network, "--config", config]),
    }
