"""Measure fashionzoo beside what people use instead, on this machine.

    python experiments/benchmark.py                     # all cases, five rounds: half an hour on two cores
    python experiments/benchmark.py mlp_128             # one of them again; the others keep their numbers

Every implementation trains the same network on the same 55,000 images with the same batch size, in its own process. The
processes take turns (A B C A B C ...), so that whatever else the machine does falls on all of them; the first epoch
of each is warm-up and not counted. Written to experiments/benchmark.json, from which make_results.py makes its tables.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

MEASURED = Path(__file__).with_suffix(".json")
TRAIN, VAL = 55_000, 5_000


class Case(NamedTuple):
    """A network, its batch size (``None`` for the full batch) and how many epochs a round has."""

    network: str
    batch_size: int | None
    epochs: dict[str, int]


FAST = {"bare": 4, "bare-bf16": 4, "fashionzoo": 4}
FULL = {"bare": 15, "bare-bf16": 15, "fashionzoo": 15}
CASES = {
    "mlp_128": Case("mlp_relu_narrowing", 128, FAST),
    "mlp_full": Case("mlp_relu_narrowing", None, FULL),
    "cnn_plain": Case("cnn_plain", 128, {}),
    "cnn_balanced": Case("cnn_balanced", 128, {}),
}


class EpochBarrier:
    """An implementation's side of taking turns: an epoch begins when the other side says so."""

    def __init__(self) -> None:
        self.started: float | None = None

    def next(self, *_: Any) -> None:
        """Report the epoch that has just ended, if one has, and wait for the word to begin another."""
        now = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": now - self.started if self.started else None, "peak": peak}), flush=True)
        if not sys.stdin.readline():
            raise SystemExit  # the rounds are over, in the middle of an implementation's loop
        self.started = time.perf_counter()


def tutorial(case: Case, turns: EpochBarrier, workers: int) -> None:
    """Train as Lightning's documentation teaches: torchvision's data set, a DataLoader, metrics at every step."""
    import torch
    from lightning.pytorch import Callback, LightningModule, Trainer
    from torch.nn import functional as F
    from torch.utils.data import DataLoader
    from torchmetrics.classification import MulticlassAccuracy

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.settings = make(case)
            self.train_acc, self.val_acc = MulticlassAccuracy(10), MulticlassAccuracy(10)

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            images, labels = batch
            logits = self.model(images)
            loss = F.cross_entropy(logits, labels, reduction=self.settings["reduction"])
            self.train_acc(logits, labels)
            self.log("train_loss", loss)
            self.log("train_acc", self.train_acc)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            images, labels = batch
            logits = self.model(images)
            self.val_acc(logits, labels)
            self.log("val_loss", F.cross_entropy(logits, labels))
            self.log("val_acc", self.val_acc)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), **self.settings["sgd"])

    class BarrierCallback(Callback):
        def on_train_epoch_start(self, *_: Any) -> None:
            turns.next()

    train, val = datasets(case)
    options: dict[str, Any] = {"num_workers": workers, "persistent_workers": workers > 0}
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(accelerator="cpu", max_epochs=-1, callbacks=[BarrierCallback()], default_root_dir=folder)
        trainer.fit(
            Module(),
            DataLoader(train, case.batch_size or TRAIN, shuffle=True, **options),
            DataLoader(val, case.batch_size or VAL, **options),
        )


def quickstart(case: Case, turns: EpochBarrier) -> None:
    """Train with the loop of PyTorch's Fashion-MNIST quickstart."""
    import torch
    from torch.nn import functional as F
    from torch.utils.data import DataLoader

    train, val = datasets(case)
    train_loader = DataLoader(train, case.batch_size or TRAIN, shuffle=True)
    val_loader = DataLoader(val, case.batch_size or VAL)
    model, settings = make(case)
    optimizer = torch.optim.SGD(model.parameters(), **settings["sgd"])
    while True:
        turns.next()
        model.train()
        for images, labels in train_loader:
            loss = F.cross_entropy(model(images), labels, reduction=settings["reduction"])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            for images, labels in val_loader:
                (model(images).argmax(1) == labels).sum().item()


def bare(case: Case, turns: EpochBarrier, bf16: bool) -> None:
    """Train in the shortest loop over normalized tensors in memory: no metrics, no validation, no logs."""
    import torch
    from torch.nn import functional as F

    from fashionzoo import files

    model, settings = make(case)
    if bf16:
        model.to(memory_format=torch.channels_last)
    images, labels = files.load_split("train")
    images, labels = model.preprocess(images[:TRAIN]), labels[:TRAIN]
    optimizer = torch.optim.SGD(model.parameters(), **settings["sgd"])
    while True:
        turns.next()
        for chosen in torch.randperm(TRAIN).split(case.batch_size) if case.batch_size else [slice(None)]:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = F.cross_entropy(model(images[chosen]), labels[chosen], reduction=settings["reduction"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def sklearn(case: Case, turns: EpochBarrier) -> None:
    """Train scikit-learn's perceptron; it has no other networks."""
    from sklearn.neural_network import MLPClassifier

    from fashionzoo import files
    from fashionzoo.networks import MLP

    images, labels = files.load_split("train")
    pixels = images[:TRAIN].reshape(TRAIN, -1).float().div(255).numpy()
    widths = MLP().config["widths"]
    model = MLPClassifier(widths, solver="sgd", learning_rate_init=0.01, batch_size=case.batch_size or TRAIN)
    while True:
        turns.next()
        model.partial_fit(pixels, labels[:TRAIN].numpy(), classes=range(10))


def fashionzoo(case: Case, turns: EpochBarrier) -> None:
    """Train as a launcher does, everything on: validation, metrics, TensorBoard, checkpoints, early stopping."""
    from lightning.pytorch import Callback

    from fashionzoo import hardware
    from fashionzoo.classifier import NETWORKS
    from fashionzoo.launcher import TrainCLI

    class BarrierCallback(Callback):
        def on_train_epoch_start(self, *_: Any) -> None:
            turns.next()

    batch = ["--data.batch_size", str(case.batch_size or "null")]
    hardware.tune_glibc_malloc()
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--trainer.max_epochs=1000", "--early_stopping.patience=1000", "--trainer.default_root_dir", folder]
        launcher = TrainCLI(NETWORKS[case.network], [*flags, *batch])
        launcher.trainer.callbacks.insert(0, BarrierCallback())  # type: ignore[attr-defined]
        launcher.trainer.fit(launcher.model, launcher.datamodule)


IMPLEMENTATIONS: dict[str, Callable[[Case, EpochBarrier], None]] = {
    "tutorial, 0 workers": lambda case, turns: tutorial(case, turns, 0),
    "tutorial, 2 workers": lambda case, turns: tutorial(case, turns, 2),
    "quickstart": quickstart,
    "sklearn": sklearn,
    "bare": lambda case, turns: bare(case, turns, bf16=False),
    "bare-bf16": lambda case, turns: bare(case, turns, bf16=True),
    "fashionzoo": fashionzoo,
}


def make(case: Case) -> tuple[Any, dict[str, Any]]:
    """Return a case's network as a plain module in PyTorch's usual memory layout, and how it is trained."""
    import torch

    from fashionzoo.classifier import NETWORKS

    torch.manual_seed(0)
    classifier = NETWORKS[case.network]()  # type: ignore[call-arg]
    sgd = {"lr": classifier.lr, "momentum": classifier.momentum, "weight_decay": classifier.weight_decay}
    network = classifier.network.to(memory_format=torch.contiguous_format)
    return network, {"sgd": sgd, "reduction": classifier.loss_reduction}


def datasets(case: Case) -> tuple[Any, Any]:
    """Return torchvision's data set with the usual transforms, split as fashionzoo splits."""
    from torch.utils.data import Subset
    from torchvision import transforms
    from torchvision.datasets import FashionMNIST

    from fashionzoo import files
    from fashionzoo.images import MEAN, STD

    steps = [transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))]
    images = FashionMNIST(files.resolve_data_dir(), train=True, transform=transforms.Compose(steps))
    return Subset(images, range(TRAIN)), Subset(images, range(TRAIN, TRAIN + VAL))


class Worker:
    """An implementation in its own process, seen from outside."""

    def __init__(self, case: str, implementation: str) -> None:
        command = [sys.executable, __file__, "--implementation", implementation, case]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.implementation, self.peak = implementation, 0.0
        self._report()

    def epoch(self) -> float:
        """Let it train an epoch; return the seconds."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self._report()["seconds"])

    def _report(self) -> dict[str, float]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                report: dict[str, float] = json.loads(line)
                self.peak = report["peak"]
                return report
        raise RuntimeError(f"{self.implementation} ended early")

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def working(case: str, implementations: list[str]) -> Iterator[dict[str, Worker]]:
    """Start a process for each implementation; end them all."""
    workers: dict[str, Worker] = {}
    try:
        for implementation in implementations:
            workers[implementation] = Worker(case, implementation)
        yield workers
    finally:
        for worker in workers.values():
            worker.stop()


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Return seconds per epoch of each round and the peak memory, for each implementation of a case."""
    case = CASES[name]
    implementations = [
        implementation
        for implementation in IMPLEMENTATIONS
        if implementation != "sklearn" or case.network.startswith("mlp")
    ]
    with working(name, implementations) as workers:
        for implementation, worker in workers.items():
            print(f"{name}, {implementation}: warm-up {worker.epoch():.3f} s", flush=True)
        seconds: dict[str, list[float]] = {implementation: [] for implementation in implementations}
        for number in range(1, rounds + 1):
            for implementation, worker in workers.items():
                epochs = case.epochs.get(implementation, 1)
                seconds[implementation].append(statistics.mean(worker.epoch() for _ in range(epochs)))
                print(f"{name}, {implementation}: round {number} {seconds[implementation][-1]:.3f} s", flush=True)
        peaks = {implementation: worker.peak for implementation, worker in workers.items()}
    flops = training_flops(case)
    return {
        implementation: {
            "seconds": seconds[implementation],
            "median": statistics.median(seconds[implementation]),
            "peak_bytes": peaks[implementation],
            "flops_per_second": TRAIN * flops / statistics.median(seconds[implementation]),
        }
        for implementation in implementations
    }


def training_flops(case: Case) -> int:
    """Return the floating-point operations of one image in training: three times those of the way forward."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model, _ = make(case)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 28, 28))
    return 3 * int(counter.get_total_flops())


def matmul_peak(bf16: bool, size: int = 4096) -> float:
    """Return the operations a second of a large matrix product, the best of ten."""
    import torch

    left, right = torch.rand(2, size, size, dtype=torch.bfloat16 if bf16 else torch.float32)
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def start_up(repeats: int) -> dict[str, float]:
    """Return the median seconds that whole processes take."""
    command = str(Path(sys.executable).with_name("fashionzoo"))
    with tempfile.TemporaryDirectory() as folder:
        fit = [command, "fit", "cnn_plain", "--trainer.max_epochs=1", "--data.train_size=1000"]
        subprocess.run([*fit, f"--trainer.default_root_dir={folder}"], check=True, capture_output=True)
        (checkpoint,) = Path(folder).glob("**/best.ckpt")
        image = str(Path(folder) / "black.png")
        from PIL import Image

        Image.new("L", (28, 28)).save(image)
        processes = {
            "python -c 'import torch'": [sys.executable, "-c", "import torch"],
            "fashionzoo list": [command, "list"],
            "fashionzoo predict": [command, "predict", image, "--checkpoint", str(checkpoint)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in processes}
        for _ in range(repeats + 1):
            for name, words in processes.items():
                start = time.perf_counter()
                subprocess.run(words, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def report(results: dict[str, Any]) -> str:
    """Return the results as a section of Markdown."""
    lines = ["## Speed", "", ", ".join(f"{key} {value}" for key, value in results["machine"].items()) + ".", ""]
    peaks = results["peak_flops"]
    lines += [
        f"Matrix products reach {peaks['float32'] / 1e9:.0f} GFLOP/s in float32 and {peaks['bfloat16'] / 1e9:.0f} in "
        "bfloat16 here; the last column is the share of the latter. Seconds are the median of the rounds, with the "
        "fastest and the slowest; the ratio is how many times longer than fashionzoo an implementation takes.",
        "",
    ]
    for name, case in results["cases"].items():
        network, batch_size, _ = CASES[name]
        lines += [
            f"### `{network}`, {f'batches of {batch_size}' if batch_size else 'full batch'}",
            "",
            "| implementation | seconds per epoch | images per second | ratio | peak memory | FLOPs utilization |",
            "|---|---|---|---|---|---|",
        ]
        ours = case["fashionzoo"]["median"]
        for implementation, row in case.items():
            spread = f"{row['median']:.3f} ({min(row['seconds']):.3f}-{max(row['seconds']):.3f})"
            lines.append(
                f"| {implementation} | {spread} | {TRAIN / row['median']:,.0f} | {row['median'] / ours:.2f} | "
                f"{row['peak_bytes'] / 1e9:.2f} GB | {row['flops_per_second'] / peaks['bfloat16']:.1%} |"
            )
        lines.append("")
    lines += ["### Start-up", "", "| process | seconds |", "|---|---|"]
    lines += [f"| `{name}` | {seconds:.2f} |" for name, seconds in results["start_up_seconds"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure the cases and write the results, or be one implementation of one case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=MEASURED, help="default: experiments/benchmark.json")
    parser.add_argument("--implementation", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"no case {', '.join(unknown)}: choose from {', '.join(CASES)}")
    if options.implementation:
        IMPLEMENTATIONS[options.implementation](CASES[options.cases[0]], EpochBarrier())
        return
    from fashionzoo import hardware

    cases = json.loads(options.output.read_text())["cases"] if options.output.exists() else {}
    results = {
        "machine": hardware.collect_env("scikit-learn"),
        "peak_flops": {"float32": matmul_peak(bf16=False), "bfloat16": matmul_peak(bf16=True)},
        "start_up_seconds": start_up(options.rounds),
        "cases": cases | {name: measure(name, options.rounds) for name in options.cases},
    }
    options.output.write_text(json.dumps(results, indent=1) + "\n")
    print(report(results))


if __name__ == "__main__":
    main()
