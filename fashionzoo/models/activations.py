"""What is inside a network while it looks at images: hidden activations, and the features before the last layer."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from fashionzoo.errors import FashionZooError
from fashionzoo.models.evaluation_mode import eval_mode
from fashionzoo.models.network import EVAL_BATCH_SIZE, Network

NEAR_ZERO = 0.01  # an activation with a smaller absolute value counts as near zero
SAMPLE = 250  # images whose activations are looked at together


def activations(network: Network, images: Tensor) -> dict[str, Tensor]:
    """Return the output of each hidden block.

    Args:
        network: In training or evaluation mode, which dropout heeds.
        images: Shape ``(N, 1, 28, 28)``, uint8 or float in [0, 1].

    Returns:
        ``{"block0": (N, ...), ...}`` from the input side.

    Example:
        >>> from fashionzoo import MLP
        >>> activations(MLP(widths=(8, 4)), torch.zeros(3, 1, 28, 28))["block1"].shape
        torch.Size([3, 4])
    """
    values: dict[str, Tensor] = {}
    thread = threading.get_ident()  # another may have its images in the network at the same time

    def keep(name: str, block: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and threading.get_ident() == thread:
            values[name] = output.clone()  # a layer after it may write in place

    hooks = [block.register_forward_hook(partial(keep, name)) for name, block in network.hidden_blocks.items()]
    try:
        with torch.no_grad():
            images = network.preprocess(images.to(network.preprocess.scale.device))
            network.forward(images)  # not called, as a compiled network would run without its hooks
    finally:
        for hook in hooks:
            hook.remove()
    return values


def compute_features(network: Network, images: Tensor) -> Tensor:
    """Return what reaches a network's last linear layer, in evaluation mode and batch by batch.

    Args:
        network: Any network with a linear layer.
        images: Shape ``(N, 28, 28)`` or ``(N, 1, 28, 28)``, uint8.

    Returns:
        Shape ``(N, features)``, float32, on the CPU.

    Raises:
        FashionZooError: The network has no linear layer, or the last one does not see each image once.

    Example:
        >>> from fashionzoo import MLP
        >>> compute_features(MLP(widths=(8, 4)), torch.zeros(3, 28, 28, dtype=torch.uint8)).shape
        torch.Size([3, 4])
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    if not layers:
        raise FashionZooError("this network has no linear layer whose inputs could be compared: take another")
    batches: list[Tensor] = []
    seen: list[Tensor] = []
    thread = threading.get_ident()

    def keep(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if threading.get_ident() == thread:
            seen.append(inputs[0].flatten(1).float().cpu())

    hook = layers[-1].register_forward_pre_hook(keep)
    try:
        with torch.inference_mode(), eval_mode(network):
            for batch in images.split(EVAL_BATCH_SIZE):
                network.forward(network.preprocess(batch.to(network.preprocess.scale.device)))
                if [len(features) for features in seen] != [len(batch)]:
                    raise FashionZooError("the last linear layer does not see each image once: take another network")
                batches.append(seen.pop())
    finally:
        hook.remove()
    return torch.cat(batches)


def near_zero_fraction(values: Tensor) -> Tensor:
    """Return the share of values whose absolute value is below 0.01.

    Example:
        >>> near_zero_fraction(torch.tensor([0.0, 0.009, -0.5, 1.0]))
        tensor(0.5000)
    """
    return (values.abs() < NEAR_ZERO).float().mean()
