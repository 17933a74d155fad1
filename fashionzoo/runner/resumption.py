"""A run that is resumed keeps its recipe and flags: they are found beside its checkpoint, and a change is refused."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from fashionzoo.errors import FashionZooError
from fashionzoo.terminal import join_command
from fashionzoo.zoo.overview import find_run

# Where, for how long and with what output a run is resumed is free; everything else would make it another run.
FREE = (
    *("ckpt_path", "config", "compile", "device", "threads", "data.root", "name"),
    *(f"trainer.max_{limit}" for limit in ("epochs", "steps", "time")),
    *(f"trainer.{place}" for place in ("accelerator", "devices", "num_nodes", "strategy", "default_root_dir")),
    *(f"trainer.{output}" for output in ("logger", "callbacks", "profiler", "enable_progress_bar")),
)
NOTHING_SAVED = "no checkpoint was saved yet: start again"
ENDS_SCHEDULE = ("trainer.max_epochs", "trainer.max_steps")


def find_checkpoint(path: str, logs: Path, name: str | None = None) -> Path:
    """Return the checkpoint from which a run is resumed.

    Args:
        path: Its file; a run's folder or name (``"cnn_plain/version_0"``), for its last one; ``"last"`` for that of the
            newest run.
        logs: The directory of the network's runs.
        name: That of the run which ``"last"`` stands for, where it has one.

    Raises:
        FashionZooError: The path is empty, or there is no last one.
    """
    if path == "":
        raise FashionZooError("--ckpt_path is empty: give a checkpoint, or leave the flag out to start a run")
    if path != "last":
        run = None if path.endswith(".ckpt") else find_run(path, logs.parent)
        return run / "checkpoints" / "last.ckpt" if run else Path(path)
    found = sorted(logs.glob(f"{name or '*'}/checkpoints/last.ckpt"), key=lambda last: last.stat().st_mtime)
    if not found:
        raise FashionZooError(f"there is no checkpoint in {logs}: start without --ckpt_path")
    return found[-1]


def config_path(checkpoint: Path) -> Path:
    """Return where the flags are saved of the run that a checkpoint belongs to."""
    return checkpoint.resolve().parent.parent / "config.yaml"


def seed_of(checkpoint: Mapping[str, Any], path: Path) -> int:
    """Return the seed of the run that left a checkpoint.

    Args:
        checkpoint: What it holds.
        path: Its file.

    Raises:
        FashionZooError: It was not saved by a launcher.
    """
    try:
        return int(checkpoint["callbacks"]["EpochSeeds"]["seed"])
    except KeyError as error:
        raise FashionZooError(
            f"{path} was not saved by a launcher and has no seed: resume it with your own Trainer.fit(ckpt_path=...)"
        ) from error


def refuse_changes(before: Mapping[str, Any], after: Mapping[str, Any], run: Path) -> None:
    """Raise if a flag differs from that of the run that is resumed.

    Args:
        before: The flags of the run by their names; those that it does not have may have any value.
        after: The flags now.
        run: What holds the run: its directory or checkpoint.

    Raises:
        FashionZooError: One differs that a resumed run must keep.
    """
    for name, value in before.items():
        one_cycle = before.get("model.schedule") == "one_cycle"
        if name not in after or (name in FREE and not (one_cycle and name in ENDS_SCHEDULE)):
            continue
        if plain(after[name]) != plain(value):
            reason = ": its one_cycle schedule ends there" if name in ENDS_SCHEDULE else ""
            raise FashionZooError(
                f"--{name} of {plain(after[name])}: the run in {run} has {plain(value)}{reason}; leave the flag out to "
                "resume the run, or --ckpt_path to start another"
            )


def plain(value: Any) -> Any:
    """Return a value as a file would have it: tuples are lists."""
    return json.loads(json.dumps(value, default=str))


def to_ascii_yaml(text: str) -> str:
    r"""Return a YAML text with escapes in place of other than ASCII characters, to be read in whatever encoding.

    Example:
        >>> to_ascii_yaml("root: J\xf6rg\n")
        'root: "J\\xF6rg"\n'
    """
    return text if text.isascii() else str(yaml.safe_dump(yaml.safe_load(text), sort_keys=False))


def last_checkpoint(trainer: Trainer) -> str:
    """Return the path of the last checkpoint of a run; empty if none was saved."""
    for saver in trainer.checkpoint_callbacks:
        if isinstance(saver, ModelCheckpoint) and saver.filename == "last":
            if saver.best_model_path or not saver.dirpath:
                return str(saver.best_model_path)
            path = Path(saver.dirpath) / "last.ckpt"  # a test of the best one has brought back what it knew of others
            return str(path) if path.exists() else ""
    return ""


def resume_command(trainer: Trainer) -> str:
    """Return the line that resumes a run."""
    last = last_checkpoint(trainer)
    if not last:
        return NOTHING_SAVED
    return f"resume from the last complete epoch with\n{join_command([*_program(), *_flags(), '--ckpt_path', last])}"


def _program() -> list[str]:
    """Return the words that started this process, as somebody would type them again."""
    program, python = sys.argv[0], Path(sys.executable).name.removesuffix(".exe")
    if TorchElasticEnvironment.detect():
        nodes, processes = os.environ["GROUP_WORLD_SIZE"], os.environ["LOCAL_WORLD_SIZE"]
        return ["torchrun", *(["--nnodes", nodes] if nodes != "1" else []), "--nproc-per-node", processes, program]
    if program.endswith("__main__.py"):
        return [python, "-m", "fashionzoo"]
    return [python, program] if program.endswith(".py") else [Path(program).name.removesuffix(".exe")]


def _flags() -> list[str]:
    """Return the flags of this process but the checkpoint that it was itself resumed from."""
    flags = iter(sys.argv[1:])
    kept = []
    for flag in flags:
        if flag == "--ckpt_path":
            next(flags, None)
        elif not flag.startswith("--ckpt_path="):
            kept.append(flag)
    return kept
