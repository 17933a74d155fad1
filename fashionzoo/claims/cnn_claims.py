"""The report's claims about its three CNNs and about all six, each beside its check.

N5.never wants runs of network 5 over all its 200 epochs, N5.cause runs without dropout and without L2, and N5.robust
corrupted images: these claims come with those runs.
"""

from __future__ import annotations

from fashionzoo.claims.claim import BALANCED, DROPOUT, NETWORKS, PLAIN, CheckResult, SeedRuns, claim
from fashionzoo.claims.measures import (
    gap_interval,
    generalization_gap,
    generalization_gap_difference,
    metric_at_epoch,
    num_test_images,
)
from fashionzoo.claims.runs import Run
from fashionzoo.claims.uncertainty import Verdict, all_of, decide, difference_interval, wilson_interval

MAX_RISE = 0.05  # of the val loss over its lowest, of a network that does not overfit


@claim(
    "N4.level",
    PLAIN,
    "63.1 % test accuracy, lr 1e-2, 20 iterations",
    failure_note="On all training images the network does far better; RESULTS.md shows how it does on fewer.",
)
def plain_level(found: SeedRuns) -> CheckResult:
    """Test accuracy, best epoch of 20, is within 0.02 of 0.631."""
    return has_test_accuracy(found[PLAIN], 0.631)


@claim("N4.overfit", PLAIN, "test loss rises while training loss falls", kind="fitted")
def plain_overfits(found: SeedRuns) -> CheckResult:
    """From the lowest val loss to the end, val loss rises by at least 5 % and train loss falls."""
    losses, train = found[PLAIN].metrics["val/loss"], found[PLAIN].metrics["train/loss"]
    lowest = losses.index(min(losses))
    rise, fall = losses[-1] / losses[lowest] - 1, train[lowest] - train[-1]
    return CheckResult("holds" if rise >= MAX_RISE and fall > 0 else "fails", {"rise": rise, "fall": fall})


@claim("N5.slower", DROPOUT, "learns slower than network 4")
def dropout_is_slower(found: SeedRuns) -> CheckResult:
    """Val accuracy at epoch 5 is below network 4's."""
    values = found.measure(lambda run: metric_at_epoch(run, "val/acc", 5), DROPOUT, PLAIN)
    return CheckResult(decide(gap_interval(found[PLAIN], values[PLAIN], values[DROPOUT]), lowest=0.0), values)


@claim("N5.no_overfit", DROPOUT, "overfitting is dealt with")
def dropout_does_not_overfit(found: SeedRuns) -> CheckResult:
    """Last val loss is within 5 % of its lowest, and the accuracy gap below network 4's."""
    gaps = found.measure(generalization_gap, DROPOUT, PLAIN)
    measured = {"rise": rise(found[DROPOUT]), **{f"gap of {network}": value for network, value in gaps.items()}}
    smaller = decide(generalization_gap_difference(found[PLAIN], found[DROPOUT]), lowest=0.0)
    return CheckResult(all_of(stays_low(found[DROPOUT]), smaller), measured)


@claim(
    "N5.sparse",
    DROPOUT,
    "dropout makes activations sparse",
    failure_note="Without dropout's own zeros, in evaluation mode, network 5 is less sparse than network 4.",
)
def dropout_is_sparser(found: SeedRuns) -> CheckResult:
    """Share of hidden activations below 0.01 on test, in evaluation mode, is above network 4's."""
    shares = found.measure(lambda run: run.final("test/near_zero"), DROPOUT, PLAIN)
    return CheckResult("holds" if shares[DROPOUT] > shares[PLAIN] else "fails", shares)


@claim(
    "N6.level",
    BALANCED,
    "65 % over 40 epochs",
    failure_note="As for network 4: on all training images the network does far better.",
)
def balanced_level(found: SeedRuns) -> CheckResult:
    """Test accuracy, best epoch of 40, is within 0.02 of 0.65."""
    return has_test_accuracy(found[BALANCED], 0.65)


@claim("N6.best", BALANCED, "the highest of the three CNNs", kind="fitted")
def balanced_is_best_cnn(found: SeedRuns) -> CheckResult:
    """Test accuracy is the highest of networks 4 to 6."""
    return is_best(found, BALANCED, PLAIN, DROPOUT)


@claim("N6.fewer", BALANCED, "needs far fewer iterations than network 5", kind="fitted")
def balanced_needs_fewer(found: SeedRuns) -> CheckResult:
    """Reaches network 5's best val accuracy in under half of network 5's epochs to it."""
    best, epoch = found[DROPOUT].best_epoch()
    epochs = {BALANCED: found[BALANCED].first_epoch_reaching("val/acc", at_least=best), DROPOUT: epoch}
    return CheckResult("holds" if epochs[BALANCED] < epochs[DROPOUT] / 2 else "fails", epochs)


@claim("N6.gap", BALANCED, "less overfitting than network 4")
def balanced_overfits_less(found: SeedRuns) -> CheckResult:
    """Accuracy gap between train and val at the end is below network 4's."""
    gaps = found.measure(generalization_gap, BALANCED, PLAIN)
    return CheckResult(decide(generalization_gap_difference(found[PLAIN], found[BALANCED]), lowest=0.0), gaps)


@claim(
    "N6.no_overfit",
    BALANCED,
    "deals with the overfitting of the first network",
    failure_note="Its val loss rises after its lowest, if less than network 4's.",
)
def balanced_does_not_overfit(found: SeedRuns) -> CheckResult:
    """Last val loss is within 5 % of its lowest."""
    return CheckResult(stays_low(found[BALANCED]), {"rise": rise(found[BALANCED])})


@claim("all.best", "all", "the network with aspects of all factors performs best", kind="fitted")
def balanced_is_best(found: SeedRuns) -> CheckResult:
    """Network 6 has the highest test accuracy of all six."""
    return is_best(found, BALANCED, *(network for network in NETWORKS if network != BALANCED))


def has_test_accuracy(run: Run, reported: float) -> CheckResult:
    """Check that a run's test accuracy is within 0.02 of a reported one."""
    accuracy = run.final("test/acc")
    interval = wilson_interval(accuracy, num_test_images(run))
    return CheckResult(decide(interval, reported - 0.02, reported + 0.02), {"accuracy": accuracy})


def is_best(found: SeedRuns, best: str, *others: str) -> CheckResult:
    """Check that a network's test accuracy is above others'."""
    accuracies = found.measure(lambda run: run.final("test/acc"), best, *others)
    count = num_test_images(found[best])
    gaps = [difference_interval(accuracies[best], accuracies[other], count) for other in others]
    return CheckResult(all_of(*(decide(gap, lowest=0.0) for gap in gaps)), accuracies)


def rise(run: Run) -> float:
    """Return how far the val loss rose over its lowest by the end, as a share of it."""
    losses = run.metrics["val/loss"]
    return losses[-1] / min(losses) - 1


def stays_low(run: Run) -> Verdict:
    """Tell whether the last val loss is within 5 % of its lowest."""
    return "holds" if rise(run) <= MAX_RISE else "fails"
