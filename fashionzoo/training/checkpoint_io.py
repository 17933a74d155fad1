"""Checkpoints that are written completely or not at all, and a memory of the best one that follows their directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from fashionzoo.errors import FashionZooError
from fashionzoo.io import atomic_write

PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")  # in the state of a ModelCheckpoint


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


class MovableCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint, which remembers the best epoch of a resumed run also where its directory was moved.

    Lightning forgets it when the path of the directory differs, even by the folder that it is relative to.
    """

    @property
    def state_key(self) -> str:
        """The name of this callback's state in checkpoints: Lightning's."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the scores of the run."""
        paths = {key: self._here(state_dict.get(key, "")) for key in PATHS}
        best = {self._here(path): score for path, score in state_dict.get("best_k_models", {}).items()}
        super().load_state_dict({**state_dict, **paths, "best_k_models": best, "dirpath": self.dirpath})

    def _here(self, path: str) -> str:
        """Return where a checkpoint is now."""
        moved = Path(self.dirpath or "") / Path(path).name
        return str(moved) if path and moved.is_file() else path
