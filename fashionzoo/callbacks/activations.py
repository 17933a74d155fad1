"""Hidden activations of a network."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from fashionzoo.models.network import Network

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

    def keep(name: str, block: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
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


def near_zero_fraction(values: Tensor) -> Tensor:
    """Return the share of values whose absolute value is below 0.01.

    Example:
        >>> near_zero_fraction(torch.tensor([0.0, 0.009, -0.5, 1.0]))
        tensor(0.5000)
    """
    return (values.abs() < NEAR_ZERO).float().mean()
