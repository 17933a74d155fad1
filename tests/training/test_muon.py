"""Muon with AdamW, against torch's own two optimizers, and what a schedule leaves of an optimizer."""

import math
from collections.abc import Iterable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fashionzoo import CNN, MLP, FashionZooError
from fashionzoo.training import muon
from fashionzoo.training.muon import MuonAdamW, orthogonalize
from fashionzoo.training.optimizers import make_optimizer, one_cycle

IMAGES, LABELS = torch.rand(32, 1, 28, 28, generator=torch.Generator().manual_seed(0)), torch.arange(32) % 10


def make(family: type[MLP | CNN]) -> nn.Module:
    """A small network with fixed weights."""
    torch.manual_seed(0)
    return MLP(widths=(12, 8)) if family is MLP else CNN(channels=(6, 5), hidden=(8,))


def train(network: nn.Module, optimizers: Iterable[torch.optim.Optimizer], steps: int) -> None:
    """Make steps on the same batch."""
    for _ in range(steps):
        network.zero_grad()
        F.cross_entropy(network(IMAGES), LABELS).backward()
        for optimizer in optimizers:
            optimizer.step()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="needs torch 2.9")
def test_an_mlp_is_trained_as_by_torchs_two_optimizers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(muon, "has_fast_bf16", lambda device: True)  # torch's own always computes in bfloat16
    ours, theirs = make(MLP), make(MLP)
    train(ours, [MuonAdamW(ours.parameters(), 0.01, 0.1, fused=False)], 3)
    weights = [parameter for parameter in theirs.parameters() if parameter.ndim > 1]
    rest = [parameter for parameter in theirs.parameters() if parameter.ndim == 1] + weights[-1:]
    theirs_for_hidden = torch.optim.Muon(weights[:-1], 0.01, 0.1, adjust_lr_fn="match_rms_adamw")
    train(theirs, [theirs_for_hidden, torch.optim.AdamW(rest, 0.01, weight_decay=0.1)], 3)
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(own, other)


@pytest.mark.parametrize(("fast", "tolerance"), [(True, 0.05), (False, 1e-5)])
def test_hidden_layers_are_updated_in_bfloat16_only_where_its_products_are_fast(
    fast: bool, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(muon, "has_fast_bf16", lambda device: fast)
    network = make(MLP)
    optimizer = MuonAdamW(network.parameters(), 0.01, 0.0, fused=False)
    before = next(network.parameters()).detach().clone()
    train(network, [optimizer], 1)
    gradient = next(network.parameters()).grad
    assert gradient is not None
    exact = orthogonalize(gradient, torch.float64)
    step = (before - next(network.parameters()).detach()) / (0.2 * 0.01 * math.sqrt(784))
    error = float((step - exact).abs().max() / exact.abs().max())
    assert error < tolerance
    assert fast == (error > 1e-4)


@pytest.mark.parametrize("shape", [(20, 60), (60, 20), (30, 30)])
def test_an_update_keeps_its_singular_vectors_and_has_values_of_about_one(shape: tuple[int, int]) -> None:
    left, values, right = torch.linalg.svd(torch.rand(shape, generator=torch.Generator().manual_seed(0)), False)
    values = torch.linspace(1, 5, len(values))
    made = left.T @ orthogonalize(left @ values.diag() @ right, torch.float32) @ right.T
    assert ((made.diag() > 0.6) & (made.diag() < 1.3)).all()
    torch.testing.assert_close(made, made.diag().diag(), atol=1e-4, rtol=0)


def test_a_convolution_is_trained_the_same_in_every_memory_format() -> None:
    networks = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        network = make(CNN).to(memory_format=memory_format)
        before = [parameter.detach().clone() for parameter in network.parameters()]
        train(network, [MuonAdamW(network.parameters(), 0.01, 0.1, fused=False)], 1)
        assert not any(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
        networks.append(network)
    for one, two in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-3, rtol=0.05)  # Muon computes in bfloat16


@pytest.mark.parametrize("family", [MLP, CNN])
def test_a_saved_state_continues_to_the_same_bits(family: type[MLP | CNN]) -> None:
    through, cut = make(family), make(family)
    train(through, [MuonAdamW(through.parameters(), 0.01, 0.1, fused=True)], 4)
    first = MuonAdamW(cut.parameters(), 0.01, 0.1, fused=True)
    train(cut, [first], 2)
    second = MuonAdamW(cut.parameters(), 0.5, 0.1, fused=True)
    second.load_state_dict(first.state_dict())
    train(cut, [second], 2)
    for one, two in zip(through.parameters(), cut.parameters(), strict=True):
        assert torch.equal(one, two)


def test_one_cycle_leaves_the_momentum_of_sgd_as_it_was_asked_for() -> None:
    optimizer = make_optimizer("sgd", make(MLP).parameters(), lr=0.1, momentum=0.5, weight_decay=0.0, fused=False)
    one_cycle(optimizer, lr=0.1, steps=10)
    assert optimizer.param_groups[0]["momentum"] == 0.5


def test_a_network_without_hidden_layers_is_refused() -> None:
    with pytest.raises(FashionZooError, match="there is none: choose adamw"):
        MuonAdamW(nn.Linear(4, 2).parameters(), 0.01, 0.1, fused=False)
