"""Seeds, full disks, lost logs, long runs and bad checkpoints: what a run promises to survive, really done to it."""

import os
import pickle
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from fashionzoo import FashionZooError
from fashionzoo.cli.main import main
from fashionzoo.training.checkpoints import load_checkpoint
from tests.processes import OUTPUT_ENCODING, assert_same_training, finish, fit, last, runs, start, wait_for

EPOCHS, STEPS = 6, 25  # 800 images in batches of 32
AUGMENTED = ("--data.augment.flip=true", "--data.augment.shift=2", "--data.batch_size=32")
FLAGS = (f"--trainer.max_epochs={EPOCHS}", "--model.schedule=one_cycle", *AUGMENTED)


def test_one_seed_gives_the_same_bits_and_another_does_not(root: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("same", 5), ("other", 6)):
        assert fit(tmp_path / name, root, "cnn_balanced", *FLAGS, f"--seed_everything={seed}") == 0
    one, same, other = (last(tmp_path / name, "cnn_balanced") for name in ("one", "same", "other"))
    assert_same_training(one, same)
    with pytest.raises(AssertionError):
        assert_same_training(one, other)
    assert "seed 5" in (tmp_path / "one" / "screen").read_text(encoding=OUTPUT_ENCODING)
    assert "seed_everything: 5" in (runs(tmp_path / "one", "cnn_balanced") / "version_0" / "config.yaml").read_text(
        encoding="utf-8"
    )


def test_a_full_disk_leaves_the_checkpoint_before_intact(root: Path, tmp_path: Path) -> None:
    network = "cnn_plain"
    endless = ("--trainer.max_epochs=1000", "--early_stopping.patience=1000")
    filling = start(tmp_path, root, network, *endless, "--model.hidden=[128]")  # so that checkpoints are large
    checkpoint = runs(tmp_path, network) / "version_0" / "checkpoints" / "last.ckpt"
    wait_for(checkpoint.exists)
    assert filling.pid is not None
    resource = pytest.importorskip("resource")
    resource.prlimit(filling.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))  # no file can be written any longer
    assert finish(filling) == 2
    (line,) = re.findall(r"fashionzoo: error: (.*)", (tmp_path / "screen").read_text(encoding=OUTPUT_ENCODING))
    assert re.match(r"cannot write the checkpoint|the run cannot go on", line)
    assert "state_dict" in last(tmp_path, network)
    assert {path.name for path in checkpoint.parent.iterdir()} == {"best.ckpt", "last.ckpt"}


def test_deleting_the_logs_during_a_run_stops_it_with_an_error(root: Path, tmp_path: Path) -> None:
    network = "cnn_plain"
    running = start(tmp_path, root, network, "--trainer.max_epochs=1000", "--early_stopping.patience=1000")
    wait_for((runs(tmp_path, network) / "version_0" / "checkpoints" / "last.ckpt").exists)
    shutil.rmtree(runs(tmp_path, network), ignore_errors=True)
    shutil.rmtree(runs(tmp_path, network), ignore_errors=True)
    assert finish(running) == 2
    (line,) = re.findall(r"fashionzoo: error: (.*)", (tmp_path / "screen").read_text(encoding=OUTPUT_ENCODING))
    assert re.search(r"was deleted during the run|the run cannot go on .* see that its folder is still there", line)


class Usage(Callback):
    """Write down what the process uses, now and then."""

    def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:
        """Write down resident memory, open files and threads."""
        if trainer.current_epoch in (49, 499):
            resident = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
            threads = [thread.name for thread in threading.enumerate()]
            num_threads = len(threads) - ("idle_pool" in threads)  # one that comes and goes with other programs
            usage = (resident, len(list(Path("/proc/self/fd").iterdir())), num_threads)
            with Path("usage").open("a", encoding="utf-8") as file:
                print(*usage, file=file)


def watch_usage() -> None:
    """Add the watcher to every trainer of the process."""
    from fashionzoo.runner import cli

    original = cli.TrainCLI.instantiate_trainer

    def instantiate(self: cli.TrainCLI, **kwargs: Any) -> Any:
        trainer = original(self, **kwargs)
        trainer.callbacks.append(Usage())  # type: ignore[attr-defined]
        return trainer

    cli.TrainCLI.instantiate_trainer = instantiate  # type: ignore[method-assign]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells what a process uses")
def test_a_long_run_uses_no_more_than_a_short_one(root: Path, tmp_path: Path) -> None:
    flags = ("--trainer.max_epochs=500", "--early_stopping.patience=500")
    assert finish(start(tmp_path, root, "mlp_relu_narrowing", *flags, prepare=watch_usage), within=300) == 0
    (early, late) = [
        [int(word) for word in line.split()] for line in (tmp_path / "usage").read_text(encoding="utf-8").splitlines()
    ]
    assert late[0] < early[0] * 1.05
    assert all(after <= before for after, before in zip(late[1:], early[1:], strict=True))  # files, threads


class Attack:
    """What a crafted checkpoint would contain."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch attacked",)


def test_a_checkpoint_that_would_run_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {}, "fashionzoo": Attack()}, "attack.ckpt")
    Path("attack.pkl").write_bytes(pickle.dumps(Attack()))
    for name in ("attack.ckpt", "attack.pkl"):
        with pytest.raises(FashionZooError, match="holds more than values"):
            load_checkpoint(name)
        with pytest.raises(SystemExit):
            main(["fit", "cnn_plain", f"--ckpt_path={name}"])
        assert capsys.readouterr().err.count("\n") == 1
    assert not Path("attacked").exists()


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_half_a_checkpoint_is_refused(size: int, root: Path, tmp_path: Path) -> None:
    assert fit(tmp_path, root, "cnn_plain", "--trainer.max_epochs=1") == 0
    checkpoint = runs(tmp_path, "cnn_plain") / "version_0" / "checkpoints" / "best.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:size])
    with pytest.raises(FashionZooError, match=r"best\.ckpt is not a checkpoint"):
        load_checkpoint(checkpoint)


def test_the_checkpoint_of_another_library_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    (tmp_path / "text.ckpt").write_text("hello", encoding="utf-8")
    with pytest.raises(FashionZooError, match=r"text\.ckpt is not a checkpoint"):
        load_checkpoint(tmp_path / "text.ckpt")
    with pytest.raises(FashionZooError, match=r"other\.ckpt is not a checkpoint of fashionzoo"):
        load_checkpoint(tmp_path / "other.ckpt")
