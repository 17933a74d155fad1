"""What a launcher calls: fit, test, and the table at the end."""

from __future__ import annotations

import atexit
import logging
import shutil
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader, Dataset

from fashionzoo import environment
from fashionzoo.callbacks import console
from fashionzoo.callbacks.shutdown import TrainingInterruptedError
from fashionzoo.callbacks.trainer_data import tensorboards
from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.data.loaders import LoaderDataModule
from fashionzoo.errors import DivergedError, FashionZooError, exit_with_error
from fashionzoo.io import make_folder
from fashionzoo.models.network import Network
from fashionzoo.openmp import sharing_cores
from fashionzoo.runner.checks import check_batch, check_checkpoint_matches, check_smallest_batch
from fashionzoo.runner.cli import TrainCLI
from fashionzoo.runner.resumption import NOTHING_SAVED, config_path, last_checkpoint, resume_command
from fashionzoo.terminal import discard_output, format_percent, make_streams_safe
from fashionzoo.training.checkpoints import load_checkpoint
from fashionzoo.training.distillation import check_teacher
from fashionzoo.training.wrapping import NetworkFactory, as_classifier
from fashionzoo.weights.familiarity import add_familiarity

SUPPRESSED_WARNINGS = (  # Lightning's warnings about what is so on purpose
    ".*does not have many workers.*",  # batches are indexed from memory, workers would only slow them
    ".*smaller than the logging interval.*",  # everything is logged once per epoch
    ".*LeafSpec.*",  # Lightning 2.6 with torch 2.14
    ".*torch.jit.trace.*",  # TensorBoard's graph has no other way yet
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run
)


Data = LightningDataModule | Sequence[Dataset[Any] | DataLoader[Any]]


@dataclass(frozen=True)
class TrainingResult:
    """What a run leaves.

    Args:
        network: The trained network with the weights of the best checkpoint, in evaluation mode.
        metrics: What was measured on the test images: ``"test/acc"`` and so on.
        folder: Where its logs, records and checkpoints are; ``None`` if it was run without a logger for TensorBoard.
    """

    network: Network
    metrics: dict[str, float]
    folder: Path | None

    def __repr__(self) -> str:
        """Return the test accuracy, and where the run is."""
        return f"<TrainingResult test accuracy {format_percent(self.metrics['test/acc'])}, run in {self.folder}>"


def launch(network: NetworkFactory, args: Sequence[str] | None = None, data: Data | None = None) -> TrainingResult:
    """Train a network as the command line says, test its best checkpoint, and print a table.

    Args:
        network: One of the six, a :class:`Classifier` of your own, or any module class, function or module that maps
            ``(N, 1, 28, 28)`` float to ``(N, classes)`` logits.
        args: Flags, as in a notebook, or ``None`` for those of this process, as in a script.
        data: What it trains on: a data module, or datasets or DataLoaders of ``(28, 28)`` or ``(1, 28, 28)`` images,
            uint8 or float in [0, 1], for training, validation and test; ``None`` for Fashion-MNIST.

    Raises:
        FashionZooError: Something is wrong that the user can put right, and flags were given.
        KeyboardInterrupt: Ctrl-C ended the run after a step, and flags were given; the message says how to resume it.
        SystemExit: No flags were given, and something is wrong, which one line on the screen says, with code 2; or a
            signal ended the run.
    """
    if args is None:
        return run_command(network, sys.argv[1:], data)
    try:
        return train(network, args, data=data)
    except TrainingInterruptedError as interruption:
        last = last_checkpoint(interruption.trainer)
        message = f"{interruption}: {f'resume with the flag --ckpt_path={last}' if last else NOTHING_SAVED}"
        if interruption.signum == signal.SIGINT:
            raise KeyboardInterrupt(message) from interruption
        print(message, file=sys.stderr)
        sys.exit(128 + interruption.signum)


def run_command(network: NetworkFactory, argv: Sequence[str], data: Data | None = None) -> TrainingResult:
    """Do what :func:`launch` does for the command line of this process: what is wrong takes one line on the screen.

    Args:
        network: See :func:`launch`.
        argv: The flags.
        data: See :func:`launch`.

    Raises:
        SystemExit: With code 2 when something is wrong that the user can put right, or for the signal that ended it.
    """
    make_streams_safe()
    try:
        return train(network, argv, data=data)
    except FashionZooError as error:
        exit_with_error(error)
    except TrainingInterruptedError as interruption:
        print(f"{interruption}: {resume_command(interruption.trainer)}", file=sys.stderr)
        sys.exit(128 + interruption.signum)
    except BrokenPipeError:  # as in `experiments/cnn_plain.py --help_all | head`
        discard_output()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


@sharing_cores()
def train(
    network: NetworkFactory, args: Sequence[str] | None, run_dir: Path | None = None, data: Data | None = None
) -> TrainingResult:
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
            return _run(launcher)
    except MisconfigurationException as error:
        raise FashionZooError(str(error)) from error
    except BrokenPipeError:
        raise
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


def prepare_training_data(data: LightningDataModule) -> None:
    """Load what a training needs; sizes that do not fit and a teacher of other data are refused before it begins."""
    data.prepare_data()
    data.setup("fit")
    if isinstance(data, FashionMNISTDataModule):
        check_teacher(data)


def fit(launcher: TrainCLI) -> None:
    """Check what only the data show, and train."""
    trainer, network, data = launcher.trainer, launcher.model, launcher.datamodule
    if launcher.resume_path:
        check_checkpoint_matches(launcher.resume_path, launcher.checkpoint, network, data, trainer.max_epochs)
    prepare_training_data(data)
    launcher.artifacts.untrained_loss = check_batch(network, data)
    check_smallest_batch(network, data)
    if launcher.config.compile:
        network.network.compile()
    with _nothing_left_of_a_failure(launcher):
        try:
            trainer.fit(network, data, ckpt_path=launcher.resume_path, weights_only=True)
        except DivergedError as error:
            raise DivergedError(f"{error}{_rates(launcher)}") from error


def _run(launcher: TrainCLI) -> TrainingResult:
    """Fit, test, print the results."""
    fit(launcher)
    trainer, network, data = launcher.trainer, launcher.model, launcher.datamodule
    diverged = launcher.artifacts.ended == "diverged"
    if trainer.is_global_zero:
        print(console.stop_reason(trainer), flush=True)
        if diverged:
            print(f"diverged: it ended no better than guessing: choose a lower learning rate{_rates(launcher)}")
    checkpoint = trainer.checkpoint_callback
    best = checkpoint.best_model_path if isinstance(checkpoint, ModelCheckpoint) else ""
    if best and any(isinstance(callback, WeightAveraging) for callback in trainer.callbacks):  # type: ignore[attr-defined]
        # Lightning would test the weights beside the averaged ones, which the checkpoint is about.
        network.load_state_dict(load_checkpoint(best)["state_dict"])
        best_path = None
    else:
        best_path = best or None
    trainer.test(network, data, ckpt_path=best_path, weights_only=True, verbose=False)
    if trainer.is_global_zero:
        console.print_test_results(network, trainer, best, diverged)
    add_familiarity(network.network)
    atexit.register(_leave_processes)
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("test/")}
    folder = next((Path(logger.log_dir) for logger in tensorboards(trainer)), None)
    return TrainingResult(network.network.eval(), metrics, folder)


def _leave_processes() -> None:
    """Leave the group of processes: gloo's threads end Python with SIGABRT if they still hold tensors when it exits.

    Lightning does so for NCCL only. Not after an error: the others may wait for this one, and it would for them.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@contextmanager
def _nothing_left_of_a_failure(launcher: TrainCLI) -> Iterator[None]:
    """Make the directory of a new run, and remove it if the run ends with an error before its first step."""
    trainer = launcher.trainer
    loggers = tensorboards(trainer) if trainer.is_global_zero else []
    resumed = launcher.resume_path is not None and config_path(launcher.resume_path).exists()
    if resumed or launcher.run_dir:  # which may be there
        loggers = [logger for logger in loggers if not Path(logger.log_dir).exists()]
    new = [_claim_folder(logger) for logger in loggers]
    try:
        yield
    except Exception:
        for folder in new if trainer.global_step == 0 else []:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # other runs are in them
                folder.parent.rmdir()
                folder.parent.parent.rmdir()
        raise


def _claim_folder(logger: TensorBoardLogger) -> Path:
    """Make the directory of a new run, which another that started at the same time may have made just now."""
    while True:
        folder = Path(logger.log_dir)
        make_folder(folder.parent)
        try:
            folder.mkdir()
            return folder
        except FileExistsError as error:
            if not isinstance(logger.version, int):
                raise FashionZooError(f"another run has just made {folder}: choose another --name") from error
            logger._version = logger.version + 1


def _rates(launcher: TrainCLI) -> str:
    """Compare the learning rate with the recipe's."""
    rate, usual = launcher.model.lr, launcher.parser.get_defaults().get("model.lr")
    hint = f"; the recipe {launcher.config.recipe} has {usual:g}" if usual not in (None, rate) else ""
    return f" than {rate:g}{hint}"
