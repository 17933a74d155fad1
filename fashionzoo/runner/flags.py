"""The launchers' argument parser: Lightning's, whose errors take one line and name the flag that was meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from lightning.pytorch.cli import LightningArgumentParser

from fashionzoo.errors import FashionZooError, closest, exit_with_error

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
        """End the process with what is wrong in one line, or raise it where the caller asked for that."""
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
            exit_with_error(f"--{linked[2]} is that of --{linked[1]}: set the latter")
        if unknown:
            exit_with_error(f"unknown flag {unknown[1]}: {suggest_flag(unknown[1], self.flags())}")
        if wrong and value and expected:
            kinds = " or ".join(dict.fromkeys(expected)).replace("NoneType", "null")
            kinds = re.sub(r"Sequence|List\[.*?\]", 'a list, as in "[128, 32]"', kinds)
            exit_with_error(f"--{wrong[1]} of {value[1]}: expected {kinds}")
        exit_with_error(re.sub(r'^Parser key "(.+?)":', r"--\1:", message))

    def flags(self) -> list[str]:
        """Return all flags that there are."""
        return [flag for action in self._actions for flag in action.option_strings]


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
