"""LightningCLI with the zoo's recipes, logger and callbacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, LightningDataModule, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import TensorBoardLogger

from fashionzoo import environment
from fashionzoo.callbacks import console
from fashionzoo.callbacks.artifacts import RunArtifacts
from fashionzoo.callbacks.shutdown import GracefulShutdown
from fashionzoo.callbacks.tensorboard import TensorBoardMedia
from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.errors import FashionZooError
from fashionzoo.io import is_inside
from fashionzoo.runner.checks import (
    check_callbacks,
    check_flags,
    check_hyperparameters,
    check_monitor,
    check_name,
    check_network_matches,
    check_seed,
)
from fashionzoo.runner.flags import (
    TrainArgumentParser,
    expand_configs,
    expand_paths,
    named_recipe,
    program_name,
    take_device,
)
from fashionzoo.runner.resumption import config_path, find_checkpoint, refuse_changes, seed_of, to_ascii_yaml
from fashionzoo.runner.short_help import ALL_FLAGS, HELP_FLAGS, print_help
from fashionzoo.runner.trainer_defaults import NullProfiler, choose_precision
from fashionzoo.training import checkpoints
from fashionzoo.training.checkpoint_io import AtomicCheckpointIO, MovableCheckpoint
from fashionzoo.training.classifier import Classifier
from fashionzoo.training.metrics import mode_of
from fashionzoo.training.recipe import get_recipe, summary
from fashionzoo.training.seeding import EpochSeeding
from fashionzoo.weights.manifest import PACKAGE, find_weights
from fashionzoo.zoo.changes import changed_flags, describe_changes
from fashionzoo.zoo.runs import LOGS


class TrainCLI(LightningCLI):
    """One network on the command line.

    Args:
        network: Which one.
        args: The command line, or ``None`` for this process's.
        run_dir: Where the run's logs go; ``None`` for ``version_N`` in the network's directory.
        data: What it trains on; ``None`` for Fashion-MNIST, with flags.
    """

    def __init__(
        self,
        network: type[Classifier],
        args: Sequence[str] | None,
        run_dir: Path | None = None,
        data: LightningDataModule | None = None,
    ) -> None:
        self.network, self.run_dir, self.data = network, run_dir, data
        super().__init__(
            network,
            FashionMNISTDataModule if data is None else None,
            trainer_defaults={"num_sanity_val_steps": 0, "enable_model_summary": False},
            seed_everything_default=0,
            parser_class=TrainArgumentParser,
            parser_kwargs={"prog": program_name(network.name), "description": summary(network.__doc__)},
            save_config_callback=None,  # saved once, below, rather than asked after at every step
            args=sys.argv[1:] if args is None else list(args),
            run=False,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what the launchers have beside Lightning's flags."""
        recipes = self.network.recipes
        parser.add_argument("--recipe", default=next(iter(recipes)), help=f"Sets the defaults: {', '.join(recipes)}.")
        parser.add_argument("--device", type=environment.Device | None, default=None, help=environment.DEVICE_HELP)
        parser.add_argument("--threads", type=int | None, default=None, help=environment.THREADS_HELP)
        parser.add_argument("--compile", type=bool, default=False, help="Compile the network with torch.compile.")
        parser.add_argument(
            "--ckpt_path", type=str | None, default=None, help="A checkpoint or run to resume, or last."
        )
        parser.add_argument("--name", type=str | None, default=None, help="Name of the run's folder.")
        parser.add_lightning_class_args(EarlyStopping, "early_stopping")
        parser.add_lightning_class_args(MovableCheckpoint, "checkpoint")
        parser.add_lightning_class_args(MovableCheckpoint, "last")  # saved second, as it remembers what the best is
        for key in ("monitor", "mode"):
            parser.link_arguments(f"early_stopping.{key}", f"checkpoint.{key}")
        if self.data is None and "model.class_names" in parser.get_defaults():
            parser.link_arguments("data.class_names", "model.class_names")
        parser.set_defaults(
            {
                "early_stopping.monitor": "val/acc",
                "early_stopping.mode": "auto",
                "early_stopping.check_on_train_epoch_end": False,  # a run may end before its first validation
                "checkpoint.filename": "best",
                "checkpoint.enable_version_counter": False,
                "last.filename": "last",
                "last.enable_version_counter": False,
            }
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse with the recipe's values as defaults, or with those of the run that is resumed: flags override them."""
        assert isinstance(args, list)
        assert isinstance(parser, TrainArgumentParser)
        argv, parser.network_name = expand_configs([str(arg) for arg in args]), self.network.name
        if HELP_FLAGS.intersection(argv):
            chosen = named_recipe(argv) or next(iter(self.network.recipes))
            self._set_defaults(chosen)
            print_help(self.network, parser, chosen, in_full=ALL_FLAGS in argv)
            sys.exit()
        self._parse(argv)
        check_seed(self.config.seed_everything)
        if (recipe := named_recipe(argv)) and self.config.config:
            held = parser.parse_args([word for path in self.config.config for word in ("--config", str(path))])
            if held.recipe != recipe:
                raise FashionZooError(
                    f"--recipe of {recipe}: the configuration is of the recipe {held.recipe} and sets all flags; leave "
                    "out one of the two"
                )
        path, self.resume_path = self.config.ckpt_path, None
        if path is not None:
            self.resume_path = find_checkpoint(path, self.logs_dir, self.config.name)
        self.checkpoint = checkpoints.load_checkpoint(self.resume_path) if self.resume_path else {}
        if self.resume_path:
            check_network_matches(self.resume_path, self.checkpoint, self.network)
        if self.resume_path and (saved := config_path(self.resume_path)).exists():
            before = self._parse_saved(saved)
            self._parse(["--config", str(saved), *argv])
            refuse_changes(before, vars(self.config.as_flat()), saved.parent)

    def before_instantiate_classes(self) -> None:
        """Check what Lightning would only notice after an epoch, or not at all."""
        trainer = self.config.trainer
        check_flags(self.config)
        if self.config.threads is not None:
            environment.limit_threads(self.config.threads)
        if self.config.name is not None:
            check_name(self.config, self.logs_dir, self.network.recipes, self.resume_path)
        if teacher := self.config.get("data.teacher"):
            find_weights(PACKAGE, teacher, "tuned")
        if self.config.compile:
            environment.check_compiler()
        if self.resume_path:
            # The order of the data, augmentation and dropout are those of the run that is resumed.
            self.config.seed_everything = seed_everything(seed_of(self.checkpoint, self.resume_path), workers=True)
        if TorchElasticEnvironment.detect() and trainer.devices == "auto":
            trainer.devices = int(os.environ["LOCAL_WORLD_SIZE"])  # as torchrun was told
            trainer.num_nodes = int(os.environ["GROUP_WORLD_SIZE"])

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Make the trainer with the zoo's logger and callbacks."""
        config = self.config_init.trainer
        check_hyperparameters(self.model)
        self.datamodule = self.datamodule if self.data is None else self.data
        check_monitor(self.config.early_stopping, self.model.class_names)
        own = config.callbacks if isinstance(config.callbacks, list) else [config.callbacks] if config.callbacks else []
        check_callbacks(own)
        self.stop = GracefulShutdown()
        self.changed = changed_flags(vars(self.config.as_flat()), vars(self.parser.get_defaults().as_flat()))
        if config.precision is None:
            kwargs["precision"] = self.config.trainer.precision = choose_precision(
                self.model.network,
                getattr(self.datamodule, "batch_size", None),
                environment.resolve_device(config.accelerator),
            )
        run_config = self.config.clone()
        run_config.ckpt_path = run_config.config = run_config.name = None  # a repeated run starts from scratch
        callbacks = self.make_callbacks(to_ascii_yaml(self.parser.dump(run_config, skip_none=False)))
        if config.enable_checkpointing is False or config.fast_dev_run:
            self.parser.callback_keys = ["early_stopping"]
        logger = config.logger
        if logger in (None, True) and not config.fast_dev_run:
            logger = self._logger()
        if config.profiler is None:
            kwargs["profiler"] = NullProfiler()
        try:
            return super().instantiate_trainer(
                logger=logger,
                callbacks=[*own, *callbacks],
                plugins=[*(config.plugins or []), AtomicCheckpointIO()],
                **kwargs,
            )
        except (MisconfigurationException, ValueError, TypeError, ImportError) as error:
            hint = "" if config.accelerator in ("auto", "cpu") else "; --trainer.accelerator cpu is always there"
            raise FashionZooError(f"the trainer cannot be set up: {error}{hint}") from error

    def make_callbacks(self, config: str) -> list[Callback]:
        """Return the zoo's own callbacks.

        Args:
            config: All flags of the run, as its ``config.yaml`` will have them.
        """
        recipe = self.config.recipe
        self.artifacts = RunArtifacts(config, recipe, self.changed)
        callbacks = [
            EpochSeeding(),
            self.stop,
            console.RunSummary(recipe, self.changed),
            TensorBoardMedia(recipe, get_recipe(self.network, recipe).description, describe_changes(self.changed)),
            self.artifacts,
        ]
        return callbacks if self.config.trainer.enable_progress_bar is False else [*callbacks, console.Progress()]

    @property
    def logs_dir(self) -> Path:
        """The folder of this network's runs."""
        return Path(self.config.trainer.default_root_dir or ".") / LOGS / self.network.name

    def _parse(self, argv: list[str]) -> None:
        """Set the defaults of the recipe that the arguments name, and parse them."""
        recipe = named_recipe(argv) or next(iter(self.network.recipes))
        self._set_defaults(recipe)
        try:
            self.config = self.parser.parse_args(argv)
        except UnicodeDecodeError as error:
            raise FashionZooError(f"the configuration cannot be read ({error}): give a YAML file") from error
        if self.config.recipe != recipe:  # a configuration file names another
            self._set_defaults(self.config.recipe)
            self.config = self.parser.parse_args(argv)
        expand_paths(self.config)
        take_device(self.config, argv)
        early, best = self.config.early_stopping, self.config.checkpoint
        if early.mode == "auto":
            early.mode = best.mode = mode_of(early.monitor)
        if best.filename == "best" and best.save_top_k not in (0, 1):
            best.filename = "best-{epoch}-{step}"  # names that differ

    def _set_defaults(self, recipe: str) -> None:
        """Make a recipe's values the defaults of the flags; those of the data do not apply to data of one's own."""
        defaults = get_recipe(self.network, recipe).cli_defaults()
        if self.data is not None:
            defaults = {flag: value for flag, value in defaults.items() if not flag.startswith("data.")}
        try:
            self.parser.set_defaults(defaults)
        except (KeyError, ValueError) as error:
            raise FashionZooError(
                f"the recipe {recipe} of {self.network.name} sets what is no flag: {error}"
            ) from error

    def _parse_saved(self, path: Path) -> dict[str, Any]:
        """Return the flags of an earlier run."""
        self.parser.exit_on_error = False
        try:
            self._parse(["--config", str(path)])
        except FashionZooError as error:
            raise FashionZooError(
                f"{path} is not of this version of {self._code} ({error}): start the run again, without --ckpt_path"
            ) from error
        finally:
            self.parser.exit_on_error = True
        return dict(vars(self.config.as_flat()))

    @property
    def _code(self) -> str:
        """What the flags of the network come from."""
        return self.network.source["file"] if self.network.source else "fashionzoo"

    def _logger(self) -> TensorBoardLogger:
        """Log a resumed run to its original directory, and drop what it logged after its checkpoint."""
        run_dir, purge_step = self.run_dir, None
        if self.resume_path and config_path(self.resume_path).exists():
            original_run_dir = self.resume_path.parent.parent
            place = self.config.trainer.default_root_dir
            if place and not is_inside(original_run_dir, Path(place) / LOGS):
                raise FashionZooError(
                    f"--trainer.default_root_dir of {place}: the run in {original_run_dir} is resumed where it is; "
                    "leave the flag out, or move the run's directory"
                )
            run_dir, purge_step = run_dir or original_run_dir, self.checkpoint["epoch"] + 2
        if run_dir is None and self.config.name:
            run_dir = self.logs_dir / self.config.name
        if run_dir is None:
            return TensorBoardLogger(self.logs_dir.parent, self.network.name, default_hp_metric=False)
        return TensorBoardLogger(
            run_dir.parent.parent, run_dir.parent.name, run_dir.name, default_hp_metric=False, purge_step=purge_step
        )
