"""Searches: what they leave, that they resume, that several processes share one, and what they refuse."""

import datetime
import os
import subprocess
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from PIL import Image
from torch import Tensor

from fashionzoo.data import sources
from fashionzoo.runner import study_storage
from fashionzoo.runner.search import Search
from fashionzoo.zoo.registry import get_class
from fashionzoo.zoo.studies import read_summary
from tests.conftest import SERVER
from tests.processes import _run, finish, run, wait_for

FLAGS = ("--epochs=2", "--data.val_size=200", "--model.widths=[12,8]")
SPACE = {
    "model.lr": {"low": "1e-3", "high": 0.1, "log": True},
    "data.batch_size": [32, 64],
    "model.loss_reduction": "mean",
}
STUDY = Path("lightning_logs/mlp_relu_narrowing/study")
KILLED = -9
AVERAGING = "lightning.pytorch.callbacks.EMAWeightAveraging"


def tune(folder: Path, root: Path, *flags: str, space: object = SPACE) -> tuple[int, str]:
    """Search in a folder; return the exit code and what the screen showed."""
    return run(folder, *command(folder, root, space), *flags, root=root)


def command(folder: Path, root: Path, space: object = SPACE) -> list[str]:
    """Return the command line of a search."""
    folder.mkdir(exist_ok=True)
    (folder / "space.yaml").write_text(yaml.safe_dump(space))
    return ["fashionzoo", "tune", "mlp_relu_narrowing", f"--data.root={root}", *FLAGS, "--space=space.yaml"]


def shorten_grace() -> None:
    """Take a worker for dead sooner."""
    study_storage.HEARTBEAT_S, study_storage.GRACE_S = 1, 8


def start(folder: Path, root: Path, *flags: str) -> BaseProcess:
    """Start a search that can be killed."""
    argv = (*command(folder, root), *flags)
    process = SERVER.Process(target=_run, args=(folder, root, argv, shorten_grace))
    process.start()
    return process


def trials(storage: str) -> list[optuna.trial.FrozenTrial]:
    """Return the trials of the one study in a database."""
    return optuna.load_study(study_name=None, storage=storage).trials


@pytest.fixture(scope="module")
def searched(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished search of six trials."""
    folder = tmp_path_factory.mktemp("searched")
    code, screen = tune(folder, root, "--budget=6")
    assert code == 0, screen
    return folder


def test_a_search_leaves_its_trials_a_figure_and_a_recipe_that_fit_takes(root: Path, searched: Path) -> None:
    study = read_summary(searched / STUDY / "study.json")
    assert [trial["number"] for trial in study.trials] == list(range(6))
    assert {trial["state"] for trial in study.trials} <= {"complete", "pruned"}
    with Image.open(searched / STUDY / "study.png") as figure:
        assert figure.width > 500
    best = max((trial for trial in study.trials if trial["state"] == "complete"), key=lambda trial: trial["value"])
    recipe = searched / STUDY / "study.yaml"
    assert f"val/acc {best['value']:.4f}" in recipe.read_text()
    code, screen = run(searched, "fashionzoo", "fit", "mlp_relu_narrowing", "--config", recipe, root=root)
    assert code == 0, screen
    rows = (searched / "lightning_logs/mlp_relu_narrowing/version_0/metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("val/acc")
    assert max(float(row.split(",")[column]) for row in rows[1:]) == pytest.approx(best["value"], abs=1e-6)


def hide_test_images() -> None:
    """Raise where the test images are opened."""
    load_split = sources.load_split

    def load_train(split: str, root: str | os.PathLike[str] | None = None) -> tuple[Tensor, Tensor]:
        assert split == "train"
        return load_split(split, root)

    sources.load_split = load_train


def test_a_search_never_opens_the_test_images(root: Path, tmp_path: Path) -> None:
    code, screen = run(tmp_path, *command(tmp_path, root), "--budget=1", root=root, prepare=hide_test_images)
    assert code == 0, screen
    assert not list((tmp_path / STUDY).glob("trial_*/*.csv"))


def test_a_search_that_was_resumed_draws_what_it_would_have_drawn(root: Path, searched: Path, tmp_path: Path) -> None:
    assert tune(tmp_path, root, "--budget=4")[0] == 0
    code, screen = tune(tmp_path, root, "--budget=6")
    assert code == 0, screen
    assert "trial 3" not in screen
    resumed, whole = (read_summary(folder / STUDY / "study.json") for folder in (tmp_path, searched))
    assert [trial["flags"] for trial in resumed.trials] == [trial["flags"] for trial in whole.trials]
    assert resumed.values == whole.values


def test_a_killed_search_loses_only_the_trial_that_ran(root: Path, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / STUDY.parent / 'study.db'}"
    search = start(tmp_path, root, "--budget=50")
    wait_for(lambda: (tmp_path / STUDY / "trial_2").is_dir())
    search.kill()
    assert finish(search) == KILLED
    before = trials(storage)
    assert [trial.state.name for trial in before[:2]] == ["COMPLETE", "COMPLETE"]
    budget = len(before) + 1
    code, screen = run(tmp_path, *command(tmp_path, root), f"--budget={budget}", root=root, prepare=shorten_grace)
    assert code == 0, screen
    after = trials(storage)
    assert sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in after) == budget
    assert [trial.number for trial in after] == list(range(len(after)))
    assert [trial.params for trial in after[: len(before)]] == [trial.params for trial in before]
    counted = len(read_summary(tmp_path / STUDY / "study.json").values)
    assert f"the best of {counted} trials" in (tmp_path / STUDY / "study.yaml").read_text()


def test_an_interrupted_search_says_how_to_resume(root: Path, tmp_path: Path) -> None:
    search = start(tmp_path, root, "--budget=50")
    wait_for(lambda: (tmp_path / STUDY / "trial_1").is_dir())
    assert search.pid is not None
    os.kill(search.pid, 2)
    assert finish(search) == 130
    assert "the same line continues the study" in (tmp_path / "screen").read_text()


@pytest.mark.parametrize(
    ("space", "flags", "said"),
    [
        ({"model.lrr": [1]}, (), "unknown flag --model.lrr: did you mean --model.lr?"),
        ({"model.lr": {"low": 2, "high": 1}}, (), "the range of model.lr from 2 to 1 is empty"),
        ({"model.lr": {"low": 0, "high": 1, "log": True}}, (), "is logarithmic: it starts above 0"),
        ({"model.lr": {"low": 0.1, "hi": 1}}, (), "unknown key 'hi' of model.lr: did you mean high?"),
        ({"model.lr": []}, (), "model.lr has no values to choose from"),
        ({"model.lr": [0.1, -1]}, (), "lr of -1.0: choose a number above 0"),
        ({"model.lr": {"low": 1, "high": float("inf")}}, (), "give finite numbers"),
        ({"model.lr": {"low": True, "high": 2}}, (), "give finite numbers"),
        ({"model.lr": {"low": 0.1, "high": 0.2, "log": "maybe"}}, (), "log of model.lr is 'maybe': give true or false"),
        ({"model.lr": {"low": 0.1, "high": 0.2, "step": 0.3}}, (), "steps of 0.3 do not lead from 0.1 to 0.2"),
        ({"model": {"lr": [0.1]}}, (), "name flags of the model, the data or the trainer in full"),
        ({"data.augment": [{"flip": True}]}, (), "name each flag of a group, such as data.augment.flip"),
        ({"model.lr": [datetime.date(2024, 1, 5)]}, (), "give numbers, words or lists of them"),
        ({"seed_everything": [1, 2]}, (), "seed_everything cannot be searched"),
        ({"data.val_size": [100, 200]}, (), "data.val_size cannot be searched"),
        (SPACE, ("--model.lr=0.1",), "model.lr is in the space and given as a flag"),
        ({"trainer.max_epochs": [1, 2]}, (), "trainer.max_epochs is in the space and given as a flag"),
        (SPACE, ("--trainer.max_epochs=3",), "--epochs and --trainer.max_epochs are the same"),
        (SPACE, ("--name=fast",), "--name is for one run"),
        (SPACE, ("--study=report",), "--study of report: runs are called so"),
        (SPACE, ("--trainer.devices=2",), "a trial is trained by one process on one device"),
        (SPACE, ("--trainer.num_nodes=2",), "a trial is trained by one process on one device"),
        (SPACE, (f"--trainer.callbacks+={AVERAGING}",), "--trainer.callbacks would be missing in the recipe"),
        (SPACE, ("--trainer.val_check_interval=0.5",), "a search compares epochs"),
        ({"trainer.limit_val_batches": [1, 2]}, (), "trainer.limit_val_batches cannot be searched"),
        ({"trainer.val_check_interval": [1.0, 0.5]}, (), "a search compares epochs"),
        ({"trainer.devices": [1, 2]}, (), "a trial is trained by one process on one device"),
        ({}, (), "has no flags"),
        (SPACE, ("--budget=0",), "give a whole number above 0"),
        (SPACE, ("--early_stopping.monitor=val/foo",), "unknown metric 'val/foo'"),
        (SPACE, ("--storage=nowhere",), "'nowhere' is no address of a database: give one such as sqlite:///study.db"),
        (SPACE, ("--storage=mysql://me@host/none",), "install the driver"),
        (SPACE, ("--storage=postgresql://me:secret@host:54x/none",), "me:***@host:54x/none cannot be used"),
        (SPACE, ("--storage=postgresql://me:secret@/none?host=/nowhere",), "cannot be used"),
        (SPACE, ("--study=a/b",), "--study of a/b: give a name of letters"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_line(
    space: object, flags: tuple[str, ...], said: str, root: Path, tmp_path: Path
) -> None:
    code, screen = tune(tmp_path, root, *flags, space=space)
    assert code == 2
    assert said in screen
    assert screen.count("\n") == 1
    assert "secret" not in screen


@pytest.mark.parametrize("flag", ["--model.momentum=0.5", "--trainer.precision=64-true"])
def test_a_study_of_other_flags_is_not_continued(root: Path, searched: Path, flag: str) -> None:
    code, screen = tune(searched, root, "--budget=7", flag)
    assert code == 2
    assert "start another with --study NAME" in screen


def test_where_a_worker_computes_is_not_part_of_a_study(root: Path, searched: Path) -> None:
    logs = "--trainer.default_root_dir", str(searched)
    code, screen = tune(searched, root, "--budget=6", "--threads", "1", "--device=cpu", *logs)
    assert code == 0, screen
    assert read_summary(searched / STUDY / "study.json").flags == {
        "recipe": "report",
        "trainer.max_epochs": 2,
        "data.val_size": 200,
        "model.widths": [12, 8],
    }


def test_where_all_trials_fail_a_reason_is_said_and_the_study_is_readable(root: Path, tmp_path: Path) -> None:
    code, screen = tune(tmp_path, root, "--budget=2", space={**SPACE, "data.train_size": [900, 950]})
    assert code == 2
    assert "no trial of 2 came to its end; the last: data.train_size of 9" in screen
    study = read_summary(tmp_path / STUDY / "study.json")
    assert [trial["state"] for trial in study.trials] == ["fail", "fail"]


BREAKS = """
from torch import nn

class MyNet(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, images):
        if self.width == 5 and len(images) > 2:
            raise RuntimeError("too wide\\nby far")
        return self.layers(images)
"""


def test_a_network_that_raises_costs_its_trial_only(root: Path, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(BREAKS)
    (tmp_path / "space.yaml").write_text("model.width: {low: 4, high: 6}")
    flags = ("--space=space.yaml", "--budget=5", "--epochs=1", "--data.val_size=200", f"--data.root={root}")
    code, screen = run(tmp_path, "fashionzoo", "tune", "net.py", *flags, root=root)
    assert code == 0, screen
    assert "(fail)  RuntimeError: too wide" in screen
    assert "Traceback" not in screen
    study = read_summary(tmp_path / "lightning_logs/MyNet/study/study.json")
    assert {(trial["flags"]["model.width"] == 5, trial["state"]) for trial in study.trials} == {
        (False, "complete"),
        (True, "fail"),
    }
    assert "width: " in (tmp_path / "lightning_logs/MyNet/study/study.yaml").read_text()  # also if it is the default


def test_three_workers_share_a_study_and_one_may_be_killed(postgresql: str, root: Path, tmp_path: Path) -> None:
    budget, storage = 12, f"--storage={postgresql}"
    workers = [start(tmp_path / str(number), root, f"--budget={budget}", storage) for number in range(3)]
    wait_for(lambda: len(list(tmp_path.glob("0/**/trial_*"))) > 1)
    workers[0].kill()
    assert finish(workers[0]) == KILLED
    assert [finish(worker) for worker in workers[1:]] == [0, 0]
    made = trials(postgresql)
    assert [trial.number for trial in made] == list(range(len(made)))
    states = Counter(trial.state.name for trial in made)
    assert states["COMPLETE"] + states["PRUNED"] == budget
    assert states["FAIL"] == len(made) - budget
    assert sum(bool(trial.params) for trial in made if trial.state.name == "FAIL") <= 1  # others were in excess
    assert len({tuple(trial.params.values()) for trial in made if trial.params}) > budget / 2


def test_of_two_processes_one_makes_the_last_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    search = Search(get_class("mlp_relu_narrowing"), (), {"data.batch_size": [32, 64]})
    optimize, others = search.study.optimize, []

    def begin_another_first(*args: Any, **kwargs: Any) -> None:
        others.append(search.study.ask())
        optimize(*args, **kwargs)

    def end_the_other() -> None:
        search.study.tell(others[0], 0.5)

    monkeypatch.setattr(search.study, "optimize", begin_another_first)
    search.run(1, lambda _: pytest.fail("the trial in excess was reported"), end_the_other)
    assert [trial.state.name for trial in search.study.trials] == ["COMPLETE", "FAIL"]


def test_a_database_that_vanishes_ends_a_search_in_one_line(postgresql: str, root: Path, tmp_path: Path) -> None:
    search = start(tmp_path, root, "--budget=50", f"--storage={postgresql}")
    wait_for(lambda: len(list(tmp_path.glob("**/trial_*"))) > 1)
    subprocess.run(["pkill", "-QUIT", "-f", str(Path(postgresql.partition("host=")[2]) / "db")], check=True)
    assert finish(search) == 2
    screen = (tmp_path / "screen").read_text()
    assert "the same line continues the study" in screen.splitlines()[-1]
    assert "Traceback" not in screen
