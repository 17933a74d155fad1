"""Tables in every format: the same numbers, and nothing that LaTeX or a spreadsheet trips over."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import rcParams

import fashionzoo as fz
from fashionzoo.claims.claim import CLAIMS
from fashionzoo.cli.formats import render
from fashionzoo.cli.main import main
from fashionzoo.zoo.intervals import wilson_interval
from tests import ROOT

LOGS = ROOT / "lightning_logs"
TABLES = {
    "list": ("list",),
    "runs": ("runs", "--all", "--logs", str(LOGS)),
    "compare": ("compare", "cnn_plain:report", "mlp_relu_narrowing:report"),
    "evaluate": ("evaluate", "cnn_plain:report"),
}


def rows(text: str, form: str) -> list[list[str]]:
    """Read a table of a format."""
    if form == "csv":
        return list(csv.reader(io.StringIO(text)))
    if form == "markdown":
        return [line.strip("| ").split(" | ") for line in text.splitlines() if not line.startswith("|---")]
    lines = [line.removesuffix(r" \\") for line in text.splitlines() if line.endswith(r" \\")]
    plain = [re.sub(r"\\textgreater\{\}", ">", line).replace(r"$\pm$", "±") for line in lines]
    return [re.sub(r"\\([%_#&])", r"\1", line).split(" & ") for line in plain]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_same_numbers_in_each_format(
    name: str, capsys: pytest.CaptureFixture[str], tiny_root: Path
) -> None:
    read = {}
    for form in ("csv", "markdown", "latex"):
        main(
            [*TABLES[name], "--format", form, *(["--root", str(tiny_root)] if name in ("compare", "evaluate") else [])]
        )
        text = capsys.readouterr().out
        read[form] = rows(text.split("\n\n")[0], form)  # what follows is the confusion matrix
    cells = {
        form: [[re.sub(r"(?<=\d),(?=\d{3})", "", cell).replace("-", "") for cell in row] for row in table]
        for form, table in read.items()
    }
    assert len(cells["csv"]) > 2
    assert cells["csv"] == cells["markdown"] == cells["latex"]


def test_the_claims_have_a_row_each(capsys: pytest.CaptureFixture[str]) -> None:
    main(["claims", str(LOGS), "--format", "latex"])
    table = rows(capsys.readouterr().out, "latex")
    assert sorted(row[0] for row in table[1:]) == sorted(claim.id for claim in CLAIMS)


def test_list_and_compare_have_intervals(capsys: pytest.CaptureFixture[str], tiny_root: Path) -> None:
    main(["list", "--format", "csv"])
    listed = next(row for row in csv.DictReader(io.StringIO(capsys.readouterr().out)) if row["network"] == "cnn_plain")
    low, high = (f"{100 * end:.2f}" for end in fz.get_weights("cnn_plain", "report").meta["interval"])
    assert (listed["95 % interval from, %"], listed["to, %"]) == (low, high)
    main(["compare", "mlp_relu_narrowing:report", "cnn_plain", "--format", "csv", "--root", str(tiny_root)])
    screen = capsys.readouterr()
    compared = {row["measure"]: row["cnn_plain:tuned"] for row in csv.DictReader(io.StringIO(screen.out))}
    accuracy = fz.evaluate(fz.get_model("cnn_plain", "tuned"), tiny_root).metrics["test/acc"]
    low, high = (f"{100 * end:.2f}" for end in wilson_interval(accuracy, 200))
    assert (compared["95 % interval from, %"], compared["95 % interval to, %"]) == (low, high)
    assert "cnn_plain:tuned is the default" in screen.err
    assert "right on" in screen.err


def test_evaluate_all_has_a_row_for_each_network(capsys: pytest.CaptureFixture[str], tiny_root: Path) -> None:
    main(["evaluate", "all", "--weights", "report", "--root", str(tiny_root)])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for name in fz.list_models():
        accuracy = fz.evaluate(fz.get_model(name, "report"), tiny_root).metrics["test/acc"]
        assert re.search(rf"{name}:report +{100 * accuracy:.2f} ", shown)


def test_evaluate_draws_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cm.svg"
    monkeypatch.setitem(rcParams, "svg.fonttype", "none")  # text stays text
    main(["evaluate", "cnn_plain", "--plot", str(path), "--root", str(tiny_root)])
    screen = capsys.readouterr()
    assert screen.err.splitlines() == [
        f"wrote {path}",
        "cnn_plain:tuned is the default: cnn_plain:report is as the report trained it",
    ]
    accuracy = fz.evaluate(fz.get_model("cnn_plain", "tuned"), tiny_root).metrics["test/acc"]
    title = f"cnn_plain:tuned: accuracy {100 * accuracy:.2f} % on the test set, 200 images"
    assert title in path.read_text(encoding="utf-8")


@given(st.lists(st.text('ab_%&#$~^\\{}<>|" ,', max_size=6), min_size=1, max_size=4))
def test_any_text_keeps_a_table_whole(cells: list[str]) -> None:
    columns = [f"c{number}" for number in range(len(cells))]
    assert list(csv.reader(io.StringIO(render(columns, [cells], "csv")), strict=True))[1:] in ([cells], [[]])
    *_, row = render(columns, [cells], "markdown").splitlines()
    assert len(re.findall(r"(?<!\\)\|", row)) == len(cells) + 1
    row = render(columns, [cells], "latex").splitlines()[4].removesuffix(r" \\")
    assert len(re.findall(r"(?<!\\)&", row)) == len(cells) - 1
    assert not re.search(r"(?<!\\)[%#_]", row)
