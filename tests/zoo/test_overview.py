"""Runs at a glance: whatever is in the folder of the logs, a run is a row, and its name names it everywhere."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import fashionzoo as fz
from fashionzoo.cli.main import main
from fashionzoo.zoo.overview import find_run, get_runs, list_runs, read_overview
from fashionzoo.zoo.runs import Run
from tests import ROOT
from tests.processes import OUTPUT_ENCODING

REPORT = ROOT / "lightning_logs" / "cnn_plain" / "report"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two finished runs of one network, the newer with less accuracy."""
    logs = tmp_path / "lightning_logs"
    for age, (name, source) in enumerate({"version_0": "tuned", "version_1": "report"}.items()):
        folder = logs / "cnn_plain" / name
        shutil.copytree(REPORT.parent / source, folder, ignore=shutil.ignore_patterns("seed_*", "events*"))
        os.utime(folder, (age, age))
    return logs


def edit_json(path: Path, **values: object) -> None:
    """Change values of a JSON file, which may not be there yet."""
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**held, **values}), encoding="utf-8")


def test_runs_are_listed_newest_first_with_what_is_known_of_them(logs: Path) -> None:
    newer, older = list_runs(logs)
    assert (newer.reference, newer.recipe, newer.changed) == ("cnn_plain/version_1", "report", "")
    assert newer.ended == "all epochs"
    assert (newer.epochs, newer.seconds) == (20, 81.7)
    assert newer.test_accuracy == Run(REPORT).final("test/acc")
    assert newer.val_accuracy == Run(REPORT).best_epoch()[0]
    assert older.recipe == "tuned"


def test_the_tested_epoch_is_the_best_by_what_the_run_monitored(logs: Path) -> None:
    folder = logs / "cnn_plain" / "version_1"
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(
        config.replace("monitor: val/acc", "monitor: val/loss").replace("mode: max", "mode: min"), encoding="utf-8"
    )
    run = Run(folder)
    losses = run.metrics["val/loss"]
    assert run.tested_epoch() == losses.index(min(losses)) + 1 != run.best_epoch()[1]
    assert read_overview(folder).val_accuracy == run.metrics["val/acc"][run.tested_epoch() - 1]


def test_how_a_run_ended_is_what_it_says_or_what_its_curves_tell(logs: Path) -> None:
    folder = logs / "cnn_plain" / "version_1"
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    for epochs, patience, ended in ((20, 20, "all epochs"), (50, 1, "early"), (50, 20, "-")):
        text = config.replace("max_epochs: 20", f"max_epochs: {epochs}")
        text = text.replace("patience: 20", f"patience: {patience}")
        (folder / "config.yaml").write_text(text, encoding="utf-8")
        assert read_overview(folder).ended == ended
    edit_json(folder / "machine.json", ended="diverged")
    assert read_overview(folder).ended == "diverged"


def leave_unfinished(run: Path, ended: str) -> None:
    """Leave what a run does that ended before its test."""
    (run / "metrics.csv").unlink()
    edit_json(run / "machine.json", ended=ended)


SPOILED: dict[str, Callable[[Path], object]] = {
    "unfinished": lambda run: (run / "metrics.csv").unlink(),
    "damaged": lambda run: (run / "metrics.csv").write_bytes(b"epoch,val/acc\n1,\xff\n"),
    "newer": lambda run: edit_json(run / "run.json", format=99, changed=7),
    "diverged": lambda run: leave_unfinished(run, "diverged"),
    "interrupted": lambda run: leave_unfinished(run, "interrupted"),
}
OTHERS: dict[str, Callable[[Path], object]] = {
    "no configuration": lambda run: (run / "config.yaml").unlink(),
    "a torn configuration": lambda run: (run / "config.yaml").write_text("model: [", encoding="utf-8"),
    "an empty machine.json": lambda run: (run / "machine.json").write_text("", encoding="utf-8"),
    "machine.json is a list": lambda run: (run / "machine.json").write_text("[]", encoding="utf-8"),
    "a run.json that is text": lambda run: (run / "run.json").write_text('"x"', encoding="utf-8"),
    "an empty table": lambda run: (run / "confusion.csv").write_text("", encoding="utf-8"),
}


@pytest.mark.parametrize("ended", [*SPOILED, *OTHERS])
def test_a_run_that_cannot_be_read_is_a_row_and_a_line(
    ended: str, logs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(logs.parent)
    ((SPOILED | OTHERS)[ended])(logs / "cnn_plain" / "version_1")
    by_name = {run.name: run.ended for run in list_runs(logs)}
    assert by_name == {"version_0": "all epochs", "version_1": ended if ended in SPOILED else "damaged"}
    main(["runs"])
    assert "version_1" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(["plot", "cnn_plain/version_0", "cnn_plain/version_1", "x.png"])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("fashionzoo: error: ")
    assert "version_1" in line
    assert not Path("x.png").exists()


def test_published_runs_are_shown_where_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    main(["runs", "cnn_plain", "--all", "--logs", str(REPORT.parents[1]), "--sort", "test", "--json"])
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"cnn_plain/report", "cnn_plain/report/seed_1", "cnn_plain/tuned"} <= set(rows)
    assert rows["cnn_plain/report/seed_1"]["changed"] == "seed 1"
    accuracies = [row["test_accuracy"] for row in rows.values()]
    assert accuracies == sorted(accuracies, reverse=True)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("runs", "cnn_plian"), "there are no runs of 'cnn_plian' in lightning_logs: did you mean cnn_plain?"),
        (("runs", "--logs", "nowhere"), "there is no folder nowhere"),
        (("runs", "--format", "xml"), "invalid choice: 'xml'"),
        (("plot", "cnn_plain/version_7"), "there is no run cnn_plain/version_7: did you mean cnn_plain/version_"),
        (("plot", "x.png"), "plot needs a run beside the file x.png"),
        (("plot", "cnn_plain/version_0", "x.xyz"), "cannot draw x.xyz: end it in "),
        (("plot", "cnn_plain/version_0", "no/x.png"), "cannot write no/x.png (there is no directory no)"),
        (("plot", "cnn_plain/version_0", "/dev/full/x.png"), "cannot write /dev/full/x.png"),
        (("plot", "cnn_plain/version_0", "--metric", "val/ac"), "no run has a metric 'val/ac': did you mean val/acc?"),
        (("plot", "cnn_plain/version_0", "--dpi", "0"), "0 is no number from 10 to 2000"),
        (("evaluate", "cnn_plain/version_0"), "has no checkpoints/best.ckpt: name another"),
        (("evaluate", "all", "--plot", "x.png"), "--plot is of one network: name it in place of all"),
    ],
)
def test_what_is_not_there_gets_one_line(
    words: tuple[str, ...],
    complaint: str,
    logs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(logs.parent)
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line
    assert [path.name for path in logs.parent.iterdir()] == ["lightning_logs"]


def test_a_run_has_several_names(logs: Path) -> None:
    folder = logs / "cnn_plain" / "version_1"
    checkpoint = folder / "checkpoints" / "best.ckpt"
    assert {find_run(name, logs) for name in (folder, checkpoint, "cnn_plain/version_1")} == {folder}
    published = find_run("cnn_plain:report", REPORT.parents[1])
    assert published == REPORT
    assert find_run("cnn_plain", logs) is None
    with pytest.raises(fz.FashionZooError, match="there is no run cnn_plain"):
        get_runs(["cnn_plain"], logs)


def test_runs_needs_neither_torch_nor_matplotlib(logs: Path) -> None:
    code = "import sys; from fashionzoo.cli.main import main; main(['runs']); "
    code += "sys.exit(bool({'torch', 'lightning', 'matplotlib', 'scipy'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=logs.parent, capture_output=True, encoding=OUTPUT_ENCODING, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "cnn_plain/version_1" in done.stdout
