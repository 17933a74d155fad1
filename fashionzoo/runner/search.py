"""A search over the flags of a network, on Optuna: validation images judge, the test images are not opened."""

from __future__ import annotations

import io
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
import yaml
from lightning.pytorch import Callback
from optuna.trial import FrozenTrial, Trial, TrialState
from optuna_integration import PyTorchLightningPruningCallback
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from fashionzoo.callbacks.artifacts import RunArtifacts
from fashionzoo.errors import FashionZooError
from fashionzoo.io import make_folder
from fashionzoo.runner.cli import TrainCLI
from fashionzoo.runner.launch import fit
from fashionzoo.runner.resumption import plain
from fashionzoo.runner.space import draw_flags, ends
from fashionzoo.training.classifier import Classifier
from fashionzoo.training.seeding import EpochSeeding

# A worker that has not been heard of for so many seconds is taken for dead, and its trial for lost.
HEARTBEAT_S, GRACE_S = 10, 30
OPEN_ATTEMPTS = 5
TRIAL_FLAGS = ("--trainer.enable_checkpointing=false", "--trainer.enable_progress_bar=false")
NUM_STARTUP_TRIALS = 5  # that neither are pruned nor follow from those before
STORAGE_ERRORS = (SQLAlchemyError, optuna.exceptions.OptunaError)
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


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
        pruning = PyTorchLightningPruningCallback(self.trial, self.config.early_stopping.monitor)
        return [EpochSeeding(), self.stop, self.artifacts, pruning]


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
        for case in ends(self.space):
            TrainCLI(self.network, [*self.flags, *case])
        with self._storage_errors():
            for key, value in self._settings.items():
                known = self.study.user_attrs.get(key, value)
                if known != value:
                    raise FashionZooError(
                        f"the study {self.name} in {self._shown_storage} has the {key} {known}, not {value}: leave the "
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
        with self._storage_errors(
            (*STORAGE_ERRORS, ImportError, RuntimeError)
        ):  # no driver, or a database of another Optuna
            return optuna.create_study(
                storage=self._open_storage(),
                study_name=f"{self.network.name}/{self.name}",
                direction="minimize" if self.cli.config.early_stopping.mode == "min" else "maximize",
                pruner=optuna.pruners.MedianPruner(NUM_STARTUP_TRIALS, self.cli.config.trainer.max_epochs // 2),
                load_if_exists=True,
            )

    def _open_storage(self) -> optuna.storages.RDBStorage:
        """Open the database; workers that start at once may hinder each other at making its tables."""
        for remaining in reversed(range(OPEN_ATTEMPTS)):
            try:
                return optuna.storages.RDBStorage(self._url, heartbeat_interval=HEARTBEAT_S, grace_period=GRACE_S)
            except (IntegrityError, ProgrammingError):
                if not remaining:
                    raise
                time.sleep(1)
        raise AssertionError

    def run(self, budget: int, report: Callable[[FrozenTrial], None]) -> None:
        """Make trials until there are as many as the budget, those of other processes included.

        Args:
            budget: How many.
            report: Called with each trial that ended here.

        Raises:
            FashionZooError: The database cannot be reached any more.
            TrainingInterruptedError: A signal asked to stop.
        """
        # Where the database vanishes, Optuna 5.0 trips over a variable of its own on the way out.
        with self._storage_errors((*STORAGE_ERRORS, UnboundLocalError)):
            while sum(map(_counts, self.study.trials)) < budget:
                self.study.optimize(
                    self._objective,
                    n_trials=1,
                    catch=(FashionZooError,),
                    callbacks=[lambda _, trial: report(trial)],
                )

    def value(self, trial: FrozenTrial) -> float | None:
        """Return the best value of a trial's epochs, whether it was pruned or not."""
        values = trial.intermediate_values.values()
        pick = max if self.study.direction == optuna.study.StudyDirection.MAXIMIZE else min
        return pick(values, default=None)

    def best_trial(self) -> FrozenTrial | None:
        """Return the best trial that came to its end, if one did."""
        complete = self.study.get_trials(states=(TrialState.COMPLETE,))
        return self.study.best_trial if complete else None

    def recipe(self, best: FrozenTrial) -> str:
        """Return the flags of a trial that differ from the recipe's, as a file for ``--config``."""
        cli = TrainCLI(self.network, [*self.flags, *draw_flags(self.space, optuna.trial.FixedTrial(best.params))])
        cli.config.trainer.precision = None  # each machine's own
        cli.config.early_stopping.mode = cli.config.checkpoint.mode = "auto"
        flags = yaml.safe_load(cli.parser.dump(cli.config, skip_default=True))
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
            "space": plain(self.space),
            "importances": {flag: round(share, 4) for flag, share in self.importances().items()},
            "trials": [
                {
                    "number": trial.number,
                    "state": trial.state.name.lower(),
                    "value": self.value(trial),
                    "epochs": len(trial.intermediate_values),
                    "seconds": round(trial.duration.total_seconds(), 1) if trial.duration else None,
                    "flags": trial.params,
                    **({"error": trial.user_attrs["error"]} if "error" in trial.user_attrs else {}),
                }
                for trial in self.study.trials
            ],
        }

    def _objective(self, trial: Trial) -> float:
        """Train once; return the best value of the metric."""
        # A sampler of its own for each trial: a study that is resumed draws what it would have drawn.
        self.study.sampler = optuna.samplers.TPESampler(
            seed=self.cli.config.seed_everything * 100_003 + trial.number,
            n_startup_trials=NUM_STARTUP_TRIALS,
            multivariate=False,
        )
        args = [*self.flags, *draw_flags(self.space, trial), *TRIAL_FLAGS]
        try:
            with redirect_stdout(io.StringIO()):  # a run's summary
                launcher = TrialCLI(self.network, args, self.folder / f"trial_{trial.number}", trial)
                with launcher.stop:
                    fit(launcher)
            value = self.value(trial.study.trials[trial.number])
            if value is None:
                raise FashionZooError(f"{self.metric} was not logged")
            return value
        except FashionZooError as error:
            trial.set_user_attr("error", str(error))
            raise

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
    def _url(self) -> str:
        """The database's address."""
        if self.storage is not None:
            return self.storage
        make_folder(self.cli.logs_dir)
        return f"sqlite:///{self.cli.logs_dir / 'study.db'}"

    @property
    def _shown_storage(self) -> str:
        """The database's address without a password."""
        try:
            return make_url(self._url).render_as_string()
        except SQLAlchemyError:
            return self._url

    @contextmanager
    def _storage_errors(self, errors: tuple[type[BaseException], ...] = STORAGE_ERRORS) -> Iterator[None]:
        """Say in one line what is wrong with the database."""
        try:
            yield
        except errors as error:
            cause: BaseException = error
            while cause.__context__ is not None:
                cause = cause.__context__
            raise FashionZooError(
                f"the study in {self._shown_storage} cannot be used ({str(cause).splitlines()[0]}): see that the "
                "database is there and can be written; the same line continues the study"
            ) from error


def _counts(trial: FrozenTrial) -> bool:
    """Tell whether a trial counts for the budget: those whose process was killed or interrupted do not."""
    return trial.state in (*ENDED, TrialState.RUNNING) or "error" in trial.user_attrs
