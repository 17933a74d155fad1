"""All claims, measured from finished runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from fashionzoo.claims import cnn_claims, mlp_claims, runs  # noqa: F401  # which fill CLAIMS
from fashionzoo.claims.claim import CLAIMS, NETWORKS, Claim, ClaimResult, InconclusiveError, SeedRuns


def evaluate_claims(logs: Path) -> list[ClaimResult]:
    """Measure all claims.

    Args:
        logs: A folder like ``lightning_logs``.

    Raises:
        FashionZooError: The records of a run cannot be read.
    """
    found = {network: runs.find(logs, network, "report") for network in NETWORKS}
    seeds = sorted({seed for by_seed in found.values() for seed in by_seed})
    by_seed = [SeedRuns(seed, {network: by[seed] for network, by in found.items() if seed in by}) for seed in seeds]
    claims = sorted(CLAIMS, key=lambda claim: (*NETWORKS, "all").index(claim.network))
    return [evaluate_claim(claim, by_seed) for claim in claims]


def evaluate_claim(claim: Claim, by_seed: Iterable[SeedRuns]) -> ClaimResult:
    """Check one claim on the runs of each seed; a seed that cannot show it does not count."""
    findings, reason = {}, "no finished runs"
    for found in by_seed:
        try:
            finding = claim.check(found)
            if any(math.isnan(value) for value in finding.measured.values()):
                raise InconclusiveError("not every epoch was validated")
            findings[found.seed] = finding
        except InconclusiveError as error:
            reason = str(error)
        except (KeyError, IndexError, ZeroDivisionError) as error:
            reason = f"the records of seed {found.seed} lack what it takes ({error!r})"
    if not findings:
        return ClaimResult(claim, "not comparable", findings, reason)
    if 2 * sum(finding.passed for finding in findings.values()) > len(findings):
        return ClaimResult(claim, "holds", findings)
    return ClaimResult(claim, "fails", findings, claim.failure_note)
