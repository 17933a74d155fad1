"""The launchers' argument parser: Lightning's, whose errors take one line and name the flag that was meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from fashionzoo.errors import FashionZooError, closest
from fashionzoo.io import expand

PATHS = ("ckpt_path", "default_root_dir", "dirpath", "root", "root_dir", "save_dir")  # the last words of flags
CONFIGS = ("--config", "-c")

# What people type, where no flag ends in the same word.
SYNONYMS = {
    "batch": "--data.batch_size",
    "checkpoint": "--ckpt_path",
    "device": "--trainer.accelerator",
    "epochs": "--trainer.max_epochs",
    "gpu": "--trainer.accelerator",
    "learning_rate": "--model.lr",
    "logdir": "--trainer.default_root_dir",
    "resume": "--ckpt_path",
    "seed": "--seed_everything",
    "steps": "--trainer.max_steps",
    "wd": "--model.weight_decay",
}


def suggest_flag(unknown: str, flags: Iterable[str]) -> str:
    """Suggest a flag in place of one that does not exist, by its meaning before its spelling.

    Args:
        unknown: What was typed.
        flags: Those that there are.

    Example:
        >>> suggest_flag("--lr", ["--model.lr", "--trainer.max_epochs"])
        'did you mean --model.lr?'
        >>> suggest_flag("--epochs", ["--model.lr", "--trainer.max_epochs"])
        'did you mean --trainer.max_epochs?'
        >>> suggest_flag("--zzz", ["--model.lr"])
        'see --help'
    """
    names = list(flags)
    word = unknown.lstrip("-").replace("-", "_").lower()
    by_last_word = {name.lstrip("-").rpartition(".")[2]: name for name in reversed(names)} | SYNONYMS
    flag = by_last_word.get(word) or closest(unknown, names) or by_last_word.get(closest(word, by_last_word) or "")
    return f"did you mean {flag}?" if flag else "see --help"


class TrainArgumentParser(LightningArgumentParser):
    """Lightning's parser, with errors of one line."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise what is wrong in one line; in the parser's words where the caller adds its own."""
        if not self.exit_on_error:
            raise FashionZooError(message)
        unknown = re.match(r"(?i)unrecognized arguments: (-\S+?)(?:[=\s]|$)", message)
        wrong = re.match(r'Parser key "(.+?)":', message)
        value = re.search(r"(?:Given|Got) value: (.*)", message)
        expected = [
            re.sub(r"<class '(?:.+\.)?(.+?)'>|typing\.Literal\[(.+)\]", r"\1\2", kind)
            for kind in re.findall(r"Expected an? (.+?)(?:\. Got|$)", message, re.MULTILINE)
        ]
        if linked := re.match(r"argument (\S+) --> (\S+):", message):
            raise FashionZooError(f"--{linked[2]} is that of --{linked[1]}: set the latter")
        if unknown:
            raise FashionZooError(f"unknown flag {unknown[1]}: {suggest_flag(unknown[1], self.flags())}")
        if wrong and value and expected:
            kinds = " or ".join(dict.fromkeys(expected)).replace("NoneType", "null")
            kinds = re.sub(r"Sequence|List\[.*?\]", 'a list, as in "[128, 32]"', kinds)
            raise FashionZooError(f"--{wrong[1]} of {value[1]}: expected {kinds}")
        raise FashionZooError(re.sub(r'^Parser key "(.+?)":', r"--\1:", message))

    def flags(self) -> list[str]:
        """Return all flags that there are."""
        return [flag for action in self._actions for flag in action.option_strings]


def expand_configs(argv: Sequence[str]) -> list[str]:
    """Return the words of a command line with ``~`` and variables replaced in the names of configuration files.

    Example:
        >>> expand_configs(["--config", "~/run.yaml"])[1] == str(Path.home() / "run.yaml")
        True
    """
    expanded: list[str] = []
    for word in argv:
        flag, equals, value = word.partition("=")
        if expanded and expanded[-1] in CONFIGS:
            word = expand(word)
        elif equals and flag in CONFIGS:
            word = f"{flag}={expand(value)}"
        expanded.append(word)
    return expanded


def expand_paths(config: Namespace) -> None:
    """Replace ``~`` and variables in all paths of a configuration, those of loggers and callbacks included."""
    for name, value in list(config.items()):
        if isinstance(value, list):
            for part in value:
                if isinstance(part, Namespace):
                    expand_paths(part)
        elif isinstance(value, str | Path) and name.rpartition(".")[2] in PATHS:
            config[name] = type(value)(expand(str(value)))


def program_name(name: str) -> str:
    """Return how this program was called."""
    program = Path(sys.argv[0]).name
    return f"{program} fit {name}" if program == "fashionzoo" else program


def named_recipe(argv: Sequence[str]) -> str | None:
    """Return the recipe that a flag names."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--recipe")
    recipe: str | None = parser.parse_known_args(argv)[0].recipe
    return recipe
