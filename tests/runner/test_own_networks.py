"""Networks and data of a user's own: all that the six have, and one line for what cannot be."""

import json
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import timm
import torch
from sklearn.datasets import load_digits
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import fashionzoo as fz
from fashionzoo.cli.main import main
from fashionzoo.data import sources
from fashionzoo.runner.launch import train
from fashionzoo.zoo.runs import Run
from tests.conftest import idx
from tests.processes import OUTPUT_ENCODING, assert_same_training, run
from tests.runner.test_resume import signal_in

MY_NET = """
from torch import nn


class Block(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.Linear(784, width), nn.Dropout(0.2), nn.ReLU())


class MyNet(nn.Sequential):
    def __init__(self, width: int = 12):
        super().__init__(nn.Flatten(), Block(width), nn.Linear(width, 10))
"""
SMALL = ("--trainer.max_epochs=2", "--data.val_size=200", "--data.batch_size=50", "--trainer.enable_progress_bar=false")
NAMES = [f"digit {number}" for number in range(10)]


@pytest.fixture
def my_net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a network of one's own, which is the working directory."""
    (tmp_path / "my_net.py").write_text(MY_NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_trained_resumed_compared_and_exported(
    my_net: Path, root: Path, real_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = (*SMALL, f"--data.root={root}", "--trainer.max_epochs=4", "--model.width=6")
    (my_net / "other").mkdir()
    shutil.copy("my_net.py", "other")
    assert run(my_net / "other", "fashionzoo", "fit", "my_net.py", *flags, root=root)[0] == 0
    whole, cut = my_net / "other/lightning_logs/MyNet/version_0", my_net / "lightning_logs/MyNet/version_0"
    kill = partial(signal_in, fz.Classifier, "training_step", 40)
    assert run(my_net, "fashionzoo", "fit", "my_net.py", *flags, root=root, prepare=kill)[0] < 0
    assert run(my_net, "fashionzoo", "fit", "my_net.py", "--ckpt_path=last", root=root)[0] == 0
    one, other = (torch.load(path / "checkpoints/last.ckpt", weights_only=True) for path in (whole, cut))
    assert_same_training(one, other)
    assert Run(whole).metrics == Run(cut).metrics
    main(["compare", "my_net.py", "cnn_plain:tuned", str(whole), "--network", "my_net.py", "--json"])
    pairs = json.loads(capsys.readouterr().out)["pairs"]
    assert [pair["p"] < 1e-9 for pair in pairs] == [True, False, True]
    assert [pair["only_first"] == pair["only_second"] for pair in pairs] == [False, True, False]
    main(["export", "my_net.py", "m.onnx"])
    images = sources.load_split("test", real_root)[0][:50]
    session = onnxruntime.InferenceSession("m.onnx")
    (probabilities,) = session.run(None, {"images": images.numpy()})
    capsys.readouterr()
    main(["evaluate", "my_net.py", "--json"])
    assert '"network": "MyNet"' in capsys.readouterr().out
    assert probabilities.shape == (50, 10)


def test_a_run_of_ones_own_network_leaves_what_the_six_leave(my_net: Path, root: Path) -> None:
    assert run(my_net, "fashionzoo", "fit", "my_net.py", *SMALL, f"--data.root={root}", root=root)[0] == 0
    run_dir = my_net / "lightning_logs/MyNet/version_0"
    events = EventAccumulator(str(run_dir))
    events.Reload()
    tags = events.Tags()
    assert {"val/confusion", "test/confusion", "test/mistakes"} <= set(tags["images"])
    assert {"activations/1.0", "weights/module.2.weight"} <= set(tags["histograms"])
    assert tags["graph"]
    records = Run(run_dir)
    assert {"gradient_norm/first_layer", "gradient_norm/last_layer", "test/near_zero"} <= set(records.metrics)
    assert set(records.activations) == {"from", "0", "1.0", "1.1", "1.2"}


class Recipes(fz.Classifier):
    """A network with a recipe of its own."""

    recipes = {"short": fz.Recipe("Short.", epochs=1, patience=1, data={"batch_size": 100})}  # noqa: RUF012

    def __init__(self, width: int = 4, lr: float = 1e-3) -> None:
        super().__init__(nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10)), lr)


def tiny_resnet(drop: float = 0.1) -> nn.Module:
    """One of timm's."""
    network: nn.Module = timm.create_model("test_resnet", in_chans=1, num_classes=10, drop_rate=drop)
    return network


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("network", "name", "epochs"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.ReLU(), nn.Linear(8, 10)), "Sequential", 2),
        (tiny_resnet, "tiny_resnet", 2),
        (Recipes, "Recipes", 1),
        (lambda: fz.MLP(widths=(5,)), "network", 2),
    ],
)
def test_anything_that_maps_images_to_logits_is_trained(
    network: Any, name: str, epochs: int, tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    limit = [] if name == "Recipes" else ["--trainer.max_epochs=2"]
    fz.launch(network, [f"--data.root={tiny_root}", "--data.val_size=200", "--data.batch_size=100", *limit])
    (run_dir,) = Path("lightning_logs").glob("*/*")
    assert run_dir.parent.name == name
    assert Run(run_dir).epochs == epochs
    assert Run(run_dir).final("test/acc") >= 0.05


@pytest.mark.filterwarnings("ignore")
def test_a_network_of_ones_own_has_the_quick_recipe(
    tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ["--recipe=quick", f"--data.root={tiny_root}", "--data.val_size=200", "--data.batch_size=32"]
    result = fz.launch(tiny_resnet, flags)
    assert result.metrics["test/acc"] > 0.5


def digits() -> tuple[Dataset[Any], Dataset[Any], Dataset[Any]]:
    """Return scikit-learn's digits, scaled up, for training, validation and test."""
    bunch = load_digits()
    images = nn.functional.interpolate(torch.from_numpy(bunch.images / 16).float()[:, None], 28)
    dataset = TensorDataset(images, torch.from_numpy(bunch.target))
    train, val, test = torch.utils.data.random_split(dataset, [1000, 397, 400], torch.Generator().manual_seed(0))
    return train, val, test


@pytest.mark.filterwarnings("ignore")
def test_other_images_are_trained_on_under_their_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train, val, test = digits()
    data = (DataLoader(train, batch_size=50, shuffle=True), val, test)
    fz.launch(fz.PlainCNN, ["--trainer.max_epochs=3", f"--model.class_names={NAMES}"], data)
    records = Run(Path("lightning_logs/cnn_plain/version_0"))
    assert list(records.confusion) == NAMES
    assert records.final("test/acc") > 0.8
    assert f"val/recall/{NAMES[3]}" in records.metrics
    assert sum(map(sum, (row.values() for row in records.confusion.values()))) == 400


def test_idx_files_of_another_set_are_read_when_their_classes_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for prefix, count in (("train", 300), ("t10k", 60)):
        Path(f"{prefix}-images-idx3-ubyte").write_bytes(idx(generator.integers(0, 256, (count, 28, 28))))
        Path(f"{prefix}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 3))
    flags = ["--data.root=.", "--data.val_size=60", "--data.batch_size=50", "--trainer.max_epochs=1"]
    with pytest.warns(UserWarning, match="is not Fashion-MNIST's"):
        fz.launch(fz.PlainCNN, [*flags, "--data.class_names=[one, two, three]"])
    (best,) = Path("lightning_logs").glob("*/*/checkpoints/best.ckpt")
    capsys.readouterr()
    with pytest.warns(UserWarning, match="is not Fashion-MNIST's"):
        main(["evaluate", "--checkpoint", str(best), "--root", "."])
    assert "recall of three" in capsys.readouterr().out
    with pytest.raises(fz.FashionZooError, match="has labels up to 2 for 2 class names"):
        fz.launch(fz.PlainCNN, [*flags, "--data.class_names=[one, two]"])
    images = Path("train-images-idx3-ubyte")
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(fz.FashionZooError, match="train-images-idx3-ubyte is not an intact IDX file"):
        fz.launch(fz.PlainCNN, [*flags, "--data.class_names=[one, two, three]"])


FILES = {
    "nothing.py": ("x = 1", "nothing.py has no network"),
    "two.py": ("from torch import nn\nclass A(nn.Linear): ...\nclass B(nn.Linear): ...", "several networks, A, B"),
    "syntax.py": ("def f(:", "syntax.py cannot be imported (SyntaxError: invalid syntax, line 1)"),
    "fails.py": ("import no_such_module", "fails.py cannot be imported (ModuleNotFoundError: No module named"),
    "exits.py": ("raise SystemExit(0)", "exits.py cannot be imported (SystemExit: 0)"),
    "shape.py": ("from torch import nn\nclass N(nn.Flatten):\n  def __init__(self): super().__init__(0)", "to (1568,)"),
    "untyped.py": (
        "from torch import nn\nclass N(nn.Flatten):\n  def __init__(self, width): super().__init__()",
        "the argument 'width' of N has no plain type and no default",
    ),
    "clash.py": (
        "from torch import nn\nclass N(nn.Flatten):\n  def __init__(self, lr: float = 1.0): super().__init__()",
        "N has an argument 'lr', as training has: give it another name",
    ),
    "infinite.py": (
        "import torch\nclass N(torch.nn.Flatten):\n  def forward(self, x): return super().forward(x) / 0",
        "N returns logits that are not finite",
    ),
    "factory.py:make": ("def make(): return 3", "make returns a int: let it return a torch.nn.Module"),
    "pickle.py": (
        "import fashionzoo as fz, torch\nclass N(fz.Classifier):\n"
        "  def __init__(self, shape=torch.Size([3])): super().__init__(fz.MLP(widths=(3,)), 0.1); "
        "self.hparams['shape'] = object()",
        "the argument 'shape' of N is a object, which a checkpoint cannot hold",
    ),
    "required.py": (
        "import fashionzoo as fz\nclass N(fz.Classifier):\n"
        "  def __init__(self, width: int): super().__init__(fz.MLP(widths=(width,)), 0.1)",
        "width",
    ),
    "missing.py:Net": ("from torch import nn\nclass N(nn.Flatten): ...", "there is no Net in missing.py"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_holds_no_network_gets_one_line(name: str, tmp_path: Path, tiny_root: Path) -> None:
    text, complaint = FILES[name]
    (tmp_path / name.partition(":")[0]).write_text(text, encoding="utf-8")
    code, screen = run(tmp_path, "fashionzoo", "fit", name, *SMALL, f"--data.root={tiny_root}", root=tiny_root)
    assert code == 2, screen
    assert complaint in screen
    assert "Traceback" not in screen
    assert not (tmp_path / "lightning_logs").exists()


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["fit", "no_such.py"], "there is no file no_such.py"),
        (["fit", "no.such.module:Net"], "no.such.module cannot be imported"),
        (["fit", "my_net"], "unknown network 'my_net': choose from"),
        (["evaluate", "my_net.py"], "MyNet has no trained weights here: `fashionzoo fit my_net.py`"),
        (["compare", "cnn_plain"], "a comparison needs two different networks or more"),
        (["compare", "cnn_plain", "cnn_plain:tuned"], "cnn_plain:tuned is named twice"),
        (["compare", "cnn_plain:best", "cnn_plain"], "unknown weights 'best' of cnn_plain"),
    ],
)
def test_a_network_that_is_not_there_gets_one_line(
    argv: list[str], complaint: str, my_net: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_a_checkpoint_runs_no_code_of_its_own(my_net: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(my_net, "fashionzoo", "fit", "my_net.py", *SMALL, f"--data.root={root}", root=root)[0] == 0
    best = "lightning_logs/MyNet/version_0/checkpoints/best.ckpt"
    with pytest.raises(SystemExit):
        main(["evaluate", "--checkpoint", best])
    assert "holds MyNet, which is not of this package: name its file or class too" in capsys.readouterr().err


def test_labels_beyond_the_classes_are_refused_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = TensorDataset(torch.zeros(20, 28, 28), torch.arange(20))
    with pytest.raises(fz.FashionZooError, match="labels from 0 to 19 for 10 classes"):
        train(fz.PlainCNN, [], data=(data, data, data))
    assert not list(tmp_path.glob("lightning_logs/*/*"))


PLUGIN = """
from torch import nn

def make(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))
"""


def in_process(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run code with a folder of packages on the path."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(path)!r}); {code}"]
    return subprocess.run(command, capture_output=True, encoding=OUTPUT_ENCODING, check=False)


def install(site: Path, module: str, text: str, entries: str) -> None:
    """Put a package with entry points into a folder, as pip would."""
    (site / module).mkdir(parents=True)
    (site / module / "__init__.py").write_text(text, encoding="utf-8")
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[fashionzoo.networks]\n{entries}\n", encoding="utf-8")


def test_a_package_offers_a_network_with_weights(tmp_path: Path) -> None:
    install(tmp_path, "plugin_pkg", PLUGIN, "tiny_plugin = plugin_pkg:make")
    make_weights = (
        "import json, hashlib, torch; from pathlib import Path; from safetensors.torch import save;"
        "from fashionzoo.zoo.registry import get_class; network = get_class('tiny_plugin')().network;"
        "content = save(network.state_dict()); home = Path(sys.path[0]) / 'plugin_pkg' / 'weights'; home.mkdir();"
        "(home / 'tiny.safetensors').write_bytes(content); meta = {'file': 'tiny.safetensors', 'bytes': 1, 'flops': 1,"
        "'sha256': hashlib.sha256(content).hexdigest(), 'config': network.config, 'recipe': {}, 'parameters': 1,"
        "'metrics': {'test/acc': 0.5}, 'seeds': {'mean': 0.5, 'lowest': 0.5, 'highest': 0.5}};"
        "(home / 'manifest.json').write_text(json.dumps({'tiny_plugin': {'tuned': meta}}), encoding='utf-8')"
    )
    assert in_process(make_weights, tmp_path).returncode == 0
    use = (
        "import torch, fashionzoo as fz; from fashionzoo.cli.main import main; main(['list']);"
        "network = fz.get_model('tiny_plugin', weights='tuned'); print(network.classify(torch.zeros(28, 28)).name);"
        "print(fz.get_model('tiny_plugin', width=3).module[1])"
    )
    done = in_process(use, tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"tiny_plugin[ |]+tuned", done.stdout)
    assert "tiny_plugin: from the package plugin_pkg" in done.stdout
    assert "out_features=3" in done.stdout
    weights = tmp_path / "plugin_pkg" / "weights" / "tiny.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    done = in_process("from fashionzoo.cli.main import main; main(['evaluate', 'tiny_plugin'])", tmp_path)
    assert done.returncode == 2
    assert "SHA-256 differs): reinstall it with `pip install --force-reinstall --no-deps plugin_pkg`" in done.stderr


def test_a_broken_package_never_breaks_the_six(tmp_path: Path) -> None:
    install(
        tmp_path, "broken_pkg", "raise RuntimeError('no luck')", "broken = broken_pkg:make\ncnn_plain = broken_pkg:x"
    )
    code = (
        "import fashionzoo as fz; from fashionzoo.cli.main import main; fz.get_model('cnn_plain', weights='tuned');"
        "main(['list']); main(['fit', 'broken'])"
    )
    done = in_process(code, tmp_path)
    assert done.returncode == 2
    assert "cnn_balanced" in done.stdout
    warning, error = done.stderr.splitlines()
    assert warning == "fashionzoo: warning: cnn_plain of broken_pkg:x is left out: this package has that name already"
    assert "broken cannot be loaded from broken_pkg:make (RuntimeError: no luck): mend or remove the package" in error


def test_a_run_belongs_to_the_file_that_it_was_trained_from(
    my_net: Path, root: Path, real_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(my_net, "fashionzoo", "fit", "my_net.py", *SMALL, f"--data.root={root}", root=root)[0] == 0
    records = (my_net / "lightning_logs/MyNet/version_0/metrics.csv").read_bytes()
    (my_net / "other.py").write_text(MY_NET.replace("ReLU", "Tanh"), encoding="utf-8")
    code, screen = run(my_net, "fashionzoo", "fit", "other.py", "--ckpt_path=last", root=root)
    assert code == 2
    assert "holds MyNet of my_net.py, not of other.py" in screen
    assert (my_net / "lightning_logs/MyNet/version_0/metrics.csv").read_bytes() == records
    with pytest.raises(SystemExit):
        main(["evaluate", "other.py"])
    assert "MyNet has no trained weights here" in capsys.readouterr().err
    (my_net / "my_net.py").write_text(MY_NET.replace("ReLU", "Tanh"), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"my_net.py has changed since .*best.ckpt was trained"):
        main(["evaluate", "my_net.py", "--json"])


class Parameters(nn.Module):
    """A network without layers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(784, 10))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return images.flatten(1) @ self.weight


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("network", [Parameters, lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10))])
def test_a_network_without_hidden_layers_is_trained(
    network: Any, tmp_path: Path, tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fz.launch(network, [*SMALL, f"--data.root={tiny_root}"])
    (run_dir,) = Path("lightning_logs").glob("*/*")
    assert Run(run_dir).final("test/acc") > 0.05


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (torch.zeros(20), r"labels of shape \(20,\) and type torch.float32"),
        (torch.zeros(20, 1, dtype=torch.int64), r"labels of shape \(20, 1\)"),
        (torch.full((20,), -100), "give each image the number of its class"),
        (torch.zeros(0, dtype=torch.int64), "the train data are empty"),
    ],
)
def test_labels_that_are_no_class_numbers_are_refused(
    labels: torch.Tensor, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = TensorDataset(torch.zeros(len(labels), 28, 28), labels)
    with pytest.raises(fz.FashionZooError, match=complaint):
        train(fz.PlainCNN, [], data=(data, data, data))


@pytest.mark.filterwarnings("ignore")
def test_names_with_commas_and_labels_of_few_bits_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = TensorDataset(torch.rand(60, 28, 28), (torch.arange(60) % 3).to(torch.int32))
    names = ["a/b", 'x,"y', "é z"]
    train(fz.PlainCNN, ["--trainer.max_epochs=1", f"--model.class_names={json.dumps(names)}"], data=(data, data, data))
    (run_dir,) = Path("lightning_logs").glob("*/*")
    assert list(Run(run_dir).confusion) == names


def test_a_module_that_cannot_be_trained_gets_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def fails() -> nn.Module:
        raise KeyError("no luck")

    with pytest.raises(fz.FashionZooError, match="fails cannot be made"):
        train(fails, [])
    with pytest.raises(fz.FashionZooError, match="has no parameters to train"):
        train(lambda: nn.Sequential(nn.AvgPool2d(7), nn.Flatten()), [])
