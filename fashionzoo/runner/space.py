"""The space that a search draws the flags of a run from."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.zoo.studies import VALIDATION_FLAGS

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

RANGE_KEYS = ("low", "high", "log", "step")
PLAIN = (bool, int, float, str, type(None))
GROUPS = ("model.", "data.", "trainer.")  # of flags that can be searched
FIXED = ("data.root", *VALIDATION_FLAGS)
# Flags of any network, in the ranges in which the six learn; those that a network does not have are left out.
DEFAULT_SPACE: dict[str, Any] = {
    "model.optimizer": ["adamw", "muon"],
    "model.lr": {"low": 5e-4, "high": 3e-2, "log": True},
    "model.weight_decay": {"low": 1e-3, "high": 0.5, "log": True},
    "model.label_smoothing": [0.0, 0.05, 0.1],
    "model.schedule": ["constant", "one_cycle"],
    "model.loss_reduction": "mean",
    "data.batch_size": [64, 128, 256],
    "data.augment.flip": [False, True],
    "data.augment.shift": [0, 1],
}


def default_space(flags: Collection[str]) -> dict[str, Any]:
    """Return the default space, without what is none of the flags that there are."""
    return {flag: values for flag, values in DEFAULT_SPACE.items() if flag in flags}


def read_space(path: Path) -> dict[str, Any]:
    """Read a space from a YAML file.

    Each flag, without its dashes, has a list of values to choose from, a range such as
    ``{low: 0.001, high: 0.1, log: true}``, or one value that all trials have. A range between whole numbers is of whole
    numbers; ``step`` makes it coarser.

    Args:
        path: The file.

    Raises:
        FashionZooError: It cannot be read, a range or list is empty, or a flag is not one to search.
    """
    try:
        content = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError, ValueError) as error:  # ValueError: a date that there is not
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise FashionZooError(f"the space {path} cannot be read ({reason}): give a YAML file") from error
    if not isinstance(content, dict) or not content:
        raise FashionZooError(
            f'the space {path} has no flags: give lines such as "model.lr: {{low: 0.001, high: 0.1}}"'
        )
    return {flag: _check_values(flag, values) for flag, values in ((str(k).lstrip("-"), v) for k, v in content.items())}


def _check_values(flag: str, values: Any) -> Any:
    """Return what a flag is drawn from, its limits as numbers."""
    if flag in FIXED:
        raise FashionZooError(f"{flag} cannot be searched: it says which images judge, and trials would not compare")
    if not flag.startswith(GROUPS):
        raise FashionZooError(
            f"{flag} cannot be searched: name flags of the model, the data or the trainer in full, such as model.lr"
        )
    if values == []:
        raise FashionZooError(f"{flag} has no values to choose from: list one or more")
    if not isinstance(values, dict) or not values.keys() & {"low", "high"}:
        if not all(isinstance(value, PLAIN) for value in _flattened(values)):
            raise FashionZooError(
                f"{flag} is drawn from {values}: give numbers, words or lists of them, and name each flag of a group, "
                "such as data.augment.flip"
            )
        return values
    for key in values:
        if key not in RANGE_KEYS:
            raise FashionZooError(f"unknown key {key!r} of {flag}: {did_you_mean(key, RANGE_KEYS)}")
    try:
        limits = {key: _number(values[key]) for key in ("low", "high", "step") if key in values}
        low, high = limits["low"], limits["high"]
    except (KeyError, TypeError, ValueError) as error:
        raise FashionZooError(
            f"the range of {flag} is {values}: give finite numbers as low and high, and as step where there is one"
        ) from error
    if low > high:
        raise FashionZooError(f"the range of {flag} from {low} to {high} is empty: low must not be above high")
    if not isinstance(values.get("log", False), bool):
        raise FashionZooError(f"log of {flag} is {values['log']!r}: give true or false")
    if values.get("log") and (low <= 0 or "step" in values):
        raise FashionZooError(f"the range of {flag} is logarithmic: it starts above 0 and has no step")
    if "step" in limits:
        _check_step(flag, low, high, limits["step"])
    return {**values, **limits}


def _flattened(values: Any) -> list[Any]:
    """Return what is in lists of lists."""
    return [each for value in values for each in _flattened(value)] if isinstance(values, list) else [values]


def _check_step(flag: str, low: float, high: float, step: float) -> None:
    """Raise unless steps lead from one end of a range to the other."""
    if step <= 0:
        raise FashionZooError(f"the step of {flag} is {step}: choose a number above 0")
    if not math.isclose((high - low) / step, round((high - low) / step), abs_tol=1e-9):
        raise FashionZooError(
            f"steps of {step} do not lead from {low} to {high} in {flag}: choose another step or high"
        )


def _number(value: Any) -> int | float:
    """Return a finite number, which YAML takes for a text if it is written as 1e-4."""
    number: int | float = value if isinstance(value, int) else float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(value)
    return number


def draw_flags(space: Mapping[str, Any], trial: BaseTrial) -> list[str]:
    """Return flags that a trial draws.

    Args:
        space: As :func:`read_space` returns it.
        trial: Optuna's.
    """
    return [_as_flag(flag, _draw(flag, values, trial)) for flag, values in space.items()]


def drawn_values(space: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a trial drew as values: Optuna has choices as text.

    Example:
        >>> drawn_values({"data.batch_size": [64, 128]}, {"data.batch_size": "128", "model.lr": 0.1})
        {'data.batch_size': 128, 'model.lr': 0.1}
    """
    choices = {
        flag: {_as_text(value): value for value in values} for flag, values in space.items() if isinstance(values, list)
    }
    return {flag: choices[flag][drawn] if flag in choices else drawn for flag, drawn in params.items()}


def _draw(flag: str, values: Any, trial: BaseTrial) -> Any:
    """Return a value of one flag."""
    if isinstance(values, list):
        return trial.suggest_categorical(flag, [_as_text(value) for value in values])
    if not is_range(values):
        return values
    low, high, step, log = values["low"], values["high"], values.get("step"), bool(values.get("log"))
    if isinstance(low, int) and isinstance(high, int) and isinstance(step, int | None):
        return trial.suggest_int(flag, low, high, step=step or 1, log=log)
    return trial.suggest_float(flag, low, high, step=step, log=log)


def ends(space: Mapping[str, Any]) -> list[list[str]]:
    """Return flags for the ends of each range and each value of each list, the other flags at their first value.

    Example:
        >>> ends({"model.lr": {"low": 0.1, "high": 0.2}, "model.optimizer": ["sgd", "adam"]})[1:]
        [['--model.lr=0.2', '--model.optimizer=sgd'], ['--model.lr=0.1', '--model.optimizer=adam']]
    """
    values = {flag: _ends(each) for flag, each in space.items()}
    first = {flag: each[0] for flag, each in values.items()}
    cases = [first] + [{**first, flag: value} for flag, each in values.items() for value in each[1:]]
    return [[_as_flag(flag, value) for flag, value in case.items()] for case in cases]


def _ends(values: Any) -> list[Any]:
    """Return the values to try of one flag."""
    if is_range(values):
        return [values["low"], values["high"]]
    return values if isinstance(values, list) else [values]


def is_range(values: Any) -> bool:
    """Tell whether a flag is drawn from a range."""
    return isinstance(values, dict) and "low" in values


def _as_flag(flag: str, value: Any) -> str:
    """Return a flag as the command line has it."""
    return f"--{flag}={_as_text(value)}"


def _as_text(value: Any) -> str:
    """Return a value as the command line has it: Optuna stores only plain choices."""
    return value if isinstance(value, str) else json.dumps(value)
