"""Write the weights that come with the package, their manifest and their model cards, from finished runs.

python experiments/export_weights.py           # seconds with the runs, hours without

The weights are those of seed 0, whatever it scores. What the manifest says of a file was measured with that very file;
mean and range are over the runs of all seeds that were declared beforehand. A file whose run has no checkpoint, as in
a fresh clone, stays as it is if the run is the one it came from.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import model_cards
from calibration import fit_temperature

from fashionzoo.claims import reference_runs, runs
from fashionzoo.errors import FashionZooError, exit_with_error
from fashionzoo.models.network import count_flops
from fashionzoo.training import checkpoints
from fashionzoo.weights.manifest import VERSIONS, WEIGHTS_DIR, Weights
from fashionzoo.zoo.evaluation import evaluate
from fashionzoo.zoo.export import export
from fashionzoo.zoo.intervals import Interval, mean_interval, wilson_interval
from fashionzoo.zoo.models import get_weights, list_weights
from fashionzoo.zoo.recipes import RECIPES

LOGS = Path(__file__).parent.parent / "lightning_logs"
NUM_TEST_IMAGES = 10_000
TRAINING = ("seed_everything", "recipe", "trainer.max_epochs", "trainer.precision", "early_stopping", "model", "data")


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested configuration as flags and their values."""
    flags: dict[str, Any] = {}
    for key, value in config.items():
        flags.update(flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value})
    return flags


def pack(name: str, version: str) -> dict[str, Any]:
    """Write one file of weights; return its entry in the manifest."""
    found = runs.find(LOGS, name, version)
    run = found[runs.SEEDS[0]]
    recipe = {flag: value for flag, value in flat(run.config).items() if flag.startswith(TRAINING)}
    accuracies = [each.final("test/acc") for each in found.values()]
    checkpoint = run.folder / "checkpoints" / "best.ckpt"
    if not checkpoint.exists():
        known = get_weights(name, version).meta
        if (known["recipe"], known["made_on"]) != (recipe, run.environment):
            raise FashionZooError(
                f"the run in {run.folder} has no checkpoint any more: delete the run to have it trained again"
            )
        return {**known, "about": RECIPES[name][version].description, "seeds": seeds_entry(accuracies)}
    _, network = checkpoints.load_network(checkpoint)
    network.temperature = fit_temperature(network)
    file = WEIGHTS_DIR / f"{name}-{version}.safetensors"
    export(network, file)
    content = file.read_bytes()
    scores = evaluate(network)
    return {
        "file": file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "flops": count_flops(network),
        "config": network.config,
        "about": RECIPES[name][version].description,
        "recipe": recipe,
        "seed": run.seed,
        "epochs": run.epochs,
        "best_epoch": run.best_epoch()[1],
        "metrics": {key: round(value, 6) for key, value in scores.metrics.items()},
        "interval": rounded(wilson_interval(scores.metrics["test/acc"], NUM_TEST_IMAGES)),
        "confusion": scores.confusion,
        "temperature": network.temperature,
        "seeds": seeds_entry(accuracies),
        "made_on": run.environment,
    }


def seeds_entry(accuracies: Sequence[float]) -> dict[str, Any]:
    """Return what the manifest says of the test accuracy over the seeds: the interval is Student's, of the mean."""
    return {
        "count": len(accuracies),
        "mean": round(mean(accuracies), 6),
        "interval": rounded(mean_interval(accuracies)),
        "lowest": min(accuracies),
        "highest": max(accuracies),
    }


def rounded(interval: Interval) -> list[float]:
    """Return an interval as the manifest holds it."""
    return [round(end, 6) for end in interval]


def as_json(manifest: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return the manifest with a line for each fact."""
    networks = []
    for name, versions in manifest.items():
        entries = []
        for version, entry in versions.items():
            facts = ",\n".join(f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in entry.items())
            entries.append(f"  {json.dumps(version)}: {{\n{facts}\n  }}")
        networks.append(f" {json.dumps(name)}: {{\n" + ",\n".join(entries) + "\n }")
    return "{\n" + ",\n".join(networks) + "\n}\n"


def main() -> None:
    """Make everything; a network that teaches comes before those that it teaches."""
    manifest: dict[str, dict[str, Any]] = {name: {} for name in sorted(RECIPES)}
    for weights in list_weights():
        manifest[weights.name][weights.version] = weights.meta
    for version in VERSIONS:
        for name in sorted(RECIPES, key=lambda name: "teacher" in RECIPES[name][version].data):
            reference_runs.train_missing_runs(LOGS, version, [name])
            manifest[name][version] = pack(name, version)
            (WEIGHTS_DIR / "manifest.json").write_text(as_json(manifest), encoding="utf-8")
    for name in manifest:
        (WEIGHTS_DIR / f"{name}.md").write_text(
            model_cards.card([Weights(name, *item) for item in manifest[name].items()]), encoding="utf-8"
        )


if __name__ == "__main__":
    try:
        main()
    except FashionZooError as error:
        exit_with_error(error)
