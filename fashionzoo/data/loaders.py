"""Data of one's own: datasets or DataLoaders for training, validation and test."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset

from fashionzoo.errors import FashionZooError

BATCH_SIZE = 128  # of a dataset that comes without a DataLoader
SPLITS = ("train", "val", "test")


class LoaderDataModule(LightningDataModule):
    """Three datasets or DataLoaders as a data module.

    Args:
        splits: For training, validation and test. Each yields images ``(28, 28)`` or ``(1, 28, 28)``, uint8 or float in
            [0, 1], and labels; a dataset is served in batches of 128, shuffled for training.

    Raises:
        FashionZooError: There are not three of them, or one is empty.

    Example:
        >>> import torch
        >>> data = torch.utils.data.TensorDataset(torch.zeros(4, 28, 28), torch.tensor([0, 1, 0, 1]))
        >>> LoaderDataModule([data, data, data]).batch_size
        128
    """

    def __init__(self, splits: Sequence[Dataset[Any] | DataLoader[Any]]) -> None:
        super().__init__()
        if len(splits) != len(SPLITS):
            raise FashionZooError(f"data has {len(splits)} parts: give three, for training, validation and test")
        for split, part in zip(SPLITS, splits, strict=True):
            dataset = part.dataset if isinstance(part, DataLoader) else part
            if isinstance(dataset, Sized) and len(dataset) == 0:
                raise FashionZooError(f"the {split} data are empty: give some images")
        self.loaders = {
            split: part
            if isinstance(part, DataLoader)
            else DataLoader(part, batch_size=BATCH_SIZE, shuffle=split == "train")
            for split, part in zip(SPLITS, splits, strict=True)
        }

    @property
    def batch_size(self) -> int | None:
        """Images of a training batch."""
        return self.loaders["train"].batch_size

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the training batches."""
        return self.loaders["train"]

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the validation batches."""
        return self.loaders["val"]

    def test_dataloader(self) -> DataLoader[Any]:
        """Return the test batches."""
        return self.loaders["test"]
