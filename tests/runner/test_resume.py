"""Runs that are killed, stopped and resumed: to the same bits, and with their own flags."""

import functools
import os
import pickle
import random
import re
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer

from fashionzoo import RECIPES, Augment, FashionMNISTDataModule, PlainCNN
from fashionzoo.callbacks.shutdown import GracefulShutdown
from fashionzoo.cli.main import main
from fashionzoo.data import sources
from fashionzoo.runner.resumption import find_checkpoint
from fashionzoo.training.classifier import Classifier
from fashionzoo.training.seeding import EpochSeeding
from fashionzoo.zoo.overview import read_overview
from tests.processes import OUTPUT_ENCODING, assert_same_training, curves, fit, last, runs, trust
from tests.processes import run as run_command

QUIET = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
EPOCHS, STEPS = 6, 25  # 800 images in batches of 32
AUGMENTED = ("--data.augment.flip=true", "--data.augment.shift=2", "--data.batch_size=32")
FLAGS = (f"--trainer.max_epochs={EPOCHS}", "--model.schedule=one_cycle", *AUGMENTED)


def signal_in(owner: type, method: str, call: int, signum: int = signal.SIGKILL) -> None:
    """Make the process send itself a signal when a method is called for the n-th time."""
    original, calls = getattr(owner, method), iter(range(call))

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if next(calls, None) is None:
            setattr(owner, method, original)
            os.kill(os.getpid(), signum)
        return original(*args, **kwargs)

    setattr(owner, method, wrapper)


def kill_in_half_a_checkpoint(call: int) -> None:
    """Make the process kill itself when half of its n-th checkpoint is written."""
    original, calls = torch.save, iter(range(call))

    def save(checkpoint: object, file: Any) -> None:
        if next(calls, None) is None:
            file.write(pickle.dumps("half a checkpoint"))
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        original(checkpoint, file)

    torch.save = save  # type: ignore[assignment]  # the arguments that are used


@pytest.fixture(scope="module")
def never_stopped(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a network's run that nothing happened to."""

    @functools.cache
    def folder(network: str) -> Path:
        folder = tmp_path_factory.mktemp(network)
        assert fit(folder, root, network, *FLAGS) == 0
        return folder

    return folder


@pytest.mark.parametrize("network", RECIPES)
def test_a_killed_run_resumes_to_the_same_bits(
    network: str, root: Path, tmp_path: Path, never_stopped: Callable[[str], Path]
) -> None:
    moment = partial(signal_in, Classifier, "training_step", random.randrange(STEPS, EPOCHS * STEPS))
    assert fit(tmp_path / "cut", root, network, *FLAGS, prepare=moment) == -signal.SIGKILL
    assert fit(tmp_path / "cut", root, network, *FLAGS, "--ckpt_path=last") == 0
    assert_same_training(last(never_stopped(network), network), last(tmp_path / "cut", network))
    assert curves(never_stopped(network), network) == curves(tmp_path / "cut", network)


@pytest.mark.parametrize(
    "moment",
    [
        *(partial(signal_in, Classifier, "training_step", call) for call in (30, 77)),
        *(partial(signal_in, Classifier, "on_before_optimizer_step", call) for call in (26, 99)),
        *(partial(signal_in, Classifier, "validation_step", call) for call in (5, 14)),
        *(partial(signal_in, Classifier, "on_train_epoch_end", call) for call in (1, 3)),
        *(partial(kill_in_half_a_checkpoint, call) for call in (3, 4)),
    ],
    ids=lambda moment: " ".join(map(str, moment.args[-2:])),
)
def test_a_kill_at_any_moment_costs_nothing(
    moment: Callable[[], None], root: Path, tmp_path: Path, never_stopped: Callable[[str], Path]
) -> None:
    network = "cnn_dropout_l2"
    assert fit(tmp_path / "cut", root, network, *FLAGS, prepare=moment) == -signal.SIGKILL
    assert fit(tmp_path / "cut", root, network, *FLAGS, "--ckpt_path=last") == 0
    assert_same_training(last(never_stopped(network), network), last(tmp_path / "cut", network))
    assert curves(never_stopped(network), network) == curves(tmp_path / "cut", network)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_gracefully_and_prints_how_to_resume_it(
    signum: signal.Signals, code: int, root: Path, tmp_path: Path, never_stopped: Callable[[str], Path]
) -> None:
    network = "cnn_plain"
    moment = partial(signal_in, Classifier, "training_step", 2 * STEPS + 3, signum)
    assert fit(tmp_path / "cut", root, network, *FLAGS, prepare=moment) == code
    screen = (tmp_path / "cut" / "screen").read_text(encoding=OUTPUT_ENCODING)
    line = re.search(
        rf"interrupted by {signum.name} in epoch \d: resume from the last complete epoch with\n(.*)\n", screen
    )
    assert line is not None
    program, script, *flags = line[1].split()
    assert (program, script) == (Path(sys.executable).name, "train.py")
    assert "Traceback" not in screen
    (folder,) = runs(tmp_path / "cut", network).iterdir()
    assert read_overview(folder).ended == "interrupted"
    assert fit(tmp_path / "cut", root, network, *FLAGS, *flags[-2:]) == 0
    assert read_overview(folder).ended == "all epochs"
    assert_same_training(last(never_stopped(network), network), last(tmp_path / "cut", network))


def test_a_signal_before_the_first_checkpoint_says_that_nothing_is_saved(root: Path, tmp_path: Path) -> None:
    moment = partial(signal_in, Classifier, "training_step", 0, signal.SIGTERM)
    assert fit(tmp_path, root, "cnn_plain", *FLAGS, prepare=moment) == 143
    assert "no checkpoint was saved yet: start again" in (tmp_path / "screen").read_text(encoding=OUTPUT_ENCODING)


CHANGES = {
    "--recipe=report": "--recipe of report: the run in {} has tuned",
    "--model.lr=0.5": "--model.lr of 0.5: the run in {} has 0.005",
    "--model.channels=[9]": "--model.channels of [9]: the run in {} has [6, 5, 4]",
    "--data.batch_size=64": "--data.batch_size of 64: the run in {} has 32",
    "--data.augment.shift=0": "--data.augment.shift of 0: the run in {} has 1",
    "--seed_everything=1": "--seed_everything of 1: the run in {} has 0",
    "--early_stopping.patience=1": "--early_stopping.patience of 1: the run in {} has 100",
    "--trainer.gradient_clip_val=1": "--trainer.gradient_clip_val of 1: the run in {} has None",
    "--trainer.max_epochs=9": "--trainer.max_epochs of 9: the run in {} has 4: its one_cycle schedule ends there",
    "--trainer.max_steps=200": "--trainer.max_steps of 200: the run in {} has -1: its one_cycle schedule ends there",
    "--config=other.yaml": "--model.lr of 0.5: the run in {} has 0.005",
}
TUNED = ("--recipe=tuned", "--data.teacher=null", "--trainer.max_epochs=4")


@pytest.fixture(scope="module")
def interrupted(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run by the tuned recipe that was killed in its third epoch."""
    folder = tmp_path_factory.mktemp("interrupted")
    cut = partial(signal_in, Classifier, "training_step", 2 * STEPS + 3)
    assert fit(folder, root, "cnn_plain", *TUNED, prepare=cut) == -signal.SIGKILL
    return folder


def test_a_resumed_run_keeps_its_flags_and_refuses_others(interrupted: Path, root: Path) -> None:
    run = runs(interrupted, "cnn_plain") / "version_0"
    (interrupted / "other.yaml").write_text("model:\n  lr: 0.5\n", encoding="utf-8")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for flag, complaint in CHANGES.items():
        code, screen = run_command(interrupted, "fashionzoo", "fit", "cnn_plain", "--ckpt_path=last", flag, root=root)
        assert code == 2, flag
        (line,) = screen.splitlines()
        assert complaint.format(run) in line
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    free = ("--trainer.accelerator=cpu", "--model.lr=0.005", "--recipe=tuned")
    code, screen = run_command(interrupted, "fashionzoo", "fit", "cnn_plain", "--ckpt_path=last", *free, root=root)
    assert code == 0, screen
    assert re.search(r"recipe   tuned with channels [^$]*at most 4 epochs", screen)
    assert "stopped after epoch 4: all epochs done" in screen
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]


def test_a_run_without_its_flags_beside_it_is_held_to_its_checkpoint(root: Path, tmp_path: Path) -> None:
    assert fit(tmp_path, root, "cnn_plain", "--trainer.max_epochs=1") == 0
    saved = runs(tmp_path, "cnn_plain") / "version_0" / "checkpoints" / "last.ckpt"
    moved = tmp_path / "moved" / "last.ckpt"
    moved.parent.mkdir()
    shutil.move(saved, moved)
    assert fit(tmp_path, root, "cnn_plain", f"--ckpt_path={moved}", "--model.lr=0.5") == 2
    assert f"--model.lr of 0.5: the run in {moved} has 0.01" in (tmp_path / "screen").read_text(
        encoding=OUTPUT_ENCODING
    )
    assert fit(tmp_path, root, "cnn_plain", f"--ckpt_path={moved}", "--trainer.max_epochs=2") == 0


def test_a_longer_run_may_be_made_of_a_shorter_one(root: Path, tmp_path: Path) -> None:
    longer, flags = "--trainer.max_epochs=4", ("--data.batch_size=32",)
    assert fit(tmp_path / "whole", root, "cnn_plain", *flags, longer) == 0
    assert fit(tmp_path / "cut", root, "cnn_plain", *flags, "--trainer.max_epochs=2") == 0
    assert fit(tmp_path / "cut", root, "cnn_plain", *flags, longer, "--ckpt_path=cnn_plain/version_0") == 0
    assert_same_training(last(tmp_path / "whole", "cnn_plain"), last(tmp_path / "cut", "cnn_plain"))
    records = {path: path.read_bytes() for path in runs(tmp_path / "cut", "cnn_plain").rglob("*.*")}
    assert fit(tmp_path / "cut", root, "cnn_plain", *flags, "--trainer.max_epochs=3", "--ckpt_path=last") == 2
    assert "has 4 epochs behind it" in (tmp_path / "cut" / "screen").read_text()
    assert records == {path: path.read_bytes() for path in records}


def test_checkpoints_that_no_launcher_saved_are_refused(
    tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    trainer = Trainer(max_epochs=1, logger=False, enable_progress_bar=False, accelerator="cpu")
    trainer.fit(PlainCNN(channels=(4,), hidden=(8,)), FashionMNISTDataModule(tiny_root, val_size=200))
    capsys.readouterr()
    (path,) = tmp_path.glob("checkpoints/*.ckpt")
    with pytest.raises(SystemExit) as end:
        main(["fit", "cnn_plain", "--model.channels=[4]", "--model.hidden=[8]", f"--ckpt_path={path}"])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path} was not saved by a launcher and has no seed" in line
    assert not list(tmp_path.glob("lightning_logs/*/*"))


def test_flags_of_another_version_are_refused_in_one_line(interrupted: Path, root: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(interrupted, tmp_path / "older"))
    config = runs(folder, "cnn_plain") / "version_0" / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("    shift: 1\n", "    shift: 1\n    erase: 0\n"))
    code, screen = run_command(folder, "fashionzoo", "fit", "cnn_plain", "--ckpt_path=last", root=root)
    assert code == 2
    (line,) = screen.splitlines()
    assert re.search(r"config.yaml is not of this version of fashionzoo \(.*erase.*\): start", line)


def test_early_stopping_counts_on_after_a_kill(root: Path, tmp_path: Path) -> None:
    network = "mlp_relu_narrowing"
    flags = ("--trainer.max_epochs=9", "--model.lr=1e-12", "--early_stopping.patience=3")
    cut = partial(signal_in, Classifier, "training_step", 2)
    assert fit(tmp_path / "cut", root, network, *flags, prepare=cut) == -signal.SIGKILL
    assert fit(tmp_path / "cut", root, network, *flags, "--ckpt_path=last") == 0
    assert "stopped early after epoch 4" in (tmp_path / "cut" / "screen").read_text(encoding=OUTPUT_ENCODING)
    records = (runs(tmp_path / "cut", network) / "version_0" / "metrics.csv").read_text(encoding="utf-8")
    assert fit(tmp_path / "cut", root, network, *flags, "--ckpt_path=last") == 0  # it stays ended
    assert (runs(tmp_path / "cut", network) / "version_0" / "metrics.csv").read_text(encoding="utf-8") == records
    assert last(tmp_path / "cut", network)["epoch"] == 3


def test_the_newest_run_is_resumed(tmp_path: Path) -> None:
    for number, name in enumerate(("version_1", "version_0", "version_2")):
        path = tmp_path / name / "checkpoints" / "last.ckpt"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (10 - number, 10 - number))
    assert find_checkpoint("last", tmp_path).parts[-3] == "version_1"


def test_a_second_interrupt_ends_the_run_at_once() -> None:
    with GracefulShutdown():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_no_two_epochs_are_augmented_alike(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    views: list[torch.Tensor] = []
    sample = Augment.sample_views
    monkeypatch.setattr(sources, "SHA256", dict(sources.SHA256))
    monkeypatch.setattr(Augment, "sample_views", lambda *arguments: views.append(sample(*arguments)) or views[-1])  # type: ignore[func-returns-value]
    trust(root)
    data = FashionMNISTDataModule(root, batch_size=800, val_size=200, augment=Augment(flip=True, shift=2))
    trainer = Trainer(max_epochs=3, accelerator="cpu", logger=False, callbacks=[EpochSeeding()], **QUIET)  # type: ignore[arg-type]
    trainer.fit(PlainCNN(channels=(2,), hidden=()), data)
    assert [len(view) for view in views] == [800, 800, 800]
    assert not torch.equal(views[0], views[1])
    assert not torch.equal(views[1], views[2])


def test_a_run_that_was_moved_keeps_its_best_epoch(root: Path, tmp_path: Path) -> None:
    network, before = "mlp_relu_narrowing", tmp_path / "before"
    assert fit(before, root, network, "--trainer.max_epochs=3", "--model.lr=1e-5") == 0
    after = Path(shutil.move(before, tmp_path / "after"))
    path = runs(after, network) / "version_0" / "checkpoints" / "last.ckpt"
    elsewhere = tmp_path / "elsewhere"
    assert fit(elsewhere, root, network, "--trainer.max_epochs=4", f"--ckpt_path={path}") == 0
    assert not (elsewhere / "lightning_logs").exists()
    states: Any = last(after, network)["callbacks"]
    (best,) = (value for key, value in states.items() if key.startswith("ModelCheckpoint") and "val/acc" in key)
    assert best["best_model_path"] == str(path.with_name("best.ckpt"))
    assert len((runs(after, network) / "version_0" / "metrics.csv").read_text(encoding="utf-8").splitlines()) == 5
    flags = ("--trainer.max_epochs=5", f"--ckpt_path={path}", "--trainer.default_root_dir=other")
    assert fit(elsewhere, root, network, *flags) == 2
    assert "is resumed where it is" in (elsewhere / "screen").read_text(encoding=OUTPUT_ENCODING)
