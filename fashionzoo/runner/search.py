"""A search over the flags of a network, on Optuna: validation images judge, the test images are not opened."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
import yaml
from lightning.pytorch import Callback, LightningModule, Trainer
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState
from optuna_integration import PyTorchLightningPruningCallback

from fashionzoo.callbacks.artifacts import RunArtifacts
from fashionzoo.callbacks.shutdown import TrainingInterruptedError
from fashionzoo.errors import FashionZooError
from fashionzoo.io import make_folder
from fashionzoo.runner.checks import check_search
from fashionzoo.runner.cli import TrainCLI
from fashionzoo.runner.launch import fit, prepare_training_data
from fashionzoo.runner.resumption import plain
from fashionzoo.runner.space import draw_flags, drawn_values, ends
from fashionzoo.runner.study_storage import STORAGE_ERRORS, difference, open_storage, shown, sqlite_url, storage_errors
from fashionzoo.training.classifier import Classifier
from fashionzoo.training.seeding import EpochSeeding
from fashionzoo.zoo.studies import VALIDATION_FLAGS

TRIAL_FLAGS = ("--trainer.enable_checkpointing=false", "--trainer.enable_progress_bar=false")
NUM_STARTUP_TRIALS = 5  # that neither are pruned nor follow from those before
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


class Pruning(PyTorchLightningPruningCallback):  # type: ignore[misc]
    """Reports each epoch to a trial, and ends it where it lags behind the others; not after its last epoch."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report an epoch."""
        if trainer.current_epoch + 1 == trainer.max_epochs and self.monitor in trainer.callback_metrics:
            self._trial.report(trainer.callback_metrics[self.monitor].item(), trainer.current_epoch)
        else:
            super().on_validation_end(trainer, pl_module)


class TrialCLI(TrainCLI):
    """A run that reports each epoch to a trial, which may end it, and leaves its curves but no checkpoint.

    Args:
        network: Which network.
        args: The flags.
        run_dir: Where its logs go.
        trial: Optuna's.
    """

    def __init__(self, network: type[Classifier], args: Sequence[str], run_dir: Path, trial: Trial) -> None:
        self.trial = trial
        super().__init__(network, args, run_dir)

    def make_callbacks(self, config: str) -> list[Callback]:
        """Return the callbacks that a trial needs."""
        self.artifacts = RunArtifacts(config, self.config.recipe, self.changed)
        return [EpochSeeding(), self.stop, self.artifacts, Pruning(self.trial, self.config.early_stopping.monitor)]


@dataclass(frozen=True)
class Search:
    """A search, which several processes may share.

    Args:
        network: Whose flags are searched.
        flags: Those that all trials have.
        space: What the others are drawn from, as :func:`fashionzoo.runner.space.read_space` returns it.
        name: The study's name, and that of the directory of its trials.
        storage: The address of a database; ``None`` for an SQLite file in the directory of the network's logs.

    Raises:
        FashionZooError: A flag does not exist or cannot have one of its values, the database cannot be reached, or the
            study there is of another network or of other flags.
    """

    network: type[Classifier]
    flags: Sequence[str]
    space: Mapping[str, Any]
    name: str = "study"
    storage: str | None = None

    def __post_init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        check_search(self.cli.config.trainer)  # where it is wrong already, the space is not to blame
        for case in ends(self.space):
            try:
                check_search(TrainCLI(self.network, [*self.flags, *case]).config.trainer)
            except FashionZooError as error:
                raise FashionZooError(f"{error} (in the space: {' '.join(case)})") from error
        with storage_errors(self._url):
            for key, value in self._settings.items():
                known = self.study.user_attrs.get(key, value)
                if known != value:
                    raise FashionZooError(
                        f"the study {self.name} in {shown(self._url)} has {difference(key, known, value)}: leave the "
                        "change out, or start another with --study NAME"
                    )
                self.study.set_user_attr(key, value)

    @cached_property
    def cli(self) -> TrainCLI:
        """The run that the flags make without any that are drawn."""
        return TrainCLI(self.network, self.flags)

    @property
    def folder(self) -> Path:
        """The directory of the trials."""
        return self.cli.logs_dir / self.name

    @property
    def metric(self) -> str:
        """What is compared."""
        return str(self.cli.config.early_stopping.monitor)

    @cached_property
    def study(self) -> optuna.Study:
        """Optuna's study."""
        with storage_errors(self._url, (*STORAGE_ERRORS, RuntimeError)):  # a database of another Optuna
            return optuna.create_study(
                storage=open_storage(self._url),
                study_name=f"{self.network.name}/{self.name}",
                direction="minimize" if self.cli.config.early_stopping.mode == "min" else "maximize",
                pruner=optuna.pruners.MedianPruner(NUM_STARTUP_TRIALS, self.cli.config.trainer.max_epochs // 2),
                load_if_exists=True,
            )

    def counted_trials(self) -> list[FrozenTrial]:
        """Return the trials that count for the budget: those whose process was killed or interrupted do not.

        Raises:
            FashionZooError: The database cannot be reached any more.
        """
        with storage_errors(self._url):
            optuna.storages.fail_stale_trials(self.study)
            return [trial for trial in self.study.trials if _counts(trial)]

    def run(self, budget: int, report: Callable[[FrozenTrial], None], wait: Callable[[], None]) -> None:
        """Make trials until there are as many as the budget, those of other processes included.

        Args:
            budget: How many.
            report: Called with each trial that ended here.
            wait: Called when only trials that run in other processes, or did until they were killed, are missing.

        Raises:
            FashionZooError: The data are not there, or the database cannot be reached any more.
            TrainingInterruptedError: A signal asked to stop.
        """
        # Where the database vanishes, Optuna 5.0 trips over a variable of its own on the way out.
        with storage_errors(self._url, (*STORAGE_ERRORS, UnboundLocalError)):
            if len(self.counted_trials()) < budget:
                prepare_training_data(self.cli.datamodule)  # where data are missing, no trial is lost to that
            while sum(trial.state.is_finished() for trial in self.counted_trials()) < budget:
                if len(self.counted_trials()) < budget:
                    self.study.optimize(
                        lambda trial: self._objective(trial, budget),
                        n_trials=1,
                        catch=(FashionZooError,),
                        callbacks=[lambda _, trial: report(trial) if _counts(trial) else None],
                    )
                else:
                    wait()

    def value(self, trial: FrozenTrial) -> float | None:
        """Return the best value of a trial's epochs, whether it was pruned or not."""
        values = trial.intermediate_values.values()
        pick = max if self.study.direction == optuna.study.StudyDirection.MAXIMIZE else min
        return pick(values, default=None)

    def best_trial(self) -> FrozenTrial | None:
        """Return the best trial that came to its end, if one did."""
        return self.study.best_trial if self.study.get_trials(states=(TrialState.COMPLETE,)) else None

    def recipe(self, best: FrozenTrial) -> str:
        """Return a trial's flags, those drawn and those that differ from the recipe, as a file for ``--config``."""
        cli = TrainCLI(self.network, [*self.flags, *draw_flags(self.space, optuna.trial.FixedTrial(best.params))])
        values = {**self._trained_flags, **cli.changed, **{flag: cli.config.get(flag) for flag in self.space}}
        if cli.config.data.root is not None:
            values["data.root"] = cli.config.data.root
        flags: dict[str, Any] = {}
        for name, value in plain(values).items():
            *groups, last = name.split(".")
            group = flags
            for key in groups:
                group = group.setdefault(key, {})
            group[last] = value
        return str(yaml.safe_dump(flags, sort_keys=False))

    def importances(self) -> dict[str, float]:
        """Return the share of each drawn flag in what makes good trials differ, by PED-ANOVA (Watanabe et al. 2023)."""
        if len(self.study.get_trials(states=(TrialState.COMPLETE,))) < NUM_STARTUP_TRIALS:
            return {}
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        return optuna.importance.get_param_importances(self.study, evaluator=evaluator)

    def summary(self) -> dict[str, Any]:
        """Return the study as plain values."""
        return {
            "network": self.network.name,
            "study": self.name,
            "metric": self.metric,
            "direction": self.study.direction.name.lower(),
            "seed": self.cli.config.seed_everything,
            "flags": plain(self._trained_flags),
            "images": plain(self._images),
            "space": plain(self.space),
            "importances": {flag: round(share, 4) for flag, share in self.importances().items()},
            "trials": [
                {
                    "number": trial.number,
                    "state": trial.state.name.lower(),
                    "value": self.value(trial),
                    "epochs": max(trial.intermediate_values, default=-1) + 1,
                    "seconds": round(trial.duration.total_seconds(), 1) if trial.duration else None,
                    "flags": drawn_values(self.space, trial.params),
                    **({"error": trial.user_attrs["error"]} if "error" in trial.user_attrs else {}),
                }
                for trial in self.study.trials
            ],
        }

    def _objective(self, trial: Trial, budget: int) -> float:
        """Train once; return the best value of the metric."""
        # Where two processes saw room for one more trial, that with the lower number has it; the other does not count.
        if sum(_counts(other) for other in self.study.trials if other.number < trial.number) >= budget:
            raise FashionZooError("other processes make the last trials")
        # A sampler of its own for each trial: a study that is resumed draws what it would have drawn.
        seed = (self.cli.config.seed_everything * 100_003 + trial.number) % 2**32
        self.study.sampler = TPESampler(seed=seed, n_startup_trials=NUM_STARTUP_TRIALS, multivariate=False)
        one_device = ["--trainer.devices=1"] if self.cli.config.trainer.devices == "auto" else []
        args = [*self.flags, *draw_flags(self.space, trial), *TRIAL_FLAGS, *one_device]
        try:
            with redirect_stdout(io.StringIO()):  # a run's summary
                launcher = TrialCLI(self.network, args, self.folder / f"trial_{trial.number}", trial)
                with launcher.stop:
                    fit(launcher)
            value = self.value(trial.study.trials[trial.number])
            if value is None:
                raise FashionZooError(f"{self.metric} was not logged")
            return value
        except (*STORAGE_ERRORS, TrainingInterruptedError):  # a pruned trial is one of Optuna's errors
            raise
        except Exception as error:  # one's own network may raise anything
            said = error if isinstance(error, FashionZooError) else f"{type(error).__name__}: {error}"
            trial.set_user_attr("error", str(said).partition("\n")[0])
            raise FashionZooError(str(said)) from error

    @property
    def _settings(self) -> dict[str, Any]:
        """What makes trials comparable."""
        network = self.network.source or self.network.name
        settings = {"network": network, "flags": self._trained_flags, "space": self.space}
        return {key: plain(value) for key, value in settings.items()}

    @property
    def _trained_flags(self) -> dict[str, Any]:
        """The recipe and what the flags change of it; where a worker computes and what it keeps is its own affair."""
        precision = self.cli.config_init.trainer.precision  # as it was asked for; otherwise each machine chooses
        asked_for = {} if precision is None else {"trainer.precision": precision}
        return {"recipe": self.cli.config.recipe, **self.cli.changed, **asked_for}

    @property
    def _images(self) -> dict[str, Any]:
        """The flags that say which images teach and which judge, whether the recipe has them or somebody set them."""
        own_data = ["data.root"] if self.cli.config.data.class_names else []
        return {flag: self.cli.config.get(flag) for flag in (*VALIDATION_FLAGS, "data.train_size", *own_data)}

    @property
    def _url(self) -> str:
        """The database's address."""
        if self.storage is not None:
            return self.storage
        make_folder(self.cli.logs_dir)
        return sqlite_url(self.cli.logs_dir / "study.db")


def _counts(trial: FrozenTrial) -> bool:
    """Tell whether a trial counts for the budget: one killed, interrupted or begun in excess of it does not."""
    return trial.state in (*ENDED, TrialState.RUNNING) or "error" in trial.user_attrs
