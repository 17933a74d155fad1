"""The launchers' argument parser: Lightning's, whose errors take one line and name the flag that was meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from fashionzoo.environment import check_device
from fashionzoo.errors import FashionZooError, closest
from fashionzoo.io import expand
from fashionzoo.runner.short_help import ARCHITECTURE

PATHS = ("ckpt_path", "default_root_dir", "dirpath", "root", "root_dir", "save_dir")  # the last words of flags
CONFIGS = ("--config", "-c")

# What people type, where no flag ends in the same word or another does.
SYNONYMS = {
    "batch": "--data.batch_size",
    "checkpoint": "--ckpt_path",
    "cpu": "--device cpu",
    "cuda": "--device cuda",
    "epochs": "--trainer.max_epochs",
    "gpu": "--device cuda",
    "l2": "--model.weight_decay",
    "learning_rate": "--model.lr",
    "logdir": "--trainer.default_root_dir",
    "resume": "--ckpt_path",
    "seed": "--seed_everything",
    "steps": "--trainer.max_steps",
    "wd": "--model.weight_decay",
    "workers": "--threads",
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

    network_name = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, allow_abbrev=False, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise what is wrong in one line; in the parser's words where the caller adds its own."""
        if not self.exit_on_error:
            raise FashionZooError(message)
        unknown = re.match(r"(?i)unrecognized arguments: (\S+?)(?:[=\s]|$)", message)
        wrong = re.match(r'Parser key "(.+?)":', message)
        value = re.search(r"(?:Given|Got) value: (.*)", message)
        expected = [
            re.sub(r"<class '(?:.+\.)?(.+?)'>|typing\.Literal\[(.+)\]", r"\1\2", kind)
            for kind in re.findall(r"Expected an? (.+?)(?:\. Got|$)", message, re.MULTILINE)
        ]
        if linked := re.match(r"argument (\S+) --> (\S+):", message):
            raise FashionZooError(f"--{linked[2]} is that of --{linked[1]}: set the latter")
        if file := re.match(r"""Parser key "(\w+)":\s+Unable to load config ["'](.*?)["']""", message):
            raise FashionZooError(f"--{file[1]} of {file[2]}: it takes a YAML file; single flags are as in --help")
        if unknown:
            raise FashionZooError(self._explain_unknown(unknown[1]))
        if wrong and value and expected:
            kinds = " or ".join(dict.fromkeys(expected)).replace("NoneType", "null")
            kinds = re.sub(r"Sequence|List\[.*?\]", 'a list, as in "[128, 32]"', kinds)
            raise FashionZooError(f"--{wrong[1]} of {value[1]}: expected {kinds}")
        raise FashionZooError(re.sub(r'^Parser key "(.+?)":', r"--\1:", message))

    def flags(self) -> list[str]:
        """Return all flags that there are."""
        return [flag for action in self._actions for flag in action.option_strings]

    def _explain_unknown(self, word: str) -> str:
        """Say what is wrong with a word that is no flag."""
        if not word.startswith("-"):
            return f"{word} is no flag and belongs to none: flags are as --model.lr 0.1"
        name = word.lstrip("-").removeprefix("model.").replace("-", "_")
        if name in ARCHITECTURE and f"--model.{name}" not in self.flags():
            return f"{self.network_name} has no {name}: --help shows its flags"
        return f"unknown flag {word}: {suggest_flag(word, self.flags())}"


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


def program_name(network: str) -> str:
    """Return how this program was called, as somebody would type it again.

    Args:
        network: The name of the network; a file that was named in its place is taken as it was.
    """
    program, words = Path(sys.argv[0]), sys.argv[2:]
    if program.stem in ("fashionzoo", "__main__"):
        reference = next((word for word in words if word.partition(":")[0].endswith(".py")), network)
        return f"fashionzoo fit {reference}"
    return f"python {program}" if program.suffix == ".py" else program.name


def named_recipe(argv: Sequence[str]) -> str | None:
    """Return the recipe that a flag names."""
    return _typed_value(argv, "--recipe")


def take_device(config: Namespace, argv: Sequence[str]) -> None:
    """Have the trainer use the device that ``--device`` names.

    Args:
        config: All flags; those of the trainer are changed.
        argv: What was typed.

    Raises:
        FashionZooError: The machine has no such device, or the trainer's own flag names another.
    """
    if config.device is None:
        return
    accelerator = _typed_value(argv, "--trainer.accelerator")
    if accelerator not in (None, config.device):
        raise FashionZooError(f"--device of {config.device} and --trainer.accelerator of {accelerator}: leave out one")
    check_device(config.device)
    config.trainer.accelerator, config.device = config.device, None


def _typed_value(argv: Sequence[str], flag: str) -> str | None:
    """Return the value of a flag among the words that were typed."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(flag, dest="value")
    try:
        value: str | None = parser.parse_known_args(argv)[0].value
    except argparse.ArgumentError:  # it has none, which the launcher's own parser says
        return None
    return value
