"""Distillation: the logits of a trained network are learned in place of the labels (Hinton et al. 2015)."""

from __future__ import annotations

import time

import torch

from fashionzoo.data.datamodule import FashionMNISTDataModule
from fashionzoo.environment import has_native_bf16
from fashionzoo.models.factory import build_network
from fashionzoo.weights.manifest import PACKAGE, find_weights

TEACHER_BATCH_SIZE = 500  # images


def precompute_teacher_logits(data: FashionMNISTDataModule) -> None:
    """Give a data module the logits of its teacher for every view of its training images, unless it has them.

    Args:
        data: Has been set up for training; its ``teacher`` names a network whose tuned weights come with the package.

    Raises:
        FashionZooError: There is no such network.
    """
    train = data.datasets["train"]
    if data.teacher is None or train.extra_tensors:
        return
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
