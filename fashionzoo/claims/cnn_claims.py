"""The report's claims about its three CNNs and about all six, each beside its check."""

from __future__ import annotations

from fashionzoo.claims.claim import BALANCED, DROPOUT, NETWORKS, PLAIN, CheckResult, SeedRuns, claim
from fashionzoo.claims.measures import generalization_gap, metric_at_epoch


@claim(
    "N4.level",
    PLAIN,
    "63.1 % test accuracy, lr 1e-2, 20 iterations",
    failure_note="On all training images the network does far better; RESULTS.md shows how it does on fewer.",
)
def plain_level(found: SeedRuns) -> CheckResult:
    """Test accuracy, best epoch of 20, is within 0.02 of 0.631."""
    accuracy = found[PLAIN].final("test/acc")
    return CheckResult(abs(accuracy - 0.631) <= 0.02, {"accuracy": accuracy})


@claim("N4.overfit", PLAIN, "test loss rises while training loss falls")
def plain_overfits(found: SeedRuns) -> CheckResult:
    """From the lowest val loss to the end, val loss rises by at least 5 % and train loss falls."""
    losses, train = found[PLAIN].metrics["val/loss"], found[PLAIN].metrics["train/loss"]
    lowest = losses.index(min(losses))
    rise = losses[-1] / losses[lowest] - 1
    return CheckResult(rise >= 0.05 and train[-1] < train[lowest], {"rise": rise, "fall": train[lowest] - train[-1]})


@claim("N5.slower", DROPOUT, "learns slower than network 4 and does not reach its accuracy even in 200 iterations")
def dropout_is_slower(found: SeedRuns) -> CheckResult:
    """Best val accuracy, and that at epoch 5, are below network 4's."""
    best = found.measure(lambda run: run.best_epoch()[0], DROPOUT, PLAIN)
    early = found.measure(lambda run: metric_at_epoch(run, "val/acc", 5), DROPOUT, PLAIN)
    measured = {**best, **{f"{network} at 5": value for network, value in early.items()}}
    return CheckResult(best[DROPOUT] < best[PLAIN] and early[DROPOUT] < early[PLAIN], measured)


@claim("N5.no_overfit", DROPOUT, "overfitting is dealt with")
def dropout_does_not_overfit(found: SeedRuns) -> CheckResult:
    """Last val loss is within 5 % of its lowest, and the accuracy gap below network 4's."""
    losses, gaps = found[DROPOUT].metrics["val/loss"], found.measure(generalization_gap, DROPOUT, PLAIN)
    rise = losses[-1] / min(losses) - 1
    measured = {"rise": rise, **{f"gap of {network}": value for network, value in gaps.items()}}
    return CheckResult(rise <= 0.05 and gaps[DROPOUT] < gaps[PLAIN], measured)


@claim("N5.sparse", DROPOUT, "dropout makes activations sparse")
def dropout_is_sparser(found: SeedRuns) -> CheckResult:
    """Share of hidden activations below 0.01 while training is above network 4's."""
    shares = found.measure(lambda run: run.final("test/near_zero_while_training"), DROPOUT, PLAIN)
    return CheckResult(shares[DROPOUT] > shares[PLAIN], shares)


@claim(
    "N6.level",
    BALANCED,
    "65 % over 40 epochs",
    failure_note="As for network 4: on all training images the network does far better.",
)
def balanced_level(found: SeedRuns) -> CheckResult:
    """Test accuracy, best epoch of 40, is within 0.02 of 0.65."""
    accuracy = found[BALANCED].final("test/acc")
    return CheckResult(abs(accuracy - 0.65) <= 0.02, {"accuracy": accuracy})


@claim("N6.best", BALANCED, "the highest of the three CNNs")
def balanced_is_best_cnn(found: SeedRuns) -> CheckResult:
    """Test accuracy is the highest of networks 4 to 6."""
    accuracies = found.measure(lambda run: run.final("test/acc"), BALANCED, PLAIN, DROPOUT)
    return CheckResult(accuracies[BALANCED] > max(accuracies[PLAIN], accuracies[DROPOUT]), accuracies)


@claim("N6.fewer", BALANCED, "needs far fewer iterations than network 5")
def balanced_needs_fewer(found: SeedRuns) -> CheckResult:
    """Reaches network 5's best val accuracy in under half of network 5's epochs to it."""
    best, epoch = found[DROPOUT].best_epoch()
    epochs = {BALANCED: found[BALANCED].first_epoch_reaching("val/acc", at_least=best), DROPOUT: epoch}
    return CheckResult(epochs[BALANCED] < epochs[DROPOUT] / 2, epochs)


@claim("N6.gap", BALANCED, "less overfitting than network 4")
def balanced_overfits_less(found: SeedRuns) -> CheckResult:
    """Accuracy gap between train and val at the end is below network 4's."""
    gaps = found.measure(generalization_gap, BALANCED, PLAIN)
    return CheckResult(gaps[BALANCED] < gaps[PLAIN], gaps)


@claim("all.best", "all", "the network with aspects of all factors performs best")
def balanced_is_best(found: SeedRuns) -> CheckResult:
    """Network 6 has the highest test accuracy of all six."""
    accuracies = found.measure(lambda run: run.final("test/acc"), *NETWORKS)
    others = (value for network, value in accuracies.items() if network != BALANCED)
    return CheckResult(accuracies[BALANCED] > max(others), accuracies)
