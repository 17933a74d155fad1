"""Reference runs: made, kept small, brought back, and resumed."""

import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from fashionzoo import Recipe
from fashionzoo.callbacks.shutdown import GracefulShutdown, TrainingInterruptedError
from fashionzoo.claims import reference_runs, runs
from fashionzoo.zoo.registry import get_class
from fashionzoo.zoo.runs import Run

SHORT = ("mlp_relu_narrowing", "cnn_plain")  # of which reference runs are made here


@pytest.fixture
def short_recipes(monkeypatch: pytest.MonkeyPatch, tiny_root: Path) -> None:
    """Recipes of three epochs on the synthetic data, for two networks."""
    data = {"root": str(tiny_root), "val_size": 200}
    monkeypatch.setattr(runs, "MLP_SEEDS", range(4))
    for name in SHORT:
        monkeypatch.setattr(get_class(name), "recipes", {"report": Recipe("short", epochs=3, patience=3, data=data)})


def numbers(logs: Path) -> dict[str, bytes]:
    """Return the contents of all tables under a folder."""
    return {str(path.relative_to(logs)): path.read_bytes() for path in sorted(logs.glob("**/*.csv"))}


def test_reference_runs_are_made_kept_small_and_brought_back(short_recipes: None, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    reference_runs.train_missing_runs(logs, "report", SHORT)
    home = logs / "cnn_plain" / "report"
    assert {path.name for path in (home / "seed_2").iterdir()} == set(reference_runs.RECORDS)
    assert [path.name for path in (home / "checkpoints").iterdir()] == ["best.ckpt"]
    others = {path.name for path in home.iterdir()} - set(reference_runs.RECORDS) - {"seed_1", "seed_2", "checkpoints"}
    assert others
    assert all("tfevents" in name for name in others)
    assert len(numbers(logs)) == 3 * (4 + 3)
    whole, reduced = (Run(logs / SHORT[0] / "report" / f"seed_{seed}").metrics for seed in (2, 3))
    assert {"val/acc", "val/recall/Shirt", "gradient_norm/first_layer", "test/near_zero"} <= set(reduced) < set(whole)
    before = numbers(logs)
    shutil.rmtree(home)
    reference_runs.train_missing_runs(logs, "report", SHORT)
    assert numbers(logs) == before


def test_reference_runs_go_on_where_they_were_interrupted(
    short_recipes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reference_runs.train_missing_runs(tmp_path / "whole", "report", SHORT)
    with monkeypatch.context() as patch:
        steps = iter(range(1000))

        def interrupt(self: GracefulShutdown, trainer: Any, *_: Any) -> None:
            if next(steps) == 100:
                raise TrainingInterruptedError(signal.SIGTERM, trainer)

        patch.setattr(GracefulShutdown, "on_train_batch_end", interrupt)
        with pytest.raises(TrainingInterruptedError):
            reference_runs.train_missing_runs(tmp_path / "cut", "report", SHORT)
    assert len(numbers(tmp_path / "cut")) < len(numbers(tmp_path / "whole"))
    capsys.readouterr()
    reference_runs.train_missing_runs(tmp_path / "cut", "report", SHORT)
    assert numbers(tmp_path / "cut") == numbers(tmp_path / "whole")
    assert re.search(r"run \d of 7: .*, seed \d; time left: about \d+ minutes", capsys.readouterr().out)
