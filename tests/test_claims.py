"""The report's claims, measured from the committed runs and from runs that are not like them."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fashionzoo import RECIPES, Recipe
from fashionzoo.callbacks.shutdown import GracefulShutdown, TrainingInterruptedError
from fashionzoo.claims import reference_runs
from fashionzoo.cli.main import main
from fashionzoo.zoo.registry import get_class

LOGS = Path(__file__).parent.parent / "lightning_logs"
SHORT = ("mlp_relu_narrowing", "cnn_plain")  # of which reference runs are made here
CLAIMS = (
    *("N1.start", "N1.shape", "N1.level", "N1.best_class", "N1.worst_class", "N1.shirt", "N1.sandal"),
    *("N2.lr", "N2.sooner", "N2.gradient", "N2.sparse", "N2.late", "N3.slow", "N3.level", "N3.longer", "N3.shirt"),
    *("N4.level", "N4.overfit", "N5.slower", "N5.no_overfit", "N5.sparse"),
    *("N6.level", "N6.best", "N6.fewer", "N6.gap", "all.best"),
)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A copy of the records of the committed runs."""
    return Path(shutil.copytree(LOGS, tmp_path / "logs", ignore=shutil.ignore_patterns("version_*", "events*")))


def measured(logs: Path, capsys: pytest.CaptureFixture[str], complaint: str = "") -> dict[str, dict[str, Any]]:
    """Return what the command says of each claim."""
    if complaint:
        with pytest.raises(SystemExit) as end:
            main(["claims", str(logs), "--json"])
        assert end.value.code == 2
    else:
        main(["claims", str(logs), "--json"])
    screen = capsys.readouterr()
    assert complaint in screen.err
    return {claim["id"]: claim for claim in json.loads(screen.out)}


def test_the_committed_runs_measure_every_claim(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = measured(logs, capsys)
    assert tuple(claims) == CLAIMS
    for claim in claims.values():
        assert set(claim["seeds"]) == {"0", "1", "2"}
        held = sum(seed["holds"] for seed in claim["seeds"].values())
        assert claim["outcome"] == ("holds" if held >= 2 else "fails")
        assert bool(claim["reason"]) == (claim["outcome"] == "fails"), claim["id"]


def test_the_table_shows_words_numbers_and_outcomes(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["claims", str(logs)])
    screen = " ".join(capsys.readouterr().out.split())
    assert all(name in screen for name in CLAIMS)
    assert re.search(r"26 claims: \d+ holds, \d+ fails, 0 not comparable", screen)


def test_a_claim_follows_the_runs(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = measured(logs, capsys)
    assert {before[name]["outcome"] for name in ("N2.gradient", "N2.sparse", "N6.best", "all.best")} == {"holds"}
    shutil.rmtree(logs / "mlp_relu_narrowing")
    shutil.copytree(logs / "mlp_sigmoid_narrowing", logs / "mlp_relu_narrowing")
    for path in (logs / "cnn_dropout_l2" / "report").glob("**/*.csv"):
        shutil.copy(path, logs / "cnn_balanced" / path.relative_to(logs / "cnn_dropout_l2"))
    after = measured(logs, capsys)
    assert {after[name]["outcome"] for name in ("N2.gradient", "N2.sparse", "N6.best", "all.best")} == {"fails"}
    assert after["N2.lr"]["outcome"] == "fails"
    assert after["N1.best_class"] == before["N1.best_class"]


@pytest.mark.parametrize(("imposters", "outcome"), [(["seed_1"], "holds"), (["seed_1", "seed_2"], "fails")])
def test_most_seeds_decide(imposters: list[str], outcome: str, logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in imposters:
        for name in ("metrics.csv", "confusion.csv"):
            shutil.copy(
                logs / "cnn_dropout_l2" / "report" / seed / name, logs / "cnn_balanced" / "report" / seed / name
            )
    claim = measured(logs, capsys)["N6.best"]
    assert claim["outcome"] == outcome
    assert sum(not seed["holds"] for seed in claim["seeds"].values()) == len(imposters)


def test_what_is_missing_is_named_and_the_rest_measured(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(logs / "cnn_plain")
    claims = measured(logs, capsys, "(no finished run of cnn_plain with seed 2): --run makes the runs that are missing")
    assert claims["N4.level"]["reason"] == "no finished run of cnn_plain with seed 2"
    assert {claims[name]["outcome"] for name in ("N4.level", "N5.slower", "N6.best")} == {"not comparable"}
    assert claims["N1.best_class"]["seeds"]


def test_a_seed_that_is_missing_leaves_the_others(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(logs / "cnn_plain" / "report" / "seed_2")
    claims = measured(logs, capsys)
    assert set(claims["N6.best"]["seeds"]) == {"0", "1"}
    assert set(claims["N1.start"]["seeds"]) == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("max_epochs: 300", "max_epochs: 20"),
        ("data:", "data:\n  train_size: 500"),
        ("data:", "data:\n  batch_size: 64"),
    ],
)
def test_a_run_by_another_recipe_cannot_be_compared(
    setting: str, changed: str, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (logs / "mlp_sigmoid_narrowing").glob("**/config.yaml"):
        path.write_text(path.read_text().replace(setting, changed))
    claims = measured(logs, capsys, "than the report's recipe")
    assert {claims[name]["outcome"] for name in ("N1.level", "N2.sooner", "N3.longer")} == {"not comparable"}
    assert claims["N4.overfit"]["seeds"]


def test_records_that_lack_a_metric_cannot_be_compared(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (logs / "cnn_balanced").glob("**/metrics.csv"):
        path.write_text(path.read_text().replace("test/acc", "test/other"))
    claims = measured(logs, capsys, "claims cannot be measured")
    assert {claims[name]["outcome"] for name in ("N6.level", "N6.best", "all.best")} == {"not comparable"}


def test_a_users_own_runs_are_measured_like_the_reference_runs(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = measured(logs, capsys)
    for name in RECIPES:
        for version, folder in enumerate(sorted((logs / name / "report").glob("seed_*")), 1):
            folder.rename(logs / name / f"version_{version}")
        (logs / name / "report").rename(logs / name / "version_0")
    assert measured(logs, capsys) == before


@pytest.mark.parametrize(
    ("name", "content"), [("metrics.csv", "epoch,val/acc\n1,zero\n"), ("config.yaml", "seed: ["), ("confusion.csv", "")]
)
def test_damaged_records_get_one_line(name: str, content: str, logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (logs / "cnn_plain" / "report" / name).write_text(content)
    with pytest.raises(SystemExit) as end:
        main(["claims", str(logs)])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(r"fashionzoo: error: the records in \S+/cnn_plain/report are damaged", line)


def test_a_folder_that_is_not_there_gets_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["claims", str(tmp_path / "nowhere")])
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is no folder" in line


def test_measuring_needs_neither_torch_nor_lightning() -> None:
    words = ["claims", str(LOGS)]
    code = f"import sys; from fashionzoo.cli.main import main; main({words}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.fixture
def short_recipes(monkeypatch: pytest.MonkeyPatch, tiny_root: Path) -> None:
    """Recipes of three epochs on the synthetic data, for two networks."""
    data = {"root": str(tiny_root), "val_size": 200}
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
    assert len(numbers(logs)) == 3 * 2 * 3
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
    assert re.search(r"run \d of 6: .*, seed \d; time left: about \d+ minutes", capsys.readouterr().out)
