"""Fashion-MNIST in memory, and the LightningDataModule that serves it in batches of pixels.

The files and their integrity are ``files.py``'s; the preprocessing belongs to the network, which applies it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.overrides.distributed import UnrepeatedDistributedSampler
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from fashionzoo import files
from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.hardware import has_native_bf16
from fashionzoo.images import CLASSES, IMAGE_SIZE, Preprocess
from fashionzoo.recipes import RECIPES
from fashionzoo.zoo import get_model

TEACHER_BATCH_SIZE = 500  # images that the teacher looks at
MAX_TEACHER_VIEWS = 50  # of an image, for which its answers are kept: 110 MB for the whole training set

Batch = tuple[Tensor, ...]  # images, labels and, for training with a teacher, its logits


@dataclass(frozen=True)
class Augment:
    """Random changes of a whole batch of training images at once, each image its own.

    Args:
        flip: Mirror half of the images left to right.
        shift: Move each image by up to this many pixels in both directions; black comes in.

    Raises:
        FashionZooError: The number of pixels is negative or larger than the image.

    Example:
        >>> Augment(flip=True, shift=2)(torch.zeros(5, 1, 28, 28, dtype=torch.uint8)).shape
        torch.Size([5, 1, 28, 28])
    """

    flip: bool = False
    shift: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.shift < IMAGE_SIZE:
            raise FashionZooError(f"augment.shift of {self.shift}: choose 0 to {IMAGE_SIZE - 1} pixels")

    def __bool__(self) -> bool:
        return self != Augment()

    @property
    def num_views(self) -> int:
        """How many different images flips and shifts make of one."""
        return (1 + self.flip) * self.num_offsets**2

    @property
    def num_offsets(self) -> int:
        """How many rows, and columns, an image can start at."""
        return 2 * self.shift + 1

    def sample_views(self, count: int, device: torch.device) -> Tensor:
        """Choose one of the views for each of several images, shape ``(N,)``."""
        view = torch.zeros(count, dtype=torch.int64, device=device)
        if self.flip:
            view += torch.rand(count, device=device) < 0.5
        if self.shift:
            down, right = torch.randint(self.num_offsets, (2, count), device=device)
            view = (view * self.num_offsets + down) * self.num_offsets + right
        return view

    def __call__(self, images: Tensor, view: Tensor | None = None) -> Tensor:
        """Return changed copies of images.

        Args:
            images: Shape ``(N, 1, 28, 28)``, any type.
            view: Which of the views each becomes, shape ``(N,)``; ``None`` to draw them.
        """
        count, device = len(images), images.device
        pixels = torch.arange(IMAGE_SIZE, device=device)
        view = self.sample_views(count, device) if view is None else view
        right, down = view % self.num_offsets, view // self.num_offsets % self.num_offsets
        flipped = view // self.num_offsets**2
        rows = pixels + down[:, None]
        columns = torch.where(flipped[:, None] == 1, pixels.flip(0), pixels) + right[:, None]
        images = torch.nn.functional.pad(images, [self.shift] * 4)
        image = torch.arange(count, device=device)[:, None, None]
        return images[image, 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)


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


class FashionMNISTDataModule(LightningDataModule):
    """Fashion-MNIST's official 60,000 and 10,000 images, with a fixed stratified part of the former for validation.

    Args:
        root: Folder of the data; ``None`` for ``$FASHIONZOO_DATA`` or the user's cache folder.
        batch_size: Images per training step, over all processes; ``None`` for all of them at once, in a fixed order.
        train_size: Use only so many training images, stratified, smaller sets within larger; ``None`` for all.
        val_size: Images held out of the training set, stratified.
        augment: Random changes of training images.
        teacher: A network of the zoo, whose tuned version's probabilities for each view of a training image are learned
            in place of the label (Hinton et al. 2015); ``None`` to learn labels.
        seed: Seed of the split, and only of it: the same images are held out whatever the seed of the run.

    Shape:
        Batches of all splits are images ``(N, 1, 28, 28)``, uint8, and labels ``(N,)``, int64 in 0-9; those for
        training with a teacher also have its logits, ``(N, 10)``. Training images are augmented. A full batch that no
        epoch changes is float in [0, 1] instead. :class:`Classifier` takes and preprocesses both.

    Raises:
        FashionZooError: A size does not fit the data, there is no such teacher, or too many views for it to answer for.

    Example:
        >>> FashionMNISTDataModule(batch_size=None, val_size=5000).hparams["val_size"]
        5000
    """

    def __init__(
        self,
        root: Path | None = None,
        batch_size: int | None = 128,
        train_size: int | None = None,
        val_size: int = 5000,
        augment: Augment = Augment(),
        teacher: str | None = None,
        seed: int = 2017,
    ) -> None:
        super().__init__()
        if isinstance(augment, dict):  # a checkpoint holds plain values
            augment = Augment(**augment)
        if teacher is not None and teacher not in RECIPES:
            raise FashionZooError(f"unknown teacher {teacher!r}: {did_you_mean(teacher, sorted(RECIPES))}")
        if teacher is not None and augment.num_views > MAX_TEACHER_VIEWS:
            raise FashionZooError(
                f"a teacher would be asked for {augment.num_views} views of each image: choose a smaller shift"
            )
        for name, size in (("batch_size", batch_size), ("train_size", train_size), ("val_size", val_size)):
            if size is not None and size < 1:
                raise FashionZooError(f"data.{name} of {size}: choose 1 or more")
        self.root, self.batch_size, self.train_size, self.val_size = root, batch_size, train_size, val_size
        self.augment, self.teacher = augment, teacher
        self.seed = seed
        self.datasets: dict[str, InMemoryDataset] = {}
        self.teacher_seconds = 0.0
        self.save_hyperparameters(
            {
                "batch_size": batch_size,
                "train_size": train_size,
                "val_size": val_size,
                "augment": asdict(augment),
                "teacher": teacher,
                "seed": seed,
            }
        )

    def prepare_data(self) -> None:
        """Find or download the files, in one process only."""
        files.ensure_downloaded(self.root)

    def setup(self, stage: str | None = None) -> None:
        """Read the splits that a stage needs into memory, on the device if that is a GPU.

        Args:
            stage: ``"fit"``, ``"validate"``, ``"test"`` or ``"predict"``; ``None`` for all.
        """
        if stage not in ("fit", "validate") and "test" not in self.datasets:
            images, labels = files.load_split("test", self.root)
            self.datasets["test"] = InMemoryDataset(images.unsqueeze(1), labels)
        if stage not in ("test", "predict") and "train" not in self.datasets:
            images, labels = files.load_split("train", self.root)
            for split, indices in zip(("val", "train"), self._split(labels), strict=True):
                self.datasets[split] = InMemoryDataset(images[indices].unsqueeze(1), labels[indices])
        if self.trainer is not None:
            for dataset in self.datasets.values():
                dataset.to(self.trainer.strategy.root_device)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the training batches: shuffled again each epoch, or one full batch in a fixed order."""
        train = self._dataset("train")
        if self.teacher is not None and not train.extra_tensors:
            train.extra_tensors = (self._teacher_logits(self.teacher, train.images),)
        batch_size = self.batch_size or len(train)
        augmented = bool(self.augment) or self.teacher is not None
        if self.batch_size is None and not augmented:
            # What no epoch changes is converted once, for bf16 as autocast would at every step.
            in_bf16 = self.trainer is not None and self.trainer.precision == "bf16-mixed"
            pixels = Preprocess(standardize=False)(train.images).to(torch.bfloat16 if in_bf16 else torch.float32)
            train = InMemoryDataset(pixels, train.labels)
        world_size, rank = self._world_size_and_rank()
        sampler = ReshufflingSampler(
            train, world_size, rank, shuffle=self.batch_size is not None, seed=torch.initial_seed() % 2**31
        )
        return _loader(
            train, -(-batch_size // world_size), sampler, self._augmented if augmented else _identity_collate
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the validation batches."""
        return self._eval_loader("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the test batches."""
        return self._eval_loader("test")

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the test batches, whose labels ``trainer.predict`` does not look at."""
        return self._eval_loader("test")

    def _dataset(self, split: str) -> InMemoryDataset:
        """Return a split, read now if no stage has asked for it yet."""
        if split not in self.datasets:
            self.prepare_data()
            self.setup("test" if split == "test" else "fit")
        return self.datasets[split]

    def _augmented(self, batch: Batch) -> Batch:
        """Return another view of each image of a training batch and, where there is a teacher, its logits for it."""
        images, labels, *teacher_logits = batch
        view = self.augment.sample_views(len(images), images.device)
        chosen = [logits[torch.arange(len(view), device=view.device), view] for logits in teacher_logits]
        return self.augment(images, view) if self.augment else images, labels, *chosen

    def _split(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the indices held out and those to train on."""
        order = stratified_permutation(labels, self.seed)
        if self.val_size >= len(labels):
            raise FashionZooError(
                f"data.val_size of {self.val_size} leaves nothing of the {len(labels)} images to train on"
            )
        train_indices = order[self.val_size :]
        if self.train_size is not None and self.train_size > len(train_indices):
            raise FashionZooError(
                f"data.train_size of {self.train_size} is larger than the {len(train_indices)} images there are"
            )
        train_indices = train_indices[: self.train_size]
        if labels[train_indices].unique().numel() < len(CLASSES):
            raise FashionZooError(
                f"data.train_size of {len(train_indices)} leaves a class empty: choose {len(CLASSES)} or more"
            )
        if self.batch_size is not None and self.batch_size > len(train_indices):
            raise FashionZooError(
                f"data.batch_size of {self.batch_size} is larger than the {len(train_indices)} training images"
            )
        return order[: self.val_size], train_indices

    def _teacher_logits(self, name: str, images: Tensor) -> Tensor:
        """Precompute the teacher's logits for every view: shape ``(N, views, 10)``."""
        start, device = time.perf_counter(), images.device
        teacher = get_model(name, weights="tuned").to(device)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=has_native_bf16(device)):
            views = [
                torch.cat(
                    [
                        teacher(teacher.preprocess(self.augment(batch, torch.full((len(batch),), view, device=device))))
                        for batch in images.split(TEACHER_BATCH_SIZE)
                    ]
                ).float()
                for view in range(self.augment.num_views)
            ]
        self.teacher_seconds = time.perf_counter() - start
        return torch.stack(views, dim=1)

    def _world_size_and_rank(self) -> tuple[int, int]:
        """Return how many processes share the work, and which of them this is."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer is not None else (1, 0)

    def _eval_loader(self, split: str) -> DataLoader[Batch]:
        """Return batches in which each image comes once, over all processes."""
        images = self._dataset(split)
        batch_size = 2 * self.batch_size if self.batch_size else len(images)  # no gradients, half the memory
        sampler = UnrepeatedDistributedSampler(images, *self._world_size_and_rank(), shuffle=False)
        return _loader(images, batch_size, sampler)


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


def _identity_collate(batch: Batch) -> Batch:
    return batch


def _loader(
    images: InMemoryDataset,
    batch_size: int,
    sampler: DistributedSampler[Batch],
    collate: Callable[[Any], Batch] = _identity_collate,
) -> DataLoader[Batch]:
    """Return a loader whose batches come ready from :meth:`InMemoryDataset.__getitems__`."""
    # A generator of its own keeps the loader from drawing a seed for workers from the one of augmentation and dropout.
    return DataLoader(images, batch_size=batch_size, sampler=sampler, collate_fn=collate, generator=torch.Generator())
