"""Training in several processes, through Lightning's own strategies and torchrun."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from fashionzoo import FashionMNISTDataModule
from tests import ROOT
from tests.processes import OUTPUT_ENCODING

EXPERIMENTS = ROOT / "experiments"
DDP = ("--trainer.accelerator=cpu", "--trainer.strategy=ddp", "--trainer.devices=2")
LAUNCHER = """
import atexit, torch
from fashionzoo import BalancedCNN, launch
atexit.register(lambda: print("left in a group:", torch.distributed.is_initialized()))
launch(BalancedCNN)
"""
SHORT = ("--trainer.max_epochs=2", "--data.train_size=600", "--data.val_size=201")


def launched(folder: Path, *words: str | Path) -> tuple[dict[str, torch.Tensor], str]:
    """Run Python on words in a folder; return the weights of the only run there and what the screen showed."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=folder, capture_output=True, encoding=OUTPUT_ENCODING, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (checkpoint,) = folder.glob("lightning_logs/*/*/checkpoints/last.ckpt")
    assert len(list(folder.glob("lightning_logs/*/*"))) == 1
    return torch.load(checkpoint, weights_only=True)["state_dict"], done.stdout


def test_two_processes_make_the_step_of_one(tmp_path: Path, real_root: Path) -> None:
    launcher = EXPERIMENTS / "mlp_sigmoid_narrowing.py"
    flags = (*SHORT, "--trainer.precision=32-true", "--model.lr=1e-4")
    one, alone = launched(tmp_path / "one", launcher, *flags)
    two, together = launched(tmp_path / "two", launcher, *flags, *DDP)
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)
    assert "2 x cpu" in together
    assert together.count("10,000 test images") == 1  # one process speaks, and none repeats an image
    accuracies = [re.findall(r"accuracy .*?(\d+\.\d\d) %", screen) for screen in (alone, together)]
    assert accuracies[0] == accuracies[1]


def test_torchrun_trains_a_network_with_batch_norm_and_all_leave_the_group(tmp_path: Path, real_root: Path) -> None:
    launcher = tmp_path / "launcher.py"
    launcher.write_text(LAUNCHER, encoding="utf-8")
    flags = (*SHORT, "--model.channels=[8,8,8]", "--data.batch_size=64")
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node=2")
    _, screen = launched(tmp_path / "run", *torchrun, launcher, *flags)
    assert "2 x cpu" in screen
    assert screen.count("10,000 test images") == 1
    assert screen.count("left in a group: False") == 2


@pytest.mark.parametrize("world", [1, 2, 4])
def test_processes_share_the_images_without_repeating_any(world: int, tiny_root: Path) -> None:
    data = FashionMNISTDataModule(tiny_root, batch_size=40, val_size=200)
    data.setup()
    for split, count in (("train", 800), ("val", 200), ("test", 200)):
        seen: list[bytes] = []
        for rank in range(world):
            data.trainer = SimpleNamespace(world_size=world, global_rank=rank)  # type: ignore[assignment]
            batches = getattr(data, f"{split}_dataloader")()
            seen += [image.numpy().tobytes() for images, _ in batches for image in images]
        assert len(seen) == len(set(seen)) == count
