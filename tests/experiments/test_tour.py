"""The notebook, as a reader runs it."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from fashionzoo import RECIPES
from fashionzoo.zoo.runs import REFERENCE_NAMES
from tests import ROOT

TOUR = ROOT / "experiments" / "tour.ipynb"
MAX_SIZE = 1_000_000  # bytes, outputs included
FEW = "3_000"  # training images


def text_of(notebook: NotebookNode) -> str:
    """Return all that the cells put out."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return "\n".join(text if isinstance(text, str) else "".join(text) for text in texts)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the pictures and the published runs of the checkout, in which runs may be left."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    for network in RECIPES:
        logs = tmp_path / "lightning_logs" / network
        logs.mkdir(parents=True)
        for published in (ROOT / "lightning_logs" / network).iterdir():
            if published.name in REFERENCE_NAMES:
                (logs / published.name).symlink_to(published)
    return tmp_path


def test_the_notebook_runs_from_top_to_bottom(checkout: Path, real_root: Path) -> None:
    notebook = nbformat.read(TOUR, 4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    parameters.source, count = re.subn(r"(?<=TRAIN_SIZE = )[\d_]+", FEW, parameters.source)
    assert count == 1
    for cell in notebook.cells:
        cell.source = cell.source.replace('"--recipe=quick"', '"--recipe=quick", "--trainer.max_epochs=2"')
        cell.source = re.sub(r"max_epochs=\d+", "max_epochs=2", cell.source)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(checkout / "experiments")}}).execute()
    shown = text_of(notebook)
    assert re.search(r"<Prediction 0 T-shirt/top: T-shirt/top \d+\.\d %", shown)
    assert re.search(r"<Comparison mine \d\d\.\d\d %, cnn_plain, quick \d\d\.\d\d %: .* is right on", shown)
    assert "<ClaimResult N2.rate, “relu learns at a much higher rate than sigmoid”: fails" in shown
    assert "recipe   report with dropout 0.5" in shown
    pictures = [output for cell in notebook.cells for output in cell.get("outputs", ()) if "image/png" in str(output)]
    assert len(pictures) >= 6
    assert not re.search(r"warning", shown, re.IGNORECASE)


def test_the_notebook_is_committed_as_it_ran() -> None:
    notebook = nbformat.read(TOUR, 4)
    assert TOUR.stat().st_size < MAX_SIZE
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not re.search(r"/(home|root|tmp|work)/|[A-Z]:\\\\", json.dumps(notebook))
