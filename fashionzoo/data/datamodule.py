"""Fashion-MNIST as a LightningDataModule that serves batches of pixels; the network preprocesses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.overrides.distributed import UnrepeatedDistributedSampler
from torch import Tensor
from torch.utils.data import DataLoader

from fashionzoo.data import mnist_like, sources
from fashionzoo.data.augmentation import Augment
from fashionzoo.data.dataset import (
    Batch,
    InMemoryDataset,
    ReshufflingSampler,
    clone_collate,
    identity_collate,
    join_last,
    make_loader,
    stratified_permutation,
)
from fashionzoo.errors import FashionZooError
from fashionzoo.images.preprocessing import Preprocess
from fashionzoo.io import to_plain

MAX_TEACHER_VIEWS = 50  # of an image, for which its answers are kept: 110 MB for the whole training set


class Teacher(Protocol):
    """What answers for views of training images, such as :class:`fashionzoo.training.distillation.Teacher`."""

    def __call__(self, images: Tensor, index: Tensor, view: Tensor) -> Tensor:
        """Return logits for views ``(N, 1, 28, 28)``, given of which images and which of their views they are."""

    def save(self) -> None:
        """Keep the answers."""


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
        class_names: Of another data set of 28x28 images, whose four IDX files are in ``root``; ``None`` for
            Fashion-MNIST.

    A single training image that would be the last batch joins the one before.

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
        class_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        batch_size, train_size, val_size, seed = to_plain((batch_size, train_size, val_size, seed))
        class_names = to_plain(class_names)
        if isinstance(augment, dict):  # a checkpoint holds plain values
            augment = Augment(**augment)
        if teacher is not None and augment.num_views > MAX_TEACHER_VIEWS:
            raise FashionZooError(
                f"a teacher would be asked for {augment.num_views} views of each image: choose a smaller shift"
            )
        for name, size in (("batch_size", batch_size), ("train_size", train_size), ("val_size", val_size)):
            if size is not None and size < 1:
                raise FashionZooError(f"data.{name} of {size}: choose 1 or more")
        self.root, self.batch_size, self.train_size, self.val_size = root, batch_size, train_size, val_size
        self.augment, self.teacher = augment, teacher
        self.seed, self.class_names = seed, class_names
        self.datasets: dict[str, InMemoryDataset] = {}
        self.ask_teacher: Teacher | None = None
        self.save_hyperparameters(
            {
                "batch_size": batch_size,
                "train_size": train_size,
                "val_size": val_size,
                "augment": to_plain(asdict(augment)),
                "teacher": teacher,
                "seed": seed,
                "class_names": class_names,
            }
        )

    def prepare_data(self) -> None:
        """Find or download the files, in one process only."""
        if self.class_names is None:
            sources.ensure_downloaded(self.root)

    def setup(self, stage: str | None = None) -> None:
        """Read the splits that a stage needs into memory, on the device if that is a GPU.

        Args:
            stage: ``"fit"``, ``"validate"``, ``"test"`` or ``"predict"``; ``None`` for all.
        """
        if stage not in ("fit", "validate") and "test" not in self.datasets:
            images, labels = self._load("test")
            self.datasets["test"] = InMemoryDataset(images.unsqueeze(1), labels)
        if stage not in ("test", "predict") and "train" not in self.datasets:
            images, labels = self._load("train")
            for split, indices in zip(("val", "train"), self._split(labels), strict=True):
                self.datasets[split] = InMemoryDataset(images[indices].unsqueeze(1), labels[indices])
        if self.trainer is not None:
            for dataset in self.datasets.values():
                dataset.to(self.trainer.strategy.root_device)

    def teardown(self, stage: str) -> None:
        """Keep the answers of a teacher for the next run."""
        if stage == "fit" and self.ask_teacher is not None and self.trainer is not None and self.trainer.is_global_zero:
            self.ask_teacher.save()

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the training batches: shuffled again each epoch, or one full batch in a fixed order."""
        train = self._dataset("train")
        if self.teacher is not None:
            if self.ask_teacher is None:
                raise FashionZooError(
                    f"the teacher {self.teacher} is not there: fit a Classifier with this data module, or set its "
                    "ask_teacher to a fashionzoo.training.distillation.Teacher"
                )
            train = InMemoryDataset(train.images, train.labels, torch.arange(len(train), device=train.labels.device))
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
        collate = self._augmented if augmented else identity_collate
        return join_last(make_loader(train, -(-batch_size // world_size), sampler, collate))

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

    def _load(self, split: str) -> tuple[Tensor, Tensor]:
        """Read a split of Fashion-MNIST, or of the other data set."""
        if self.class_names is None:
            return sources.load_split(split, self.root)
        return mnist_like.load_split(split, sources.resolve_data_dir(self.root), len(self.class_names))

    def _augmented(self, batch: Batch) -> Batch:
        """Return another view of each image of a training batch and, where there is a teacher, its logits for it."""
        images, labels, *extra = batch
        view = self.augment.sample_views(len(images), images.device)
        images = self.augment(images, view) if self.augment else images
        if self.ask_teacher is None:
            return images, labels
        (index,) = extra
        return images, labels, self.ask_teacher(images, index, view)

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
        num_classes = labels.unique().numel()
        if labels[train_indices].unique().numel() < num_classes:
            raise FashionZooError(
                f"data.train_size of {len(train_indices)} leaves a class empty: choose {num_classes} or more"
            )
        if self.batch_size is not None and self.batch_size > len(train_indices):
            raise FashionZooError(
                f"data.batch_size of {self.batch_size} is larger than the {len(train_indices)} training images"
            )
        return order[: self.val_size], train_indices

    def _world_size_and_rank(self) -> tuple[int, int]:
        """Return how many processes share the work, and which of them this is."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer is not None else (1, 0)

    def _eval_loader(self, split: str) -> DataLoader[Batch]:
        """Return batches in which each image comes once, over all processes."""
        images = self._dataset(split)
        batch_size = 2 * self.batch_size if self.batch_size else len(images)  # no gradients, half the memory
        sampler = UnrepeatedDistributedSampler(images, *self._world_size_and_rank(), shuffle=False)
        return make_loader(images, batch_size, sampler, clone_collate)
