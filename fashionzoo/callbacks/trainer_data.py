"""The loggers and the images of a trainer, whatever data it was given."""

from __future__ import annotations

from itertools import islice
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.utils.data import DataLoader

from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.images.classes import IMAGE_SIZE

BATCH_SIZE = 500  # images


def tensorboards(trainer: Trainer) -> list[TensorBoardLogger]:
    """Return those of a trainer's loggers that write for TensorBoard."""
    return [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]


def get_loader(trainer: Trainer, split: str) -> DataLoader[Any]:
    """Return the first DataLoader of a split, ``"train"``, ``"val"`` or ``"test"``."""
    loaders: Any = trainer.train_dataloader if split == "train" else getattr(trainer, f"{split}_dataloaders")
    if loaders is None:  # of a run that was complete when it was resumed
        loaders = getattr(trainer.datamodule, f"{split}_dataloader")()  # type: ignore[attr-defined]
    loader: DataLoader[Any] = loaders[0] if isinstance(loaders, list | tuple) else loaders
    return loader


def get_split(trainer: Trainer, split: str, count: int | None = None) -> tuple[Tensor, Tensor]:
    """Return the first images and labels of a split, without augmentation where the data module has some.

    Args:
        trainer: Has the data.
        split: ``"train"``, ``"val"`` or ``"test"``.
        count: How many; ``None`` for all.

    Returns:
        Images ``(N, 1, 28, 28)``, uint8 or float in [0, 1], and labels ``(N,)``.
    """
    data = trainer.datamodule  # type: ignore[attr-defined]  # set by Lightning's connector
    if isinstance(data, FashionMNISTDataModule):
        dataset = data.datasets[split]
        return dataset.images[:count], dataset.labels[:count]
    loader = get_loader(trainer, split)
    in_order = DataLoader(loader.dataset, batch_size=BATCH_SIZE, collate_fn=loader.collate_fn)
    batches = list(islice(in_order, None if count is None else -(-count // BATCH_SIZE)))
    images, labels = (torch.cat([batch[part] for batch in batches])[:count] for part in (0, 1))
    return images.reshape(-1, 1, IMAGE_SIZE, IMAGE_SIZE), labels
