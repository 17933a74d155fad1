"""What a launcher calls: fit, test, and the table at the end."""

from __future__ import annotations

import logging
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from torch.utils.data import DataLoader, Dataset

from fashionzoo import environment
from fashionzoo.callbacks import console
from fashionzoo.callbacks.shutdown import TrainingInterruptedError
from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.data.loaders import LoaderDataModule
from fashionzoo.errors import FashionZooError, exit_with_error
from fashionzoo.runner.checks import check_batch, check_checkpoint_matches
from fashionzoo.runner.cli import TrainCLI
from fashionzoo.runner.resumption import resume_command
from fashionzoo.terminal import make_streams_safe
from fashionzoo.training.checkpoints import load_checkpoint
from fashionzoo.training.distillation import check_teacher
from fashionzoo.training.wrapping import NetworkFactory, as_classifier

SUPPRESSED_WARNINGS = (  # Lightning's warnings about what is so on purpose
    ".*does not have many workers.*",  # batches are indexed from memory, workers would only slow them
    ".*smaller than the logging interval.*",  # everything is logged once per epoch
    ".*LeafSpec.*",  # Lightning 2.6 with torch 2.14
    ".*torch.jit.trace.*",  # TensorBoard's graph has no other way yet
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run
)


Data = LightningDataModule | Sequence[Dataset[Any] | DataLoader[Any]]


def launch(network: NetworkFactory, args: Sequence[str] | None = None, data: Data | None = None) -> None:
    """Train a network as the command line says, test its best checkpoint, and print a table.

    Args:
        network: One of the six, a :class:`Classifier` of your own, or any module class, function or module that maps
            ``(N, 1, 28, 28)`` float to ``(N, classes)`` logits.
        args: The command line, or ``None`` for this process's.
        data: What it trains on: a data module, or datasets or DataLoaders of ``(28, 28)`` or ``(1, 28, 28)`` images,
            uint8 or float in [0, 1], for training, validation and test; ``None`` for Fashion-MNIST.

    Raises:
        SystemExit: With code 2 and one line on the screen, when something is wrong that the user can put right.
    """
    make_streams_safe()
    try:
        train(network, args, data=data)
    except FashionZooError as error:
        exit_with_error(error)
    except TrainingInterruptedError as interruption:
        print(f"{interruption}: {resume_command(interruption.trainer)}", file=sys.stderr)
        sys.exit(128 + interruption.signum)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def train(
    network: NetworkFactory, args: Sequence[str] | None, run_dir: Path | None = None, data: Data | None = None
) -> None:
    """Do what :func:`launch` does, and leave it to the caller to say what went wrong.

    Args:
        network: See :func:`launch`.
        args: The command line, or ``None`` for this process's.
        run_dir: Where the run's logs go; ``None`` for ``version_N`` in the network's directory.
        data: See :func:`launch`.

    Raises:
        FashionZooError: Something is wrong that the user can put right.
        TrainingInterruptedError: A signal asked the run to end.
    """
    set_up_process()
    try:
        module = data if data is None or isinstance(data, LightningDataModule) else LoaderDataModule(data)
        launcher = TrainCLI(as_classifier(network), args, run_dir, module)
        with launcher.stop:
            _run(launcher)
    except MisconfigurationException as error:
        raise FashionZooError(str(error)) from error
    except OSError as error:
        raise FashionZooError(
            f"the run cannot go on ({error}): see that its folder is still there and the disk not full"
        ) from error


def set_up_process() -> None:
    """Tune the allocator, and silence what Lightning says of what is so on purpose."""
    environment.tune_glibc_malloc()
    for warning in SUPPRESSED_WARNINGS:
        warnings.filterwarnings("ignore", warning)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)


def fit(launcher: TrainCLI) -> None:
    """Check what only the data show, and train."""
    trainer, network, data = launcher.trainer, launcher.model, launcher.datamodule
    if launcher.resume_path:
        check_checkpoint_matches(launcher.resume_path, launcher.checkpoint, network, data)
    data.prepare_data()
    data.setup("fit")  # sizes that do not fit are refused before Lightning makes the directory of the run
    if isinstance(data, FashionMNISTDataModule):
        check_teacher(data)
    check_batch(network, data)
    if launcher.config.compile:
        network.network.compile()
    trainer.fit(network, data, ckpt_path=launcher.resume_path, weights_only=True)


def _run(launcher: TrainCLI) -> None:
    """Fit, test, print the results."""
    fit(launcher)
    trainer, network, data = launcher.trainer, launcher.model, launcher.datamodule
    checkpoint = trainer.checkpoint_callback
    best = checkpoint.best_model_path if isinstance(checkpoint, ModelCheckpoint) else ""
    if trainer.is_global_zero:
        print(console.stop_reason(trainer), flush=True)
    if best and any(isinstance(callback, WeightAveraging) for callback in trainer.callbacks):  # type: ignore[attr-defined]
        # Lightning would test the weights beside the averaged ones, which the checkpoint is about.
        network.load_state_dict(load_checkpoint(best)["state_dict"])
        best_path = None
    else:
        best_path = best or None
    trainer.test(network, data, ckpt_path=best_path, weights_only=True, verbose=False)
    if trainer.is_global_zero:
        console.print_test_results(network, trainer, best)
