"""Runs in processes of their own, which tests can kill, on the synthetic data."""

import hashlib
import os
import runpy
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fashionzoo.data import sources
from fashionzoo.zoo.registry import get_class
from tests.conftest import SERVER

OUTPUT_ENCODING = os.environ.get("PYTHONIOENCODING", "utf-8")  # of the processes that tests start
SMALL = {
    "mlp": ("--model.widths=[12,8]",),
    "cnn": ("--model.channels=[6,5,4]", "--model.hidden=[8]", "--data.batch_size=32"),
}


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def trust(root: Path) -> None:
    """Take the files under a root for Fashion-MNIST, in this process."""
    for name in sources.SHA256:
        content = (root / "FashionMNIST" / "raw" / name).read_bytes()
        sources.SHA256[name] = hashlib.sha256(content).hexdigest()


def _redirect(folder: Path) -> None:
    """Make a folder the working directory; what the screen shows goes to the file ``screen`` there."""
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    screen = os.open("screen", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(screen, 1)
    os.dup2(screen, 2)
    sys.stdin.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _fit(folder: Path, root: Path, network: str, flags: tuple[str, ...], prepare: Callable[[], None] | None) -> None:
    """Train in a folder."""
    _redirect(folder)
    trust(root)
    from fashionzoo.runner.launch import launch

    if prepare is not None:
        prepare()
    flags = (f"--data.root={root}", "--data.val_size=200", *SMALL[network[:3]], *flags)
    sys.argv = ["train.py", *flags]
    launch(get_class(network))


def _run(folder: Path, root: Path | None, argv: tuple[str, ...], prepare: Callable[[], None] | None) -> None:
    """Run a script, or the command ``fashionzoo``, in a folder; where there is a root, on its data."""
    _redirect(folder)
    if root is not None:
        trust(root)
    sys.argv = list(argv)
    if prepare is not None:
        prepare()
    if argv[0] == "fashionzoo":
        from fashionzoo.cli.main import main

        main()
    else:
        runpy.run_path(argv[0], run_name="__main__")


def run(
    folder: Path, *argv: str | Path, root: Path | None = None, prepare: Callable[[], None] | None = None
) -> tuple[int, str]:
    """Run a script or ``fashionzoo`` as a shell would, but in a process that has imported torch and Lightning already.

    Returns:
        The exit code, and what the screen showed.
    """
    screen = folder / "screen"
    screen.unlink(missing_ok=True)
    process = SERVER.Process(target=_run, args=(folder, root, tuple(map(str, argv)), prepare))
    process.start()
    return finish(process), screen.read_text(encoding=OUTPUT_ENCODING)


def start(
    folder: Path, root: Path, network: str, *flags: str, prepare: Callable[[], None] | None = None
) -> BaseProcess:
    """Start training a small network of a kind; return the process."""
    process = SERVER.Process(target=_fit, args=(folder, root, network, flags, prepare))
    process.start()
    return process


def finish(process: BaseProcess, within: float = 120) -> int:
    """Wait for a process; return its exit code, negative for the signal that killed it."""
    process.join(within)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"{process.name} did not end")
    return process.exitcode


def fit(folder: Path, root: Path, network: str, *flags: str, prepare: Callable[[], None] | None = None) -> int:
    """Train a small network of a kind to the end."""
    return finish(start(folder, root, network, *flags, prepare=prepare))


def wait_for(condition: Callable[[], object], within: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen")
        time.sleep(0.005)


def runs(folder: Path, network: str) -> Path:
    """Return the folder of a network's runs."""
    return folder / "lightning_logs" / network


def last(folder: Path, network: str, version: int = 0) -> dict[str, object]:
    """Read the last checkpoint of a run."""
    path = runs(folder, network) / f"version_{version}" / "checkpoints" / "last.ckpt"
    checkpoint: dict[str, object] = torch.load(path, weights_only=True)
    return checkpoint


def leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Walk through what a checkpoint holds."""
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from leaves(value[key], f"{name}/{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, f"{name}/{index}")
    else:
        yield name, value


def assert_same_training(one: dict[str, object], other: dict[str, object]) -> None:
    """Compare all that training depends on, to the bit: weights, optimizer, schedule, counters, best scores."""
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step", "callbacks"):
        for (name, first), (same, second) in zip(leaves(one[part]), leaves(other[part]), strict=True):
            assert name == same
            if name.endswith(("/current_score", "/seconds")):
                continue  # a note of ModelCheckpoint that Lightning does not restore; how long the run took
            if isinstance(first, torch.Tensor):
                assert isinstance(second, torch.Tensor)
                assert torch.equal(first, second), f"{part}{name}"
            elif not isinstance(first, str) or "/" not in first:  # paths differ
                assert first == second, f"{part}{name}"


def curves(folder: Path, network: str, version: int = 0) -> dict[str, list[tuple[int, float]]]:
    """Read all scalars that TensorBoard shows of a run."""
    events = EventAccumulator(str(runs(folder, network) / f"version_{version}"), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
