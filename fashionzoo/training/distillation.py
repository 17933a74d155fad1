"""Distillation: the logits of a trained network are learned in place of the labels (Hinton et al. 2015)."""

from __future__ import annotations

import time

import torch

from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.environment import has_native_bf16
from fashionzoo.errors import FashionZooError
from fashionzoo.models.factory import build_network
from fashionzoo.weights.manifest import PACKAGE, find_weights

TEACHER_BATCH_SIZE = 500  # images


def precompute_teacher_logits(data: FashionMNISTDataModule) -> None:
    """Give a data module the logits of its teacher for every view of its training images, unless it has them.

    Args:
        data: Has been set up for training; its ``teacher`` names a network whose tuned weights come with the package.

    Raises:
        FashionZooError: There is no such network, or it learned validation images.
    """
    train = data.datasets["train"]
    if data.teacher is None or train.extra_tensors:
        return
    check_teacher(data)
    start, device = time.perf_counter(), train.images.device
    weights = find_weights(PACKAGE, data.teacher, "tuned")
    teacher = build_network(weights.config).eval()
    weights.load_into(teacher)
    teacher.to(device)
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=has_native_bf16(device)):
        views = [
            torch.cat(
                [
                    teacher(teacher.preprocess(data.augment(batch, torch.full((len(batch),), view, device=device))))
                    for batch in train.images.split(TEACHER_BATCH_SIZE)
                ]
            ).float()
            for view in range(data.augment.num_views)
        ]
    train.extra_tensors = (torch.stack(views, dim=1),)
    data.teacher_seconds = time.perf_counter() - start


def check_teacher(data: FashionMNISTDataModule) -> None:
    """Raise if a data module's teacher learned images that are held out for validation.

    The student would be measured on what its teacher knows by heart.

    Args:
        data: Its ``teacher``, if it has one, names a network whose tuned weights come with the package.

    Raises:
        FashionZooError: There is no such network, or it learned validation images.
    """
    if data.teacher is None:
        return
    recipe = find_weights(PACKAGE, data.teacher, "tuned").recipe
    for name, value, fits in (
        ("seed", data.seed, data.seed == recipe["data.seed"]),
        ("val_size", data.val_size, data.val_size <= recipe["data.val_size"]),  # smaller sets are within larger ones
    ):
        if not fits:
            raise FashionZooError(
                f"data.{name} of {value} holds out images that the teacher {data.teacher} was trained on, so that "
                f"validation would be too good: take {recipe[f'data.{name}']} as it did, or no teacher"
            )
