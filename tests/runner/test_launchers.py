"""The launchers and the command, as a user calls them, on the real data."""

import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fashionzoo import CLASSES, RECIPES, environment
from fashionzoo.cli.main import main
from fashionzoo.data import sources
from fashionzoo.runner.cli import TrainCLI
from fashionzoo.zoo.registry import get_class
from fashionzoo.zoo.runs import Run
from tests import ROOT
from tests.processes import OUTPUT_ENCODING, run
from tests.refusals import refusal

EXPERIMENTS = ROOT / "experiments"
SPLIT = ("--data.train_size=600", "--data.val_size=200")
SHORT = ("--trainer.max_epochs=2", *SPLIT)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, root: Path) -> dict[str, tuple[Path, str]]:
    """The folder of the logs and the screen of a short run of each of the six launchers."""
    folder = tmp_path_factory.mktemp("runs")
    finished = {}
    for name in RECIPES:
        code, screen = run(folder, EXPERIMENTS / f"{name}.py", *SHORT, f"--data.root={root}", root=root)
        assert code == 0, screen
        finished[name] = (folder / "lightning_logs" / name / "version_0", screen)
    return finished


@pytest.mark.parametrize("name", RECIPES)
def test_a_launcher_says_what_runs_why_it_stopped_and_how_good_it_is(
    runs: dict[str, tuple[Path, str]], name: str
) -> None:
    logs, screen = runs[name]
    assert re.search(rf"network +{name}, [\d,]+ parameters\nrecipe +report, at most 2 epochs, seed 0\n", screen)
    assert re.search(r"device +cpu, (bf16-mixed|32-true) precision \((bfloat16, weights in )?float32\)\n", screen)
    assert "200 validation and 600 training images" in screen
    assert "epoch 2/2  train loss" in screen
    assert "stopped after epoch 2: all epochs done" in screen
    assert "200 test images" in screen
    assert re.search(r"accuracy .*\d+\.\d\d %", screen)
    assert all(f"recall of {label}" in screen for label in CLASSES)
    assert screen.count(" taken for ") == 3
    assert f"lightning_logs/{name}/version_0/checkpoints/best.ckpt" in screen
    assert "tensorboard --logdir lightning_logs" in screen
    assert "Warning" not in screen
    assert {path.name for path in (logs / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}


@pytest.mark.parametrize("name", RECIPES)
def test_tensorboard_has_everything_that_is_promised(runs: dict[str, tuple[Path, str]], name: str) -> None:
    logs, _ = runs[name]
    events = EventAccumulator(str(logs), size_guidance={"images": 0})
    events.Reload()
    tags = events.Tags()
    measures = ("loss", "acc", "calibration_error", *(f"recall/{label}" for label in CLASSES))
    scalars = {"train/loss", "train/acc", "gradient_norm/first_layer", "gradient_norm/last_layer"}
    scalars |= {f"{split}/{measure}" for split in ("val", "test") for measure in measures}
    scalars |= {"test/near_zero", "near_zero/block0"}
    assert scalars <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("val/acc")] == [1, 2]
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2]
    assert set(tags["images"]) == {"val/confusion", "test/confusion", "test/mistakes"}
    assert {"weights/head.weight", "activations/block0"} <= set(tags["histograms"])
    assert tags["graph"]
    texts = {"recipe/report/text_summary", "hyperparameters/text_summary"}
    summaries = set(tags["tensors"])
    assert texts <= summaries
    (recipe,) = events.Tensors("recipe/report/text_summary")
    assert recipe.tensor_proto.string_val == [RECIPES[name]["report"].description.encode()]
    assert "custom_scalars__config__" in summaries
    (layout,) = events.Tensors("custom_scalars__config__")
    assert {b"train/loss", b"val/loss"} <= set(re.findall(rb"(?:train|val)/loss", layout.tensor_proto.string_val[0]))
    hparams = events.summary_metadata["_hparams_/session_start_info"].plugin_data
    assert hparams.plugin_name == "hparams"
    assert b"lr" in hparams.content
    assert b"batch_size" in hparams.content
    assert b"test/acc" in events.summary_metadata["_hparams_/experiment"].plugin_data.content


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_leaves_records_that_say_what_tensorboard_shows(runs: dict[str, tuple[Path, str]], name: str) -> None:
    logs, _ = runs[name]
    run = Run(logs)
    events = EventAccumulator(str(logs))
    events.Reload()
    for tag in events.Tags()["scalars"]:
        shown = {event.step: pytest.approx(event.value, rel=1e-5) for event in events.Scalars(tag)}
        assert {step: value for step, value in enumerate(run.metrics[tag], 1) if not math.isnan(value)} == shown
    assert set(run.confusion) == set(CLASSES)
    assert sum(run.per_class_recall().values()) / 10 == pytest.approx(run.final("test/acc"), abs=1e-5)
    an_image = sum(run.activations["block0"]) / 200
    assert an_image == pytest.approx(round(an_image))
    assert run.environment["torch"] == torch.__version__.split("+")[0]
    assert run.seed == 0


def test_the_saved_configuration_reproduces_the_run(
    runs: dict[str, tuple[Path, str]], root: Path, tmp_path: Path
) -> None:
    logs, _ = runs["cnn_plain"]
    config = yaml.safe_load((logs / "config.yaml").read_text(encoding="utf-8"))
    assert config["data"]["train_size"] == 600
    assert config["trainer"]["precision"] in ("bf16-mixed", "32-true")
    code, screen = run(tmp_path, EXPERIMENTS / "cnn_plain.py", "--config", logs / "config.yaml", root=root)
    assert code == 0, screen
    first, second = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (logs, tmp_path / "lightning_logs" / "cnn_plain" / "version_0")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_trained_network_predicts_from_its_checkpoint(
    runs: dict[str, tuple[Path, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str], real_root: Path
) -> None:
    images, _ = sources.load_split("test", real_root)
    Image.fromarray(images[1].numpy()).save(tmp_path / "one.png")
    (tmp_path / "text.png").write_text("not an image", encoding="utf-8")
    checkpoint = runs["cnn_plain"][0] / "checkpoints" / "best.ckpt"
    main(["predict", str(tmp_path / "one.png"), "--checkpoint", str(checkpoint)])
    assert re.match(r".*one\.png: (\S.* \d+\.\d %, ){2}\S.* \d+\.\d %\n$", capsys.readouterr().out)
    with pytest.raises(SystemExit) as end:
        main(["predict", str(tmp_path / "text.png"), str(tmp_path / "one.png"), "--checkpoint", str(checkpoint)])
    assert end.value.code == 2
    screen = capsys.readouterr()
    assert "one.png: " in screen.out
    (line,) = screen.err.splitlines()
    assert line.startswith(
        f"fashionzoo: error: {tmp_path / 'text.png'} is not an image that can be read: use an intact"
    )


def test_the_saved_configuration_keeps_what_was_set_to_nothing(root: Path, tmp_path: Path) -> None:
    flags = ("--recipe=tuned", "--data.teacher=null", "--data.batch_size=null", "--trainer.max_epochs=1")
    code, screen = run(tmp_path, "fashionzoo", "fit", "cnn_plain", *flags, f"--data.root={root}", *SPLIT, root=root)
    assert code == 0, screen
    config = tmp_path / "lightning_logs" / "cnn_plain" / "version_0" / "config.yaml"
    code, again = run(tmp_path, "fashionzoo", "fit", "cnn_plain", f"--config={config}", root=root)
    assert code == 0, again
    assert "full batch, augmented\n" in screen
    assert "full batch, augmented\n" in again


def test_early_stopping_says_why(root: Path, tmp_path: Path) -> None:
    flags = ("--early_stopping.patience=1", "--model.lr=1e-12", f"--data.root={root}", *SPLIT)
    _, screen = run(tmp_path, EXPERIMENTS / "mlp_relu_narrowing.py", *flags, root=root)
    assert re.search(r"stopped early after epoch 2: val/acc was not better than \d+\.\d\d % for 1 epoch", screen)


def test_a_compiled_network_trains_like_another(root: Path, tmp_path: Path) -> None:
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        pytest.skip("there is no C++ compiler")
    flags = ("--trainer.max_epochs=2", "--model.widths=[8]", "--trainer.precision=32-true", f"--data.root={root}")
    weights = []
    for compiled in ("true", "false"):
        folder = tmp_path / compiled
        code, screen = run(
            folder, "fashionzoo", "fit", "mlp_relu_narrowing", *flags, *SPLIT, f"--compile={compiled}", root=root
        )
        assert code == 0, screen
        checkpoint = folder / "lightning_logs" / "mlp_relu_narrowing" / "version_0" / "checkpoints" / "last.ckpt"
        weights.append(torch.load(checkpoint, weights_only=True)["state_dict"])
    compiled_weights, plain = weights
    assert list(compiled_weights) == list(plain)
    assert all(torch.allclose(compiled_weights[name], plain[name], atol=1e-5) for name in plain)


def test_the_recipe_sets_the_defaults_and_flags_override_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "cnn_plain", "--recipe=tuned", "--data.batch_size=77", "--print_config"])
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["model"]["optimizer"] == "adamw"
    assert config["data"]["augment"]["shift"] == 1
    assert config["data"]["batch_size"] == 77


def test_fast_dev_run_works(tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    main(["fit", "mlp_sigmoid_narrowing", "--trainer.fast_dev_run=true", f"--data.root={tiny_root}", *SPLIT])
    assert not list(folder.iterdir())


@pytest.mark.parametrize("instructions", [(), ("avx512_bf16",), ("avx512_bf16", "amx_bf16")])
@pytest.mark.parametrize(
    ("network", "batch_size", "pays"),
    [("mlp_relu_narrowing", "128", False), ("mlp_relu_narrowing", "null", True), ("cnn_plain", "128", True)],
)
def test_the_precision_is_the_fastest_that_the_hardware_has(
    network: str,
    batch_size: str,
    pays: bool,
    instructions: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "_cpu_capabilities", lambda: dict.fromkeys(instructions, True))
    flags = [f"--data.batch_size={batch_size}", f"--trainer.default_root_dir={tmp_path}", "--trainer.accelerator=cpu"]
    precision = TrainCLI(get_class(network), flags).trainer.precision
    assert precision == ("bf16-mixed" if pays and "amx_bf16" in instructions else "32-true")


def test_the_precision_can_be_overruled(tmp_path: Path) -> None:
    flags = ["--trainer.precision=32-true", f"--trainer.default_root_dir={tmp_path}"]
    assert TrainCLI(get_class("cnn_plain"), flags).trainer.precision == "32-true"


def test_the_bare_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    screen = capsys.readouterr()
    assert "usage: fashionzoo" in screen.out
    assert "fashionzoo fit cnn_plain" in screen.out
    assert not screen.err


def test_a_checkpoint_of_another_network_is_refused(
    runs: dict[str, tuple[Path, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = f"--ckpt_path={runs['cnn_plain'][0] / 'checkpoints' / 'last.ckpt'}"
    assert "holds cnn_plain, not cnn_balanced" in refusal(capsys, "fit", "cnn_balanced", checkpoint)
    line = refusal(capsys, "fit", "cnn_plain", "--model.channels=[8]", checkpoint)
    assert "--model.channels of [8]: the run in " in line


def test_looking_things_up_needs_neither_torch_nor_lightning() -> None:
    slow = "bool({'torch', 'scipy', 'lightning'} & set(sys.modules))"
    code = f"import sys; from fashionzoo.cli.main import main; main(['list']); sys.exit({slow})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding=OUTPUT_ENCODING, check=False)
    assert done.returncode == 0
    assert all(name in done.stdout for name in RECIPES)


def test_predicting_does_not_need_lightning(runs: dict[str, tuple[Path, str]]) -> None:
    checkpoint = runs["cnn_plain"][0] / "checkpoints" / "best.ckpt"
    words = ["predict", str(Path(__file__).parents[1] / "pictures" / "shirt.png"), "--checkpoint", str(checkpoint)]
    code = f"import sys; from fashionzoo.cli.main import main; main({words!r}); sys.exit('lightning' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding=OUTPUT_ENCODING, check=False)
    assert done.returncode == 0, done.stderr
