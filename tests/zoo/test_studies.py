"""What searches leave, and what it says about networks that had equally many trials."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.studies import at_equal_budget, find_study, read_summary


def write_study(
    logs: Path,
    network: str,
    values: Sequence[float | None],
    name: str = "study",
    metric: str = "val/acc",
    images: Mapping[str, int] = MappingProxyType({}),
) -> Path:
    """Leave a study as a search does."""
    trials: list[dict[str, object]] = [
        {"number": number, "state": "complete", "value": value, "epochs": 1, "seconds": 1.0, "flags": {}}
        if value is not None
        else {"number": number, "state": "fail", "value": None, "epochs": 0, "flags": {}, "error": "it diverged"}
        for number, value in enumerate(values)
    ]
    study: dict[str, object] = {
        "network": network,
        "study": name,
        "metric": metric,
        "direction": "maximize" if metric == "val/acc" else "minimize",
        "seed": 0,
        "flags": {},
        "space": {},
        "importances": {},
        "trials": trials,
        "images": dict(images),
    }
    path = logs / network / name / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(study), encoding="utf-8")
    return path


def test_networks_are_compared_at_the_budget_that_both_had(tmp_path: Path) -> None:
    write_study(tmp_path, "cnn_plain", [0.9, 0.92])
    write_study(tmp_path, "MyNet", [0.8, 0.8, 0.8, 0.95], "wide", images={"data.train_size": 3000})
    said = at_equal_budget(["cnn_plain", "MyNet", "cnn_balanced", "cnn_plain"], tmp_path)
    # Of two draws with replacement, the better: 0.9 with a quarter of all cases, and 0.8 with nine of sixteen.
    assert said == (
        "At the same budget of 2 trials of `fashionzoo tune`, the best is expected to have val/acc cnn_plain 0.9150 "
        "(study, 1 epoch), MyNet 0.8656 (wide, 1 epoch, 3,000 images), on validation images."
    )


def test_nothing_is_said_of_one_study_or_of_two_metrics_or_other_validation_images(tmp_path: Path) -> None:
    write_study(tmp_path, "cnn_plain", [0.9])
    assert at_equal_budget(["cnn_plain", "MyNet"], tmp_path) is None
    write_study(tmp_path, "MyNet", [0.3], images={"data.val_size": 100})
    assert at_equal_budget(["cnn_plain", "MyNet"], tmp_path) is None
    write_study(tmp_path, "MyNet", [0.3], metric="val/loss")
    assert at_equal_budget(["cnn_plain", "MyNet"], tmp_path) is None


def test_trials_that_failed_by_their_flags_cost_budget(tmp_path: Path) -> None:
    study = read_summary(write_study(tmp_path, "MyNet", [0.9, None, 0.8, None]))
    assert study.values == [0.9, 0.8, 0.8, 0.8]
    losses = read_summary(write_study(tmp_path, "MyNet", [None, 0.2, 0.3], metric="val/loss"))
    assert losses.values == [0.3, 0.2, 0.3]
    assert read_summary(write_study(tmp_path, "MyNet", [None])).values == []


def test_the_newest_study_counts_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    older = write_study(tmp_path, "cnn_plain", [0.5])
    os.utime(older, (0, 0))
    write_study(tmp_path, "cnn_plain", [0.9], name="wide")
    found = find_study("cnn_plain", tmp_path)
    assert found is not None
    assert found.study == "wide"
    os.utime(older)
    older.write_text("{", encoding="utf-8")
    with pytest.raises(FashionZooError, match=r"study\.json cannot be read"):
        find_study("cnn_plain", tmp_path)
