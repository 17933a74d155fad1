"""The trained networks: their files, what is said of them, and the ways out of the zoo."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from statistics import mean

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import fashionzoo as fz
from fashionzoo.claims import runs
from fashionzoo.claims.runs import SEEDS, declared_seeds
from fashionzoo.cli.main import main
from fashionzoo.data import sources
from fashionzoo.training.recipe import get_recipe
from fashionzoo.weights import manifest
from fashionzoo.zoo import registry
from fashionzoo.zoo.evaluation import Evaluation, evaluate
from fashionzoo.zoo.export import ATOL, EXPORTERS, export
from fashionzoo.zoo.intervals import mean_interval, wilson_interval
from tests import ROOT

LOGS = ROOT / "lightning_logs"
EVERY = [(name, version) for name in registry.list_models() for version in manifest.VERSIONS]


@pytest.fixture(scope="module")
def scores(real_root: Path) -> dict[tuple[str, str], Evaluation]:
    """Each of the twelve files, measured on the real test set."""
    return {key: evaluate(fz.get_model(*key), real_root) for key in EVERY}


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the weights that a test may damage."""
    folder = tmp_path / "weights"
    shutil.copytree(manifest.WEIGHTS_DIR, folder)
    monkeypatch.setattr(manifest, "WEIGHTS_DIR", folder)
    return folder


@pytest.mark.parametrize("key", EVERY)
def test_no_weight_is_too_small_for_fast_arithmetic(key: tuple[str, str]) -> None:
    for weights in fz.get_model(*key).parameters():
        assert not ((weights != 0) & (weights.abs() < torch.finfo(torch.float32).tiny)).any()


@pytest.mark.parametrize("key", EVERY)
def test_each_file_scores_what_the_manifest_says(
    key: tuple[str, str], scores: dict[tuple[str, str], Evaluation]
) -> None:
    pretrained = fz.get_weights(*key)
    measured = scores[key]
    assert round(1e4 * pretrained.metrics["test/acc"]) == round(1e4 * measured.metrics["test/acc"])
    assert pretrained.metrics == pytest.approx(measured.metrics, abs=1e-3)
    assert sum(row[label] for label, row in enumerate(measured.confusion)) == round(1e4 * measured.metrics["test/acc"])


@pytest.mark.parametrize("key", EVERY)
def test_the_manifest_says_what_the_runs_say(key: tuple[str, str]) -> None:
    entry = fz.get_weights(*key).meta
    found = runs.find(LOGS, *key)
    accuracies = [run.final("test/acc") for run in found.values()]
    assert set(SEEDS) <= set(found) <= set(declared_seeds(*key))
    assert entry["seeds"] == {
        "count": len(found),
        "mean": pytest.approx(mean(accuracies), abs=1e-6),
        "interval": pytest.approx(mean_interval(accuracies), abs=1e-6),
        "lowest": min(accuracies),
        "highest": max(accuracies),
    }
    assert entry["interval"] == pytest.approx(wilson_interval(entry["metrics"]["test/acc"], 10_000), abs=1e-6)
    assert entry["seed"] == 0
    assert entry["made_on"] == found[0].environment
    # in the precision of training, a few images near a boundary fall on its other side
    assert entry["metrics"]["test/acc"] == pytest.approx(found[0].final("test/acc"), abs=2e-3)
    for flag, value in get_recipe(registry.get_class(key[0]), key[1]).cli_defaults().items():
        if flag in entry["recipe"]:
            assert entry["recipe"][flag] == value


def test_the_weights_are_small_float32_and_the_ones_published() -> None:
    assert sum(path.stat().st_size for path in manifest.WEIGHTS_DIR.glob("*.safetensors")) < 12e6
    for name, version in EVERY:
        weights = fz.get_weights(name, version)
        assert hashlib.sha256(weights.path.read_bytes()).hexdigest() == weights.meta["sha256"]
        tensors = load_file(weights.path)
        parameters = fz.get_model(name, version).parameters()
        assert weights.meta["parameters"] == sum(parameter.numel() for parameter in parameters)
        assert {value.dtype for value in tensors.values() if value.is_floating_point()} == {torch.float32}


def test_both_versions_have_one_architecture() -> None:
    for name in registry.list_models():
        report, tuned = (fz.get_weights(name, version).config for version in manifest.VERSIONS)
        differs = {key for key in report if report[key] != tuned.get(key, report[key])}  # older files have fewer keys
        assert differs <= {"dropout", "standardize"}
        assert bool(report["dropout"]) == bool(tuned["dropout"])


def test_the_balanced_network_is_the_best() -> None:
    means = {name: fz.get_weights(name, "tuned").meta["seeds"]["mean"] for name in registry.list_models()}
    assert max(means, key=means.__getitem__) == "cnn_balanced"


def test_a_fresh_network_takes_hyperparameters() -> None:
    network = fz.get_model("cnn_plain", channels=(8, 4), activation="elu")
    assert network.training
    assert network.config["channels"] == [8, 4]
    assert fz.get_model("cnn_balanced", weights="tuned", dropout=0.5).config["dropout"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"name": "cnn_balance"}, "did you mean cnn_balanced?"),
        ({"name": "resnet"}, "choose from cnn_balanced"),
        ({"name": "cnn_plain", "weights": "tune"}, "did you mean tuned?"),
        ({"name": "cnn_plain", "weights": ""}, "unknown weights '' of cnn_plain: choose from report, tuned"),
        ({"name": "cnn_plain", "weights": True}, "unknown weights True of cnn_plain: choose from report, tuned"),
        ({"name": ["cnn_plain"]}, "unknown network ['cnn_plain']"),
        ({"name": "cnn_plain", "weights": "tuned", "channels": (64, 32)}, "channels=[64, 32] does not fit the tuned"),
        ({"name": "cnn_plain", "weights": "tuned", "activation": "elu"}, "activation=elu does not fit"),
        ({"name": "cnn_plain", "widths": (64, 32)}, "no hyperparameter 'widths'"),
        ({"name": "cnn_plain", "channels": 3}, "cannot be made of"),
        ({"name": "cnn_plain", "activation": "gelu"}, "unknown activation 'gelu': did you mean elu?"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(fz.FashionZooError) as refused:
        fz.get_model(**arguments)  # type: ignore[arg-type]
    assert complaint in str(refused.value)


def test_damaged_weights_are_refused_by_name(installation: Path) -> None:
    file, other = (installation / f"{name}-tuned.safetensors" for name in ("cnn_plain", "cnn_dropout_l2"))
    whole = file.read_bytes()
    flipped = bytes([*whole[:-1], whole[-1] ^ 1])
    for content in (flipped, whole[:1000], b"", other.read_bytes()):
        file.write_bytes(content)
        with pytest.raises(
            fz.FashionZooError, match=r"cnn_plain-tuned.safetensors is not what was published .* reinstall"
        ):
            fz.get_model("cnn_plain", weights="tuned")
    file.unlink()
    with pytest.raises(fz.FashionZooError, match=r"cannot read .*cnn_plain-tuned.safetensors .*: reinstall"):
        fz.get_model("cnn_plain", weights="tuned")


def test_list_shows_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    main(["list"])
    screen = capsys.readouterr().out
    main(["list", "--json"])
    entries = json.loads(capsys.readouterr().out)
    assert [(entry["network"], entry["version"]) for entry in entries] == EVERY
    for entry in entries:
        assert entry["network"] in screen
        assert f"{100 * entry['metrics']['test/acc']:.2f} (" in screen


def test_evaluate_prints_and_draws_what_was_measured(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    scores: dict[tuple[str, str], Evaluation],
) -> None:
    main(["evaluate", "cnn_plain", "--weights", "report", "--plot", str(tmp_path / "confusion.png")])
    screen = capsys.readouterr().out
    expected = scores["cnn_plain", "report"]
    assert f"{100 * expected.metrics['test/acc']:.2f} %" in screen
    assert all(f" {images} " in screen for row in expected.confusion for images in row if images)
    assert Image.open(tmp_path / "confusion.png").size > (300, 300)
    main(["evaluate", "cnn_plain", "--weights", "report", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["metrics"] == pytest.approx(expected.metrics)
    assert printed["confusion"] == expected.confusion


def test_predict_compares_all_networks(tmp_path: Path, capsys: pytest.CaptureFixture[str], real_root: Path) -> None:
    images, _ = sources.load_split("test", real_root)
    picture = tmp_path / "boot.png"
    Image.fromarray(images[0].numpy()).save(picture)
    main(["predict", str(picture)])
    assert capsys.readouterr().out.startswith(f"{picture}: Ankle boot ")
    main(["predict", str(picture), "--model", "all", "--top", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == registry.list_models()
    assert all(line.count("%") == 1 for line in lines)
    main(["predict", str(picture), "--model", "all", "--top", "10", "--weights", "report", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert [answer["network"] for answer in said] == registry.list_models()
    assert all(sum(answer["probabilities"].values()) == pytest.approx(1) for answer in said)
    assert {answer["weights"] for answer in said} == {"report"}


@pytest.mark.parametrize("ending", EXPORTERS)
@pytest.mark.parametrize("name", registry.list_models())
def test_an_exported_network_says_the_same(name: str, ending: str, tmp_path: Path, real_root: Path) -> None:
    network, file = fz.get_model(name, weights="tuned"), tmp_path / f"network{ending}"
    assert export(network, file, real_root) <= ATOL
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    images = sources.load_split("test", real_root)[0][-7:]
    expected = np.array([list(answer.probabilities.values()) for answer in network.predictions(images.unsqueeze(1))])
    if ending == ".onnx":
        (got,) = onnxruntime.InferenceSession(file).run(None, {"images": images.numpy()})
    elif ending == ".pt2":
        got = torch.export.load(file).module()(images).detach().numpy()
    else:
        answers = fz.Network.from_pretrained(file).predictions(images.unsqueeze(1))
        got = np.array([list(answer.probabilities.values()) for answer in answers])
    np.testing.assert_allclose(got, expected, atol=ATOL)


def test_a_saved_network_comes_back_with_its_classes(tmp_path: Path) -> None:
    network = fz.CNN(channels=(4,), num_classes=3).eval()
    network.name_classes(("hat", "scarf", "glove"))
    network.save_pretrained(tmp_path / "mine")
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"config.json", "model.safetensors"}
    for path in (tmp_path / "mine", tmp_path / "mine" / "model.safetensors"):
        again = fz.CNN.from_pretrained(path)
        assert (again.config, again.class_names) == (network.config, network.class_names)
        assert torch.equal(again(torch.ones(1, 1, 28, 28)), network(torch.ones(1, 1, 28, 28)))
    shipped = fz.Network.from_pretrained(fz.get_weights("cnn_plain", "tuned").path)
    assert shipped.classify(ROOT / "tests" / "pictures" / "boot.png").name == "Ankle boot"


def test_commands_take_an_exported_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.safetensors"
    export(fz.get_model("cnn_plain", "tuned"), file)
    main(["predict", str(ROOT / "tests" / "pictures" / "boot.png"), "--checkpoint", str(file), "--json"])
    (prediction,) = json.loads(capsys.readouterr().out)
    assert (prediction["network"], prediction["name"]) == ("mine", "Ankle boot")
    main(["compare", str(file), "cnn_plain:tuned"])
    assert "are right on as many images" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(SystemExit):
        main(["evaluate", "cnn_balanced", "--checkpoint", str(file)])
    assert "says itself what it holds" in capsys.readouterr().err


def test_what_is_no_saved_network_gets_one_line(tmp_path: Path) -> None:
    fz.MLP(widths=(4,)).save_pretrained(tmp_path)
    with pytest.raises(fz.FashionZooError, match="holds a MLP: load it with fz"):
        fz.CNN.from_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(fz.FashionZooError, match="name what save_pretrained or export wrote"):
            fz.Network.from_pretrained(path)
    own = fz.ModuleNetwork(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10)))
    with pytest.raises(fz.FashionZooError, match="is code, which no file holds"):
        own.save_pretrained(tmp_path)


def test_the_hub_finds_the_networks() -> None:
    pixels = torch.zeros(28, 28)
    for name in registry.list_models():
        network = torch.hub.load(str(ROOT), name, source="local", weights="report")
        assert network.classify(pixels) == fz.get_model(name, weights="report").classify(pixels)


def test_the_wheel_works_read_only_and_outside_the_checkout(tmp_path: Path, real_root: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", tmp_path, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    for path in [*installed.rglob("*"), installed]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    Image.fromarray(sources.load_split("test", real_root)[0][0].numpy()).save(tmp_path / "some.png")
    code = (
        "import sys, fashionzoo as fz; from fashionzoo.cli.main import main; "
        "[fz.get_model(name, version) for name in fz.list_models() for version in ('report', 'tuned')]; "
        "main(['list']); main(['predict', 'some.png']); print(fz.__file__); sys.exit('lightning' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "", "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "some.png: Ankle boot" in done.stdout
    assert str(installed) in done.stdout
