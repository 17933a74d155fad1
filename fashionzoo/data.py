"""Fashion-MNIST in memory, and the LightningDataModule that hands it out in batches.

The files and their integrity are ``files.py``'s; the preprocessing belongs to the network.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.overrides.distributed import UnrepeatedDistributedSampler
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from fashionzoo import files
from fashionzoo.errors import InputError, nearest
from fashionzoo.hardware import computes_in_bf16
from fashionzoo.images import CLASSES, SIZE, Preprocess
from fashionzoo.recipes import RECIPES
from fashionzoo.zoo import get_model

ASKED_AT_ONCE = 500  # images that the teacher looks at
MOST_VIEWS = 50  # of an image, for which its answers are kept: 110 MB for the whole training set

Batch = tuple[Tensor, ...]  # images, labels and, for training with a teacher, its logits


@dataclass(frozen=True)
class Augment:
    """Random changes of a whole batch of training images at once, each image its own.

    Args:
        flip: Mirror half of the images left to right.
        shift: Move each image by up to this many pixels in both directions; black comes in.
        erase: Side in pixels of a square that is made black, anywhere in each image; 0 for none.

    Raises:
        InputError: A number of pixels is negative or larger than the image.

    Example:
        >>> Augment(flip=True, shift=2)(torch.zeros(5, 1, 28, 28, dtype=torch.uint8)).shape
        torch.Size([5, 1, 28, 28])
    """

    flip: bool = False
    shift: int = 0
    erase: int = 0

    def __post_init__(self) -> None:
        for name in ("shift", "erase"):
            if not 0 <= getattr(self, name) < SIZE:
                raise InputError(f"augment.{name} of {getattr(self, name)}: choose 0 to {SIZE - 1} pixels")

    def __bool__(self) -> bool:
        return self != Augment()

    @property
    def views(self) -> int:
        """How many different images flips and shifts make of one."""
        return (1 + self.flip) * self.places**2

    @property
    def places(self) -> int:
        """How many rows, and columns, an image can start at."""
        return 2 * self.shift + 1

    def draw(self, count: int, device: torch.device) -> Tensor:
        """Choose one of the views for each of several images, shape ``(N,)``."""
        view = torch.zeros(count, dtype=torch.int64, device=device)
        if self.flip:
            view += torch.rand(count, device=device) < 0.5
        if self.shift:
            down, right = torch.randint(self.places, (2, count), device=device)
            view = (view * self.places + down) * self.places + right
        return view

    def __call__(self, images: Tensor, view: Tensor | None = None) -> Tensor:
        """Return changed copies of images.

        Args:
            images: Shape ``(N, 1, 28, 28)``, any type.
            view: Which of the views each becomes, shape ``(N,)``; ``None`` to draw them.
        """
        count, device = len(images), images.device
        pixels = torch.arange(SIZE, device=device)
        if self.views > 1:
            view = self.draw(count, device) if view is None else view
            right, down, mirrored = view % self.places, view // self.places % self.places, view // self.places**2
            rows = pixels + down[:, None]
            columns = torch.where(mirrored[:, None] == 1, pixels.flip(0), pixels) + right[:, None]
            images = torch.nn.functional.pad(images, [self.shift] * 4)
            image = torch.arange(count, device=device)[:, None, None]
            images = images[image, 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)
        if self.erase:
            top, left = torch.randint(SIZE - self.erase + 1, (2, count, 1), device=device)
            in_rows = (pixels >= top) & (pixels < top + self.erase)
            in_columns = (pixels >= left) & (pixels < left + self.erase)
            images = images.masked_fill((in_rows[:, :, None] & in_columns[:, None, :]).unsqueeze(1), 0)
        return images


class InMemory(Dataset[Batch]):
    """Images and labels as tensors; a batch is indexed from them in one go.

    Args:
        images: Shape ``(N, ...)``.
        labels: Shape ``(N,)``.
        *others: What else is known of each image, shape ``(N, ...)``.
    """

    def __init__(self, images: Tensor, labels: Tensor, *others: Tensor) -> None:
        self.images, self.labels, self.others = images, labels, others

    def __len__(self) -> int:
        return len(self.labels)

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return a batch; one of consecutive indices is a view and copies nothing."""
        start, stop = indices[0], indices[-1] + 1
        if stop - start == len(indices) and indices == list(range(start, stop)):
            return tuple(tensor[start:stop] for tensor in (self.images, self.labels, *self.others))
        chosen = torch.tensor(indices, device=self.labels.device)
        return tuple(tensor.index_select(0, chosen) for tensor in (self.images, self.labels, *self.others))


class FashionMNISTDataModule(LightningDataModule):
    """Fashion-MNIST's official 60,000 and 10,000 images, with a fixed stratified part of the former for validation.

    Args:
        root: Folder of the data; ``None`` for ``$FASHIONZOO_DATA`` or the user's cache folder.
        batch_size: Images a training step, over all processes; ``None`` for all of them at once, in a fixed order.
        train_size: Use only so many training images, stratified, smaller sets within larger; ``None`` for all.
        val_size: Images held out of the training set, stratified.
        augment: Random changes of training images.
        teacher: A network of the zoo. Its tuned version says how likely each class is for each view of a training
            image, and that is learned in place of the label (Hinton et al. 2015); ``None`` to learn labels.
        seed: Of the split, and only of it: the same images are held out whatever the seed of the run.

    Shape:
        Batches are images ``(N, 1, 28, 28)``, float32 as the network's ``preprocess`` returns them, and labels
        ``(N,)``, int64 in 0-9; those for training with a teacher also have its logits, ``(N, 10)``.

    Raises:
        InputError: A size does not fit the data, there is no such teacher, or too many views for it to answer for.

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
        if teacher is not None and teacher not in RECIPES:
            raise InputError(f"unknown teacher {teacher!r}: {nearest(teacher, sorted(RECIPES))}")
        if teacher is not None and augment.views > MOST_VIEWS:
            raise InputError(
                f"a teacher would be asked for {augment.views} views of each image: choose a smaller shift"
            )
        for name, size in (("batch_size", batch_size), ("train_size", train_size), ("val_size", val_size)):
            if size is not None and size < 1:
                raise InputError(f"data.{name} of {size}: choose 1 or more")
        self.root, self.batch_size, self.train_size, self.val_size = root, batch_size, train_size, val_size
        self.augment, self.teacher = augment, teacher
        self.seed = seed
        self.preprocess = Preprocess()
        self.sets: dict[str, InMemory] = {}
        self.seconds_asking = 0.0  # the teacher
        self.save_hyperparameters(
            {
                "batch_size": batch_size,
                "train_size": train_size,
                "val_size": val_size,
                "teacher": teacher,
                "seed": seed,
                **{f"augment.{name}": value for name, value in asdict(augment).items()},
            }
        )

    def prepare_data(self) -> None:
        """Find or download the files, in one process only."""
        files.fetch(self.root)

    def setup(self, stage: str) -> None:
        """Read the splits that a stage needs into memory, on the device if that is a GPU.

        Args:
            stage: ``"fit"``, ``"validate"`` or ``"test"``.
        """
        if self.trainer is not None:
            self.preprocess = getattr(self.trainer.lightning_module, "preprocess", self.preprocess)
        if stage == "test":
            self.sets.setdefault("test", self._preprocessed(*self._on_device(*files.load("t10k", self.root))))
        elif "train" not in self.sets:
            images, labels = files.load("train", self.root)
            held_out, rest = self._split(labels)
            self.sets["val"] = self._preprocessed(*self._on_device(images[held_out], labels[held_out]))
            train = self._on_device(images[rest].unsqueeze(1), labels[rest])
            # What no epoch changes is preprocessed once; what is shuffled or augmented stays small until it is used.
            constant = self.batch_size is None and not self.augment and not self.teacher
            self.sets["train"] = self._preprocessed(*train) if constant else InMemory(*train, *self._taught(train[0]))
            if constant and self.trainer is not None and self.trainer.precision == "bf16-mixed":
                self.sets["train"].images = self.sets["train"].images.bfloat16()  # as autocast would at every step

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the training batches: shuffled anew each epoch, or one full batch in a fixed order."""
        train = self.sets["train"]
        batch_size = self.batch_size or len(train)
        world, rank = self._processes()
        sampler: DistributedSampler[Batch] = DistributedSampler(
            train, world, rank, shuffle=self.batch_size is not None, seed=torch.initial_seed() % 2**31
        )
        return _loader(train, -(-batch_size // world), sampler)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the validation batches."""
        return self._eval_loader("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the test batches."""
        return self._eval_loader("test")

    def on_after_batch_transfer(self, batch: Batch | Tensor, dataloader_idx: int) -> Batch | Tensor:
        """Augment and preprocess a training batch on its device; the example input of a network stays as it is."""
        if isinstance(batch, Tensor):
            return batch
        images, labels, *taught = batch
        if images.dtype == torch.uint8:
            view = self.augment.draw(len(images), images.device)
            taught = [logits[torch.arange(len(view), device=view.device), view] for logits in taught]
            images = self.preprocess(self.augment(images, view) if self.augment else images)
        return images, labels, *taught

    def _split(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the indices held out and those to train on."""
        order = stratified_order(labels, self.seed)
        if self.val_size >= len(labels):
            raise InputError(f"data.val_size of {self.val_size} leaves nothing of the {len(labels)} images to train on")
        rest = order[self.val_size :]
        if self.train_size is not None and self.train_size > len(rest):
            raise InputError(f"data.train_size of {self.train_size} is larger than the {len(rest)} images there are")
        rest = rest[: self.train_size]
        if labels[rest].unique().numel() < len(CLASSES):
            raise InputError(f"data.train_size of {len(rest)} leaves a class empty: choose {len(CLASSES)} or more")
        if self.batch_size is not None and self.batch_size > len(rest):
            raise InputError(f"data.batch_size of {self.batch_size} is larger than the {len(rest)} training images")
        return order[: self.val_size], rest

    def _taught(self, images: Tensor) -> list[Tensor]:
        """Ask the teacher, if there is one, what it makes of each view of each image: logits ``(N, views, 10)``."""
        if self.teacher is None:
            return []
        began = time.perf_counter()
        device, augment = images.device, replace(self.augment, erase=0)
        teacher = get_model(self.teacher, weights="tuned").to(device)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=computes_in_bf16(device)):
            views = [
                torch.cat(
                    [
                        teacher(teacher.preprocess(augment(batch, torch.full((len(batch),), view, device=device))))
                        for batch in images.split(ASKED_AT_ONCE)
                    ]
                ).float()
                for view in range(augment.views)
            ]
        self.seconds_asking = time.perf_counter() - began
        return [torch.stack(views, dim=1)]

    def _on_device(self, images: Tensor, labels: Tensor) -> Batch:
        """Move a split to the GPU, where there is one, once and for all."""
        device = self.trainer.strategy.root_device if self.trainer is not None else torch.device("cpu")
        return images.to(device), labels.to(device)

    def _preprocessed(self, images: Tensor, labels: Tensor) -> InMemory:
        return InMemory(self.preprocess(images), labels)

    def _processes(self) -> tuple[int, int]:
        """Return how many processes share the work, and which of them this is."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer is not None else (1, 0)

    def _eval_loader(self, split: str) -> DataLoader[Batch]:
        """Return batches in which each image comes once, over all processes."""
        images = self.sets[split]
        batch_size = 2 * self.batch_size if self.batch_size else len(images)  # no gradients, half the memory
        return _loader(images, batch_size, UnrepeatedDistributedSampler(images, *self._processes(), shuffle=False))


def stratified_order(labels: Tensor, seed: int) -> Tensor:
    """Shuffle so that any leading part of the order has each class in its share.

    Args:
        labels: Shape ``(N,)``, int64.
        seed: Of the shuffling; the order is the same on every machine.

    Returns:
        The indices 0 to N-1, shape ``(N,)``.

    Example:
        >>> labels = torch.tensor([0, 0, 0, 0, 1, 1])
        >>> sorted(labels[stratified_order(labels, seed=0)[:3]].tolist())
        [0, 0, 1]
    """
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    place = torch.empty(len(labels), dtype=torch.float64)  # of each image within its class, in (0, 1)
    for label in labels.unique():
        members = shuffled[labels[shuffled] == label]
        place[members] = (torch.arange(len(members), dtype=torch.float64) + 0.5) / len(members)
    return place.argsort(stable=True)


def _loader(images: InMemory, batch_size: int, sampler: DistributedSampler[Batch]) -> DataLoader[Batch]:
    """Return a loader whose batches come ready from :meth:`InMemory.__getitems__`."""
    # A generator of its own keeps the loader from drawing a seed for workers from the one of augmentation and dropout.
    return DataLoader(images, batch_size, sampler=sampler, collate_fn=_ready, generator=torch.Generator())


def _ready(batch: Sequence[Tensor]) -> Sequence[Tensor]:
    return batch
