"""Figures of runs: what is drawn, what tells the runs apart, with and without color."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

import fashionzoo as fz
from fashionzoo.cli.main import main
from fashionzoo.io import write_csv
from fashionzoo.plots.curves import run_labels
from fashionzoo.zoo.runs import Run
from tests import ROOT

LOGS = ROOT / "lightning_logs"
RUNS = ("cnn_plain:report", "cnn_plain/report/seed_1", "cnn_plain:tuned", "mlp_relu_narrowing:report")


def points(line: Line2D) -> list[float]:
    """Return the values of a curve; one alone is the dot at its end."""
    return list(map(float, np.asarray(line.get_ydata())))


def legend(figure: Figure) -> list[str]:
    """Return what the legend of a figure says."""
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_run_is_drawn_with_its_training_and_validation() -> None:
    figure = fz.plot_runs(["cnn_plain:report"], logs=LOGS)
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy, %")
    drawn = {line.get_linestyle(): values for line in accuracy.lines if len(values := points(line)) > 1}
    run = Run(LOGS / "cnn_plain" / "report")
    assert drawn["-"] == [100 * value for value in run.metrics["val/acc"]]
    assert drawn["--"] == [100 * value for value in run.metrics["train/acc"]]
    assert legend(figure) == ["validation", "training"]


def test_several_runs_are_told_apart_by_more_than_color() -> None:
    figure = fz.plot_runs(RUNS, ["val/acc"], LOGS)
    curves = [line for line in figure.axes[0].lines if len(points(line)) > 1]
    assert len({line.get_marker() for line in curves}) == len({line.get_color() for line in curves}) == len(RUNS)
    assert legend(figure) == [
        "cnn_plain report",
        "cnn_plain report, seed 1",
        "cnn_plain tuned",
        "mlp_relu_narrowing report",
    ]


def test_labels_say_what_differs_or_the_names_of_the_runs(tmp_path: Path) -> None:
    report = LOGS / "cnn_plain" / "report"
    seeds = [Run(report), Run(report / "seed_1")]
    assert run_labels(seeds) == ["seed 0", "seed 1"]
    for name in ("one", "other"):
        shutil.copytree(report / "seed_1", tmp_path / "cnn_plain" / name)
    twins = [Run(tmp_path / "cnn_plain" / name) for name in ("one", "other")]
    assert run_labels(twins) == ["one", "other"]


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_command_writes_what_the_file_says(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"curves.{suffix}"
    main(["plot", "cnn_plain:report", "cnn_plain:tuned", str(path), "--logs", str(LOGS), "--dpi", "50"])
    assert capsys.readouterr().out == f"wrote {path}\n"
    content = path.read_bytes()
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix])
    if suffix == "png":
        with Image.open(path) as image:
            assert image.width == 460


@pytest.mark.parametrize("lost", ["the column", "its values"])
def test_a_run_without_a_metric_that_others_have_is_said_to_have_none(lost: str, tmp_path: Path) -> None:
    report, metric = LOGS / "cnn_plain" / "report", "gradient_norm/first_layer"
    for name in ("one", "other"):
        shutil.copytree(report / "seed_1", tmp_path / "cnn_plain" / name)
    table = tmp_path / "cnn_plain" / "other" / "metrics.csv"
    columns, *rows = csv.reader(table.read_text(encoding="utf-8").splitlines())
    at = columns.index(metric)
    if lost == "the column":
        columns[at] = "x"
    write_csv(table, columns, [[*row[:at], "", *row[at + 1 :]] for row in rows])
    with pytest.warns(UserWarning, match=rf"cnn_plain/other has no {metric}"):
        fz.plot_runs(["cnn_plain/one", "cnn_plain/other"], [metric], tmp_path)


def test_a_drawing_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["evaluate", "cnn_plain"], ["compare", "cnn_plain:report", "cnn_plain"], ["claims", "N1.level"]):
        with pytest.raises(SystemExit):
            main([*words, "--plot", str(tmp_path)])
        assert "cannot draw" in capsys.readouterr().err
        (tmp_path / "x.png").mkdir(exist_ok=True)
        with pytest.raises(SystemExit):
            main([*words, "--plot", str(tmp_path / "x.png")])
        assert "x.png (Is a directory)" in capsys.readouterr().err
