"""What a claim is, what a check finds in the runs of one seed, and what all seeds say together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import mean
from typing import Any, Literal

from fashionzoo.claims.runs import Run
from fashionzoo.claims.uncertainty import Verdict
from fashionzoo.weights.manifest import find_weights

# The report's networks, in its order.
SIGMOID, RELU, WIDENING = "mlp_sigmoid_narrowing", "mlp_relu_narrowing", "mlp_relu_widening"
PLAIN, DROPOUT, BALANCED = "cnn_plain", "cnn_dropout_l2", "cnn_balanced"
NETWORKS = (SIGMOID, RELU, WIDENING, PLAIN, DROPOUT, BALANCED)

Outcome = Literal["holds", "fails", "undecided", "not comparable"]
Kind = Literal["free", "fitted", "by construction"]


class InconclusiveError(Exception):
    """The runs cannot show whether a claim holds; the message says why."""


@dataclass(frozen=True)
class CheckResult:
    """What a check found in the runs of one seed.

    Args:
        verdict: Whether the claim holds; undecided where the numbers differ by less than their uncertainty.
        measured: What was looked at; infinity stands for an epoch that never came.
    """

    verdict: Verdict
    measured: Mapping[str, float]


class SeedRuns:
    """The runs of one seed, by network.

    Args:
        seed: Theirs.
        found: Those that there are.
    """

    def __init__(self, seed: int, found: Mapping[str, Run]) -> None:
        self.seed, self.found = seed, found

    def __getitem__(self, network: str) -> Run:
        """Return a network's run.

        Raises:
            InconclusiveError: There is none, or a setting is not that of the recipe.
        """
        if network not in self.found:
            raise InconclusiveError(f"no finished run of {network} with seed {self.seed}")
        run, recipe = self.found[network], find_weights("fashionzoo", network, "report").recipe
        expected = {"data.train_size": None, "data.batch_size": None, **recipe}
        for flag, value in expected.items():
            section, _, key = flag.partition(".")
            if section in ("model", "data") or flag == "trainer.max_epochs":
                actual = run.setting(flag)
                if actual != value:
                    raise InconclusiveError(f"{run.folder} has another {key} than the report's recipe")
        if any(math.isnan(value) for value in run.metrics["val/acc"]):
            raise InconclusiveError("not every epoch was validated")
        return run

    def measure(self, value: Callable[[Run], float], *networks: str) -> dict[str, float]:
        """Return a value of several networks' runs, by network."""
        return {network: value(self[network]) for network in networks}


@dataclass(frozen=True)
class Claim:
    """A statement of the report and its check.

    Args:
        id: Stable, for code, logs and tables.
        network: Which network it is about; ``all`` for all six.
        statement: The report's words in short.
        criterion: What the check asks for.
        check: Measures the runs of one seed.
        kind: ``free``: nothing was set with it in view; ``fitted``: a rate, initialization, layout or batch size was
            chosen so that it, or what entails it, comes out; ``by construction``: it could hardly fail.
        failure_note: Why it does not hold, where it does not.
    """

    id: str
    network: str
    statement: str
    criterion: str
    check: Callable[[SeedRuns], CheckResult] = field(repr=False)
    kind: Kind = "free"
    failure_note: str = ""


@dataclass(frozen=True)
class ClaimResult:
    """A claim and what the runs of all seeds say of it.

    Args:
        claim: Which one.
        outcome: That of the majority of the seeds.
        findings: By seed.
        reason: Why the claim does not hold or cannot be compared.
    """

    claim: Claim
    outcome: Outcome
    findings: Mapping[int, CheckResult]
    reason: str = ""

    @property
    def in_words(self) -> str:
        """Return the outcome, and in how many of the seeds it came about where they disagree."""
        count = sum(finding.verdict == self.outcome for finding in self.findings.values())
        if not self.findings or count == len(self.findings):
            return self.outcome
        return (
            f"{self.outcome} in {count} of {len(self.findings)} seeds" if count else f"{self.outcome}: seeds disagree"
        )

    def measured(self) -> str:
        """Return mean and range, over the seeds, of all that was measured."""
        labels = dict.fromkeys(label for finding in self.findings.values() for label in finding.measured)
        return ", ".join(
            f"{label} {format_mean_range([f.measured[label] for f in self.findings.values() if label in f.measured])}"
            for label in labels
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for programs; an epoch that never came is ``None``."""
        return {
            "id": self.claim.id,
            "network": self.claim.network,
            "says": self.claim.statement,
            "expects": self.claim.criterion,
            "kind": self.claim.kind,
            "outcome": self.outcome,
            "reason": self.reason,
            "seeds": {
                seed: {
                    "outcome": finding.verdict,
                    "measured": {k: v if math.isfinite(v) else None for k, v in finding.measured.items()},
                }
                for seed, finding in self.findings.items()
            },
        }


CLAIMS: list[Claim] = []


def claim(
    id: str,  # noqa: A002  # the field's name
    network: str,
    statement: str,
    kind: Kind = "free",
    failure_note: str = "",
) -> Callable[[Callable[[SeedRuns], CheckResult]], Callable[[SeedRuns], CheckResult]]:
    """Register a check as a claim; its docstring says what it expects."""

    def register(check: Callable[[SeedRuns], CheckResult]) -> Callable[[SeedRuns], CheckResult]:
        CLAIMS.append(Claim(id, network, statement, (check.__doc__ or "").rstrip("."), check, kind, failure_note))
        return check

    return register


def format_mean_range(values: Iterable[float]) -> str:
    """Write the mean and, where values differ, the range; infinity is an epoch that never came.

    Example:
        >>> format_mean_range([270, 280, 281]), format_mean_range([1e-5, 1e-5]), format_mean_range([265, math.inf])
        ('277 (270 to 281)', '1e-05', '265, never in 1 of 2')
    """
    every = list(values)
    some = [value for value in every if math.isfinite(value)]
    if not some:
        return "never"
    text = f"{mean(some):.4g}"
    if min(some) < max(some):
        text += f" ({min(some):.4g} to {max(some):.4g})"
    return text if len(some) == len(every) else f"{text}, never in {len(every) - len(some)} of {len(every)}"
