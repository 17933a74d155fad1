"""A run never ends silently wrong: it is what it says it is, or it is refused in one line before it starts."""

import json
import math
import re
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import fashionzoo as fz
from fashionzoo.callbacks import console
from fashionzoo.cli.main import COMMANDS, _parser, main
from fashionzoo.cli.options import given, path
from fashionzoo.data import sources
from fashionzoo.models.network import compute_logits
from fashionzoo.runner import launch
from fashionzoo.runner.cli import TrainCLI
from fashionzoo.runner.flags import PATHS
from fashionzoo.zoo.loading import load_trained
from fashionzoo.zoo.overview import read_overview
from fashionzoo.zoo.runs import Run
from tests.processes import fit
from tests.runner.test_resume import signal_in

pytestmark = pytest.mark.filterwarnings("ignore")
SMALL = ("--data.val_size=200", "--data.batch_size=50", "--trainer.precision=32-true")
MLP = (*SMALL, "--model.widths=[12]")


@pytest.fixture
def data_flag(tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The flag of the synthetic data, in an empty working directory."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return f"--data.root={tiny_root}"


def mlp(*flags: str) -> fz.TrainingResult:
    """Train a small MLP."""
    return fz.launch(fz.ReLUNarrowingMLP, [*MLP, *flags])


@pytest.mark.parametrize("metric", ["val/acc", "val/loss"])
def test_of_several_best_checkpoints_the_best_is_tested(metric: str, data_flag: str, tiny_root: Path) -> None:
    flags = ("--checkpoint.save_top_k=2", f"--early_stopping.monitor={metric}", "--trainer.max_epochs=4")
    result = mlp(*flags, "--model.lr=1e-5", data_flag)
    assert result.folder is not None
    saved = sorted(file.name for file in (result.folder / "checkpoints").glob("best*"))
    assert len(saved) == 2
    curve = Run(result.folder).metrics[metric]
    best = curve.index(min(curve) if metric == "val/loss" else max(curve))
    _, weights, network = load_trained(None, checkpoint=result.folder)
    assert Path(weights).name == f"best-epoch={best}-step={16 * (best + 1)}.ckpt"
    assert Path(weights).name in saved
    images, labels = sources.load_split("test", tiny_root)
    for tested in (network, result.network):
        correct = (compute_logits(tested, images).argmax(dim=1) == labels).float().mean()
        assert result.metrics["test/acc"] == pytest.approx(float(correct))


def test_the_mode_follows_the_metric_and_a_contradiction_is_refused(tmp_path: Path) -> None:
    flags = [f"--trainer.default_root_dir={tmp_path}"]
    for metric, mode in {"val/calibration_error": "min", "val/recall/Bag": "max"}.items():
        config = TrainCLI(fz.PlainCNN, [*flags, f"--early_stopping.monitor={metric}"]).config
        assert config.early_stopping.mode == config.checkpoint.mode == mode
    contradiction = tmp_path / "contradiction.yaml"
    contradiction.write_text("early_stopping: {monitor: val/loss, mode: max}\n", encoding="utf-8")
    for wrong in (["--early_stopping.mode=min"], [f"--config={contradiction}"]):
        with pytest.raises(fz.FashionZooError, match=r"mode of \w+: val/\w+ is better when (low|high)er; leave it out"):
            TrainCLI(fz.PlainCNN, [*flags, *wrong])


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--checkpoint.save_top_k=2", "--checkpoint.filename=mine"], "the 2 best checkpoints need names that differ"),
        (
            ["--checkpoint.save_top_k=2", "--checkpoint.filename={epoch}", "--trainer.val_check_interval=0.5"],
            "need names that differ",
        ),
        (["--checkpoint.save_top_k=0"], "there would be no best epoch to test"),
        (["--data.train_size=300000"], "data.train_size of 300000 is larger than the 800 images"),
        (["--early_stopping.monitor=val/los"], "unknown metric 'val/los': did you mean val/loss?"),
        (["--data.teacher=cnn_plian"], "no weights of cnn_plian"),
        (["--trainer.default_root_dir=$NO_SUCH/runs"], "the variable $NO_SUCH, which is not set"),
        (["--data.root=nowhere"], "cannot be downloaded"),
    ],
)
def test_what_is_refused_leaves_nothing(flags: list[str], complaint: str, data_flag: str) -> None:
    with pytest.raises(fz.FashionZooError) as refusal:
        mlp(data_flag, *flags)
    assert complaint in str(refusal.value)
    assert [file.name for file in Path().iterdir() if file.name != "nowhere"] == []


def test_an_error_that_only_the_trainer_finds_leaves_nothing_either(data_flag: str) -> None:
    linear = partial(nn.Sequential, nn.Flatten(), nn.Linear(784, 10))
    with pytest.raises(fz.FashionZooError, match="muon"):
        fz.launch(lambda: linear(), [*SMALL, data_flag, "--model.optimizer=muon"])
    assert list(Path().iterdir()) == []


def test_paths_are_expanded_in_every_flag(
    data_flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("RUNS", "runs")
    (tmp_path / "flags.yaml").write_text("trainer: {max_epochs: 1, default_root_dir: ~/$RUNS}\n", encoding="utf-8")
    root = data_flag.replace(str(tmp_path), "~")
    result = mlp("--config=~/flags.yaml", root, "--checkpoint.dirpath=$HOME/kept", "--model.lr=1e-5")
    assert result.folder == tmp_path / "runs/lightning_logs/mlp_relu_narrowing/version_0"
    assert (tmp_path / "kept/best.ckpt").is_file()
    last = "~/runs/lightning_logs/mlp_relu_narrowing/version_0/checkpoints/last.ckpt"
    assert mlp("--ckpt_path", last, "--trainer.max_epochs=2").folder == result.folder
    main(["evaluate", "--checkpoint=~/kept/best.ckpt", root.replace("data.", ""), "--plot=$HOME/figure.png"])
    assert (tmp_path / "figure.png").is_file()
    assert list(Path().iterdir()) == []


def test_no_flag_that_takes_a_path_is_left_out(tmp_path: Path) -> None:
    (commands,) = _parser(COMMANDS)._subparsers._group_actions  # type: ignore[union-attr]  # argparse lists them nowhere else
    for command in commands.choices.values():  # type: ignore[union-attr]
        for action in command._actions:
            if action.metavar in ("FILE", "FOLDER", "IMAGE", "NETWORK", "ID|LOGDIR") or action.dest == "root":
                assert action.type in (given, path) or action.dest == "show", action
    flags = [
        action.dest for action in TrainCLI(fz.PlainCNN, [f"--trainer.default_root_dir={tmp_path}"]).parser._actions
    ]
    paths = [flag for flag in flags if re.search(r"(dir|path|root)$", flag)]
    assert {"data.root", "last.dirpath", "trainer.default_root_dir", "ckpt_path"} <= set(paths)
    assert {flag.rpartition(".")[2] for flag in paths} <= set(PATHS)


@pytest.mark.parametrize("name", [None, "mine"])
def test_two_runs_that_start_at_once_do_not_share_a_directory(name: str | None, tmp_path: Path, data_flag: str) -> None:
    flags = [data_flag, f"--trainer.default_root_dir={tmp_path}", "--trainer.max_epochs=1", "--data.val_size=200"]
    launcher = TrainCLI(fz.PlainCNN, [*flags, *([f"--name={name}"] if name else [])])
    (tensorboard,) = launcher.trainer.loggers
    assert isinstance(tensorboard, TensorBoardLogger)
    Path(tensorboard.log_dir).mkdir(parents=True)  # as another run does after this one has looked
    if name is None:
        launch.fit(launcher)
        assert Path(tensorboard.log_dir).name == "version_1"
        assert (tmp_path / "lightning_logs" / "cnn_plain" / "version_1" / "checkpoints" / "best.ckpt").is_file()
    else:
        with pytest.raises(fz.FashionZooError, match="another run has just made"):
            launch.fit(launcher)


class LogsSteps(fz.Classifier):
    """Logs of its own against the step, in a group of the package's."""

    def __init__(self, lr: float = 1e-2) -> None:
        super().__init__(fz.MLP(widths=(8,)), lr)

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        """Log something."""
        loss = super().training_step(batch, batch_idx)
        self.log("train/of_a_step", loss)
        return loss


def test_records_hold_epochs_only(data_flag: str) -> None:
    monitor = ("--trainer.callbacks+=LearningRateMonitor", "--trainer.log_every_n_steps=2")
    result = fz.launch(LogsSteps, [*SMALL, data_flag, "--trainer.max_epochs=3", *monitor])
    assert result.folder is not None
    run = Run(result.folder)
    run.check()
    assert run.environment["ended"] == "all epochs"
    assert run.metrics["epoch"] == [1, 2, 3]
    assert "train/of_a_step" not in run.metrics
    assert run.final("test/acc") == pytest.approx(result.metrics["test/acc"], rel=1e-5)


def test_a_run_that_diverges_says_so(data_flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = mlp(data_flag, "--trainer.max_epochs=3", "--model.lr=1")
    screen = capsys.readouterr().out
    assert "stopped after epoch 3: all epochs done\ndiverged: it ended no better than guessing" in screen
    assert "choose a lower learning rate than 1; the recipe report has 2.7e-07\n" in screen
    assert re.search(r"mlp_relu_narrowing diverged *\n *200 test images", screen)
    assert result.folder is not None
    assert Run(result.folder).environment["ended"] == "diverged"
    mlp(f"--ckpt_path={result.folder / 'checkpoints/last.ckpt'}")  # complete: it is tested again
    assert Run(result.folder).environment["ended"] == "diverged"


def test_a_loss_that_is_no_number_ends_the_run_and_is_recorded(data_flag: str) -> None:
    with pytest.raises(fz.FashionZooError, match=r"became \w+ in epoch 1: .* than 1e\+20; the recipe report has"):
        mlp(data_flag, "--model.lr=1e20")
    (folder,) = Path("lightning_logs/mlp_relu_narrowing").iterdir()
    assert json.loads((folder / "machine.json").read_text(encoding="utf-8"))["ended"] == "diverged"
    assert not (folder / "metrics.csv").exists()


@pytest.mark.parametrize(
    ("flags", "ended"),
    [
        (["--trainer.max_steps=20"], "limit"),
        (["--early_stopping.patience=1"], "early"),
    ],
)
def test_the_records_say_what_ended_a_run(flags: list[str], ended: str, data_flag: str) -> None:
    folder = mlp(data_flag, *flags, "--model.lr=1e-12").folder  # which learns nothing, and does not diverge
    assert folder is not None
    assert Run(folder).environment["ended"] == ended


def test_a_run_that_ends_before_its_first_validation_has_records(data_flag: str) -> None:
    folder = mlp(data_flag, "--trainer.max_steps=2").folder
    assert folder is not None
    overview = read_overview(folder)
    assert (overview.ended, overview.epochs, overview.val_accuracy) == ("limit", 1, None)
    assert load_trained(None, checkpoint=folder).name == "mlp_relu_narrowing"


def test_a_signal_during_the_test_says_how_to_go_on(
    data_flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fz.Classifier, "test_step", fz.Classifier.test_step)
    signal_in(fz.Classifier, "test_step", 1, signal.SIGTERM)
    with pytest.raises(SystemExit):
        mlp(data_flag, "--trainer.max_epochs=1")
    said = "".join(capsys.readouterr())
    assert re.search(r"interrupted by SIGTERM in the test: resume .*last\.ckpt", said, re.DOTALL)


def test_launch_returns_what_it_trained(data_flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = mlp(data_flag, "--trainer.max_epochs=2", "--model.lr=1e-4")
    assert not result.network.training
    assert result.network.classify(torch.zeros(28, 28, dtype=torch.uint8)).name in fz.CLASSES  # type: ignore[union-attr]
    assert len(result.metrics) == 14
    assert all(math.isfinite(value) for value in result.metrics.values())
    assert mlp(data_flag, "--trainer.max_epochs=1", "--trainer.logger=false").folder is None
    with pytest.raises(fz.FashionZooError, match="unknown flag --lr: did you mean"):
        mlp("--lr=3")


def interrupt(signum: int, data_flag: str) -> pytest.ExceptionInfo[BaseException]:
    """Interrupt a run in its second epoch."""
    step = fz.Classifier.training_step
    try:
        signal_in(fz.Classifier, "training_step", 20, signum)
        with pytest.raises((KeyboardInterrupt, SystemExit)) as end:
            mlp(data_flag)
        return end
    finally:
        fz.Classifier.training_step = step  # type: ignore[method-assign]


def test_an_interrupt_in_a_notebook_stays_one(data_flag: str) -> None:
    end = interrupt(signal.SIGINT, data_flag)
    assert end.type is KeyboardInterrupt
    (last,) = Path().glob("lightning_logs/*/*/checkpoints/last.ckpt")
    assert f"in epoch 2: resume with the flag --ckpt_path={last}" in str(end.value)
    assert isinstance(interrupt(signal.SIGTERM, data_flag).value, SystemExit)


class Normalized(nn.Sequential):
    """A network that cannot train on one image."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(784, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))


def test_a_last_batch_of_one_image_is_joined_or_refused(data_flag: str) -> None:
    flags = ("--trainer.max_epochs=1", data_flag, "--data.val_size=200")
    result = fz.launch(Normalized, [*flags, "--data.batch_size=47"])  # 800 = 17 * 47 + 1
    assert result.folder is not None
    with pytest.raises(fz.FashionZooError, match="a training batch has one image"):
        fz.launch(Normalized, [*flags, "--data.batch_size=1"])
    images = TensorDataset(torch.rand(41, 28, 28), torch.arange(41) % 10)
    loaders = [DataLoader(images, 8) for _ in range(3)]
    with pytest.raises(fz.FashionZooError, match="a training batch has one image"):
        fz.launch(Normalized, ["--trainer.max_epochs=1"], loaders)
    assert len(list(Path("lightning_logs/Normalized").iterdir())) == 1
    assert fz.launch(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), ["--trainer.max_epochs=1"], loaders).metrics


def test_a_pipe_is_told_the_time_left(root: Path, tmp_path: Path) -> None:
    assert (
        fit(tmp_path, root, "mlp_relu_narrowing", "--trainer.max_epochs=3", "--data.batch_size=50", prepare=often) == 0
    )
    lines = re.findall(r"^epoch (\d)/3(.*?)  (\d\d:\d\d) left$", (tmp_path / "screen").read_text("utf-8"), re.MULTILINE)
    assert {epoch for epoch, _, _ in lines} == {"0", "1", "2"}
    assert len(lines) > 40  # a line per step and epoch
    assert not lines[0][1]
    assert "train loss" in lines[-1][1]


def often() -> None:
    """Print a line at each step."""
    console.LOG_INTERVAL_S = -1.0
