"""Checkpoints that are written completely or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from fashionzoo.errors import FashionZooError
from fashionzoo.io import atomic_write


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write checkpoints so that a kill or a full disk leaves the one before intact.

    Lightning's own way goes through the folder for temporary files, which is often on another disk, from where nothing
    moves in one piece.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint beside its place, then move it there.

        Raises:
            FashionZooError: It cannot be written.
        """
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(Path(path)) as part:
                torch.save(checkpoint, part)
        except (OSError, RuntimeError) as error:  # torch turns a failed write into a RuntimeError
            raise FashionZooError(
                f"cannot write the checkpoint {path} ({error}): make room or choose another folder with "
                "--trainer.default_root_dir; the checkpoint before it is intact"
            ) from error
