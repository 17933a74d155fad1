"""The public API outside the launchers: twice in a row, in the other mode, in another precision, on odd input."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from PIL import Image

import fashionzoo as fz
from fashionzoo.cli.main import main
from fashionzoo.runner.cli import TrainCLI
from fashionzoo.training.checkpoints import load_network
from fashionzoo.zoo.export import export
from fashionzoo.zoo.registry import get_class, list_models
from tests import ROOT
from tests.processes import OUTPUT_ENCODING, fit

LOGS = ROOT / "lightning_logs"
BOOT = ROOT / "tests" / "pictures" / "boot.png"
QUIET: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}


@pytest.fixture(scope="module")
def tester() -> Trainer:
    """A plain Trainer, for several networks in a row."""
    return Trainer(accelerator="cpu", **QUIET)


def state(network: torch.nn.Module) -> list[torch.Tensor]:
    """Return copies of all that a network holds."""
    return [value.clone() for value in network.state_dict().values()]


def accuracy(name: str, version: str) -> Any:
    """Return the published accuracy of a file, to the image."""
    return pytest.approx(fz.get_weights(name, version).metrics["test/acc"], abs=5e-5)


def test_one_data_module_serves_networks_that_preprocess_in_different_ways(tester: Trainer, real_root: Path) -> None:
    data = fz.FashionMNISTDataModule()
    for name, version in (("cnn_plain", "tuned"), ("mlp_sigmoid_narrowing", "report"), ("cnn_plain", "report")):
        (metrics,) = tester.test(get_class(name).from_zoo(version), data, verbose=False)
        assert metrics["test/acc"] == accuracy(name, version)


def test_predictions_of_a_trainer_are_those_of_the_network(tester: Trainer, real_root: Path) -> None:
    classifier = fz.SigmoidNarrowingMLP.from_zoo("tuned")
    data = fz.FashionMNISTDataModule()
    probabilities = torch.cat(tester.predict(classifier, data))  # type: ignore[arg-type]
    assert probabilities.shape == (10_000, 10)
    labels = data.datasets["test"].labels
    assert (probabilities.argmax(dim=1) == labels).float().mean().item() == accuracy("mlp_sigmoid_narrowing", "tuned")
    (first,) = classifier.network.predictions(data.datasets["test"].images[:1])
    assert list(first.probabilities.values()) == pytest.approx(probabilities[0].tolist(), abs=1e-5)


@pytest.mark.parametrize("name", ["cnn_dropout_l2", "cnn_balanced"])
def test_evaluating_a_network_in_training_mode_neither_changes_the_number_nor_the_network(
    name: str, real_root: Path
) -> None:
    network = fz.get_model(name, weights="report").train()
    network.hidden_blocks["block0"].eval()  # as someone does who freezes a part
    before = state(network)
    for _ in range(2):
        evaluation = fz.evaluate(network)
        assert evaluation.metrics["test/acc"] == accuracy(name, "report")
        assert evaluation.confusion == fz.get_weights(name, "report").meta["confusion"]
    assert all(map(torch.equal, before, state(network)))
    assert (network.training, network.hidden_blocks["block0"].training, network.hidden_blocks["block1"].training) == (
        True,
        False,
        True,
    )


def test_a_classifier_is_evaluated_and_exported_as_its_network_is(real_root: Path, tmp_path: Path) -> None:
    classifier = fz.ReLUNarrowingMLP.from_zoo("report").train()
    assert fz.evaluate(classifier).metrics["test/acc"] == accuracy("mlp_relu_narrowing", "report")
    export(classifier, str(tmp_path / "m.PT2"))
    assert classifier.training
    assert [path.name for path in tmp_path.iterdir()] == ["m.PT2"]


@pytest.mark.parametrize("convert", ["half", "bfloat16", "double"])
def test_a_network_in_another_precision_classifies_and_evaluates(convert: str, real_root: Path) -> None:
    network = getattr(fz.get_model("mlp_relu_narrowing", weights="tuned"), convert)()
    assert network.classify(BOOT).name == "Ankle boot"
    published = fz.get_weights("mlp_relu_narrowing", "tuned").metrics["test/acc"]
    assert fz.evaluate(network).metrics["test/acc"] == pytest.approx(published, abs=3e-3)


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("version", ["report", "tuned"])
def test_the_weights_of_the_zoo_go_into_a_lightning_module(name: str, version: str) -> None:
    classifier = get_class(name).from_zoo(version)
    network = fz.get_model(name, weights=version)
    assert all(map(torch.equal, state(classifier.network), state(network)))
    assert classifier.network.config == network.config
    assert classifier.lr == fz.get_weights(name, version).recipe["model.lr"]


def test_weights_of_the_zoo_can_be_fine_tuned(tiny_root: Path) -> None:
    classifier = fz.BalancedCNN.from_zoo("tuned", lr=1e-3, schedule="constant", dropout=0.3)
    network = classifier.network
    assert isinstance(network, fz.CNN)
    for parameter in network.blocks.parameters():
        parameter.requires_grad_(False)
    blocks, head = state(network.blocks[0]), state(network.head)
    data = fz.FashionMNISTDataModule(tiny_root, batch_size=100, val_size=900)
    Trainer(accelerator="cpu", max_epochs=1, enable_checkpointing=False, **QUIET).fit(classifier, data)
    frozen = [torch.equal(*pair) for pair in zip(blocks, state(network.blocks[0]), strict=True)]
    assert sum(frozen) >= 4  # all but the statistics of batch norm
    assert not any(map(torch.equal, head, state(network.head)))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"weights": "best"}, "unknown weights 'best' of cnn_plain"),
        ({"weights": ""}, "unknown weights '' of cnn_plain"),
        ({"channels": (8, 4)}, r"channels=\[8, 4\] does not fit the tuned weights of cnn_plain"),
        ({"standardize": False}, "standardize=False does not fit"),
        ({"activation": "tanh"}, "activation=tanh does not fit"),
        ({"lr": -1}, "lr of -1"),
    ],
)
def test_weights_that_do_not_fit_a_module_are_refused(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(fz.FashionZooError, match=complaint):
        fz.PlainCNN.from_zoo(**arguments)


def test_a_class_takes_what_get_model_takes() -> None:
    for name in list_models():
        classifier = get_class(name)
        config = {key: value for key, value in fz.get_model(name).config.items() if key != "family"}
        assert classifier(**config).network.config == fz.get_model(name, **config).config


def test_the_loss_can_be_computed_without_a_trainer() -> None:
    classifier = fz.SigmoidNarrowingMLP(temperature=2.0)
    logits, labels = torch.randn(4, 10), torch.tensor([1, 2, 3, 4])
    assert classifier.loss(logits, labels).item() == pytest.approx(
        torch.nn.functional.cross_entropy(logits, labels, reduction="sum").item()
    )
    assert classifier.loss(logits, logits).isfinite()


def test_many_images_take_little_memory() -> None:
    code = (
        "import resource, torch, fashionzoo as fz; network = fz.get_model('cnn_balanced', weights='tuned');"
        "images = torch.randint(256, (4000, 28, 28), dtype=torch.uint8); network.classify(images[:500]);"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; network.classify(images);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding=OUTPUT_ENCODING, check=True)
    assert int(done.stdout) < 100_000  # kilobytes; all at once the first convolution alone had 400 MB


def test_the_old_name_of_the_error_is_the_same_error() -> None:
    assert fz.InputError is fz.FashionZooError


def test_a_reader_that_goes_away_ends_a_prediction_quietly(tmp_path: Path) -> None:
    for number in range(300):
        Image.linear_gradient("L").resize((28, 28)).save(tmp_path / f"{number}.png")
    words = [sys.executable, "-m", "fashionzoo", "predict", str(tmp_path), "--model", "all", "--weights", "tuned"]
    command = f"{shlex.join(words)} | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, encoding=OUTPUT_ENCODING, check=True)
    assert done.stdout.count("\n") == 1
    assert not done.stderr


def test_a_figure_is_refused_before_the_evaluation_and_its_suffix_may_be_in_capitals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], real_root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["evaluate", "mlp_relu_narrowing", "--plot", "M.PNG"])
    assert "wrote M.PNG" in capsys.readouterr().err
    with Image.open("M.PNG") as image:
        assert image.format == "PNG"
    for name in ("m.xyz", "nowhere/m.png"):
        with pytest.raises(SystemExit):
            main(["evaluate", "mlp_relu_narrowing", "--root", "no-data-here", "--plot", name])
        (line,) = capsys.readouterr().err.splitlines()
        assert re.match(rf"fashionzoo: error: cannot (draw|write) {name}", line)
    assert [path.name for path in tmp_path.iterdir()] == ["M.PNG"]


def test_a_checkpoint_stands_for_the_name_of_its_network(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], real_root: Path
) -> None:
    assert fit(tmp_path, root, "mlp_relu_narrowing", "--trainer.max_epochs=1") == 0
    (best,) = tmp_path.glob("lightning_logs/*/*/checkpoints/best.ckpt")
    for name in ([], ["mlp_relu_narrowing"]):
        main(["evaluate", *name, "--checkpoint", str(best), "--json"])
        evaluated = capsys.readouterr().out
        assert json.loads(evaluated)["network"] == "mlp_relu_narrowing"
    network = load_network(best)[1]
    assert not network.training
    held = torch.load(best, weights_only=True)["state_dict"]
    assert all(torch.equal(held[f"network.{key}"], value) for key, value in network.state_dict().items())
    assert json.loads(evaluated)["metrics"] == fz.evaluate(network).metrics
    main(["export", str(tmp_path / "m.safetensors"), f"--checkpoint={best}"])
    assert (tmp_path / "m.safetensors").exists()
    with pytest.raises(SystemExit):
        main(["evaluate", "--json"])
    assert "name a network, or a checkpoint" in capsys.readouterr().err


def test_the_name_of_a_network_may_come_after_its_flags(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for words in ("cnn_plain --recipe tuned", "--recipe tuned cnn_plain", "--recipe=tuned cnn_plain"):
        with pytest.raises(SystemExit):
            main(["fit", *words.split(), "--data.teacher", "cnn_balanced", "--print_config"])
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] == shown[2]
    assert "teacher: cnn_balanced" in shown[0]


def test_claims_say_which_runs_they_leave_out(
    committed_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = tmp_path / "logs"
    shutil.copytree(committed_runs, logs)
    own = logs / "cnn_plain" / "version_0"
    shutil.copytree(logs / "cnn_plain" / "report", own)
    main(["claims", str(logs), "--json"])
    screen = capsys.readouterr()
    assert len(json.loads(screen.out)) == 34
    assert screen.err.startswith(f"not counted: {own}, as {logs} has reference runs of the same networks")


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["evaluate", "--checkpoint", ""], "argument --checkpoint: is empty"),
        (["predict", "boot.png", "--model", ""], "argument --model: is empty"),
        (["evaluate", "cnn_plain", "--weights", ""], "argument --weights: is empty"),
        (["evaluate", "--check", "x.ckpt"], "unknown flag --check of fashionzoo evaluate: did you mean --checkpoint?"),
        (["fit", "cnn_plain", "--ckpt_path", ""], "--ckpt_path is empty"),
        (["fit", "cnn_plain", "--early_stopping.patience", "-1"], "--early_stopping.patience of -1: choose 0 or more"),
        (["fit", "cnn_plain", "--early_stopping.mode", "min"], "val/acc is better when higher"),
        (["fit", "cnn_plain", "--last.save_weights_only", "true"], "a run is resumed from all that"),
        (["fit", "cnn_plain", "--trainer.accumulate_grad_batches", "0"], "choose 1 or more"),
        (["fit", "cnn_plain", "--trainer.check_val_every_n_epoch", "0"], "choose 1 or more"),
        (["fit", "cnn_plain", "--seed_everything", "-1"], "--seed_everything of -1"),
        (["fit", "cnn_plain", "--seed_everything", "99999999999"], "--seed_everything of 99999999999"),
        (["fit", "cnn_plain", "--checkpoint.monitor", "val/loss"], "is that of --early_stopping.monitor"),
        (["fit", "cnn_plain", "--config", str(BOOT)], "the configuration cannot be read"),
        (["fit", "cnn_plain", "--data.teacher", "cnn_plian"], "did you mean cnn_plain?"),
    ],
)
def test_a_command_that_would_go_wrong_silently_gets_one_line(
    argv: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_the_recipe_of_a_configuration_is_not_renamed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = LOGS / "cnn_plain" / "report" / "config.yaml"
    with pytest.raises(SystemExit):
        main(["fit", "cnn_plain", "--config", str(config), "--recipe", "tuned"])
    assert "--recipe of tuned: the configuration is of the recipe report" in capsys.readouterr().err


def test_what_is_said_of_weights_cannot_be_changed() -> None:
    fz.get_weights("cnn_plain", "tuned").config["channels"][0] = 5
    assert fz.get_model("cnn_plain", weights="tuned").config["channels"] == [32, 16]


@pytest.mark.parametrize("monitor", ["val/loss", "val/calibration_error"])
def test_what_is_better_when_lower_is_monitored_so(monitor: str) -> None:
    config = TrainCLI(fz.PlainCNN, [f"--early_stopping.monitor={monitor}"]).trainer
    assert [saver.mode for saver in config.checkpoint_callbacks] == ["min", "min"]  # type: ignore[attr-defined]
    assert [callback.mode for callback in config.early_stopping_callbacks] == ["min"]


def test_a_full_device_gets_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        code = "from fashionzoo.cli.main import main; main(['list'])"
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, encoding=OUTPUT_ENCODING, check=False
        )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "the output cannot be written" in line
