"""What fashionzoo is measured beside: the same network trained in the ways that people train it."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import nn

TRAIN, VAL = 55_000, 5_000  # images


class Case(NamedTuple):
    """A network, its batch size (``None`` for the full batch), the epochs of a round, and the recipe.

    By ``report``, all implementations train with its SGD; by ``quick``, the others with Adam as PyTorch has it, which
    is what people take where no recipe tells them what to do.
    """

    network: str
    batch_size: int | None
    epochs: dict[str, int]
    recipe: str = "report"


FAST = {"bare": 4, "bare-bf16": 4, "fashionzoo": 4}
FULL = {"bare": 15, "bare-bf16": 15, "fashionzoo": 15}
RACE = Case("cnn_balanced", 128, {}, "quick")  # to an accuracy
CASES = {
    "mlp_128": Case("mlp_relu_narrowing", 128, FAST),
    "mlp_full": Case("mlp_relu_narrowing", None, FULL),
    "cnn_plain": Case("cnn_plain", 128, {}),
    "cnn_balanced": Case("cnn_balanced", 128, {}),
}


def peak_bytes() -> int:
    """Return the most memory that this process has had."""
    import resource  # which Windows does not have: peaks are measured elsewhere

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


class EpochBarrier:
    """An implementation's side of taking turns: an epoch begins when the other side says so."""

    def __init__(self) -> None:
        self.started: float | None = None

    def next(self, accuracy: Callable[[], float] = lambda: 0.0) -> None:
        """Report the epoch that has just ended, if one has, and wait for the word to begin another.

        Args:
            accuracy: Called for the accuracy on the validation images, in time that does not count.
        """
        seconds = time.perf_counter() - self.started if self.started else None
        report = {"seconds": seconds, "peak": peak_bytes(), "accuracy": accuracy() if seconds else 0.0}
        print(json.dumps(report), flush=True)
        if not sys.stdin.readline():
            raise SystemExit  # the rounds are over, in the middle of an implementation's loop
        self.started = time.perf_counter()


def lightning_tutorial(case: Case, turns: EpochBarrier, workers: int) -> None:
    """Train as Lightning's documentation teaches: torchvision's data set, a DataLoader, metrics at every step."""
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
            return make_optimizer(self.model, self.settings)

    class BarrierCallback(Callback):
        def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            turns.next(lambda: float(trainer.callback_metrics["val_acc"]))

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
    optimizer = make_optimizer(model, settings)
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


def plain_loop(case: Case, turns: EpochBarrier, bf16: bool) -> None:
    """Train in the shortest loop over normalized tensors in memory: no metrics, no validation, no logs."""
    import torch
    from torch.nn import functional as F

    from fashionzoo.data import sources

    model, settings = make(case)
    if bf16:
        model.to(memory_format=torch.channels_last)
    images, labels = sources.load_split("train")
    images = model.preprocess(images)
    val_images, val_labels = images[TRAIN:], labels[TRAIN:]
    images, labels = images[:TRAIN], labels[:TRAIN]
    optimizer = make_optimizer(model, settings)

    def accuracy() -> float:
        model.eval()
        with torch.no_grad():
            right = torch.cat([model(batch).argmax(dim=1) for batch in val_images.split(500)]) == val_labels
        model.train()
        return right.float().mean().item()

    while True:
        turns.next(accuracy)
        for chosen in torch.randperm(TRAIN).split(case.batch_size) if case.batch_size else [slice(None)]:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = F.cross_entropy(model(images[chosen]), labels[chosen], reduction=settings["reduction"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def sklearn(case: Case, turns: EpochBarrier) -> None:
    """Train scikit-learn's perceptron; it has no other networks."""
    from sklearn.neural_network import MLPClassifier

    from fashionzoo import MLP
    from fashionzoo.data import sources

    images, labels = sources.load_split("train")
    pixels = images[:TRAIN].reshape(TRAIN, -1).float().div(255).numpy()
    widths = MLP().config["widths"]
    model = MLPClassifier(widths, solver="sgd", learning_rate_init=0.01, batch_size=case.batch_size or TRAIN)
    while True:
        turns.next()
        model.partial_fit(pixels, labels[:TRAIN].numpy(), classes=range(10))


def fashionzoo(case: Case, turns: EpochBarrier) -> None:
    """Train as a launcher does, everything on: validation, metrics, TensorBoard, checkpoints, early stopping."""
    from lightning.pytorch import Callback, LightningModule, Trainer

    from fashionzoo import environment
    from fashionzoo.runner.cli import TrainCLI
    from fashionzoo.zoo.registry import get_class

    class BarrierCallback(Callback):
        def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            turns.next(lambda: float(trainer.callback_metrics["val/acc"]))

        def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            turns.next(lambda: float(trainer.callback_metrics["val/acc"]))

    recipe = ["--recipe=quick"]
    if case.recipe == "report":
        batch_size = f"--data.batch_size={case.batch_size or 'null'}"
        recipe = ["--trainer.max_epochs=1000", "--early_stopping.patience=1000", batch_size]
    environment.tune_glibc_malloc()
    with tempfile.TemporaryDirectory() as folder:
        launcher = TrainCLI(get_class(case.network), [*recipe, f"--trainer.default_root_dir={folder}"])
        launcher.trainer.callbacks.insert(0, BarrierCallback())  # type: ignore[attr-defined]
        launcher.trainer.fit(launcher.model, launcher.datamodule)


IMPLEMENTATIONS: dict[str, Callable[[Case, EpochBarrier], None]] = {
    "tutorial, 0 workers": lambda case, turns: lightning_tutorial(case, turns, 0),
    "tutorial, 2 workers": lambda case, turns: lightning_tutorial(case, turns, 2),
    "quickstart": quickstart,
    "sklearn": sklearn,
    "bare": lambda case, turns: plain_loop(case, turns, bf16=False),
    "bare-bf16": lambda case, turns: plain_loop(case, turns, bf16=True),
    "fashionzoo": fashionzoo,
}


def has_bf16() -> bool:
    """Tell whether this processor has instructions for bfloat16."""
    from fashionzoo import environment

    return "bf16" in environment.collect_env()["instructions"]


def usable(case: Case) -> list[str]:
    """Return the implementations that can train a case's network and do not emulate bfloat16."""
    only_sometimes = {"sklearn": case.network.startswith("mlp"), "bare-bf16": has_bf16()}
    return [name for name in IMPLEMENTATIONS if only_sometimes.get(name, True)]


def make(case: Case) -> tuple[Any, dict[str, Any]]:
    """Return a case's network as a plain module in PyTorch's usual memory layout, and how it is trained."""
    import torch

    from fashionzoo.zoo.registry import get_class

    torch.manual_seed(0)
    classifier = get_class(case.network)()  # type: ignore[call-arg]
    sgd = {"lr": classifier.lr, "momentum": classifier.momentum, "weight_decay": classifier.weight_decay}
    network = classifier.network.to(memory_format=torch.contiguous_format)
    if case.recipe == "quick":
        return network, {"reduction": "mean"}
    return network, {"sgd": sgd, "reduction": classifier.loss_reduction}


def make_optimizer(network: nn.Module, settings: dict[str, Any]) -> torch.optim.Optimizer:
    """Return the optimizer of a case's settings."""
    import torch

    if "sgd" in settings:
        return torch.optim.SGD(network.parameters(), **settings["sgd"])
    return torch.optim.Adam(network.parameters())


def datasets(case: Case) -> tuple[Any, Any]:
    """Return torchvision's data set with the usual transforms, split as fashionzoo splits."""
    from torch.utils.data import Subset
    from torchvision import transforms
    from torchvision.datasets import FashionMNIST

    from fashionzoo.data import sources
    from fashionzoo.images.preprocessing import MEAN, STD

    steps = [transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))]
    images = FashionMNIST(sources.resolve_data_dir(), train=True, transform=transforms.Compose(steps))
    return Subset(images, range(TRAIN)), Subset(images, range(TRAIN, TRAIN + VAL))
