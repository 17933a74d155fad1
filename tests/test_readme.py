"""What the README says can be typed does what it says, and the tests it names exist."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fashionzoo import CLASSES, __version__
from fashionzoo.weights.manifest import WEIGHTS_DIR
from fashionzoo.zoo.registry import list_models
from tests import ROOT
from tests.processes import OUTPUT_ENCODING, run

README = (ROOT / "README.md").read_text(encoding="utf-8")
FEW_IMAGES = " --data.train_size=400 --data.val_size=200"
SHORT = f" --trainer.max_epochs=1{FEW_IMAGES}"
SHOWN = {  # by the beginning of a command: what it shows
    "fashionzoo claims": r"of 22 free claims, \d+ hold, \d+ fail, \d+ are undecided",
    "fashionzoo fit cnn_plain --recipe tuned": r"recipe +tuned with lr 0.002, patience 5, at most 1[^$]*stopped",
    "fashionzoo fit cnn_plain --recipe quick": r"recipe +quick with at most 1|recipe +quick, at most 1",
    "fashionzoo fit my_net.py": r"network +MyNet, 14,602[^$]*recipe +default[^$]*stopped after epoch 1",
    "fashionzoo fit cnn_plain --model.lr": r"recipe +report with lr 0.003, at most 1 epochs[^$]*stopped after epoch 1",
    "fashionzoo fit mlp": r"recipe +report with widths \[128, 32\], activation tanh, at most 1 epochs",
    "fashionzoo fit": r"recipe +report, at most 1 epochs[^$]*stopped after epoch 1",
    "python experiments/cnn_plain.py --ckpt_path": r"stopped after epoch 1: all epochs done",
    "python experiments/": r"stopped after epoch 1: all epochs done[^$]*10,000 test images",
    "torchrun": r"device +2 x cpu[^$]*10,000 test images",
    "tensorboard": r"Event statistics for .*/tuned",
    "fashionzoo list": r"6[ |]+cnn_balanced[ |]+tuned[ |]+279,306",
    "fashionzoo tune": r"the best of \d trials, val/acc 0\.\d+[^$]*use +fashionzoo fit",
    "fashionzoo predict tests/pictures --model": r"(tests/pictures/boot.png: \w+ +Ankle boot \d+\.\d %\s+){6}",
    "fashionzoo predict tests/pictures/boot.png --model": r'"label": 9,\s+"name": "Ankle boot"',
    "fashionzoo predict": r"tests/pictures/shirt.png: T-shirt/top \d+\.\d %, ",
    "fashionzoo runs": r"cnn_plain/slow\s[^$]*report with [^$]*all epochs",
    "fashionzoo plot": r"wrote curves.pdf",
    "fashionzoo compare cnn_plain/slow": r"as your run of it has that recipe[^$]*tabular|tabular[^$]*has that recipe",
    "fashionzoo compare": r"cnn_plain:tuned is right on \d+ images more than my_net.py",
    "fashionzoo evaluate cnn_plain": r"accuracy[^$]*90\.48 %",
    "fashionzoo evaluate mlp_relu_narrowing --corruptions": r"on corrupted test images[^$]*JPEG[^$]*\d\d\.\d\d %",
    "fashionzoo evaluate": r"accuracy[^$]*\d+\.\d\d %",
    "fashionzoo export": r"the same labels on 1,000 test images",
}


def blocks(language: str, text: str = README) -> list[str]:
    """Return the code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


SERVED = "fashionzoo demo"  # runs until it is stopped: tests/demo
COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line != SERVED]
CARDS = {card.stem: blocks("python", card.read_text(encoding="utf-8"))[0] for card in sorted(WEIGHTS_DIR.glob("*.md"))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, real_root: Path, committed_runs: Path) -> Path:
    """A folder that looks like a checkout."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(committed_runs, folder / "lightning_logs")
    for name in ("experiments", "hubconf.py", "tests"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "tests" / "pictures" / "shirt.png", folder)
    (my_net,) = (block for block in blocks("python") if "class MyNet" in block)
    assert len(my_net.splitlines()) <= 25
    (folder / "my_net.py").write_text(my_net, encoding="utf-8")
    (folder / "space.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_what_it_should(command: str, folder: Path) -> None:
    shown = next(pattern for beginning, pattern in SHOWN.items() if command.startswith(beginning))
    if "experiments/" in command or command.startswith("fashionzoo fit"):
        command += "" if "--ckpt_path" in command else SHORT
    if command.startswith("fashionzoo tune"):
        command += f"{FEW_IMAGES} --budget=2 --epochs=1"
    program, *arguments = shlex.split(command)
    if program == "python" and "ddp" not in command:
        code, screen = run(folder, *arguments)
    elif program == "fashionzoo":
        code, screen = run(folder, program, *arguments)
    else:
        line = f"{command} --inspect" if program == "tensorboard" else command
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            encoding=OUTPUT_ENCODING,
            check=False,
        )
        code, screen = done.returncode, done.stdout + done.stderr
    assert code == 0, screen
    assert re.search(shown, screen), screen


def test_the_installed_command_is_the_one_that_is_tested() -> None:
    command = Path(sys.executable).with_name("fashionzoo")
    done = subprocess.run([command, "list"], capture_output=True, encoding=OUTPUT_ENCODING, check=True)
    assert re.search(SHOWN["fashionzoo list"], done.stdout)


@pytest.mark.parametrize("block", blocks("python"))
def test_every_piece_of_python_prints_what_it_says(block: str, folder: Path) -> None:
    (folder / "example.py").write_text(block, encoding="utf-8")
    code, screen = run(folder, "example.py")
    assert code == 0, screen
    lines = iter(screen.splitlines())
    for expected in re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE):
        assert any(line.startswith(expected) for line in lines), f"{expected} not in order in\n{screen}"


@pytest.mark.parametrize("name", CARDS)
def test_the_example_of_a_card_classifies(name: str, folder: Path) -> None:
    assert list(CARDS) == list_models()
    (folder / "example.py").write_text(CARDS[name], encoding="utf-8")
    code, screen = run(folder, "example.py")
    assert code == 0, screen
    assert screen.strip() in CLASSES


def test_the_tests_behind_the_promises_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", README))
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    written = set(re.findall(r"^def (test_\w+)", tests, re.MULTILINE))
    assert named
    assert named <= written


def test_the_make_targets_exist() -> None:
    targets = re.findall(r"`make (\w+)`", README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert {"train", "test"} <= set(targets)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_citation_is_of_this_version_and_names_the_data_set() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["cff-version"], citation["version"], citation["license"]) == ("1.2.0", __version__, "MIT")
    assert f"title = {{{citation['title']}}}" in README
    assert f"version = {{{__version__}}}" in README
    assert {"message", "title", "authors"} <= set(citation)
    (paper,) = (reference for reference in citation["references"] if reference["type"] == "article")
    assert paper["title"].startswith("Fashion-MNIST: a novel image dataset")
    assert (paper["authors"][0]["family-names"], paper["year"]) == ("Xiao", 2017)
    assert paper["identifiers"][0]["value"].removeprefix("arXiv:") in README


def test_a_package_index_gets_nothing_that_it_cannot_show() -> None:
    words = [sys.executable, "-m", "hatch_fancy_pypi_readme"]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, encoding=OUTPUT_ENCODING, check=True).stdout
    assert len(shown) > 0.9 * len(re.sub(r"!?\[[^]]*\]\([^)]*\)", "", README))
    assert "![" not in shown
    assert all(link.startswith("https://") for link in re.findall(r"\]\(([^)]*)\)", shown))
