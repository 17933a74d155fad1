"""The short help of `fashionzoo fit`: the flags that people use, with the defaults of a network's recipe.

Lightning is not imported here, as the help without a network does not need it.
"""

from __future__ import annotations

import argparse
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fashionzoo.networks import NAMES, title_of
from fashionzoo.training.recipe import summary

if TYPE_CHECKING:
    from fashionzoo.training.classifier import Classifier

ALL_FLAGS = "--help_all"
HELP_FLAGS = {"-h", "--help", ALL_FLAGS}
WIDTH = 79  # characters of a line
FLAG_WIDTH = 36  # of them for a flag and its default

LEARNING_RATE = {"model.lr": "learning rate"}
ARCHITECTURE = {  # of the two families
    "widths": "units of each hidden layer",
    "channels": "feature maps of each block",
    "hidden": "units of each fully connected layer",
    "activation": "sigmoid, tanh, relu or elu",
    "dropout": "share of outputs set to 0 in training",
    "batch_norm": "normalize over the batch",
    "convolutions": "convolutions of each block",
}
TRAINING = {
    "model.weight_decay": "L2 penalty; decoupled for adamw and muon",
    "model.optimizer": "sgd, adam, adamw or muon",
    "trainer.max_epochs": "epochs, at most",
    "data.batch_size": "images per batch; null: all of them",
    "data.train_size": "training images; null: all there are",
    "seed_everything": "seed of weights, order and dropout",
    "device": "auto, cpu, cuda or mps; null: auto",
    "threads": "of the processor; null: all it has",
    "trainer.precision": "32-true or bf16-mixed; null: what is faster",
    "recipe": "sets the defaults",
    "ckpt_path": "checkpoint or run to resume; or last",
}


def print_help(network: type[Classifier], parser: argparse.ArgumentParser, recipe: str, in_full: bool) -> None:
    """Print the help of one network.

    Args:
        network: Which one.
        parser: Its launcher's, with the recipe's defaults.
        recipe: The name of the recipe.
        in_full: Print Lightning's own help, with every flag.
    """
    if in_full:
        parser.usage = "%(prog)s [FLAGS]"  # of a hundred lines otherwise
        # What Lightning's classes require has a default here.
        print(re.sub(r"\(required, (?=type:[^()]*default:)", "(", parser.format_help()))
    else:
        print(_format_help(network, parser, recipe))


def _format_help(network: type[Classifier], parser: argparse.ArgumentParser, recipe: str) -> str:
    """Return the short help of one network; the arguments are those of :func:`print_help`."""
    program = parser.prog
    title = title_of(network.name) if network.name in NAMES else summary(network.__doc__)
    actions = {action.dest: action for action in parser._actions if action.option_strings}
    flags = {**LEARNING_RATE, **_architecture(network, actions), **TRAINING}
    flags["recipe"] = f"sets the defaults: {', '.join(network.recipes)}"
    defaults = {name: action.default for name, action in actions.items()} | {"recipe": recipe}
    rows = {f"--{flag} {_typed(defaults[flag])}": text for flag, text in flags.items() if flag in defaults}
    return _page(
        program,
        [*textwrap.wrap(title, WIDTH), f"Flags, each with its default in the recipe {recipe}:"],
        rows,
        [
            f"{program} --trainer.max_epochs 2 --model.lr {_typed(defaults['model.lr'])}",
            f"{program} --data.train_size 5000 --threads 1",
        ],
    )


def format_general_help(reference: str, examples: Iterable[str]) -> str:
    """Return the help of `fashionzoo fit` without a network.

    Args:
        reference: What can stand for a network.
        examples: Commands.
    """
    own = {f"model.{name}": ARCHITECTURE[name] for name in ("widths", "channels", "hidden", "dropout")}
    rows = {f"--{flag}": text for flag, text in {**LEARNING_RATE, **own, **TRAINING}.items()}
    lines = [*textwrap.wrap(f"NETWORK is {reference}.", WIDTH), "Flags; `--help` after a network shows its defaults:"]
    return _page("fashionzoo fit NETWORK", lines, rows, examples)


def _architecture(network: type[Classifier], actions: Mapping[str, argparse.Action]) -> dict[str, str]:
    """Return the flags of a network's own arguments, and dropout where it has that, each with what it means."""
    from fashionzoo.training.classifier import Classifier
    from fashionzoo.training.families import CNNClassifier, MLPClassifier

    training = {*inspect.signature(Classifier).parameters, "standardize"}
    own = {name: each.default for name, each in inspect.signature(network).parameters.items() if name not in training}
    texts = ARCHITECTURE if issubclass(network, CNNClassifier | MLPClassifier) else {}
    if texts:
        own.setdefault("dropout", 0.0)
    return {
        f"model.{name}": ("required: " if default is inspect.Parameter.empty else "")
        + (texts.get(name) or _shorten(actions[f"model.{name}"].help or "") or f"argument of {network.name}")
        for name, default in own.items()
        if f"model.{name}" in actions
    }


def _shorten(text: str) -> str:
    """Return the first sentence of a description, as much of it as fits."""
    return textwrap.shorten(text.partition(". ")[0].rstrip("."), WIDTH - FLAG_WIDTH, placeholder=" ...")


def _typed(value: Any) -> str:
    """Return a value as it is typed after a flag.

    Example:
        >>> _typed((32, 16)), _typed(None), _typed(True), _typed(2.7e-7)
        ('"[32, 16]"', 'null', 'true', '2.7e-07')
    """
    if isinstance(value, list | tuple):
        return f'"[{", ".join(map(_typed, value))}]"'
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def _page(program: str, head: Iterable[str], rows: Mapping[str, str], examples: Iterable[str]) -> str:
    """Return the lines of a help page."""
    lines = [f"usage: {program} [FLAGS]", "", *head]
    lines += [f"  {flag:{FLAG_WIDTH - 2}}{text}" for flag, text in rows.items()]
    lines += ["", "examples:", *(f"  {line}" for line in examples)]
    return "\n".join([*lines, f"all flags: {program} {ALL_FLAGS}"])
