"""Images and labels in memory: batches that are indexed in one go, their order, and a stratified split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, DistributedSampler

Batch = tuple[Tensor, ...]  # images, labels and, for training with a teacher, its logits


class InMemoryDataset(Dataset[Batch]):
    """Images and labels as tensors; a batch is indexed from them in one go.

    Args:
        images: Shape ``(N, ...)``.
        labels: Shape ``(N,)``.
        *extra_tensors: What else is known of each image, shape ``(N, ...)``.
    """

    def __init__(self, images: Tensor, labels: Tensor, *extra_tensors: Tensor) -> None:
        self.images, self.labels, self.extra_tensors = images, labels, extra_tensors

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> None:
        """Move all tensors to a device."""
        self.images, self.labels = self.images.to(device), self.labels.to(device)
        self.extra_tensors = tuple(tensor.to(device) for tensor in self.extra_tensors)

    def __getitem__(self, index: int) -> Batch:
        """Return one image with its label."""
        return tuple(tensor[index] for tensor in (self.images, self.labels, *self.extra_tensors))

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return a batch; one of consecutive indices is a view and copies nothing."""
        start, stop = indices[0], indices[-1] + 1
        if stop - start == len(indices) and indices == list(range(start, stop)):
            return tuple(tensor[start:stop] for tensor in (self.images, self.labels, *self.extra_tensors))
        chosen = torch.tensor(indices, device=self.labels.device)
        return tuple(tensor.index_select(0, chosen) for tensor in (self.images, self.labels, *self.extra_tensors))


class ReshufflingSampler(DistributedSampler[Batch]):
    """A sampler whose order changes with each pass, also where no Trainer sets the epoch."""

    def __iter__(self) -> Iterator[Batch]:  # of indices, which PyTorch types as what they index
        indices = super().__iter__()
        self.epoch += 1
        return indices


class JoiningBatchSampler(BatchSampler):
    """A batch sampler that adds a single image at the end to the batch before: batch normalization needs two.

    Example:
        >>> list(JoiningBatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3, 4]]
    """

    def __iter__(self) -> Iterator[list[int]]:
        before: list[int] = []
        for batch in super().__iter__():
            if before and len(batch) == 1:
                batch = before + batch
            elif before:
                yield before
            before = batch
        yield before

    def __len__(self) -> int:
        joined = self.batch_size > 1 and len(self.sampler) % self.batch_size == 1  # type: ignore[arg-type]
        return max(super().__len__() - joined, 1)


def stratified_permutation(labels: Tensor, seed: int) -> Tensor:
    """Shuffle so that any leading part of the order has each class in its share.

    Args:
        labels: Shape ``(N,)``, int64.
        seed: Seed of the shuffling; the order is the same on every machine.

    Returns:
        The indices 0 to N-1, shape ``(N,)``.

    Example:
        >>> labels = torch.tensor([0, 0, 0, 0, 1, 1])
        >>> sorted(labels[stratified_permutation(labels, seed=0)[:3]].tolist())
        [0, 0, 1]
    """
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    quantile = torch.empty(len(labels), dtype=torch.float64)  # of each image within its class, in (0, 1)
    for label in labels.unique():
        class_indices = shuffled[labels[shuffled] == label]
        quantile[class_indices] = (torch.arange(len(class_indices), dtype=torch.float64) + 0.5) / len(class_indices)
    return quantile.argsort(stable=True)


def identity_collate(batch: Batch) -> Batch:
    """Return a batch as it is, which may be a view of all images."""
    return batch


def clone_collate(batch: Batch) -> Batch:
    """Return a copy of a batch, which is the reader's to change."""
    return tuple(tensor.clone() for tensor in batch)


def make_loader(
    images: InMemoryDataset,
    batch_size: int,
    sampler: DistributedSampler[Batch],
    collate: Callable[[Any], Batch],
) -> DataLoader[Batch]:
    """Return a loader whose batches come ready from :meth:`InMemoryDataset.__getitems__`."""
    # A generator of its own keeps the loader from drawing a seed for workers from the one of augmentation and dropout.
    generator = torch.Generator()
    return DataLoader(images, batch_size=batch_size, sampler=sampler, collate_fn=collate, generator=generator)


def join_last(loader: DataLoader[Batch]) -> DataLoader[Batch]:
    """Return a training loader whose last batch is not of a single image, where one process has all of them.

    Several would each get the images of all: Lightning looks for their sampler where a batch sampler hides it.
    """
    sampler, batch_size = loader.sampler, loader.batch_size
    assert isinstance(sampler, DistributedSampler)
    assert batch_size is not None
    if sampler.num_replicas > 1 or batch_size == 1 or len(sampler) % batch_size != 1:
        return loader
    batches = JoiningBatchSampler(sampler, batch_size, drop_last=False)
    return DataLoader(loader.dataset, batch_sampler=batches, collate_fn=loader.collate_fn, generator=loader.generator)
