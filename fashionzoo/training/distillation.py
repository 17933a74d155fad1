"""Distillation: the logits of a trained network are learned in place of the labels (Hinton et al. 2015)."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.data.sources import resolve_data_dir
from fashionzoo.environment import collect_env, has_fast_bf16
from fashionzoo.errors import FashionZooError
from fashionzoo.io import atomic_write
from fashionzoo.models.factory import build_network
from fashionzoo.weights.manifest import PACKAGE, find_weights

TEACHER_BATCH_SIZE = 500  # images
MIN_TEACHER_BATCH = 32  # fewer are rounded differently: one with AVX2, up to five with AVX-512
SAVED_EVERY = 100_000  # answers: seconds of a teacher's work, which an interrupted run loses


class Teacher:
    """A trained network that answers for views of training images, when each is first shown.

    Answers are kept on disk, in the folder ``teacher`` beside the data, by the hash of the teacher's weights, of the
    images and of what computes: the next run on the same images and machine finds them there.

    Args:
        data: Has been set up for training; its ``teacher`` names a network whose tuned weights come with the package.

    Raises:
        FashionZooError: There is no such network, or it learned validation images.
    """

    def __init__(self, data: FashionMNISTDataModule) -> None:
        assert data.teacher is not None
        check_teacher(data)
        images = data.datasets["train"].images
        weights = find_weights(PACKAGE, data.teacher, "tuned")
        self.network = build_network(weights.config).eval()
        weights.load_into(self.network)
        self.network.to(images.device)
        self.dtype = torch.bfloat16 if has_fast_bf16(images.device) else torch.float32
        self.num_unsaved = 0
        key = hashlib.sha256(images.cpu().numpy().tobytes())
        env, device = collect_env(), images.device.type  # others round otherwise
        computer = f"{device} {env['processor']} {env['instructions']} {torch.__version__}"
        key.update(f"{weights.meta['sha256']} {data.augment} {self.dtype} {computer}".encode())
        self.path = resolve_data_dir(data.root) / "teacher" / f"{key.hexdigest()[:16]}.safetensors"
        shape = len(images), data.augment.num_views, self.network.num_classes
        self.logits = torch.full(shape, torch.nan, dtype=self.dtype, device=images.device)  # NaN: not asked yet
        with suppress(OSError, SafetensorError, KeyError):  # none yet, or one that is damaged
            self.logits = load_file(self.path)["logits"].to(images.device).reshape(shape)

    def __call__(self, images: Tensor, index: Tensor, view: Tensor) -> Tensor:
        """Return the teacher's logits.

        Args:
            images: The views, shape ``(N, 1, 28, 28)``.
            index: Which training image each is of, shape ``(N,)``.
            view: Which of its views, shape ``(N,)``.

        Returns:
            Shape ``(N, classes)``, in the precision in which the teacher computes.
        """
        answers = self.logits[index, view]
        unknown = answers[:, 0].isnan()
        if unknown.any():
            answers[unknown] = self.logits[index[unknown], view[unknown]] = self._ask(images[unknown])
            self.num_unsaved += int(unknown.sum())
            if self.num_unsaved >= SAVED_EVERY:
                self.save()
        return answers

    def _ask(self, images: Tensor) -> Tensor:
        """Compute logits, the same for an image whatever is beside it."""
        count, bf16 = len(images), self.dtype == torch.bfloat16
        if 0 < (last := count % TEACHER_BATCH_SIZE) < MIN_TEACHER_BATCH:
            images = torch.cat([images, images[-1:].expand(MIN_TEACHER_BATCH - last, *images.shape[1:])])
        with torch.no_grad(), torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
            batches = images.split(TEACHER_BATCH_SIZE)
            logits = torch.cat([self.network(self.network.preprocess(batch)) for batch in batches])
        return logits[:count].to(self.dtype)

    def save(self) -> None:
        """Keep the answers for other runs, where the folder of the data can be written."""
        if self.num_unsaved:
            with suppress(OSError, FashionZooError):  # another program or user may hold the file
                self.path.parent.mkdir(exist_ok=True)
                with atomic_write(self.path) as file:
                    file.write(save({"logits": self.logits.cpu()}))
            self.num_unsaved = 0


def check_teacher(data: FashionMNISTDataModule) -> None:
    """Raise if a data module's teacher learned other classes, or images that are held out for validation.

    A student would learn nothing of its data, or be measured on what its teacher knows by heart.

    Args:
        data: Its ``teacher``, if it has one, names a network whose tuned weights come with the package.

    Raises:
        FashionZooError: There is no such network, it learned validation images, or the data are not Fashion-MNIST's.
    """
    if data.teacher is None:
        return
    recipe = find_weights(PACKAGE, data.teacher, "tuned").recipe
    if data.class_names is not None:
        raise FashionZooError(
            f"the teacher {data.teacher} knows the classes of Fashion-MNIST, not those of data.class_names: learn from "
            "the labels, by --data.teacher=null"
        )
    for name, value, fits in (
        ("seed", data.seed, data.seed == recipe["data.seed"]),
        ("val_size", data.val_size, data.val_size <= recipe["data.val_size"]),  # smaller sets are within larger ones
    ):
        if not fits:
            raise FashionZooError(
                f"data.{name} of {value} holds out images that the teacher {data.teacher} was trained on, so that "
                f"validation would be too good: take {recipe[f'data.{name}']} as it did, or no teacher"
            )
