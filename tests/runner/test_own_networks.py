"""Networks of a user's own: all that the six have, and one line for what cannot be."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import timm
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

import fashionzoo as fz
from fashionzoo.cli.main import main
from fashionzoo.data import sources
from fashionzoo.runner.launch import train
from fashionzoo.zoo.runs import Run
from tests.processes import assert_same_training, run
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


def test_a_module_that_cannot_be_trained_gets_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def fails() -> nn.Module:
        raise KeyError("no luck")

    with pytest.raises(fz.FashionZooError, match="fails cannot be made"):
        train(fails, [])
    with pytest.raises(fz.FashionZooError, match="has no parameters to train"):
        train(lambda: nn.Sequential(nn.AvgPool2d(7), nn.Flatten()), [])
