"""All claims, measured from finished runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from fashionzoo.claims import cnn_claims, mlp_claims, runs  # noqa: F401  # which fill CLAIMS
from fashionzoo.claims.claim import (
    ABLATIONS,
    CLAIMS,
    DROPOUT,
    NETWORKS,
    Claim,
    ClaimResult,
    InconclusiveError,
    Kind,
    Outcome,
    SeedRuns,
)
from fashionzoo.claims.uncertainty import all_of, decide_margin
from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.zoo.runs import LOGS

UNDECIDED = "The 95 % interval of what was measured includes both outcomes."
DISAGREE = "No outcome is that of most seeds."
VERBS: dict[Outcome, str] = {
    "holds": "hold",
    "fails": "fail",
    "undecided": "are undecided",
    "not comparable": "cannot be compared",
}


def find_seed_runs(logs: Path) -> list[SeedRuns]:
    """Return the runs that claims are measured on, by seed.

    Args:
        logs: A folder like ``lightning_logs``.

    Raises:
        FashionZooError: The records of a run cannot be read.
    """
    found = {network: runs.find(logs, network, "report") for network in NETWORKS}
    found |= {recipe: runs.find(logs, DROPOUT, recipe) for recipe in ABLATIONS}
    seeds = sorted({seed for by_seed in found.values() for seed in by_seed})
    return [SeedRuns(seed, {network: by[seed] for network, by in found.items() if seed in by}) for seed in seeds]


def check_claim(claim_id: str, logs: str | Path = LOGS) -> ClaimResult:
    """Check one of the report's claims.

    Args:
        claim_id: As ``"N1.level"``; ``fashionzoo claims`` lists them.
        logs: The folder of the runs; the published ones come with the repository, in its ``lightning_logs``.

    Raises:
        FashionZooError: There is no such claim, or the records of a run cannot be read.

    Example:
        >>> check_claim("N1.level", "no_such_folder").outcome
        'not comparable'
    """
    return evaluate_claim(find_claim(claim_id), find_seed_runs(Path(logs)))


def find_claim(claim_id: str) -> Claim:
    """Return a claim by its id, whatever its case.

    Raises:
        FashionZooError: There is none; the message names the nearest.
    """
    known = {claim.id.lower(): claim for claim in CLAIMS}
    if str(claim_id).lower() not in known:
        raise FashionZooError(f"unknown claim {claim_id}: {did_you_mean(claim_id, [each.id for each in CLAIMS])}")
    return known[str(claim_id).lower()]


def evaluate_claims(by_seed: Sequence[SeedRuns]) -> list[ClaimResult]:
    """Measure all claims, in the order of the networks."""
    claims = sorted(CLAIMS, key=lambda claim: (*NETWORKS, "all").index(claim.network))
    return [evaluate_claim(claim, by_seed) for claim in claims]


def evaluate_claim(claim: Claim, by_seed: Iterable[SeedRuns]) -> ClaimResult:
    """Check one claim on the runs of each seed.

    Numbers with an interval within a run are decided by most of the seeds that can show them, others by the interval of
    their mean over the seeds.
    """
    findings, left_out = {}, {}
    for found in by_seed:
        try:
            findings[found.seed] = claim.check(found)
        except InconclusiveError as error:
            left_out[found.seed] = str(error)
        except (KeyError, IndexError, ZeroDivisionError) as error:
            left_out[found.seed] = f"the records of seed {found.seed} lack what it takes ({error!r})"
    if not findings:
        reason = next(reversed(left_out.values()), "no finished runs")
        return ClaimResult(claim, "not comparable", findings, reason, left_out)
    counts = Counter(finding.sure for finding in findings.values())
    majority = [verdict for verdict, count in counts.items() if 2 * count > len(findings)]
    margins = [finding.margin for finding in findings.values() if finding.margin is not None]
    outcome: Outcome = majority[0] if majority else "undecided"
    if margins and majority:
        outcome = all_of(majority[0], decide_margin(margins))
    notes: dict[Outcome, str] = {"fails": claim.failure_note, "undecided": UNDECIDED if majority else DISAGREE}
    networks = claim.networks or (NETWORKS if claim.network == "all" else (claim.network,))
    unplanned = [seed for seed in left_out if not all(seed in runs.declared_seeds(name) for name in networks)]
    left_out = {seed: reason for seed, reason in left_out.items() if seed not in unplanned}
    return ClaimResult(claim, outcome, findings, notes.get(outcome, ""), left_out)


def count_by_kind(results: Iterable[ClaimResult]) -> list[str]:
    """Say how many claims of each kind came out how; claims of different kinds are not added up.

    Example:
        >>> count_by_kind([])
        []
    """
    by_kind: dict[Kind, Counter[Outcome]] = {}
    for result in results:
        by_kind.setdefault(result.claim.kind, Counter())[result.outcome] += 1
    return [
        f"of {counts.total()} {kind} claims, "
        + ", ".join(f"{counts[outcome]} {VERBS[outcome]}" for outcome in VERBS if counts[outcome])
        for kind, counts in by_kind.items()
    ]
