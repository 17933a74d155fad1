"""What the commands of the zoo refuse, each in a line."""

import re
import sys
from pathlib import Path

import pytest

from fashionzoo.weights import manifest
from tests.refusals import refusal


def test_a_lost_manifest_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(manifest, "WEIGHTS_DIR", tmp_path)
    monkeypatch.setattr(manifest, "manifest", manifest.manifest.__wrapped__)  # as a process that has not read it yet
    assert re.search(r"cannot read .*manifest.json .*: reinstall", refusal(capsys, "list"))
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    assert "there are no weights of cnn_balanced in fashionzoo: reinstall" in refusal(capsys, "list")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("export", "cnn_plain", "m.h5"), "unknown suffix of m.h5: choose from .onnx, .pt2, .safetensors"),
        (("export", "cnn_plain", "nowhere/m.pt2"), "cannot write nowhere/m.pt2 (No such file or directory)"),
        (("export", "cnn_plian", "m.pt2"), "did you mean cnn_plain?"),
        (("export", "cnn_plain", "m.pt2", "--weights", "best"), "unknown weights 'best'"),
        (("evaluate", "cnn_plain", "--checkpoint", __file__), "is not a checkpoint"),
        (("evaluate", "cnn_plain", "--plot", "m.xyz"), "cannot draw m.xyz: end it in "),
        (("evaluate", "cnn_plain", "--plot", "nowhere/m.png"), "cannot write nowhere/m.png"),
        (("evaluate", "cnn_plain", "--weights", "tuned", "--checkpoint", "x.ckpt"), "not allowed with"),
        (("predict", "x.png", "--model", "cnn"), "unknown network 'cnn'"),
        (("predict", "x.png", "--model", "all", "--checkpoint", "x.ckpt"), "leave out --model all"),
        (("predict", "x.png", "--top", "11"), "--top: invalid choice"),
    ],
)
def test_a_bad_command_gets_one_line(
    words: tuple[str, ...],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    real_root: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complaint in refusal(capsys, *words)
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], real_root: Path
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "ONNX needs onnxruntime: `pip install" in refusal(capsys, "export", "cnn_plain", tmp_path / "m.onnx")
