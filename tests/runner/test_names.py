"""A run with a name and changed flags: what it says of itself, and what takes its name."""

import json
import re
import shlex
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import fashionzoo as fz
from fashionzoo.cli.main import main
from tests.processes import run

FLAGS = ("--model.widths=[8]", "--model.lr=1e-6", "--data.train_size=600", "--data.val_size=200")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """Where a run called small was trained; ``screen`` has what it showed."""
    folder = tmp_path_factory.mktemp("names")
    flags = (*FLAGS, f"--data.root={root}", "--trainer.max_epochs=2", "--name", "small")
    code, screen = run(folder, "fashionzoo", "fit", "mlp_relu_narrowing", *flags, root=root)
    assert code == 0, screen
    (folder / "screen").write_text(screen, encoding="utf-8")
    return folder


@pytest.fixture
def small(folder: Path) -> Path:
    """The folder of that run."""
    return folder / "lightning_logs" / "mlp_relu_narrowing" / "small"


def test_what_differs_from_the_recipe_is_printed_and_kept(folder: Path, small: Path) -> None:
    screen = (folder / "screen").read_text(encoding="utf-8")
    assert "recipe   report with widths [8], lr 1e-06, at most 2 epochs, seed 0\n" in screen
    assert "logs     lightning_logs/mlp_relu_narrowing/small\n" in screen
    record = json.loads((small / "run.json").read_text(encoding="utf-8"))
    assert (record["network"], record["recipe"]) == ("mlp_relu_narrowing", "report")
    assert set(record["changed"]) == {
        *("model.widths", "model.lr", "trainer.max_epochs", "data.train_size", "data.val_size"),
    }
    events = EventAccumulator(str(small))
    events.Reload()
    (text,) = events.Tensors("changed/text_summary")
    assert b"widths [8], lr 1e-06" in text.tensor_proto.string_val[0]


def test_a_run_has_a_page_whose_commands_work(
    folder: Path, small: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    page = (small / "README.md").read_text(encoding="utf-8")
    assert 18 <= len(page.splitlines()) <= 26
    assert "the recipe report, with epochs 2, widths [8], lr 1e-06" in page
    assert "Training stopped after epoch 2: all epochs done." in page
    assert re.search(r"Test accuracy: \d+\.\d\d % of 200 images, 95 % interval \d+\.\d\d to \d+\.\d\d %", page)
    named = set(re.findall(r"^\| `(\S+)` \|", page, re.MULTILINE))
    assert all(list(small.glob(name)) for name in named)
    others = {path.name for path in small.glob("*") if not any(path.match(name) for name in named)}
    assert others == {"README.md", "checkpoints", "hparams.yaml"} & others
    monkeypatch.chdir(folder)
    (load,) = re.findall(r"`fashionzoo\.get_model\(weights=\'(.*)\'\)`", page)
    assert fz.get_model(weights=load).config["widths"] == [8]
    commands = dict(re.findall(r"^- ([a-z ]+): `fashionzoo (.*)`$", page, re.MULTILINE))
    assert set(commands) == {"classify", "compare", "plot", "resume", "train again"}
    for name in ("compare", "plot", "resume"):
        words = shlex.split(commands[name])
        more = [] if name == "plot" else [f"--root={root}"] if name == "compare" else [f"--data.root={root}"]
        code, screen = run(folder, "fashionzoo", *words, *more, root=root)
        assert code == 0, screen


def test_a_run_is_named_wherever_a_network_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    monkeypatch.chdir(folder)
    name, network = "mlp_relu_narrowing/small", "mlp_relu_narrowing"
    checkpoint = f"lightning_logs/{name}/checkpoints/best.ckpt"
    for words in ((name,), ("--checkpoint", name), (checkpoint,), (f"lightning_logs/{name}",)):
        done, screen = run(folder, "fashionzoo", "evaluate", *words, f"--root={root}", root=root)
        assert done == 0, screen
        assert f"{name}, 200 test images" in screen
    assert len({str(fz.get_model(*arguments).state_dict()) for arguments in ((network, checkpoint), (None, name))}) == 1
    with pytest.raises(fz.FashionZooError, match="leave out dropout"):
        fz.get_model(weights=checkpoint, dropout=0.1)
    done, screen = run(folder, "fashionzoo", "compare", name, network, f"--root={root}", root=root)
    assert done == 0, screen
    assert f"{network}:report is compared, as your run of it has that recipe" in screen
    assert re.search(rf"1  {name}\n2  {network}:report\n", screen)
    main(["runs", network, "--format", "csv"])
    assert f'{name},report,"epochs 2, widths [8], lr 1e-06, ' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ("--name=a/b", "--name of 'a/b': choose letters, digits"),
        ("--name=", "--name of '': choose letters, digits"),
        ("--name=..", "--name of '..': choose letters, digits"),
        ("--name=report", "--name of report: published runs and those without a name are called so"),
        ("--name=quick", "--name of quick: published runs"),
        ("--name=version_7", "--name of version_7: published runs"),
        ("--name=small", "mlp_relu_narrowing/small is there already"),
        ("--name=x --trainer.logger=false", "--name of x: this run has no folder of its own"),
        ("--name=x --ckpt_path=lightning_logs/mlp_relu_narrowing/small/checkpoints/last.ckpt", "is resumed there"),
    ],
)
def test_a_name_that_cannot_be_gets_one_line_and_leaves_no_run(
    flags: str, complaint: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    with pytest.raises(SystemExit) as end:
        main(["fit", "mlp_relu_narrowing", *flags.split()])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line
    assert sorted(folder.rglob("*")) == before


def test_the_newest_run_is_resumed_whatever_its_name(folder: Path, root: Path) -> None:
    for flags in (("--ckpt_path=last",), ("--ckpt_path=last", "--name=small")):
        code, screen = run(folder, "fashionzoo", "fit", "mlp_relu_narrowing", *flags, f"--data.root={root}", root=root)
        assert code == 0, screen
        assert "logs     " in screen
        assert "lightning_logs/mlp_relu_narrowing/small\n" in screen
