"""What a launcher calls: LightningCLI with the zoo's recipes and callbacks, then fit, test and the table at the end."""

from __future__ import annotations

import argparse
import logging
import os
import re
import shlex
import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal, NoReturn

import torch
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.utilities import rank_zero_only

from fashionzoo import checkpoints, hardware, screen
from fashionzoo.classifier import MONITORED, Classifier
from fashionzoo.data import FashionMNISTDataModule
from fashionzoo.errors import InputError, fail, nearest
from fashionzoo.networks import MLP
from fashionzoo.recipes import RECIPES, get_recipe
from fashionzoo.records import Records
from fashionzoo.resume import EpochSeeds, InterruptedRunError, OrderlyStop, WholeCheckpointIO
from fashionzoo.tensorboard import TensorBoardPictures

NO_CONTEXT = nullcontext()
LOGS = "lightning_logs"
PAYS_IN_BF16 = 256  # images in a batch of an MLP: measured on 2 cores with AMX, where both precisions take as long
UNHELPFUL = (  # Lightning's warnings about what is so on purpose
    ".*does not have many workers.*",  # batches are indexed from memory, workers would only slow them
    ".*smaller than the logging interval.*",  # everything is logged once an epoch
    ".*LeafSpec.*",  # Lightning 2.6 with torch 2.14
    ".*torch.jit.trace.*",  # TensorBoard's graph has no other way yet
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run
)


class NoProfiler(PassThroughProfiler):
    """A profiler that measures nothing and costs nothing: Lightning asks its own some fifty times a step."""

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # type: ignore[override]
        """Return a context that does nothing."""
        return NO_CONTEXT


class Parser(LightningArgumentParser):
    """Lightning's parser, whose errors take one line and name the nearest valid flag."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """End the process with what is wrong in one line."""
        unknown = re.match(r"unrecognized arguments: (-\S+?)(?:[=\s]|$)", message)
        wrong = re.match(r'Parser key "(.+?)":', message)
        value = re.search(r"(?:Given|Got) value: (.*)", message)
        expected = [
            re.sub(r"<class '(?:.+\.)?(.+?)'>|typing\.Literal\[(.+)\]", r"\1\2", kind)
            for kind in re.findall(r"Expected an? (.+?)(?:\. Got|$)", message, re.MULTILINE)
        ]
        if unknown:
            fail(f"unknown flag {unknown[1]}: {nearest(unknown[1], self.flags())}")
        if wrong and value and expected:
            kinds = " or ".join(dict.fromkeys(expected)).replace("NoneType", "null")
            fail(f"--{wrong[1]} of {value[1]}: expected {kinds}")
        fail(re.sub(r'^Parser key "(.+?)":', r"--\1:", message))

    def flags(self) -> list[str]:
        """Return all flags that there are."""
        return [flag for action in self._actions for flag in action.option_strings]


class Launcher(LightningCLI):
    """One network on the command line.

    Args:
        network: Which one.
        args: The command line, or ``None`` for this process's.
        folder: Where the run's logs go; ``None`` for ``version_N`` in the network's folder.
    """

    def __init__(self, network: type[Classifier], args: Sequence[str] | None, folder: Path | None = None) -> None:
        self.network, self.folder = network, folder
        super().__init__(
            network,
            FashionMNISTDataModule,
            trainer_defaults={"num_sanity_val_steps": 0, "enable_model_summary": False},
            seed_everything_default=0,
            parser_class=Parser,
            parser_kwargs={"prog": Path(sys.argv[0]).name, "description": RECIPES[network.name]["report"].about},
            save_config_callback=None,  # saved once, below, rather than asked after at every step
            args=sys.argv[1:] if args is None else list(args),
            run=False,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what the launchers have beside Lightning's flags."""
        parser.add_argument("--recipe", default="report", help="The recipe that sets the defaults: report or tuned.")
        parser.add_argument("--compile", type=bool, default=False, help="Compile the network with torch.compile.")
        parser.add_argument("--ckpt_path", type=str | None, default=None, help="A checkpoint to go on from, or last.")
        parser.add_lightning_class_args(EarlyStopping, "early_stopping")
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.add_lightning_class_args(ModelCheckpoint, "last")  # saved second, as it remembers what the best is
        for key in ("monitor", "mode"):
            parser.link_arguments(f"early_stopping.{key}", f"checkpoint.{key}")
        parser.set_defaults(
            {
                "early_stopping.monitor": "val/acc",
                "early_stopping.mode": "max",
                "checkpoint.filename": "best",
                "checkpoint.enable_version_counter": False,
                "last.filename": "last",
                "last.enable_version_counter": False,
            }
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse with the recipe's values as defaults: flags and configuration files override them."""
        assert isinstance(args, list)
        words = [str(word) for word in args]
        chooser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        chooser.add_argument("--recipe", default="report")
        recipe = chooser.parse_known_args(words)[0].recipe
        parser.set_defaults(get_recipe(self.network.name, recipe).flags())
        self.config = parser.parse_args(words)
        if self.config.recipe != recipe:  # a configuration file names another
            parser.set_defaults(get_recipe(self.network.name, self.config.recipe).flags())
            self.config = parser.parse_args(words)

    def before_instantiate_classes(self) -> None:
        """Check what Lightning would only notice after an epoch."""
        monitor = self.config.early_stopping.monitor
        if monitor not in MONITORED:
            raise InputError(f"unknown metric {monitor!r}: {nearest(monitor, MONITORED)}")
        if self.config.compile:
            hardware.require_compiler()
        self.resumed = self._find_checkpoint()
        self.checkpoint = checkpoints.read(self.resumed) if self.resumed else {}
        if self.resumed:
            # The order of the data, augmentation and dropout are those of the run that goes on.
            seed = self.checkpoint["callbacks"]["EpochSeeds"]["seed"]
            self.config.seed_everything = seed_everything(seed, workers=True)
        if TorchElasticEnvironment.detect() and self.config.trainer.devices == "auto":
            self.config.trainer.devices = int(os.environ["LOCAL_WORLD_SIZE"])  # as torchrun was told
            self.config.trainer.num_nodes = int(os.environ["GROUP_WORLD_SIZE"])

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Make the trainer with the zoo's logger and callbacks."""
        config = self.config_init.trainer
        recipe = get_recipe(self.network.name, self.config.recipe)
        self.stop = OrderlyStop()
        callbacks = [EpochSeeds(), self.stop, TensorBoardPictures(self.config.recipe, recipe.about), Records()]
        if config.enable_progress_bar is not False:
            callbacks.append(screen.Progress())
        if config.enable_checkpointing is False or config.fast_dev_run:
            self.parser.callback_keys = ["early_stopping"]
        logger = config.logger
        if logger in (None, True) and not config.fast_dev_run:
            logger = self._logger()
            make_folder(logger.root_dir)
        if config.profiler is None:
            kwargs["profiler"] = NoProfiler()
        if config.precision is None:
            kwargs["precision"] = self.config.trainer.precision = self._precision(config.accelerator)
        try:
            return super().instantiate_trainer(
                logger=logger,
                callbacks=[*(config.callbacks or []), *callbacks],
                plugins=[*(config.plugins or []), WholeCheckpointIO()],
                **kwargs,
            )
        except (MisconfigurationException, ValueError, TypeError) as error:
            raise InputError(f"the trainer cannot be set up: {error}") from error

    @property
    def _logs(self) -> Path:
        """The folder of this network's runs."""
        return Path(self.config.trainer.default_root_dir or ".") / LOGS / self.network.name

    def _find_checkpoint(self) -> Path | None:
        """Return the checkpoint to go on from."""
        path = self.config.ckpt_path
        if path != "last":
            return Path(path) if path else None
        found = sorted(self._logs.glob("*/checkpoints/last.ckpt"), key=lambda last: last.stat().st_mtime)
        if not found:
            raise InputError(f"there is no checkpoint in {self._logs}: start without --ckpt_path")
        return found[-1]

    def _logger(self) -> TensorBoardLogger:
        """Let a run that goes on write where it began, and drop what it logged after its checkpoint."""
        folder, purge_step = self.folder, None
        if self.resumed:
            began_in = self.resumed.parent.parent.resolve()
            if began_in == (folder or self._logs / began_in.name).resolve():
                folder, purge_step = folder or self._logs / began_in.name, self.checkpoint["epoch"] + 2
        if folder is None:
            return TensorBoardLogger(self._logs.parent, self.network.name, default_hp_metric=False)
        return TensorBoardLogger(
            folder.parent.parent, folder.parent.name, folder.name, default_hp_metric=False, purge_step=purge_step
        )

    def _precision(self, accelerator: str) -> Literal["bf16-mixed", "32-true"]:
        """Choose bfloat16 where the hardware computes in it and a step has enough to compute for its casts to pay."""
        batch_size = self.datamodule.batch_size
        small = isinstance(self.model.network, MLP) and batch_size is not None and batch_size < PAYS_IN_BF16
        return "bf16-mixed" if not small and hardware.computes_in_bf16(_device(accelerator)) else "32-true"


def launch(network: type[Classifier], args: Sequence[str] | None = None) -> None:
    """Train a network as the command line says, test its best checkpoint, and print a table.

    Args:
        network: One of the six.
        args: The command line, or ``None`` for this process's.

    Raises:
        SystemExit: With code 2 and one line on the screen, when something is wrong that the user can put right.
    """
    try:
        train(network, args)
    except InputError as error:
        fail(error)
    except InterruptedRunError as interruption:
        print(f"{interruption}: {how_to_go_on(interruption.trainer)}", file=sys.stderr)
        sys.exit(128 + interruption.signum)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def train(network: type[Classifier], args: Sequence[str] | None, folder: Path | None = None) -> None:
    """Do what :func:`launch` does, and leave it to the caller to say what went wrong.

    Args:
        network: One of the six.
        args: The command line, or ``None`` for this process's.
        folder: Where the run's logs go; ``None`` for ``version_N`` in the network's folder.

    Raises:
        InputError: Something is wrong that the user can put right.
        InterruptedRunError: A signal asked the run to end.
    """
    hardware.keep_freed_memory()
    for warning in UNHELPFUL:
        warnings.filterwarnings("ignore", warning)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        launcher = Launcher(network, args, folder)
        with launcher.stop:
            _run(launcher)
    except MisconfigurationException as error:
        raise InputError(str(error)) from error
    except OSError as error:
        raise InputError(
            f"the run cannot go on ({error}): see that its folder is still there and the disk not full"
        ) from error


@rank_zero_only
def make_folder(folder: str) -> None:
    """Make the folder of the logs.

    Raises:
        InputError: It cannot be written.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot write logs to {folder} ({error.strerror}): choose a folder with --trainer.default_root_dir"
        ) from error


def how_to_go_on(trainer: Trainer) -> str:
    """Return the line that resumes a run."""
    savers = [saver for saver in trainer.checkpoint_callbacks if isinstance(saver, ModelCheckpoint)]
    last = next((saver.best_model_path for saver in savers if saver.filename == "last"), "")
    if not last:
        return "nothing is saved yet, start again"
    program, *flags = sys.argv
    words = ["python", program] if program.endswith(".py") else [Path(program).name]
    return f"go on from the last whole epoch with\n{shlex.join([*words, *flags, '--ckpt_path', last])}"


def _run(launcher: Launcher) -> None:
    """Fit, test, conclude."""
    trainer, network, data = launcher.trainer, launcher.model, launcher.datamodule
    if launcher.resumed:
        _check_same_network(launcher.resumed, launcher.checkpoint["fashionzoo"], network)
    if trainer.is_global_zero:
        screen.announce(network, launcher.config.recipe, trainer, data)
        if isinstance(trainer.logger, TensorBoardLogger):
            make_folder(trainer.logger.log_dir)
            config = launcher.config.clone()
            config.ckpt_path = None  # who repeats the run begins anew
            launcher.parser.save(config, f"{trainer.logger.log_dir}/config.yaml", overwrite=True)
    if launcher.config.compile:
        network.network.compile()
    trainer.fit(network, data, ckpt_path=launcher.resumed, weights_only=True)
    checkpoint = trainer.checkpoint_callback
    best = checkpoint.best_model_path if isinstance(checkpoint, ModelCheckpoint) else ""
    if trainer.is_global_zero:
        print(screen.why_it_stopped(trainer), flush=True)
    trainer.test(network, data, ckpt_path=best or None, weights_only=True, verbose=False)
    if trainer.is_global_zero:
        screen.conclude(network, trainer, best)


def _device(accelerator: str) -> torch.device:
    """Return the kind of device that the trainer's flag stands for."""
    kinds = {"auto": torch.accelerator.current_accelerator(check_available=True), "gpu": torch.device("cuda")}
    return kinds.get(accelerator) or torch.device("cpu")


def _check_same_network(path: Path, held: dict[str, Any], network: Classifier) -> None:
    """Raise unless a checkpoint holds the weights of the same architecture."""
    if held["name"] != network.name:
        raise InputError(f"{path} holds {held['name']}, not {network.name}: use that network's launcher")
    if held["config"] != network.network.config:
        raise InputError(f"{path} holds a {network.name} of another shape: give the --model flags it was trained with")
