"""Accuracy of the twelve files on corrupted test images.

python experiments/corruptions.py              # fifteen minutes; writes corruptions.json
"""

import json
from pathlib import Path

import fashionzoo as fz
from fashionzoo.weights.manifest import VERSIONS
from fashionzoo.zoo.corruptions import evaluate_corruptions

OUTPUT = Path(__file__).parent / "corruptions.json"


def main() -> None:
    """Measure all."""
    results: dict[str, dict[str, dict[str, list[float]]]] = {}
    for name in fz.list_models():
        for version in VERSIONS:
            accuracies = evaluate_corruptions(fz.get_model(name, version))
            results.setdefault(name, {})[version] = {
                kind: [round(accuracy, 4) for accuracy in row] for kind, row in accuracies.items()
            }
            print(name, version, json.dumps(results[name][version]), flush=True)
    OUTPUT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
