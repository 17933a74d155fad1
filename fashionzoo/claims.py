"""The report's statements about its networks, each measured from finished runs and published whichever way it goes.

A check looks at the runs of one seed; a claim's outcome is that of the majority of the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any, Literal

from fashionzoo import runs
from fashionzoo.recipes import RECIPES, get_recipe
from fashionzoo.runs import Run

SIGMOID, RELU, WIDENING, PLAIN, DROPOUT, BALANCED = RECIPES
Outcome = Literal["holds", "fails", "not comparable"]


class InconclusiveError(Exception):
    """The runs cannot show whether a claim holds; the message says why."""


@dataclass(frozen=True)
class CheckResult:
    """What a check found in the runs of one seed.

    Args:
        holds: Whether the claim does.
        measured: What was looked at; infinity stands for an epoch that never came.
    """

    passed: bool
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
            NotComparableError: There is none, or its recipe was changed in how long or on what it trains.
        """
        if network not in self.found:
            raise InconclusiveError(f"no finished run of {network} with seed {self.seed}")
        run, recipe = self.found[network], get_recipe(network, "report")
        data = {"train_size": None, **recipe.data}
        for section, settings in {"trainer": {"max_epochs": recipe.epochs}, "data": data}.items():
            for key, value in settings.items():
                if run.config[section].get(key) != value:
                    raise InconclusiveError(f"{run.folder} has another {key} than the report's recipe")
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
        says: The report's words in short.
        expects: What the check asks for.
        check: Measures the runs of one seed.
        if_fails: Why it does not hold, where it does not.
    """

    id: str
    network: str
    statement: str
    criterion: str
    check: Callable[[SeedRuns], CheckResult] = field(repr=False)
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
    def held(self) -> str:
        """In how many of the seeds the claim holds."""
        return f"{sum(finding.passed for finding in self.findings.values())}/{len(self.findings)}"

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
            "outcome": self.outcome,
            "reason": self.reason,
            "seeds": {
                seed: {
                    "holds": finding.passed,
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
    failure_note: str = "",
) -> Callable[[Callable[[SeedRuns], CheckResult]], Callable[[SeedRuns], CheckResult]]:
    """Register a check as a claim; its docstring says what it expects."""

    def register(check: Callable[[SeedRuns], CheckResult]) -> Callable[[SeedRuns], CheckResult]:
        CLAIMS.append(Claim(id, network, statement, (check.__doc__ or "").rstrip("."), check, failure_note))
        return check

    return register


@claim("N1.start", SIGMOID, "starts at about 10 %")
def starts_at_chance(found: SeedRuns) -> CheckResult:
    """Val accuracy after iteration 1 is at most 0.25."""
    accuracy = found[SIGMOID].metrics["val/acc"][0]
    return CheckResult(accuracy <= 0.25, {"accuracy": accuracy})


@claim("N1.shape", SIGMOID, "rises fast in the first 50 epochs, then levels out to 300")
def rises_then_levels_out(found: SeedRuns) -> CheckResult:
    """Gain in val accuracy from iteration 1 to 50 is at least 3 times that from 50 to 300."""
    start, middle, end = (metric_at_epoch(found[SIGMOID], "val/acc", epoch) for epoch in (1, 50, 300))
    return CheckResult(middle - start >= 3 * (end - middle), {"to 50": middle - start, "from 50": end - middle})


@claim("N1.level", SIGMOID, "78 % by about iteration 291")
def sigmoid_reaches_78_percent(found: SeedRuns) -> CheckResult:
    """First iteration with val accuracy 0.78 is within 10 % of 291."""
    epoch = found[SIGMOID].first_epoch_reaching("val/acc", at_least=0.78)
    return CheckResult(abs(epoch - 291) <= 29.1, {"iteration": epoch})


@claim(
    "N1.best_class",
    SIGMOID,
    "trouser is labelled best",
    failure_note="Trouser and Bag are level to a few of their 1,000 test images; which is ahead depends on the seed.",
)
def trouser_is_best(found: SeedRuns) -> CheckResult:
    """Trouser has the highest test recall."""
    recalls = found[SIGMOID].per_class_recall()
    best = max(recalls, key=recalls.__getitem__)
    return CheckResult(best == "Trouser", {best: recalls[best]})


@claim("N1.worst_class", SIGMOID, "shirt is labelled worst")
def shirt_is_worst(found: SeedRuns) -> CheckResult:
    """Shirt has the lowest test recall."""
    recalls = found[SIGMOID].per_class_recall()
    worst = min(recalls, key=recalls.__getitem__)
    return CheckResult(worst == "Shirt", {worst: recalls[worst]})


@claim("N1.shirt", SIGMOID, "shirt is taken for pullover and T-shirt")
def shirt_is_taken_for_tops(found: SeedRuns) -> CheckResult:
    """Shirt's two largest confusions are of Pullover, T-shirt/top and Coat, not Coat alone."""
    first, second = found[SIGMOID].most_confused_with("Shirt")[:2]
    return CheckResult(
        {first, second} <= {"Pullover", "T-shirt/top", "Coat"}, confusion_rates(found[SIGMOID], "Shirt", 2)
    )


@claim("N1.sandal", SIGMOID, "sandals are taken for sneakers")
def sandal_is_taken_for_sneaker(found: SeedRuns) -> CheckResult:
    """Sandal's largest confusion is Sneaker."""
    return CheckResult(
        found[SIGMOID].most_confused_with("Sandal")[0] == "Sneaker", confusion_rates(found[SIGMOID], "Sandal", 1)
    )


@claim("N2.lr", RELU, "the learning rate is lower than network 1's")
def relu_has_the_lower_rate(found: SeedRuns) -> CheckResult:
    """Lower lr, all else but the activation being equal."""
    relu, sigmoid = ({**found[name].config["model"]} for name in (RELU, SIGMOID))
    rates = {RELU: float(relu.pop("lr")), SIGMOID: float(sigmoid.pop("lr"))}
    relu["activation"] = sigmoid["activation"] = None
    same = relu == sigmoid and found[RELU].config["data"] == found[SIGMOID].config["data"]
    return CheckResult(rates[RELU] < rates[SIGMOID] and same, rates)


@claim(
    "N2.sooner",
    RELU,
    "78 % at iteration 271, before network 1's 291",
    failure_note="Which of the two comes first depends on how the weights are drawn: the rate at which network 2 is "
    "ahead with one seed leaves it behind with another.",
)
def relu_reaches_78_percent_sooner(found: SeedRuns) -> CheckResult:
    """First iteration with val accuracy 0.78 is within 10 % of 271 and before network 1's."""
    epochs = found.measure(lambda run: run.first_epoch_reaching("val/acc", at_least=0.78), RELU, SIGMOID)
    return CheckResult(abs(epochs[RELU] - 271) <= 27.1 and epochs[RELU] < epochs[SIGMOID], epochs)


@claim("N2.gradient", RELU, "ReLU's gradient keeps flowing where sigmoid's vanishes")
def relu_keeps_its_gradient(found: SeedRuns) -> CheckResult:
    """Mean ratio of the first to the last layer's gradient, iterations 50-300, is above network 1's."""
    ratios = found.measure(gradient_ratio, RELU, SIGMOID)
    return CheckResult(ratios[RELU] > ratios[SIGMOID], ratios)


@claim("N2.sparse", RELU, "many more values very close to zero than with sigmoid")
def relu_is_sparser(found: SeedRuns) -> CheckResult:
    """Share of hidden activations below 0.01 on test is above network 1's."""
    shares = found.measure(lambda run: run.final("test/near_zero"), RELU, SIGMOID)
    return CheckResult(shares[RELU] > shares[SIGMOID], shares)


@claim(
    "N2.late",
    RELU,
    "train and test loss start to rise late on",
    failure_note="At a rate that reaches 78 % as late as the report says, full-batch gradient descent is still going "
    "steadily downhill at iteration 300.",
)
def losses_rise_late(found: SeedRuns) -> CheckResult:
    """Train and val loss, smoothed over 5, end above their lowest."""
    rises = {
        f"{split} loss above lowest": smoothed[-1] - min(smoothed)
        for split in ("train", "val")
        for smoothed in [moving_average(found[RELU].metrics[f"{split}/loss"])]
    }
    return CheckResult(all(rise > 0 for rise in rises.values()), rises)


@claim("N3.slow", WIDENING, "loss stays high until about the 50th epoch")
def widening_is_slow(found: SeedRuns) -> CheckResult:
    """Val loss at iteration 50 is above network 1's and network 2's."""
    losses = found.measure(lambda run: metric_at_epoch(run, "val/loss", 50), WIDENING, SIGMOID, RELU)
    return CheckResult(losses[WIDENING] > max(losses[SIGMOID], losses[RELU]), losses)


@claim("N3.level", WIDENING, "peaks at around 70 %, the lowest of the three")
def widening_peaks_lowest(found: SeedRuns) -> CheckResult:
    """Highest val accuracy is in 0.67-0.73 and the lowest of networks 1 to 3."""
    peaks = found.measure(lambda run: run.best_epoch()[0], WIDENING, SIGMOID, RELU)
    return CheckResult(0.67 <= peaks[WIDENING] <= 0.73 and peaks[WIDENING] < min(peaks[SIGMOID], peaks[RELU]), peaks)


@claim("N3.longer", WIDENING, "needs longer for the same accuracy")
def widening_needs_longer(found: SeedRuns) -> CheckResult:
    """First iteration with val accuracy 0.65 comes after network 1's and network 2's."""
    epochs = found.measure(lambda run: run.first_epoch_reaching("val/acc", at_least=0.65), WIDENING, SIGMOID, RELU)
    return CheckResult(epochs[WIDENING] > max(epochs[SIGMOID], epochs[RELU]), epochs)


@claim("N3.shirt", WIDENING, "shirts are taken for dresses, pullovers and coats")
def widening_takes_shirts_for_others(found: SeedRuns) -> CheckResult:
    """Dress, Pullover and Coat are among Shirt's four largest confusions."""
    named = {"Dress", "Pullover", "Coat"}
    return CheckResult(
        named <= set(found[WIDENING].most_confused_with("Shirt")[:4]), confusion_rates(found[WIDENING], "Shirt", 4)
    )


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
    accuracies = found.measure(lambda run: run.final("test/acc"), *RECIPES)
    others = (value for network, value in accuracies.items() if network != BALANCED)
    return CheckResult(accuracies[BALANCED] > max(others), accuracies)


def metric_at_epoch(run: Run, metric: str, epoch: int) -> float:
    """Return a metric at an epoch, counted from 1.

    Raises:
        NotComparableError: The run was shorter.
    """
    if epoch > run.epochs:
        raise InconclusiveError(f"{run.folder} ended after epoch {run.epochs}, before {epoch}")
    return run.metrics[metric][epoch - 1]


def gradient_ratio(run: Run) -> float:
    """Return the mean ratio of the first layer's gradient norm to the last layer's over iterations 50 to 300."""
    metric_at_epoch(run, "val/acc", 300)
    first, last = (run.metrics[f"gradient_norm/{layer}_layer"][49:300] for layer in ("first", "last"))
    return mean(one / other for one, other in zip(first, last, strict=True))


def generalization_gap(run: Run) -> float:
    """Return how much more accurate the trained network is on training images than on validation images.

    Both without dropout: with it, the gap would look small for the wrong reason.
    """
    return run.final("train/acc_without_dropout") - run.final("val/acc")


def confusion_rates(run: Run, true: str, count: int) -> dict[str, float]:
    """Return the share of a class's test images that went to each of its commonest confusions."""
    images = sum(run.confusion[true].values())
    return {name: run.confusion[true][name] / images for name in run.most_confused_with(true)[:count]}


def moving_average(values: list[float], window: int = 5) -> list[float]:
    """Return the moving average.

    Example:
        >>> moving_average([1.0, 2.0, 6.0], window=2)
        [1.5, 4.0]
    """
    return [mean(values[start : start + window]) for start in range(len(values) - window + 1)]


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


def evaluate_claims(logs: Path) -> list[ClaimResult]:
    """Measure all claims.

    Args:
        logs: A folder like ``lightning_logs``.

    Raises:
        FashionZooError: The records of a run cannot be read.
    """
    found = {network: runs.find(logs, network, "report") for network in RECIPES}
    seeds = sorted({seed for by_seed in found.values() for seed in by_seed})
    by_seed = [SeedRuns(seed, {network: by[seed] for network, by in found.items() if seed in by}) for seed in seeds]
    return [evaluate_claim(claim, by_seed) for claim in CLAIMS]


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
