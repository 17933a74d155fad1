"""The launchers and the command, as a user calls them, on the real data."""

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fashionzoo import CLASSES, RECIPES, FashionZooError, files
from fashionzoo.classifier import NETWORKS
from fashionzoo.cli import main
from fashionzoo.hardware import has_native_bf16
from fashionzoo.launcher import TrainCLI
from fashionzoo.recipes import get_recipe
from fashionzoo.runs import Run
from tests.conftest import put

EXPERIMENTS = Path(__file__).parent.parent / "experiments"
SHORT = ("--trainer.max_epochs=2", "--data.train_size=600", "--data.val_size=200")


def run(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python on words in a folder."""
    return subprocess.run([sys.executable, *map(str, words)], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, real_root: Path) -> dict[str, tuple[Path, str]]:
    """The folder of the logs and the screen of a short run of each of the six launchers."""
    folder = tmp_path_factory.mktemp("runs")
    finished = {}
    for name in RECIPES:
        done = run(EXPERIMENTS / f"{name}.py", *SHORT, folder=folder)
        assert done.returncode == 0, done.stderr
        finished[name] = (folder / "lightning_logs" / name / "version_0", done.stdout + done.stderr)
    return finished


@pytest.mark.parametrize("name", RECIPES)
def test_a_launcher_says_what_runs_why_it_stopped_and_how_good_it_is(
    runs: dict[str, tuple[Path, str]], name: str
) -> None:
    logs, screen = runs[name]
    assert re.search(rf"network +{name}, [\d,]+ parameters\nrecipe +report, at most 2 epochs, seed 0\n", screen)
    assert re.search(r"device +cpu, (bf16-mixed|32-true) precision\n", screen)
    assert "200 validation and 600 training images" in screen
    assert "epoch 2/2  train loss" in screen
    assert "stopped after epoch 2: all epochs done" in screen
    assert "10,000 test images" in screen
    assert re.search(r"accuracy .*0\.\d{4}", screen)
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
    scalars |= {"test/near_zero", "test/near_zero_while_training", "near_zero/block0"}
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
    an_image = sum(run.activations["block0"]) / 10_000
    assert an_image == pytest.approx(round(an_image))
    assert run.environment["torch"] == torch.__version__.split("+")[0]
    assert run.seed == 0


def test_the_saved_configuration_reproduces_the_run(runs: dict[str, tuple[Path, str]], tmp_path: Path) -> None:
    logs, _ = runs["cnn_plain"]
    config = yaml.safe_load((logs / "config.yaml").read_text())
    assert config["data"]["train_size"] == 600
    assert config["trainer"]["precision"] in ("bf16-mixed", "32-true")
    done = run(EXPERIMENTS / "cnn_plain.py", "--config", logs / "config.yaml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (logs, tmp_path / "lightning_logs" / "cnn_plain" / "version_0")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_trained_network_predicts_from_its_checkpoint(
    runs: dict[str, tuple[Path, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str], real_root: Path
) -> None:
    images, _ = files.load_split("test", real_root)
    Image.fromarray(images[1].numpy()).save(tmp_path / "one.png")
    (tmp_path / "text.png").write_text("not an image")
    checkpoint = runs["cnn_plain"][0] / "checkpoints" / "best.ckpt"
    main(["predict", str(tmp_path / "one.png"), "--checkpoint", str(checkpoint)])
    assert re.match(r".*one\.png: (\S.* \d+\.\d%, ){2}\S.* \d+\.\d%\n$", capsys.readouterr().out)
    with pytest.raises(SystemExit) as end:
        main(["predict", str(tmp_path / "text.png"), str(tmp_path / "one.png"), "--checkpoint", str(checkpoint)])
    assert end.value.code == 2
    screen = capsys.readouterr()
    assert "one.png: " in screen.out
    (line,) = screen.err.splitlines()
    assert line.startswith(f"fashionzoo: error: {tmp_path / 'text.png'} is not an image that can be read: use a whole")


def test_early_stopping_says_why(tmp_path: Path, real_root: Path) -> None:
    flags = ("--early_stopping.patience=1", "--model.lr=1e-12", "--data.train_size=600", "--data.val_size=200")
    done = run(EXPERIMENTS / "mlp_relu_narrowing.py", *flags, folder=tmp_path)
    assert re.search(r"stopped early after epoch 2: val/acc was not better than 0\.\d{4} for 1 epoch", done.stdout)


def test_the_recipe_sets_the_defaults_and_flags_override_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "cnn_plain", "--recipe=tuned", "--data.batch_size=77", "--print_config"])
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["model"]["optimizer"] == "adamw"
    assert config["data"]["augment"]["shift"] == 1
    assert config["data"]["batch_size"] == 77


def test_fast_dev_run_works(tmp_path: Path, real_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    main(["fit", "mlp_sigmoid_narrowing", "--trainer.fast_dev_run=true"])
    assert not list(tmp_path.iterdir())


BAD_FLAGS = {
    "--recipe=tuend": "unknown recipe 'tuend' of cnn_plain: did you mean tuned?",
    "--model.chanels=[3]": "unknown flag --model.chanels: did you mean --model.channels?",
    "--model.channels=[0]": "channels of [0]: give at least one number",
    "--model.channels=[3": "--model.channels of [3: expected Sequence",
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
    "--data.root=file/in/the/way": "cannot write the data to file/in/the/way",
    "--trainer.default_root_dir=file/in/the/way": "cannot write logs to file/in/the/way",
}


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the one line with which the command refuses its words."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("epoch ")]
    assert line.startswith("fashionzoo: error: ")
    return line


@pytest.mark.parametrize("flag", BAD_FLAGS)
def test_a_bad_flag_gets_one_line(
    flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], real_root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    assert BAD_FLAGS[flag] in refusal(capsys, "fit", "cnn_plain", flag)


def test_compiling_without_a_compiler_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert "--compile needs a C++ compiler" in refusal(capsys, "fit", "cnn_plain", "--compile=true")


@pytest.mark.parametrize(
    ("network", "batch_size", "pays"),
    [("mlp_relu_narrowing", "128", False), ("mlp_relu_narrowing", "null", True), ("cnn_plain", "128", True)],
)
def test_the_precision_is_the_fastest_that_the_hardware_has(
    network: str, batch_size: str, pays: bool, tmp_path: Path
) -> None:
    flags = [f"--data.batch_size={batch_size}", f"--trainer.default_root_dir={tmp_path}", "--trainer.accelerator=cpu"]
    precision = TrainCLI(NETWORKS[network], flags).trainer.precision
    assert precision == ("bf16-mixed" if pays and has_native_bf16(torch.device("cpu")) else "32-true")


def test_the_precision_can_be_overruled(tmp_path: Path) -> None:
    flags = ["--trainer.precision=32-true", f"--trainer.default_root_dir={tmp_path}"]
    assert TrainCLI(NETWORKS["cnn_plain"], flags).trainer.precision == "32-true"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_an_absent_accelerator_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "No supported gpu backend found" in refusal(capsys, "fit", "cnn_plain", "--trainer.accelerator=gpu")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("fit", "cnn_plian"), "unknown network 'cnn_plian': did you mean cnn_plain?"),
        (("fit",), "fit needs the name of a network"),
        (("fot",), "unknown command 'fot': did you mean fit?"),
        ((), "required: COMMAND"),
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
    assert re.search(r"loss became (nan|inf) in epoch \d+: choose a lower --model.lr", line)


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
    assert "holds a cnn_plain of another shape" in line


def test_looking_things_up_needs_neither_torch_nor_lightning() -> None:
    code = "import sys; from fashionzoo.cli import main; main(['list']); sys.exit('torch' in sys.modules)"
    done = run("-c", code, folder=Path())
    assert done.returncode == 0
    assert all(name in done.stdout for name in RECIPES)


def test_predicting_does_not_need_lightning(runs: dict[str, tuple[Path, str]], tmp_path: Path) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "black.png")
    checkpoint = runs["cnn_plain"][0] / "checkpoints" / "best.ckpt"
    words = ["predict", str(tmp_path / "black.png"), "--checkpoint", str(checkpoint)]
    code = f"import sys; from fashionzoo.cli import main; main({words!r}); sys.exit('lightning' in sys.modules)"
    done = run("-c", code, folder=tmp_path)
    assert done.returncode == 0, done.stderr


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flag=st.sampled_from(["model.lr", "model.dropout", "model.weight_decay", "data.batch_size", "data.augment.shift"]),
    value=st.one_of(st.floats().map(str), st.integers().map(str), st.text(st.characters(codec="ascii"), max_size=8)),
)
def test_any_value_of_a_flag_is_taken_or_refused_in_one_line(
    flag: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["fit", "cnn_dropout_l2", f"--{flag}={value}", "--trainer.accelerator=none"])
    assert end.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@given(st.text(), st.text())
def test_any_name_of_a_recipe_is_known_or_refused(network: str, recipe: str) -> None:
    for name in (network, "cnn_plain"):
        with pytest.raises(FashionZooError, match=r"unknown (network|recipe)"):
            get_recipe(name, recipe)
