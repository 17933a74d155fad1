"""Files of weights whose runs have no checkpoint, as in a clone."""

import json
import shutil
from pathlib import Path

import export_weights
import pytest

from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.models import get_weights


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The committed runs of one network, without checkpoints."""
    network = export_weights.LOGS / "cnn_plain"
    shutil.copytree(network, tmp_path / "cnn_plain", ignore=shutil.ignore_patterns("*.ckpt", "version_*"))
    monkeypatch.setattr(export_weights, "LOGS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("version", ["report", "tuned"])
def test_a_file_whose_run_has_no_checkpoint_stays_as_it_is(logs: Path, version: str) -> None:
    weights = get_weights("cnn_plain", version)
    content = weights.path.read_bytes()
    assert export_weights.pack("cnn_plain", version) == weights.meta
    assert weights.path.read_bytes() == content


def test_a_file_of_another_run_is_refused(logs: Path) -> None:
    machine = logs / "cnn_plain" / "tuned" / "machine.json"
    machine.write_text(json.dumps(json.loads(machine.read_text(encoding="utf-8")) | {"seconds": 1}), encoding="utf-8")
    with pytest.raises(FashionZooError, match="has no checkpoint any more: delete the run"):
        export_weights.pack("cnn_plain", "tuned")
