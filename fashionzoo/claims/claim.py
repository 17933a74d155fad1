"""What a claim is, what a check finds in the runs of one seed, and what all seeds say together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import mean
from typing import Any, Literal

from fashionzoo.claims.uncertainty import Verdict, all_of, decide, decide_margin
from fashionzoo.notebook import html_table
from fashionzoo.weights.manifest import find_weights
from fashionzoo.zoo.intervals import Interval, mean_interval
from fashionzoo.zoo.runs import Run

# The report's networks, in its order.
SIGMOID, RELU, WIDENING = "mlp_sigmoid_narrowing", "mlp_relu_narrowing", "mlp_relu_widening"
PLAIN, DROPOUT, BALANCED = "cnn_plain", "cnn_dropout_l2", "cnn_balanced"
NETWORKS = (SIGMOID, RELU, WIDENING, PLAIN, DROPOUT, BALANCED)

# What was changed in runs of network 5, by the recipe that did.
ABLATIONS = {"without_dropout": {"model.dropout": 0.0}, "without_l2": {"model.weight_decay": 0.0}}

# What the recipes leave alone and would make another run, with the values that change nothing.
UNSET: dict[str, tuple[Any, ...]] = {
    **{f"trainer.{flag}": (None,) for flag in ("max_time", "gradient_clip_val", "min_epochs", "min_steps")},
    **{f"trainer.limit_{split}_batches": (None, 1.0) for split in ("train", "val", "test")},
    "trainer.overfit_batches": (None, 0, 0.0),
    "trainer.max_steps": (None, -1),
    "trainer.accumulate_grad_batches": (None, 1),
    "trainer.check_val_every_n_epoch": (None, 1),
    "trainer.fast_dev_run": (None, False),
    "data.teacher": (None,),
    "data.class_names": (None,),
    "data.train_size": (None,),
    "data.batch_size": (None,),
}

Outcome = Literal["holds", "fails", "undecided", "not comparable"]
Kind = Literal["free", "fitted", "by construction"]


class InconclusiveError(Exception):
    """The runs cannot show whether a claim holds; the message says why."""


@dataclass(frozen=True)
class CheckResult:
    """What a check found in the runs of one seed.

    Args:
        measured: What was looked at; infinity stands for an epoch that never came.
        sure: The verdict on those numbers that have a 95 % interval within a run.
        interval: That interval, where there is one only.
        margin: By how much a number without such an interval is above what the claim asks for; its interval is over
            the seeds.
    """

    measured: Mapping[str, float]
    sure: Verdict = "holds"
    interval: Interval | None = None
    margin: float | None = None

    @property
    def verdict(self) -> Verdict:
        """What this seed alone says."""
        return self.sure if self.margin is None else all_of(self.sure, decide_margin([self.margin]))


def is_within(
    interval: Interval, measured: Mapping[str, float], lowest: float = -math.inf, highest: float = math.inf
) -> CheckResult:
    """Return what a check found that asks for a value in a range.

    Args:
        interval: That of the value.
        measured: The value, and what else was looked at.
        lowest: Where the range begins.
        highest: Where it ends.
    """
    return CheckResult(measured, decide(interval, lowest, highest), interval)


class SeedRuns:
    """The runs of one seed, by network.

    Args:
        seed: Theirs.
        found: Those that there are; an ablation's by its name.
    """

    def __init__(self, seed: int, found: Mapping[str, Run]) -> None:
        self.seed, self.found = seed, found

    def __getitem__(self, network: str) -> Run:
        """Return a network's run, or that of an ablation.

        Raises:
            InconclusiveError: There is none, or a setting is not that of the recipe.
        """
        if network not in self.found:
            raise InconclusiveError(f"no finished run of {network} with seed {self.seed}")
        run, changed = self.found[network], ABLATIONS.get(network, {})
        recipe = find_weights("fashionzoo", DROPOUT if changed else network, "report").recipe
        allowed = UNSET | {flag: (value,) for flag, value in {**recipe, **changed}.items()}
        for flag, values in allowed.items():
            counts = flag.startswith(("model.", "data.")) or flag == "trainer.max_epochs" or flag in UNSET
            if counts and run.setting(flag, values[0]) not in values:  # an older run had a newer setting's default
                raise InconclusiveError(f"{run.folder} has another {flag} than the report's recipe")
        if any(math.isnan(value) for value in run.metrics["val/acc"]):
            raise InconclusiveError(f"not every epoch of {run.folder} was validated")
        if not all(map(math.isfinite, [*run.metrics["val/loss"], *run.metrics["train/loss"]])):
            raise InconclusiveError(f"a loss in {run.folder} is not finite")
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
        curve: The metric whose curves decide it; empty where single numbers do.
        networks: Whose curves; empty for that of ``network``.
        level: What the curves are held against.
        unit: What the measured numbers are shown in: per cent of what is held as a share of 1, or nothing.
    """

    id: str
    network: str
    statement: str
    criterion: str
    check: Callable[[SeedRuns], CheckResult] = field(repr=False)
    kind: Kind = "free"
    failure_note: str = ""
    curve: str = ""
    networks: tuple[str, ...] = ()
    level: float | None = None
    unit: Literal["%", ""] = "%"

    @property
    def shown(self) -> tuple[str, ...]:
        """The networks whose curves decide it."""
        return self.networks or (self.network,)

    def in_unit(self, value: float) -> float:
        """Return a measured number in the unit in which it is shown."""
        return 100 * value if self.unit == "%" else value

    def format_interval(self, interval: Interval) -> str:
        """Write an interval in the claim's unit; infinity is an epoch that never came."""
        low, high = map(self.in_unit, interval)
        return f"{low:.4g} to {high:.4g}".replace("inf", "never")


@dataclass(frozen=True)
class ClaimResult:
    """A claim and what the runs of all seeds say of it.

    Args:
        claim: Which one.
        outcome: That of the majority of the seeds.
        findings: By seed.
        reason: Why the claim does not hold or cannot be compared.
        left_out: Why seeds that have runs of other networks are not among the findings.
    """

    claim: Claim
    outcome: Outcome
    findings: Mapping[int, CheckResult]
    reason: str = ""
    left_out: Mapping[int, str] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """The outcome, and in how many of the seeds it came about where they disagree."""
        verdicts: list[Outcome] = [finding.verdict for finding in self.findings.values()]
        if len(verdicts) == 1:
            return f"{self.outcome} in one seed"
        if len(set(verdicts)) <= 1:
            return f"{self.outcome} in {len(verdicts)} seeds" if verdicts and self.left_out else self.outcome
        if self.outcome == "undecided":
            return f"undecided, holds in {verdicts.count('holds')} of {len(verdicts)}"
        return f"{self.outcome} in {verdicts.count(self.outcome)} of {len(verdicts)} seeds"

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval, over the seeds, of the margin by which the claim holds, where it has one."""
        margins = [finding.margin for finding in self.findings.values() if finding.margin is not None]
        return mean_interval(margins) if len(margins) > 1 and all(map(math.isfinite, margins)) else None

    def measured(self) -> str:
        """Return mean and range, over the seeds, of all that was measured."""
        labels = dict.fromkeys(label for finding in self.findings.values() for label in finding.measured)
        values = {
            label: [self.claim.in_unit(f.measured[label]) for f in self.findings.values() if label in f.measured]
            for label in labels
        }
        return ", ".join(f"{label} {format_mean_range(every)}" for label, every in values.items())

    def __repr__(self) -> str:
        """Return the claim and its outcome."""
        return f"<ClaimResult {self.claim.id}, “{self.claim.statement}”: {self.in_words}>"

    def _repr_html_(self) -> str:
        """Return the claim, its check, and what the runs show, for notebooks."""
        rows = [
            ["the report says", self.claim.statement],
            ["the check", self.claim.criterion],
            ["measured", self.measured()],
            ["outcome", self.in_words],
        ]
        return html_table(
            [self.claim.id, f"{self.claim.network}, {self.claim.kind}"], rows, filter(None, [self.reason])
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
            "interval": self.interval,
            "left_out": dict(self.left_out),
            "seeds": {
                seed: {
                    "outcome": finding.verdict,
                    "measured": {key: finite_or_none(value) for key, value in finding.measured.items()},
                    "interval": finding.interval and [finite_or_none(end) for end in finding.interval],
                }
                for seed, finding in self.findings.items()
            },
        }


def finite_or_none(value: float) -> float | None:
    """Return a number as JSON can hold it."""
    return value if math.isfinite(value) else None


CLAIMS: list[Claim] = []


def claim(
    id: str,  # noqa: A002  # the field's name
    network: str,
    statement: str,
    kind: Kind = "free",
    failure_note: str = "",
    curve: str = "",
    networks: tuple[str, ...] = (),
    level: float | None = None,
    unit: Literal["%", ""] = "%",
) -> Callable[[Callable[[SeedRuns], CheckResult]], Callable[[SeedRuns], CheckResult]]:
    """Register a check as a claim; its docstring says what it expects, :class:`Claim` what the arguments are."""

    def register(check: Callable[[SeedRuns], CheckResult]) -> Callable[[SeedRuns], CheckResult]:
        criterion = (check.__doc__ or "").rstrip(".")
        CLAIMS.append(Claim(id, network, statement, criterion, check, kind, failure_note, curve, networks, level, unit))
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
