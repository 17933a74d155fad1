"""The report's claims, measured from the committed runs and from runs that are not like them."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fashionzoo import RECIPES
from fashionzoo.cli.main import main
from tests import ROOT

LOGS = ROOT / "lightning_logs"
CLAIMS = (
    *("N1.start", "N1.shape", "N1.level", "N1.best_class", "N1.worst_class", "N1.shirt", "N1.shirt_tshirt"),
    *("N1.sandal", "N2.lr", "N2.rate", "N2.level", "N2.sooner", "N2.gradient", "N2.sparse", "N2.late"),
    *("N3.slow", "N3.others", "N3.level", "N3.lowest", "N3.longer", "N3.shirt", "N4.level", "N4.overfit"),
    *("N5.slower", "N5.never", "N5.cause", "N5.no_overfit", "N5.sparse"),
    *("N6.level", "N6.best", "N6.fewer", "N6.gap", "N6.no_overfit", "all.best"),
)
# Network 5 was trained for all its epochs, and without dropout or L2, with one seed yet.
SEEDS_OF = {"N5.never": 1, "N5.cause": 1}


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
        assert len(claim["seeds"]) == SEEDS_OF.get(claim["id"], 3)
        assert bool(claim["reason"]) == (claim["outcome"] != "holds"), claim["id"]


def test_the_table_shows_words_numbers_and_outcomes(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["claims", str(logs)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if re.match(r" (N\d|all)\.", line)] == list(CLAIMS)
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 60
    assert any(re.match(r"of 22 free claims, \d+ hold, \d+ fail, \d+ are undecided", line) for line in lines)


def test_one_claim_is_shown_in_full(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["claims", "N1.level", str(logs)])
    shown = capsys.readouterr().out
    assert shown.startswith("N1.level (mlp_sigmoid_narrowing, fitted): ")
    assert re.findall(
        r"seed (\d): +(holds|fails|undecided); iteration (?:\d+|never), of a single one \d+, test accuracy", shown
    )
    with pytest.raises(SystemExit):
        main(["claims", "N1.levle", str(logs)])
    assert "unknown claim N1.levle: did you mean N1.level?" in capsys.readouterr().err


def test_a_folder_without_runs_gets_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["claims", str(tmp_path)])
    (line,) = capsys.readouterr().err.splitlines()
    assert "no finished runs in" in line


def test_a_claim_follows_the_runs(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = measured(logs, capsys)
    assert {before[name]["outcome"] for name in ("N2.gradient", "N2.sparse", "N6.best", "all.best")} == {"holds"}
    for path in (logs / "mlp_sigmoid_narrowing" / "report").glob("**/*.csv"):
        shutil.copy(path, logs / "mlp_relu_narrowing" / path.relative_to(logs / "mlp_sigmoid_narrowing"))
    for path in (logs / "cnn_dropout_l2" / "report").glob("**/*.csv"):
        shutil.copy(path, logs / "cnn_balanced" / path.relative_to(logs / "cnn_dropout_l2"))
    after = measured(logs, capsys)
    assert {after[name]["outcome"] for name in ("N2.gradient", "N2.sparse", "N6.best", "all.best")} == {"fails"}
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
    assert [seed["outcome"] for seed in claim["seeds"].values()].count("fails") == len(imposters)


def test_what_is_missing_is_named_and_the_rest_measured(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(logs / "cnn_plain")
    claims = measured(logs, capsys, "(no finished run of cnn_plain with seed 2): --run makes runs that are missing")
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
        ("lr: 1.0e-05", "lr: 1.0"),
        ("trainer:", "trainer:\n  limit_train_batches: 10"),
        ("accumulate_grad_batches: 1", "accumulate_grad_batches: 8"),
        ("max_steps: -1", "max_steps: 5"),
        ("data:", "data:\n  teacher: cnn_balanced"),
    ],
)
def test_a_run_by_another_recipe_cannot_be_compared(
    setting: str, changed: str, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (logs / "mlp_sigmoid_narrowing").glob("**/config.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace(setting, changed), encoding="utf-8")
    claims = measured(logs, capsys, "than the report's recipe")
    assert {claims[name]["outcome"] for name in ("N1.level", "N2.sooner", "N3.longer")} == {"not comparable"}
    assert claims["N4.overfit"]["seeds"]


def test_records_that_lack_a_metric_cannot_be_compared(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (logs / "cnn_balanced").glob("**/metrics.csv"):
        path.write_text(path.read_text(encoding="utf-8").replace("train/acc_without_dropout", "train/other"))
    claims = measured(logs, capsys, "cannot be measured")
    assert claims["N6.gap"]["outcome"] == "not comparable"
    assert claims["N6.best"]["seeds"]


def test_a_users_own_runs_are_measured_like_the_reference_runs(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = measured(logs, capsys)
    for name in RECIPES:
        for version, folder in enumerate(sorted((logs / name / "report").glob("seed_*")), 1):
            folder.rename(logs / name / f"version_{version}")
        (logs / name / "report").rename(logs / name / "version_0")
    after = measured(logs, capsys)
    for claim in (*before.values(), *after.values()):
        del claim["left_out"]  # which has the folders' names
    assert after == before


@pytest.mark.parametrize(
    ("name", "content"), [("metrics.csv", "epoch,val/acc\n1,zero\n"), ("config.yaml", "seed: ["), ("confusion.csv", "")]
)
def test_damaged_records_get_one_line(name: str, content: str, logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (logs / "cnn_plain" / "report" / name).write_text(content, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["claims", str(logs)])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(r"fashionzoo: error: the records in \S+/cnn_plain/report are damaged", line)


@pytest.mark.parametrize(
    ("name", "column", "cell", "reason"),
    [
        ("metrics.csv", "test/acc", "99.7", "a test/acc outside 0 to 1"),
        ("metrics.csv", "test/acc", "", "no test/acc in its last row"),
        ("metrics.csv", "test/acc", "0.5", "different test accuracies"),
        ("metrics.csv", "val/acc", "-1", "a val/acc outside 0 to 1"),
        ("metrics.csv", "epoch", "3", "not every epoch once"),
        ("confusion.csv", "Shirt", "-4", "no table of all classes"),
    ],
)
def test_records_that_cannot_be_are_not_counted(
    name: str, column: str, cell: str, reason: str, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(logs / "cnn_plain" / "report" / name, column, lambda row, before: cell if row >= 10 else before)
    with pytest.raises(SystemExit):
        main(["claims", str(logs)])
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line


def test_a_seed_that_does_not_count_is_named(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = logs / "cnn_plain" / "report" / "seed_1" / "metrics.csv"
    edit(path, "val/loss", lambda row, cell: "nan" if row == 10 else cell)
    config = logs / "cnn_balanced" / "report" / "seed_2" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("lr: 0.01", "lr: 0.05"), encoding="utf-8")
    claims = measured(logs, capsys)
    assert claims["N4.overfit"]["left_out"]["1"].endswith("cnn_plain/report/seed_1 is not finite")
    assert set(claims["N6.best"]["seeds"]) == {"0"}
    assert claims["N6.best"]["left_out"]["2"].endswith("seed_2 has another model.lr than the report's recipe")
    main(["claims", str(logs)])
    shown = " ".join(capsys.readouterr().out.split())
    assert re.search(r"N6.best .* fitted holds in one seed", shown)
    assert re.search(r"left out of [^:]*N6.best[^:]*: ", shown)


def test_a_folder_that_is_not_there_gets_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["claims", str(tmp_path / "nowhere")])
    (line,) = capsys.readouterr().err.splitlines()
    assert "there is no folder" in line


def test_measuring_needs_neither_torch_nor_lightning() -> None:
    words = ["claims", str(LOGS)]
    code = f"import sys; from fashionzoo.cli.main import main; main({words}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def edit(path: Path, column: str, change: Callable[[int, str], str]) -> None:
    """Change the cells of a column of a table; rows are counted from 1."""
    header, *rows = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines())
    index = header.index(column)
    for number, row in enumerate(rows, 1):
        row[index] = change(number, row[index])
    path.write_text("\n".join(",".join(row) for row in (header, *rows)) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("reached", "level", "outcome"),
    [(259, 0.9, "holds"), (317, 0.9, "holds"), (258, 0.9, "fails"), (318, 0.9, "fails"), (200, 0.78, "undecided")],
)
def test_a_claim_ends_where_its_words_say(
    reached: int, level: float, outcome: str, logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a curve that jumps to 0.9, the mean over five lies above 0.78, its interval too, three iterations later."""
    metrics = logs / "mlp_sigmoid_narrowing" / "report" / "metrics.csv"
    rows = metrics.read_text(encoding="utf-8").splitlines()
    last = rows[-1].partition(",")[2]
    missing = range(len(rows), 331)
    metrics.write_text("\n".join([*rows, *(f"{epoch},{last}" for epoch in missing)]) + "\n", encoding="utf-8")
    edit(metrics, "val/acc", lambda epoch, cell: f"{level}" if epoch >= reached else "0.5")
    seed = measured(logs, capsys)["N1.level"]["seeds"]["0"]
    assert seed["outcome"] == outcome
    if level == 0.9:
        assert seed["measured"]["iteration"] == reached + 3
        assert seed["measured"]["of a single one"] == reached


def test_seeds_that_disagree_evenly_decide_nothing(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in logs.glob("*/report/seed_2"):
        shutil.rmtree(path)
    edit(logs / "mlp_sigmoid_narrowing" / "report" / "metrics.csv", "val/acc", lambda epoch, cell: "0.5")
    start = measured(logs, capsys)["N1.start"]
    assert [seed["outcome"] for seed in start["seeds"].values()] == ["fails", "holds"]
    assert (start["outcome"], start["reason"]) == ("undecided", "No outcome is that of most seeds.")


def test_epochs_without_validation_and_runs_that_ended_early_are_not_compared(
    logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in logs.glob("mlp_sigmoid_narrowing/report/**/metrics.csv"):
        edit(path, "val/acc", lambda epoch, cell: cell if epoch % 2 == 0 else "")
    for path in logs.glob("mlp_relu_widening/report/**/metrics.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        tested = f"31,{lines[-1].partition(',')[2]}"
        path.write_text("\n".join([*lines[:31], tested]) + "\n", encoding="utf-8")
    claims = measured(logs, capsys, "cannot be measured")
    assert claims["N1.start"]["reason"].endswith("was validated")
    assert claims["N3.slow"]["reason"].endswith("ended after epoch 31, before 50")


def test_an_epoch_that_never_came_is_null_in_json(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in logs.glob("mlp_relu_narrowing/report/**/metrics.csv"):
        edit(path, "val/acc", lambda epoch, cell: "0.5")
    sooner = measured(logs, capsys)["N2.sooner"]
    assert sooner["seeds"]["0"]["measured"]["mlp_relu_narrowing"] is None


def test_gradients_are_compared_from_the_fiftieth_iteration(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = measured(logs, capsys)["N2.gradient"]["seeds"]["0"]["measured"]["mlp_relu_narrowing"]
    path = logs / "mlp_relu_narrowing" / "report" / "metrics.csv"
    edit(path, "gradient_norm/first_layer", lambda epoch, cell: "1e6" if epoch < 50 else cell)
    assert measured(logs, capsys)["N2.gradient"]["seeds"]["0"]["measured"]["mlp_relu_narrowing"] == before


def test_a_users_run_by_another_recipe_is_not_the_reports(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.move(logs / "mlp_relu_widening" / "report", logs / "mlp_relu_widening" / "version_0")
    config = logs / "mlp_relu_widening" / "version_0" / "config.yaml"
    config.write_text(re.sub(r"(?m)^recipe: report$", "recipe: tuned", config.read_text(encoding="utf-8")))
    claims = measured(logs, capsys, "cannot be measured")
    assert claims["N3.level"]["reason"] == "no finished run of mlp_relu_widening with seed 2"
