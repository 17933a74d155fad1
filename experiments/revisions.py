"""The claims under revision 1 of their checks beside revision 2: what changed, and why."""

import json
from collections.abc import Sequence
from pathlib import Path

import markdown

from fashionzoo.claims.claim import ClaimResult

# In how many of how many seeds each claim held by the checks of version 0.1, on the same runs.
REVISION_1: dict[str, tuple[int, int]] = json.loads(
    Path(__file__).with_name("claims_revision_1.json").read_text(encoding="utf-8")
)
MEAN = "network 1 oscillates, and no single iteration decides"
SURE = "a difference within its own uncertainty is undecided"
OVER_SEEDS = "a margin within its spread over the seeds is undecided"
CHANGES = {  # by claim: the claim of revision 1, and why its check changed
    "N1.start": ("N1.start", SURE),
    "N1.shape": ("N1.shape", MEAN),
    "N1.level": ("N1.level", f"{MEAN}; {SURE}"),
    "N1.best_class": ("N1.best_class", f"{MEAN}; {SURE}"),
    "N1.worst_class": ("N1.worst_class", f"{MEAN}; {SURE}"),
    "N1.shirt": ("N1.shirt", "Coat counted before, which the report does not name"),
    "N1.shirt_tshirt": ("N1.shirt", "split: the report's second sentence on shirts"),
    "N2.rate": ("", "new: a sentence that had no check"),
    "N2.level": ("N2.sooner", "split: the level and the order are two statements"),
    "N2.sooner": ("N2.sooner", f"split; {MEAN}"),
    "N3.slow": ("N3.slow", "before, only that its loss was above the others' at iteration 50"),
    "N3.others": ("", "new: a sentence that had no check"),
    "N3.level": ("N3.level", "split: the level and the order are two statements"),
    "N3.lowest": ("N3.level", "split"),
    "N3.longer": ("N3.longer", MEAN),
    "N3.shirt": ("N3.shirt", "the three named classes had to be among the four largest before"),
    "N2.gradient": ("N2.gradient", OVER_SEEDS),
    "N2.late": ("N2.late", f"{MEAN}; {OVER_SEEDS}"),
    "N4.level": ("N4.level", SURE),
    "N4.overfit": ("N4.overfit", OVER_SEEDS),
    "N5.slower": ("N5.slower", "split: the rate and the level are two statements"),
    "N5.never": ("N5.slower", "split; no run got to its 200 iterations before"),
    "N5.cause": ("", "new: a sentence that had no check"),
    "N5.no_overfit": ("N5.no_overfit", f"{SURE}; {OVER_SEEDS}"),
    "N5.sparse": ("N5.sparse", "in training mode before, where dropout sets half to zero by construction"),
    "N6.level": ("N6.level", SURE),
    "N6.best": ("N6.best", SURE),
    "N6.fewer": ("N6.fewer", OVER_SEEDS),
    "N6.gap": ("N6.gap", SURE),
    "N6.no_overfit": ("", "new: networks 4 and 5 are asked the same"),
    "all.best": ("all.best", SURE),
}


def revision_table(results: Sequence[ClaimResult]) -> list[str]:
    """Return the outcome of each changed claim under both revisions."""
    rows = []
    for result in results:
        if result.claim.id in CHANGES:
            before, reason = CHANGES[result.claim.id]
            held, seeds = REVISION_1.get(before, (0, 0))
            old = f"{'holds' if 2 * held > seeds else 'fails'} ({held} of {seeds} seeds)" if before else ""
            rows.append([result.claim.id, f"{before}: {old}" if before else "", result.in_words, reason])
    return markdown.table(["claim", "revision 1", "revision 2", "why the check changed"], rows)
