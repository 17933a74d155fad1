"""The runs that claims are checked against, by their seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.runs import Run, reference_dirs, user_dirs

SEEDS = (0, 1, 2)
MLP_SEEDS = range(10)  # of the report's recipe, which takes a minute


def run_dir(logs: Path, network: str, recipe: str, seed: int) -> Path:
    """Return the folder of a reference run: that of seed 0 holds those of the others.

    Example:
        >>> run_dir(Path("lightning_logs"), "cnn_plain", "report", 2).as_posix()
        'lightning_logs/cnn_plain/report/seed_2'
    """
    home = logs / network / recipe
    return home / f"seed_{seed}" if seed else home


def declared_seeds(network: str, recipe: str = "report") -> Sequence[int]:
    """Return the seeds of a network's reference runs, which were declared before them.

    Example:
        >>> list(declared_seeds("cnn_plain"))
        [0, 1, 2]
    """
    return MLP_SEEDS if network.startswith("mlp") and recipe == "report" else SEEDS


def find(logs: Path, network: str, recipe: str) -> dict[int, Run]:
    """Return a network's finished runs by their seed: the reference runs or, where there are none, a user's own.

    Args:
        logs: A folder like ``lightning_logs``.
        network: A network's registry name.
        recipe: What the runs were trained by.

    Raises:
        FashionZooError: The records of a run cannot be read.
    """
    found = {}
    for folder in reference_dirs(logs, network, recipe) or user_dirs(logs, network):
        run = Run(folder)
        try:
            run.check()
            if run.config["recipe"] == recipe:
                found[run.seed] = run
        except OSError as error:
            raise FashionZooError(f"cannot read the records in {folder} ({error}): restore them") from error
        except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            raise FashionZooError(f"the records in {folder} are damaged ({error}): restore them") from error
    return found
