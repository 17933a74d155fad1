"""The report's claims about its three CNNs and about all six, each beside its check.

N5.robust wants corrupted images, and comes with them.
"""

from __future__ import annotations

import math
from dataclasses import replace

from fashionzoo.claims.claim import (
    ABLATIONS,
    BALANCED,
    DROPOUT,
    NETWORKS,
    PLAIN,
    CheckResult,
    InconclusiveError,
    SeedRuns,
    claim,
    is_within,
)
from fashionzoo.claims.measures import (
    gap_interval,
    generalization_gap,
    generalization_gap_difference,
    metric_at_epoch,
    num_test_images,
)
from fashionzoo.claims.uncertainty import all_of, decide, difference_interval
from fashionzoo.zoo.intervals import wilson_interval
from fashionzoo.zoo.runs import Run

MAX_RISE = 0.05  # of the val loss over its lowest, of a network that does not overfit


@claim(
    "N4.level",
    PLAIN,
    "63.1 % test accuracy, lr 1e-2, 20 iterations",
    failure_note="On all training images the network does far better; RESULTS.md shows how it does on fewer.",
)
def plain_level(found: SeedRuns) -> CheckResult:
    """Test accuracy, best epoch of 20, is within 2 points of 63.1 %."""
    return has_test_accuracy(found[PLAIN], 0.631)


@claim("N4.overfit", PLAIN, "test loss rises while training loss falls", kind="fitted", curve="val/loss")
def plain_overfits(found: SeedRuns) -> CheckResult:
    """From the lowest val loss to the end, val loss rises by at least 5 % and train loss falls."""
    losses, train = found[PLAIN].metrics["val/loss"], found[PLAIN].metrics["train/loss"]
    lowest = losses.index(min(losses))
    rise, fall = losses[-1] / losses[lowest] - 1, 1 - train[-1] / train[lowest]
    return CheckResult({"rise": rise, "fall": fall}, margin=min(rise - MAX_RISE, fall))


@claim("N5.slower", DROPOUT, "learns slower than network 4", curve="val/acc", networks=(DROPOUT, PLAIN))
def dropout_is_slower(found: SeedRuns) -> CheckResult:
    """Val accuracy at epoch 5 is below network 4's."""
    values = found.measure(lambda run: metric_at_epoch(run, "val/acc", 5), DROPOUT, PLAIN)
    return is_within(gap_interval(found[PLAIN], values[PLAIN], values[DROPOUT]), values, lowest=0.0)


@claim(
    "N5.never",
    DROPOUT,
    "does not reach its accuracy even in 200 iterations",
    curve="val/acc",
    networks=(DROPOUT, PLAIN),
)
def dropout_never_reaches_plain(found: SeedRuns) -> CheckResult:
    """Best val accuracy over all 200 epochs is below network 4's."""
    bests = found.measure(best_of_all_epochs, DROPOUT, PLAIN)
    return is_within(gap_interval(found[PLAIN], bests[PLAIN], bests[DROPOUT]), bests, lowest=0.0)


@claim(
    "N5.cause",
    DROPOUT,
    "dropout works against L2, which led to the worse results",
    curve="val/acc",
    networks=(DROPOUT, *ABLATIONS),
)
def both_together_are_worse(found: SeedRuns) -> CheckResult:
    """Without dropout, and without L2, best val accuracy over 200 epochs is above that with both."""
    bests = found.measure(best_of_all_epochs, DROPOUT, *ABLATIONS)
    gaps = [gap_interval(found[DROPOUT], bests[ablation], bests[DROPOUT]) for ablation in ABLATIONS]
    return CheckResult(bests, all_of(*(decide(gap, lowest=0.0) for gap in gaps)))


@claim("N5.no_overfit", DROPOUT, "overfitting is dealt with", curve="val/loss")
def dropout_does_not_overfit(found: SeedRuns) -> CheckResult:
    """Last val loss is within 5 % of its lowest, and the accuracy gap below network 4's."""
    gaps = found.measure(generalization_gap, DROPOUT, PLAIN)
    measured = {"rise": rise(found[DROPOUT]), **{f"gap of {network}": value for network, value in gaps.items()}}
    interval = generalization_gap_difference(found[PLAIN], found[DROPOUT])
    return replace(is_within(interval, measured, lowest=0.0), margin=MAX_RISE - measured["rise"])


@claim(
    "N5.sparse",
    DROPOUT,
    "dropout makes activations sparse",
    failure_note="Without dropout's own zeros, in evaluation mode, network 5 is less sparse than network 4.",
)
def dropout_is_sparser(found: SeedRuns) -> CheckResult:
    """Share of hidden activations below 0.01 on test, in evaluation mode, is above network 4's."""
    shares = found.measure(lambda run: run.final("test/near_zero"), DROPOUT, PLAIN)
    return CheckResult(shares, margin=shares[DROPOUT] - shares[PLAIN])


@claim(
    "N6.level",
    BALANCED,
    "65 % over 40 epochs",
    failure_note="As for network 4: on all training images the network does far better.",
)
def balanced_level(found: SeedRuns) -> CheckResult:
    """Test accuracy, best epoch of 40, is within 2 points of 65 %."""
    return has_test_accuracy(found[BALANCED], 0.65)


@claim("N6.best", BALANCED, "the highest of the three CNNs", kind="fitted")
def balanced_is_best_cnn(found: SeedRuns) -> CheckResult:
    """Test accuracy is the highest of networks 4 to 6."""
    return is_best(found, BALANCED, PLAIN, DROPOUT)


@claim(
    "N6.fewer",
    BALANCED,
    "needs far fewer iterations than network 5",
    kind="fitted",
    curve="val/acc",
    networks=(BALANCED, DROPOUT),
    unit="",
)
def balanced_needs_fewer(found: SeedRuns) -> CheckResult:
    """Reaches network 5's best val accuracy in under half of network 5's epochs to it."""
    best, epoch = found[DROPOUT].best_epoch()
    epochs = {BALANCED: found[BALANCED].first_epoch_reaching("val/acc", at_least=best), DROPOUT: epoch}
    # A factor, so that its logarithm is what has a mean over the seeds.
    return CheckResult(epochs, margin=math.log(epochs[DROPOUT] / 2) - math.log(epochs[BALANCED]))


@claim("N6.gap", BALANCED, "less overfitting than network 4")
def balanced_overfits_less(found: SeedRuns) -> CheckResult:
    """Accuracy gap between train and val at the end is below network 4's."""
    gaps = found.measure(generalization_gap, BALANCED, PLAIN)
    return is_within(generalization_gap_difference(found[PLAIN], found[BALANCED]), gaps, lowest=0.0)


@claim(
    "N6.no_overfit",
    BALANCED,
    "deals with the overfitting of the first network",
    failure_note="Its val loss rises after its lowest, if less than network 4's.",
    curve="val/loss",
)
def balanced_does_not_overfit(found: SeedRuns) -> CheckResult:
    """Last val loss is within 5 % of its lowest."""
    last = rise(found[BALANCED])
    return CheckResult({"rise": last}, margin=MAX_RISE - last)


@claim("all.best", "all", "the network with aspects of all factors performs best", kind="fitted")
def balanced_is_best(found: SeedRuns) -> CheckResult:
    """Network 6 has the highest test accuracy of all six."""
    return is_best(found, BALANCED, *(network for network in NETWORKS if network != BALANCED))


def has_test_accuracy(run: Run, reported: float) -> CheckResult:
    """Check that a run's test accuracy is within 0.02 of a reported one."""
    accuracy = run.final("test/acc")
    interval = wilson_interval(accuracy, num_test_images(run))
    return is_within(interval, {"accuracy": accuracy}, reported - 0.02, reported + 0.02)


def is_best(found: SeedRuns, best: str, *others: str) -> CheckResult:
    """Check that a network's test accuracy is above others'."""
    accuracies = found.measure(lambda run: run.final("test/acc"), best, *others)
    count = num_test_images(found[best])
    gaps = [difference_interval(accuracies[best], accuracies[other], count) for other in others]
    return CheckResult(accuracies, all_of(*(decide(gap, lowest=0.0) for gap in gaps)))


def rise(run: Run) -> float:
    """Return how far the val loss rose over its lowest by the end, as a share of it."""
    losses = run.metrics["val/loss"]
    return losses[-1] / min(losses) - 1


def best_of_all_epochs(run: Run) -> float:
    """Return the best validation accuracy of a run that trained for all its epochs.

    Raises:
        InconclusiveError: Early stopping ended it.
    """
    epochs = run.config["trainer"]["max_epochs"]
    if run.epochs < epochs:
        raise InconclusiveError(f"{run.folder} ended after {run.epochs} of its {epochs} epochs")
    return run.best_epoch()[0]
