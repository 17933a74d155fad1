"""Other systems, terminals and versions than those that the tests run on, as far as they can be had here."""

import io
import os
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from filelock import FileLock
from PIL import Image

from fashionzoo import CNN, FashionZooError, PlainCNN, environment, terminal
from fashionzoo.callbacks.shutdown import GracefulShutdown
from fashionzoo.data import sources
from fashionzoo.images.conversion import FORMATS, expand_image_paths, to_uint8
from fashionzoo.io import atomic_write, is_inside
from fashionzoo.runner import resumption
from fashionzoo.runner.launch import train
from tests import ROOT
from tests.conftest import put

BOOT = ROOT / "tests" / "pictures" / "boot.png"


def fashionzoo(*words: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "fashionzoo", *words]
    return subprocess.run(command, capture_output=True, check=False, env={**os.environ, **variables})


@pytest.mark.parametrize(
    ("accelerator", "cuda", "mps", "device"),
    [
        ("auto", False, False, "cpu"),
        ("auto", False, True, "mps"),
        ("auto", True, False, "cuda"),
        ("gpu", False, True, "mps"),
        ("gpu", True, False, "cuda"),
        ("cuda", True, False, "cuda"),
        ("mps", False, True, "mps"),
        ("cpu", True, True, "cpu"),
        ("tpu", False, False, "meta"),
    ],
)
def test_each_accelerator_stands_for_a_device(
    accelerator: str, cuda: bool, mps: bool, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert environment.resolve_device(accelerator).type == device
    assert not environment.has_fast_bf16(torch.device("mps"))


def second_convolution(network: CNN) -> torch.Tensor:
    """Return weights whose layout in memory can be told."""
    (weights,) = (parameter for name, parameter in network.named_parameters() if name == "blocks.1.0.weight")
    return weights


def test_weights_are_laid_out_as_suits_the_device() -> None:
    network = CNN(batch_norm=True)
    assert second_convolution(network).is_contiguous(memory_format=torch.channels_last)
    assert environment.preferred_memory_format(torch.device("mps")) == torch.contiguous_format
    assert second_convolution(network.to("meta")).is_contiguous()
    assert second_convolution(CNN().to(memory_format=torch.contiguous_format)).is_contiguous()  # as somebody asked


def test_a_name_that_the_terminal_cannot_show_keeps_nothing_back(tmp_path: Path) -> None:
    names = [tmp_path / "日本.png", Path(os.fsdecode(os.fsencode(tmp_path) + b"/sh\xe9rt.png")), tmp_path / "boot.png"]
    for name in names:
        name.write_bytes(BOOT.read_bytes())
    for encoding in ("cp1252", "ascii", "utf-8"):
        done = fashionzoo("predict", *map(str, names), "--top", "1", PYTHONIOENCODING=encoding)
        assert done.returncode == 0
        assert done.stdout.count(b"Ankle boot") == 3


def test_no_requirement_holds_torch_to_its_newest_release() -> None:
    """Each torchvision asks for the torch of its day, so it is in extras only."""
    needed = [line for line in requires("fashionzoo") or [] if "extra ==" not in line]
    assert "torch>=2.6" in needed
    assert not [line for line in needed if line.startswith("torchvision")]


def test_a_folder_of_any_name_is_trained_in_and_read_again(
    tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "Jörg's Ordner 日本"
    (place / "data").mkdir(parents=True)
    (tiny_root / "FashionMNIST").rename(place / "data" / "FashionMNIST")
    monkeypatch.chdir(place)
    flags = [f"--data.root={place / 'data'}", "--data.val_size=200", "--trainer.max_epochs=1", "--model.channels=[4]"]
    train(PlainCNN, [*flags, f"--trainer.default_root_dir={place}"])
    config = place / "lightning_logs" / "cnn_plain" / "version_0" / "config.yaml"
    assert config.read_bytes().isascii()
    assert yaml.safe_load(config.read_bytes())["data"]["root"] == str(place / "data")
    train(PlainCNN, ["--ckpt_path=last", "--trainer.max_epochs=2", f"--trainer.default_root_dir={place}"])
    assert (config.parent / "metrics.csv").read_text(encoding="utf-8").count("\n") == 3
    assert not [file for file in map(os.path.realpath, Path("/proc/self/fd").iterdir()) if "tfevents" in file]


def test_the_line_that_resumes_can_be_typed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumption, "ModelCheckpoint", SimpleNamespace)
    trainer = SimpleNamespace(
        checkpoint_callbacks=[SimpleNamespace(filename="last", best_model_path="my logs/last.ckpt")]
    )
    python, again = Path(sys.executable).name, "--ckpt_path 'my logs/last.ckpt'"

    def line(*argv: str) -> str:
        monkeypatch.setattr(sys, "argv", list(argv))
        return resumption.resume_command(trainer).splitlines()[-1]  # type: ignore[arg-type]

    assert line("train.py", "--model.lr=1") == f"{python} train.py --model.lr=1 {again}"
    assert line("/bin/fashionzoo", "fit", "cnn_plain") == f"fashionzoo fit cnn_plain {again}"
    assert line("/lib/fashionzoo/__main__.py", "fit", "cnn_plain") == f"{python} -m fashionzoo fit cnn_plain {again}"
    assert line("train.py", "--ckpt_path", "a", "--ckpt_path=b", "--compile=true").count("ckpt_path") == 1
    with monkeypatch.context() as windows:
        windows.setattr(terminal, "os", SimpleNamespace(name="nt"))
        assert line("train.py") == f'{python} train.py --ckpt_path "my logs/last.ckpt"'
    for name, value in {"LOCAL_WORLD_SIZE": "2", "GROUP_WORLD_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("fashionzoo.runner.resumption.TorchElasticEnvironment.detect", lambda: True)
    assert line("train.py").startswith("torchrun --nproc-per-node 2 train.py --ckpt_path")


def test_a_file_that_another_program_has_open_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, replace, refusals = tmp_path / "metrics.csv", Path.replace, [1, 1]

    def busy(path: Path, to: Path) -> Path:
        if refusals:
            refusals.pop()
            raise PermissionError(13, "in use")
        return replace(path, to)

    monkeypatch.setattr("fashionzoo.io.REPLACE_DELAY_S", 0)
    monkeypatch.setattr(Path, "replace", busy)
    with atomic_write(target) as file:
        file.write(b"new")
    assert target.read_bytes() == b"new"
    refusals.extend([1] * 1000)
    with pytest.raises(FashionZooError, match=r"cannot be replaced \(in use\): close it"), atomic_write(target) as file:
        file.write(b"newer")
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


def test_the_cache_folder_bears_the_name_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASHIONZOO_DATA", raising=False)
    monkeypatch.setattr(sources, "user_cache_path", lambda *names, appauthor: Path(*names, str(appauthor)))
    assert sources.resolve_data_dir() == Path("fashionzoo/False")


def test_a_file_system_without_locks_still_gets_the_data(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(self: FileLock) -> None:
        raise NotImplementedError

    monkeypatch.setattr(FileLock, "_acquire", no_locks)
    put(tmp_path, contents, packed=True)
    assert all(file.path.is_file() for file in sources.ensure_downloaded(tmp_path))
    assert not list(tmp_path.glob("**/*.softlock"))


def test_folders_and_patterns_give_pictures_only(tmp_path: Path) -> None:
    for name in ("a.png", "b.JPG", "._a.png", "c.pdf", "d.eps", "notes.txt", ".DS_Store"):
        (tmp_path / name).touch()
    names = ["a.png", "b.JPG"]
    assert [path.name for path in expand_image_paths([tmp_path])] == names
    assert [path.name for path in expand_image_paths([tmp_path / "*.*"])] == names
    assert list(expand_image_paths([tmp_path / "*.gif"])) == [tmp_path / "*.gif"]


@pytest.mark.parametrize("kind", [*FORMATS, "PCX", "SGI", "TGA", "PDF", "EPS"])
def test_the_decoders_of_rare_formats_are_not_asked(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    picture = Image.new("RGB", (30, 40), "gray")
    picture.paste("navy", (10, 10, 20, 30))
    picture.save(path, format=kind)
    if kind not in FORMATS:
        with pytest.raises(FashionZooError, match="use an intact PNG or JPEG file"):
            to_uint8(path)
    else:
        assert to_uint8(path).shape == (1, 1, 28, 28)


@pytest.mark.parametrize(("there", "variable"), [("g++", "ccache g++"), ("cl", ""), ("clang++", "")])
def test_each_compiler_is_found(there: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", variable)
    monkeypatch.setattr("shutil.which", lambda name: name if name == there else None)
    environment.check_compiler()


@pytest.mark.parametrize(("platform", "advice"), [("win32", "Visual Studio"), ("darwin", "xcode"), ("linux", "g..,")])
def test_the_missing_compiler_is_named(platform: str, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(FashionZooError, match=advice):
        environment.check_compiler()


def test_a_source_tree_that_was_not_installed_has_no_version_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment, "version", missing)
    assert environment.collect_env()["fashionzoo"] == "unknown"


def test_an_old_torch_is_named_before_anything_is_imported(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    (tmp_path / "torch" / "version.py").write_text("__version__ = '2.5.1+cu121'\n", encoding="utf-8")
    done = fashionzoo("predict", str(BOOT), PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("fashionzoo: error: torch 2.5.1+cu121 is installed, and fashionzoo needs 2.6 or newer")
    code = "import fashionzoo; fashionzoo.get_model"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=environ)
    assert b"FashionZooError: torch 2.5.1" in done.stderr


def test_a_folder_is_the_same_by_another_name(tmp_path: Path) -> None:
    (tmp_path / "logs" / "run").mkdir(parents=True)
    (tmp_path / "LOGS").symlink_to(tmp_path / "logs")
    assert is_inside(tmp_path / "logs" / "run", tmp_path / "LOGS")
    assert not is_inside(tmp_path / "logs" / "run", tmp_path / "other")


def test_ctrl_break_ends_a_run_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    shutdown = GracefulShutdown()
    with shutdown:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert shutdown.signum == signal.SIGUSR1


def test_no_text_is_read_or_written_in_the_systems_encoding() -> None:
    words = ["claims", "N1.level", str(ROOT / "lightning_logs")]
    code = (
        "import warnings; warnings.filterwarnings('error', category=EncodingWarning, module='fashionzoo');"
        f"from fashionzoo.cli.main import main; main(['list']); main({words})"
    )
    done = subprocess.run([sys.executable, "-X", "warn_default_encoding", "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_a_notebooks_stream_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    terminal.make_streams_safe()
