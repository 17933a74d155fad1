"""The help that people read first, its examples, and the flags for the machine, as a user types them."""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml

from fashionzoo.cli.main import COMMANDS, main
from fashionzoo.environment import limit_threads
from fashionzoo.runner.cli import TrainCLI
from fashionzoo.runner.resumption import refuse_changes
from fashionzoo.zoo.registry import find_network, get_class
from tests import ROOT
from tests.processes import run
from tests.test_readme import COMMANDS as README_COMMANDS
from tests.test_readme import SERVED

COLUMNS, LINES = 80, 30
FEW_IMAGES = ("--data.train_size=400", "--data.val_size=200")
SHORT = ("--trainer.max_epochs=1", *FEW_IMAGES)
EXAMPLES = [example for command in COMMANDS for example in import_module(f"fashionzoo.cli.{command}").EXAMPLES]
ENDING = {example for example in EXAMPLES if not example.startswith(SERVED)}
MY_NET = """\
from torch import nn


class MyNet(nn.Sequential):
    def __init__(self, width: int = 16) -> None:
        super().__init__(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))
"""


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have as many threads after the test as before it."""
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
    yield
    torch.set_num_threads(before)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what a command prints that ends well."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert not end.value.code
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [("cnn_plain",), ("cnn_balanced", "--recipe=tuned"), ("mlp_relu_narrowing",)])
def test_the_help_of_a_network_is_short_and_has_its_defaults(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, "fit", *words, "--help").splitlines()
    assert len(lines) <= LINES
    assert all(len(line) < COLUMNS for line in lines)
    config = yaml.safe_load(shown(capsys, "fit", *words, "--print_config"))
    rows = dict(re.findall(r"^  --([\w.]+) (\".*?\"|\S+) +\w", "\n".join(lines), re.MULTILINE))
    assert {"model.lr", "model.dropout", "trainer.max_epochs", "data.train_size", "threads", "ckpt_path"} <= set(rows)
    for flag, typed in rows.items():
        value = config
        for key in flag.split("."):
            value = value[key]
        if flag != "trainer.precision":  # which is chosen for the machine
            assert yaml.safe_load(typed.strip('"')) == yaml.safe_load(str(value).replace("None", "null")), flag


def test_the_help_of_a_network_of_ones_own_lists_its_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my_net.py"
    path.write_text(MY_NET, encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["fashionzoo", "fit", str(path), "--help"])
    help_text = shown(capsys, "fit", str(path), "--help")
    assert help_text.startswith(f"usage: fashionzoo fit {path} [FLAGS]\n")
    assert re.search(r"--model.width 16 +argument of MyNet\n", help_text)
    assert "dropout " not in help_text.replace("order and dropout", "")


def test_a_launcher_shows_the_same_help(tmp_path: Path) -> None:
    code, screen = run(tmp_path, ROOT / "experiments" / "cnn_plain.py", "--help")
    assert code == 0
    assert screen.startswith(
        f"usage: python {ROOT / 'experiments' / 'cnn_plain.py'} [FLAGS]\n\nNetwork 4 of the report"
    )


def test_the_help_of_all_flags_is_lightnings(capsys: pytest.CaptureFixture[str]) -> None:
    help_text = shown(capsys, "fit", "cnn_plain", "--help_all")
    assert re.match(r"usage: .* \[FLAGS\]\n", help_text)
    assert "--trainer.gradient_clip_val" in help_text
    assert "(required" not in help_text


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_two_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    if command == "fit":
        main(["fit", "--help"])
        help_text = capsys.readouterr().out
    else:
        help_text = shown(capsys, command, "--help")
    examples = import_module(f"fashionzoo.cli.{command}").EXAMPLES
    assert len(examples) == 2
    assert all(f"\n  {example}\n" in help_text for example in examples)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, real_root: Path) -> Path:
    """A folder with what the examples name."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copy(ROOT / "tests" / "pictures" / "shirt.png", folder)
    (folder / "space.yaml").write_text("model.lr: {low: 1.0e-7, high: 3.0e-7}\n", encoding="utf-8")
    (folder / "lightning_logs").symlink_to(ROOT / "lightning_logs")
    (folder / "data").symlink_to(real_root)
    return folder


@pytest.mark.parametrize("example", sorted(word for word in ENDING if word not in README_COMMANDS))
def test_an_example_works(example: str, folder: Path) -> None:
    words = shlex.split(example)
    if words[1] == "fit":
        words += [*SHORT, "--trainer.default_root_dir=own"]
    if words[1] == "tune":
        words += [*FEW_IMAGES, "--trainer.default_root_dir=own", "--budget=1", "--epochs=1"]
    code, screen = run(folder, *words)
    assert code == 0, screen


def test_the_flags_of_the_readme_are_those_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    main(["fit", "--help"])
    help_text = capsys.readouterr().out
    table = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition("| flag | what it sets |")[2].partition("\n\n")[0]
    )
    flags = re.findall(r"`(--[\w.]+)`", table)
    assert len(flags) == 10
    assert all(f"  {flag} " in help_text for flag in flags)


@pytest.mark.usefixtures("threads")
def test_a_training_has_the_threads_and_the_device_that_are_asked_for(tmp_path: Path) -> None:
    flags = ["--threads=3", "--device=cpu", f"--trainer.default_root_dir={tmp_path}"]
    launcher = TrainCLI(get_class("mlp_relu_narrowing"), flags)
    assert torch.get_num_threads() == 3
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert launcher.config.trainer.accelerator == "cpu"
    refuse_changes({"threads": 3, "device": None}, {"threads": 1, "device": "cpu"}, tmp_path)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("words", [("predict", "tests/pictures/shirt.png"), ("evaluate", "mlp_relu_narrowing")])
def test_a_command_has_the_threads_that_are_asked_for(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    main([*words, "--threads", "2", "--device", "auto"])
    assert torch.get_num_threads() == 2


def test_no_thread_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="--threads of 0: choose 1 or more"):
        limit_threads(0)


def test_a_network_has_a_number() -> None:
    assert [find_network(f"{number}") for number in (1, 6, 7)] == ["mlp_sigmoid_narrowing", "cnn_balanced", None]
