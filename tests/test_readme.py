"""What the README says can be typed, and the tests it names exist."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fashionzoo.zoo import WEIGHTS_DIR, list_models

HERE = Path(__file__).parent
README = (HERE.parent / "README.md").read_text()
SHORT = " --trainer.max_epochs=1 --data.train_size=400 --data.val_size=200"


def blocks(language: str, text: str = README) -> list[str]:
    """Return the code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shortened(line: str) -> str:
    """Make a command quick, and one that serves for ever end."""
    if line.startswith("tensorboard"):
        return f"{line} --inspect"
    return line + SHORT if "experiments/" in line or "fashionzoo fit" in line else line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a checkout, with a picture in it."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(
        HERE.parent / "lightning_logs", folder / "lightning_logs", ignore=shutil.ignore_patterns("version_*")
    )
    for name in ("experiments", "hubconf.py"):
        (folder / name).symlink_to(HERE.parent / name)
    Image.new("L", (100, 120)).save(folder / "shirt.png")
    return folder


def test_every_command_works(folder: Path, real_root: Path) -> None:
    commands = [shortened(line) for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) > 5
    for command in commands:
        path = f"PATH={Path(sys.executable).parent}:$PATH"
        done = subprocess.run(
            ["bash", "-c", f"{path} {command}"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_every_piece_of_python_works(folder: Path, real_root: Path) -> None:
    cards = [block for card in WEIGHTS_DIR.glob("*.md") for block in blocks("python", card.read_text())]
    assert len(cards) == len(list_models())
    for block in [*blocks("python"), *cards]:
        done = subprocess.run([sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_tests_behind_the_promises_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", README))
    tests = "".join(file.read_text() for file in HERE.glob("test_*.py"))
    written = set(re.findall(r"^def (test_\w+)", tests, re.MULTILINE))
    assert named
    assert named <= written


def test_the_make_targets_exist() -> None:
    targets = re.findall(r"^ +make (\w+)", README, re.MULTILINE)
    assert targets == ["train", "test"]
    makefile = (HERE.parent / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_a_package_index_gets_nothing_that_it_cannot_show() -> None:
    words = [sys.executable, "-m", "hatch_fancy_pypi_readme"]
    shown = subprocess.run(words, cwd=HERE.parent, capture_output=True, text=True, check=True).stdout
    assert len(shown) > 0.9 * len(re.sub(r"!?\[[^]]*\]\([^)]*\)", "", README))
    assert "![" not in shown
    assert all(link.startswith("https://") for link in re.findall(r"\]\(([^)]*)\)", shown))
