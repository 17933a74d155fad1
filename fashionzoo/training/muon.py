"""Muon for the weights of the hidden layers and AdamW for everything else, as one optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn

from fashionzoo.errors import FashionZooError


class MuonAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) and AdamW with one learning rate.

    Muon makes the update of a matrix orthogonal. Its rate is scaled so that the update is about as large as AdamW's
    (Liu et al. 2025, https://arxiv.org/abs/2502.16982). The weights of a convolution are a matrix with a row for each
    output channel. The last layer's weights, all biases and the parameters of normalization are AdamW's.

    Args:
        parameters: Of a network, in the order of its layers.
        lr: Learning rate.
        weight_decay: Decoupled weight decay.
        fused: Have AdamW change all its parameters in one kernel.

    Raises:
        FashionZooError: This torch has no Muon, or the network has no hidden layer.

    Example:
        >>> network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        >>> optimizer = MuonAdamW(network.parameters(), 0.01, 0.1, False)  # doctest: +SKIP
        >>> [len(group["params"]) for group in optimizer.param_groups]  # doctest: +SKIP
        [1, 3]
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float, fused: bool) -> None:
        if not hasattr(torch.optim, "Muon"):
            raise FashionZooError(
                f"the optimizer muon needs torch 2.9 or newer, and {torch.__version__} is installed: choose "
                "--model.optimizer adamw"
            )
        everything = list(parameters)
        *hidden, _ = [index for index, parameter in enumerate(everything) if parameter.ndim > 1] or [0]
        if not hidden:
            raise FashionZooError("the optimizer muon is for hidden layers, and there is none: choose adamw")
        self.hidden = [everything[index] for index in hidden]
        others = [parameter for index, parameter in enumerate(everything) if index not in hidden]
        super().__init__([{"params": self.hidden}, {"params": others}], {"lr": lr, "weight_decay": weight_decay})
        self.matrices = [nn.Parameter(_as_matrix(weights, weights)) for weights in self.hidden]
        self.parts = (
            torch.optim.Muon(self.matrices, lr, weight_decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr, weight_decay=weight_decay, fused=fused),
        )

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Change the parameters once; the rates are those of the groups of this optimizer."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for weights, matrix in zip(self.hidden, self.matrices, strict=True):
            matrix.data = _as_matrix(weights, weights)
            assert matrix.data_ptr() == weights.data_ptr()  # a copy would be changed in vain
            matrix.grad = None if weights.grad is None else _as_matrix(weights.grad, weights)
        for group, part in zip(self.param_groups, self.parts, strict=True):
            part.param_groups[0]["lr"] = group["lr"]
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the groups, and the states of both parts."""
        return {**super().state_dict(), "parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "parts"})
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)


def _as_matrix(values: Tensor, weights: Tensor) -> Tensor:
    """Return weights, or their gradient, as a matrix in the order in which the weights are stored."""
    if weights.ndim == 4 and weights.is_contiguous(memory_format=torch.channels_last):
        values = values.permute(0, 2, 3, 1)
    return values.detach().reshape(len(values), -1)
