"""What a launcher and the command refuse, each in a line."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fashionzoo import FashionZooError
from fashionzoo.training.recipe import get_recipe
from fashionzoo.zoo.registry import get_class
from tests.conftest import put
from tests.refusals import refusal

BAD_FLAGS = {
    "--recipe=tuend": "unknown recipe 'tuend' of cnn_plain: did you mean tuned?",
    "--model.chanels=[3]": "unknown flag --model.chanels: did you mean --model.channels?",
    "--model.channels=[0]": "channels of [0]: give at least one number",
    "--model.channels=[3": '--model.channels of [3: expected a list, as in "[128, 32]"',
    "--model.channels=3,4": '--model.channels of 3,4: expected a list, as in "[128, 32]"',
    "--model.activation=gelu": "--model.activation of gelu: expected 'sigmoid', 'tanh', 'relu', 'elu'",
    "--epochs=3": "unknown flag --epochs: did you mean --trainer.max_epochs?",
    "--lr=3": "unknown flag --lr: did you mean --model.lr?",
    "--batch-size=3": "unknown flag --batch-size: did you mean --data.batch_size?",
    "--gpu": "unknown flag --gpu: did you mean --device cuda?",
    "--patience=3": "unknown flag --patience: did you mean --early_stopping.patience?",
    "--xyzzy": "unknown flag --xyzzy: see --help",
    "--batch=3": "unknown flag --batch: did you mean --data.batch_size?",
    "--widths=3": "cnn_plain has no widths: --help shows its flags",
    "--model=2": "--model of 2: the network comes without a flag: `fashionzoo fit mlp_relu_narrowing`",
    "--network=cnn_plain": "--network of cnn_plain: the network comes without a flag: `fashionzoo fit cnn_plain`",
    "--data=nowhere": "--data of nowhere: it takes a YAML file",
    "--threads=0": "--threads of 0: choose 1 or more",
    "--threads=few": "--threads of few: expected int",
    "--device=tpu": "--device of tpu: expected 'auto', 'cpu', 'cuda', 'mps' or null",
    "--model.lr=-1": "lr of -1.0: choose a number above 0",
    "--model.lr=high": "--model.lr of high: expected float",
    "--data.batch_size=0": "data.batch_size of 0: choose 1 or more",
    "--data.batch_size=-2": "data.batch_size of -2: choose 1 or more",
    "--data.batch_size=60001": "larger than the 55000 training images",
    "--data.train_size=9": "leaves a class empty",
    "--data.augment.shift=99": "augment.shift of 99",
    "--trainer.accelerator=gqu": "invalid accelerator name",
    "--trainer.devices=0": "the trainer cannot be set up",
    "--trainer.precision=7": "--trainer.precision of 7: expected",
    "--early_stopping.monitor=val/ac": "unknown metric 'val/ac': did you mean val/acc?",
    "--ckpt_path=nowhere.ckpt": "there is no checkpoint nowhere.ckpt",
    "--config=nowhere.yaml": "--config: File does not exist",
    "--trainer.max_epoch=3": "unknown flag --trainer.max_epoch: did you mean --trainer.max_epochs?",
    "--trainer.check_val_every_n_epoch=99": "the run would end before, after 20",
    "--early_stopping.stopping_threshold=0.9": "a run that it ended would go on when it is resumed",
    "--checkpoint.every_n_epochs=2": "the best epoch might not be kept for the test",
    "--data.root=file/in/the/way": "cannot write the data to file/in/the/way",
    "--trainer.default_root_dir=file/in/the/way": "cannot write logs to file/in/the/way",
}


@pytest.mark.parametrize("flag", BAD_FLAGS)
def test_a_bad_flag_gets_one_line_and_leaves_no_run(
    flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], real_root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert BAD_FLAGS[flag] in refusal(capsys, "fit", "cnn_plain", flag)
    assert not list(tmp_path.glob("lightning_logs/cnn_plain/*"))


def test_compiling_without_a_compiler_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert "--compile needs a C++ compiler" in refusal(capsys, "fit", "cnn_plain", "--compile=true")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_an_absent_accelerator_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "No supported gpu backend found" in refusal(capsys, "fit", "cnn_plain", "--trainer.accelerator=gpu")
    for words in (("fit", "cnn_plain"), ("evaluate", "cnn_plain"), ("compare", "a", "b"), ("predict", "a.png")):
        assert "--device of cuda: PyTorch finds no such GPU here: choose cpu" in refusal(
            capsys, *words, "--device=cuda"
        )
    line = refusal(capsys, "fit", "cnn_plain", "--device=cpu", "--trainer.accelerator=gpu")
    assert "--device of cpu and --trainer.accelerator of gpu: leave out one" in line


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("fit", "cnn_plian"), "unknown network 'cnn_plian': did you mean cnn_plain?"),
        (("fit",), "fit needs the name of a network"),
        (("fit", "--recipe", "tuned"), "fit needs the name of a network"),
        (("fit", "--recipe", "tuned", "cnn_plian"), "unknown network 'cnn_plian': did you mean cnn_plain?"),
        (("fit", "--name", "cnn_plain", "cnn_plian"), "unknown network 'cnn_plian': did you mean cnn_plain?"),
        (("fit", "2"), "unknown network '2': network 2 is mlp_relu_narrowing"),
        (("evaluate", "N6"), "unknown network 'N6': network 6 is cnn_balanced"),
        (("evaluate", "cnn_plain", "--gpu"), "unknown flag --gpu of fashionzoo evaluate: did you mean --device cuda?"),
        (("evaluate", "cnn_plain", "--plto=x.png"), "unknown flag --plto of fashionzoo evaluate: did you mean --plot?"),
        (("list", "--xyz"), "unknown flag --xyz of fashionzoo list: choose from --"),
        (("list", "cnn_plain"), "cnn_plain is one too many; see `fashionzoo list --help`"),
        (("fot",), "unknown command 'fot': did you mean fit?"),
        (("predict", "nowhere.png"), "nowhere.png does not exist"),
        (("predict", "x.png", "--checkpoint", "nowhere.ckpt"), "there is no checkpoint nowhere.ckpt"),
        (("predict", "x.png", "--checkpoint", __file__), "is not a checkpoint"),
        (("data", "--root", __file__), "cannot write the data"),
    ],
)
def test_a_bad_command_gets_one_line(
    words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complaint in refusal(capsys, *words)


def test_bad_data_stops_a_run(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, contents | {"t10k-images-idx3-ubyte": b"", "train-images-idx3-ubyte": b"<html>"})
    line = refusal(capsys, "fit", "cnn_plain", "--data.root=.", "--data.val_size=100")
    assert "train-images-idx3-ubyte in FashionMNIST/raw is damaged" in line


@pytest.mark.filterwarnings("ignore")
def test_a_loss_that_is_not_a_number_stops_a_run(
    tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = (f"--data.root={tiny_root}", "--data.val_size=100", "--model.lr=1e18")
    line = refusal(capsys, "fit", "mlp_relu_narrowing", *flags)
    assert re.search(r"loss became (nan|inf) in epoch \d+: choose a lower learning rate", line)


LEGAL: dict[str, Callable[[float], bool]] = {
    "model.lr": lambda value: value > 0 and math.isfinite(value),
    "model.dropout": lambda value: 0 <= value < 1,
    "model.weight_decay": lambda value: value >= 0 and math.isfinite(value),
    "model.momentum": lambda value: 0 <= value < 1,
    "model.label_smoothing": lambda value: 0 <= value < 1,
    "model.temperature": lambda value: value > 0 and math.isfinite(value),
    "data.batch_size": lambda value: value >= 1,
    "data.train_size": lambda value: value >= 1,
    "data.augment.shift": lambda value: 0 <= value < 28,
}
WHOLE = ("data.batch_size", "data.train_size", "data.augment.shift")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flag=st.sampled_from(list(LEGAL)), number=st.one_of(st.floats(-3, 40), st.integers(-3, 40), st.floats()))
def test_any_number_for_a_flag_is_taken_or_refused_by_name(
    flag: str, number: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is legal passes on to the accelerator, of which there is none by this name."""
    line = refusal(capsys, "fit", "cnn_dropout_l2", f"--{flag}={number}", "--trainer.accelerator=none")
    whole = isinstance(number, int) or flag not in WHOLE
    legal = whole and LEGAL[flag](number)
    assert ("invalid accelerator name" in line) == legal
    assert legal or flag.rpartition(".")[2] in line


@given(st.text(), st.text())
def test_any_name_of_a_recipe_is_known_or_refused(network: str, recipe: str) -> None:
    for name in (network, "cnn_plain"):
        with pytest.raises(FashionZooError, match=r"unknown (network|recipe)"):
            get_recipe(get_class(name), recipe)
