"""In which flags a run differs from its recipe, or several runs from each other, and how that is said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

# Where a run computes, what it keeps and prints, and what follows from other flags say nothing of what is trained.
_SILENT = (
    *("recipe", "name", "config", "ckpt_path", "compile", "device", "threads", "data.root", "checkpoint.", "last."),
    *("early_stopping.mode", "early_stopping.verbose", "early_stopping.log_rank_zero_only"),
    *(f"trainer.{place}" for place in ("accelerator", "devices", "num_nodes", "strategy", "default_root_dir")),
    *(f"trainer.{output}" for output in ("logger", "callbacks", "profiler", "enable_", "log_every_n_steps", "plugins")),
    "trainer.precision",  # chosen by the hardware, and said apart
)
_NULLABLE = ("data.batch_size", "data.train_size", "data.teacher")  # which older runs leave out where they are null
_SHORT = {"seed_everything": "seed", "trainer.max_epochs": "epochs", "data.seed": "seed of the split"}


def changed_flags(flags: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags of what is trained that differ from their defaults.

    Args:
        flags: All flags of a run by their dotted names.
        defaults: Those of its recipe; another flag is left out, as it has no default to differ from.

    Example:
        >>> changed_flags({"model.lr": 0.002, "data.root": "/data"}, {"model.lr": 0.01, "data.root": None})
        {'model.lr': 0.002}
    """
    return {
        name: _plain(value)
        for name, value in flags.items()
        if not name.startswith(_SILENT)
        and (name in defaults or name in _NULLABLE)
        and _plain(value) != _plain(defaults.get(name))
    }


def describe_changes(changed: Mapping[str, Any]) -> str:
    """Return flags and their values in a few words.

    Example:
        >>> describe_changes({"model.dropout": 0.25, "data.batch_size": None, "model.widths": [128, 32]})
        'dropout 0.25, batch_size null, widths [128, 32]'
        >>> describe_changes({"seed_everything": 1, "trainer.max_epochs": 3})
        'seed 1, epochs 3'
    """
    return ", ".join(
        f"{_SHORT.get(name) or name.rpartition('.')[2]} {_in_words(value)}" for name, value in changed.items()
    )


def differences(changed: Sequence[Mapping[str, Any]], flags: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each of several runs, the flags that somebody changed and that are not the same in all of them.

    Args:
        changed: The flags of each run that differ from its recipe.
        flags: Where the values are of runs that did not change a flag; what a run has no value of is left out.

    Example:
        >>> differences([{"model.lr": 0.1}, {}], [{"model.lr": 0.1}, {"model.lr": 0.01}])
        [{'model.lr': 0.1}, {'model.lr': 0.01}]
    """
    values = [{**all_flags, **own} for own, all_flags in zip(changed, flags, strict=True)]
    names = dict.fromkeys(name for own in changed for name in own)
    differ = [name for name in names if any(run.get(name) != values[0].get(name) for run in values)]
    return [{name: run[name] for name in differ if name in run} for run in values]


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by dotted names.

    Example:
        >>> flatten({"augment": {"flip": True}, "seed": 3}, "data.")
        {'data.augment.flip': True, 'data.seed': 3}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def _in_words(value: Any) -> str:
    """Return a value as it is typed on the command line."""
    return value if isinstance(value, str) else json.dumps(_plain(value))


def _plain(value: Any) -> Any:
    """Return a value as a file would have it: tuples are lists."""
    return json.loads(json.dumps(value, default=str))
