"""Compare the weight files that ship, each with each, on the test images.

python experiments/compare_files.py      # a minute; writes compare_files.json
"""

import json
from pathlib import Path
from typing import Any

import fashionzoo as fz
from fashionzoo.data.sources import load_split
from fashionzoo.models.network import compute_logits
from fashionzoo.zoo.models import list_weights

TABLE = Path(__file__).with_suffix(".json")


def main() -> None:
    """Measure how sure each file is on average, and for each pair on how many images one of them alone is right."""
    files = {f"{weights.name} {weights.version}": weights for weights in list_weights()}
    networks = {label: fz.get_model(weights.name, weights.version) for label, weights in files.items()}
    images, _ = load_split("test")
    confidences = {
        label: round(float(compute_logits(network, images).softmax(dim=1).amax(dim=1).mean()), 6)
        for label, network in networks.items()
    }
    pairs = [
        {"first": pair.first, "second": pair.second, "only": [pair.only_first, pair.only_second], "p": pair.p}
        for pair in fz.compare(networks).pairs
    ]
    lines = ",\n".join(f"  {json.dumps(pair)}" for pair in pairs)
    TABLE.write_text(f'{{\n "confidence": {json.dumps(confidences)},\n "pairs": [\n{lines}\n ]\n}}\n', encoding="utf-8")


def table() -> dict[str, Any]:
    """Return what was measured."""
    measured: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return measured


if __name__ == "__main__":
    main()
