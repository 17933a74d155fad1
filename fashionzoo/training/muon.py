"""Muon for the weights of the hidden layers and AdamW for everything else, as one optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn

from fashionzoo.environment import has_fast_bf16
from fashionzoo.errors import FashionZooError

MOMENTUM = 0.95
COEFFICIENTS, STEPS = (3.4445, -4.7750, 2.0315), 5  # of the iteration: Jordan et al., kellerjordan.github.io/posts/muon


class MuonAdamW(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) and AdamW with one learning rate.

    Muon makes the update of a matrix orthogonal. Its rate is scaled so that the update is about as large as AdamW's
    (Liu et al. 2025, https://arxiv.org/abs/2502.16982). The weights of a convolution are a matrix with a row for each
    output channel. The last layer's weights, all biases and the parameters of normalization are AdamW's.

    The numbers are those of ``torch.optim.Muon`` where the device is faster in bfloat16, which that one always takes.
    Elsewhere this one computes in float32, which is many times faster where bfloat16 is emulated.

    Args:
        parameters: Of a network, in the order of its layers, on the device where they will be trained.
        lr: Learning rate.
        weight_decay: Decoupled weight decay.
        fused: Have AdamW change all its parameters in one kernel.

    Raises:
        FashionZooError: The network has no hidden layer.

    Example:
        >>> network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        >>> optimizer = MuonAdamW(network.parameters(), 0.01, 0.1, False)
        >>> [len(group["params"]) for group in optimizer.param_groups]
        [1, 3]
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float, fused: bool) -> None:
        everything = list(parameters)
        *hidden, _ = [index for index, parameter in enumerate(everything) if parameter.ndim > 1] or [0]
        if not hidden:
            raise FashionZooError("the optimizer muon is for hidden layers, and there is none: choose adamw")
        matrices = [everything[index] for index in hidden]
        others = [parameter for index, parameter in enumerate(everything) if index not in hidden]
        super().__init__([{"params": matrices}, {"params": others}], {"lr": lr, "weight_decay": weight_decay})
        self.adamw = torch.optim.AdamW(others, lr, weight_decay=weight_decay, fused=fused)
        self.dtype = torch.bfloat16 if has_fast_bf16(matrices[0].device) else torch.float32

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
        hidden, others = self.param_groups
        for weights in hidden["params"]:
            if weights.grad is not None:
                self._step_hidden(weights, weights.grad, hidden["lr"], hidden["weight_decay"])
        self.adamw.param_groups[0]["lr"] = others["lr"]
        self.adamw.step()
        return loss

    def _step_hidden(self, weights: nn.Parameter, gradient: Tensor, lr: float, weight_decay: float) -> None:
        """Change the weights of one hidden layer, with Nesterov's momentum."""
        gradient, state = _as_matrix(gradient, weights), self.state[weights]
        if not state:
            state["average"] = torch.zeros_like(gradient)
        average = state["average"].lerp_(gradient, 1 - MOMENTUM)
        update = orthogonalize(gradient.lerp(average, MOMENTUM), self.dtype)
        matrix = _as_matrix(weights, weights)
        assert matrix.data_ptr() == weights.data_ptr()  # a copy would be changed in vain
        matrix.mul_(1 - lr * weight_decay).add_(update, alpha=-lr * (0.2 * math.sqrt(max(matrix.shape))))

    def state_dict(self) -> dict[str, Any]:
        """Return the groups, and the states of both parts."""
        return {**super().state_dict(), "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "adamw"})
        self.adamw.load_state_dict(state_dict["adamw"])


def orthogonalize(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a matrix with nearly the same singular vectors, and singular values of about 1.

    By five steps of a Newton-Schulz iteration.

    Args:
        matrix: Of any shape.
        dtype: In which to compute.

    Example:
        >>> torch.linalg.svdvals(orthogonalize(torch.tensor([[3.0, 1.0], [1.0, 2.0]]), torch.float32)).round()
        tensor([1., 1.])
    """
    linear, cubic, quintic = COEFFICIENTS
    tall = len(matrix) > matrix.shape[1]
    result = (matrix.T if tall else matrix).to(dtype, copy=True)
    result /= result.norm().clamp(min=1e-7)
    for _ in range(STEPS):
        square = result @ result.T
        factor = torch.addmm(square, square, square, beta=cubic, alpha=quintic)
        result = torch.addmm(result, factor, result, beta=linear)
    return result.T if tall else result


def _as_matrix(values: Tensor, weights: Tensor) -> Tensor:
    """Return weights, or their gradient, as a matrix in the order in which the weights are stored."""
    if weights.ndim == 4 and weights.is_contiguous(memory_format=torch.channels_last):
        values = values.permute(0, 2, 3, 1)
    return values.detach().reshape(len(values), -1)
