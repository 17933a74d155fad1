"""Flags that several commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from fashionzoo.cli.formats import FORMATS
from fashionzoo.environment import DEVICE_HELP, THREADS_HELP, Device, check_device, limit_threads, resolve_device
from fashionzoo.errors import FashionZooError, closest, exit_with_error
from fashionzoo.io import expand
from fashionzoo.weights.manifest import manifest
from fashionzoo.zoo.loading import LoadedNetwork, load_argument, load_trained
from fashionzoo.zoo.overview import find_run, read_overview
from fashionzoo.zoo.registry import list_models, package_of
from fashionzoo.zoo.runs import LOGS

if TYPE_CHECKING:
    import torch

DEFAULT_NETWORK = "cnn_balanced"  # classifies when no network is named
ALL_NETWORKS = "all"  # in place of a network's name
MFLOPS_GLOSS = "MFLOPs: millions of floating-point operations for one image"
UNTESTED = {"diverged": "diverged", "interrupted": "was interrupted", "unfinished": "has not ended"}
DEVICES = {"--gpu": "cuda", "--cuda": "cuda", "--mps": "mps", "--cpu": "cpu"}  # what people type


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors take one line, and whose flags are written out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        """End the process with what is wrong in one line."""
        exit_with_error(f"{message}; see `{self.prog} --help`")

    def refuse_unknown(self, word: str) -> NoReturn:
        """End the process with what should stand in place of a word that it does not know."""
        flags = [flag for action in self._actions for flag in action.option_strings]
        names = [flag.removeprefix("--") for flag in flags if flag.startswith("--")]
        if not word.startswith("-"):
            self.error(f"{word} is one too many")
        flag = word.partition("=")[0]
        if flag[2:] in FORMATS and "--format" in flags:
            exit_with_error(f"unknown flag {flag} of {self.prog}: did you mean --format {flag[2:]}?")
        if flag in DEVICES and "--device" in flags:
            exit_with_error(f"unknown flag {flag} of {self.prog}: did you mean --device {DEVICES[flag]}?")
        close = closest(flag.lstrip("-"), names)
        hint = f"did you mean --{close}?" if close else f"choose from {', '.join(f'--{name}' for name in names)}"
        exit_with_error(f"unknown flag {flag} of {self.prog}: {hint}")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add ``--format``, and ``--json`` as a short form."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="table, the default, csv, markdown, latex or json; json has all digits and shares in [0, 1], the others "
        "have the same rounded numbers",
    )
    group.add_argument("--json", action="store_const", dest="format", const="json", help="as --format json")


def add_root(parser: argparse.ArgumentParser) -> None:
    """Add ``--root``."""
    parser.add_argument(
        "--root", type=path, help="folder of the data; default: $FASHIONZOO_DATA or the user's cache folder"
    )


def add_hardware(parser: argparse.ArgumentParser) -> None:
    """Add ``--device`` and ``--threads``."""
    parser.add_argument("--device", default="cpu", choices=get_args(Device), help=f"{DEVICE_HELP}; default: cpu")
    parser.add_argument("--threads", type=int, metavar="N", help=THREADS_HELP)


def use_hardware(options: argparse.Namespace) -> torch.device:
    """Limit the threads as the flags say, and return the device that they name.

    Args:
        options: Of a command that has these flags.

    Raises:
        FashionZooError: The machine has no such device, or the number of threads is below 1.
    """
    check_device(options.device)
    if options.threads is not None:
        limit_threads(options.threads)
    return resolve_device(options.device)


def add_logs(parser: argparse.ArgumentParser) -> None:
    """Add ``--logs``."""
    parser.add_argument("--logs", type=path, default=LOGS, help=f"folder of the runs; default: {LOGS}")


def add_dpi(parser: argparse.ArgumentParser) -> None:
    """Add ``--dpi``."""
    parser.add_argument("--dpi", type=_dots, default=200, help="dots per inch of a drawing in PNG; default: 200")


def _dots(text: str) -> int:
    """Return dots per inch."""
    if not text.isdecimal() or not 10 <= int(text) <= 2000:
        raise argparse.ArgumentTypeError(f"{text} is no number from 10 to 2000")
    return int(text)


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say where a network's weights come from."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--weights", type=given, help="version of the weights in the package: report or tuned; default: tuned"
    )
    source.add_argument(
        "--checkpoint",
        type=given,
        help="a checkpoint of a run of yours, the run's directory or its name, as cnn_plain/version_0, or an exported "
        ".safetensors",
    )


def given(text: str) -> str:
    """Return the value of a flag, a path's expanded, which a shell's unset variable must not leave empty."""
    if not text:
        raise argparse.ArgumentTypeError("is empty: give a value, or leave the flag out")
    try:
        return expand(text)
    except FashionZooError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def path(text: str) -> Path:
    """Return the path that a flag gives."""
    return Path(given(text))


def first_file(words: Sequence[str]) -> str | None:
    """Return the first of some words that names a file with a network's class, ``my_net.py`` or ``my_net.py:MyNet``."""
    return next((word for word in words if word.partition(":")[0].endswith(".py")), None)


def network_help() -> str:
    """Return what can stand for a network."""
    return f"one of {', '.join(list_models())}, a file like my_net.py or my_net.py:MyNet, or package.module:MyNet"


def load_network_from_options(reference: str | None, options: argparse.Namespace) -> LoadedNetwork:
    """Return the network that a name, ``--weights`` and ``--checkpoint`` stand for.

    Args:
        reference: The network's name or place, or a run; ``None`` for what the checkpoint holds.
        options: Of a command that has these flags.

    Raises:
        FashionZooError: There is no such network, or it is not trained.
    """
    if reference is None and not options.checkpoint:
        raise FashionZooError("name a network, or a checkpoint with --checkpoint: `fashionzoo list` shows the networks")
    if reference is not None and options.weights and reference not in list_models() and find_run(reference):
        raise FashionZooError(f"{reference} is a run, which has no versions: leave out --weights")
    if reference is None or options.weights or options.checkpoint:
        return load_trained(reference, options.weights, options.checkpoint)
    return load_argument(reference)


def trained_networks() -> list[str]:
    """Return the names of the networks that come with weights."""
    return [name for name in list_models() if name in manifest(package_of(name))]


def say_default(reference: str | None, loaded: LoadedNetwork) -> None:
    """Say on the error stream which version a network's bare name stood for, and whether a run came to its end."""
    if reference == loaded.name and loaded.weights == "tuned":
        print(f"{loaded.label} is the default: {loaded.name}:report is as the report trained it", file=sys.stderr)
    folder = find_run(loaded.weights) if loaded.weights.endswith(".ckpt") else None
    if folder and (ended := UNTESTED.get(read_overview(folder).ended)):
        print(f"the run in {folder} {ended}: its best epoch so far was taken", file=sys.stderr)
