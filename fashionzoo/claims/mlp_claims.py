"""The report's claims about its three MLPs, each beside its check."""

from __future__ import annotations

from fashionzoo.claims.claim import RELU, SIGMOID, WIDENING, CheckResult, SeedRuns, claim, is_within
from fashionzoo.claims.measures import (
    WINDOW,
    comes_before,
    confusion_rates,
    first_iterations,
    gap_interval,
    gradient_ratio,
    leads,
    level_interval,
    metric_at_epoch,
    moving_average,
    ranked_recalls,
    taken_more_often,
)
from fashionzoo.claims.uncertainty import Verdict, all_of, decide
from fashionzoo.zoo.runs import Run


@claim("N1.start", SIGMOID, "starts at about 10 %", curve="val/acc", level=0.25)
def starts_at_chance(found: SeedRuns) -> CheckResult:
    """Val accuracy after iteration 1 is at most 25 %."""
    run = found[SIGMOID]
    accuracy = run.metrics["val/acc"][0]
    return is_within(level_interval(run, accuracy), {"accuracy": accuracy}, highest=0.25)


@claim("N1.shape", SIGMOID, "rises fast in the first 50 epochs, then levels out to 300", curve="val/acc")
def rises_then_levels_out(found: SeedRuns) -> CheckResult:
    """Gain in val accuracy to iteration 50 is at least 3 times that from 50 to 300; means over 5."""
    run = found[SIGMOID]
    start = run.metrics["val/acc"][0]
    middle, end = (metric_at_epoch(run, "val/acc", epoch, WINDOW) for epoch in (50, 300))
    low, high = gap_interval(run, end, middle)
    gains = {"to 50": middle - start, "from 50": end - middle}
    return is_within((gains["to 50"] - 3 * high, gains["to 50"] - 3 * low), gains, lowest=0.0)


@claim("N1.level", SIGMOID, "78 % by about iteration 291", kind="fitted", curve="val/acc", level=0.78, unit="")
def sigmoid_reaches_78_percent(found: SeedRuns) -> CheckResult:
    """First iteration with a val accuracy of 78 %, mean over 5, is within 10 % of 291."""
    return reaches_78_percent_near(found[SIGMOID], 291)


@claim("N1.best_class", SIGMOID, "trouser is labelled best", curve="val/recall/Trouser")
def trouser_is_best(found: SeedRuns) -> CheckResult:
    """Trouser has the highest val recall, mean over the last 20 iterations."""
    (best, recall), (second, other) = ranked_recalls(found[SIGMOID])[:2]
    sure = leads(found[SIGMOID], recall, other)
    result = sure if best == "Trouser" else "fails" if sure == "holds" else "undecided"
    return CheckResult({best: recall, second: other}, result)


@claim("N1.worst_class", SIGMOID, "shirt is labelled worst", curve="val/recall/Shirt")
def shirt_is_worst(found: SeedRuns) -> CheckResult:
    """Shirt has the lowest val recall, mean over the last 20 iterations."""
    (second, other), (worst, recall) = ranked_recalls(found[SIGMOID])[-2:]
    sure = leads(found[SIGMOID], other, recall)
    result = sure if worst == "Shirt" else "fails" if sure == "holds" else "undecided"
    return CheckResult({worst: recall, second: other}, result)


@claim(
    "N1.shirt",
    SIGMOID,
    "shirt is most often taken for the pullover, then for the T-shirt",
    failure_note="Shirt is taken for Coat most often.",
)
def shirt_is_taken_for_pullover(found: SeedRuns) -> CheckResult:
    """Of true Shirt, Pullover is the largest confusion."""
    return CheckResult(
        confusion_rates(found[SIGMOID], "Shirt", 3), is_among_largest(found[SIGMOID], "Shirt", "Pullover", 1)
    )


@claim("N1.shirt_tshirt", SIGMOID, "and again for T-shirt")
def shirt_is_taken_for_tshirt(found: SeedRuns) -> CheckResult:
    """T-shirt/top is among the two largest confusions of true Shirt."""
    return CheckResult(
        confusion_rates(found[SIGMOID], "Shirt", 3), is_among_largest(found[SIGMOID], "Shirt", "T-shirt/top", 2)
    )


@claim("N1.sandal", SIGMOID, "sandals are taken for sneakers")
def sandal_is_taken_for_sneaker(found: SeedRuns) -> CheckResult:
    """Sandal's largest confusion is Sneaker."""
    return CheckResult(
        confusion_rates(found[SIGMOID], "Sandal", 2), is_among_largest(found[SIGMOID], "Sandal", "Sneaker", 1)
    )


@claim("N2.lr", RELU, "the learning rate is lower than network 1's", kind="by construction", unit="")
def relu_has_the_lower_rate(found: SeedRuns) -> CheckResult:
    """Lower lr, all else but the activation being equal: a setting, not a finding."""
    relu, sigmoid = ({**found[name].config["model"]} for name in (RELU, SIGMOID))
    rates = {RELU: float(relu.pop("lr")), SIGMOID: float(sigmoid.pop("lr"))}
    relu["activation"] = sigmoid["activation"] = None
    same = relu == sigmoid and found[RELU].config["data"] == found[SIGMOID].config["data"]
    return CheckResult(rates, "holds" if rates[RELU] < rates[SIGMOID] and same else "fails")


@claim(
    "N2.rate",
    RELU,
    "relu learns at a much higher rate than sigmoid",
    failure_note="At a rate that reaches 78 % as late as the report says, network 2 is behind network 1 at "
    "iteration 50.",
    curve="val/acc",
    networks=(RELU, SIGMOID),
)
def relu_is_ahead_at_50(found: SeedRuns) -> CheckResult:
    """Val accuracy at iteration 50, mean over 5, is above network 1's."""
    values = found.measure(lambda run: metric_at_epoch(run, "val/acc", 50, WINDOW), RELU, SIGMOID)
    return is_within(gap_interval(found[RELU], values[RELU], values[SIGMOID]), values, lowest=0.0)


@claim("N2.level", RELU, "78 % at iteration 271", kind="fitted", curve="val/acc", level=0.78, unit="")
def relu_reaches_78_percent(found: SeedRuns) -> CheckResult:
    """First iteration with a val accuracy of 78 %, mean over 5, is within 10 % of 271."""
    return reaches_78_percent_near(found[RELU], 271)


@claim("N2.sooner", RELU, "before network 1's 291", curve="val/acc", networks=(RELU, SIGMOID), level=0.78, unit="")
def relu_reaches_78_percent_sooner(found: SeedRuns) -> CheckResult:
    """First iteration with a val accuracy of 78 %, mean over 5, comes before network 1's."""
    relu, sigmoid = (first_iterations(found[network], 0.78) for network in (RELU, SIGMOID))
    return CheckResult({RELU: relu["iteration"], SIGMOID: sigmoid["iteration"]}, comes_before(relu, sigmoid))


@claim("N2.gradient", RELU, "ReLU's gradient keeps flowing where sigmoid's vanishes", unit="")
def relu_keeps_its_gradient(found: SeedRuns) -> CheckResult:
    """Mean ratio of the first to the last layer's gradient, iterations 50-300, is above network 1's."""
    ratios = found.measure(gradient_ratio, RELU, SIGMOID)
    return CheckResult(ratios, margin=ratios[RELU] - ratios[SIGMOID])


@claim("N2.sparse", RELU, "many more values very close to zero than with sigmoid", kind="by construction")
def relu_is_sparser(found: SeedRuns) -> CheckResult:
    """Share of hidden activations below 0.01 on test is above network 1's."""
    shares = found.measure(lambda run: run.final("test/near_zero"), RELU, SIGMOID)
    return CheckResult(shares, margin=shares[RELU] - shares[SIGMOID])


@claim(
    "N2.late",
    RELU,
    "train and test loss start to rise late on",
    failure_note="At a rate that reaches 78 % as late as the report says, full-batch gradient descent is still going "
    "steadily downhill at iteration 300.",
    curve="val/loss",
    unit="",
)
def losses_rise_late(found: SeedRuns) -> CheckResult:
    """Train and val loss, means over 5, end above their lowest."""
    rises = {
        f"{split} loss above lowest": smoothed[-1] - min(smoothed)
        for split in ("train", "val")
        for smoothed in [moving_average(found[RELU].metrics[f"{split}/loss"])]
    }
    return CheckResult(rises, margin=min(rises.values()))


@claim(
    "N3.slow",
    WIDENING,
    "loss stays high until about the 50th epoch",
    kind="fitted",
    failure_note="The loss falls from the start, though more slowly than the others'.",
    curve="val/loss",
)
def widening_is_slow(found: SeedRuns) -> CheckResult:
    """By iteration 50 the val loss, mean over 5, has made less than a quarter of its whole fall."""
    losses = found[WIDENING].metrics["val/loss"]
    fall = losses[0] - metric_at_epoch(found[WIDENING], "val/loss", found[WIDENING].epochs, WINDOW)
    made = (losses[0] - metric_at_epoch(found[WIDENING], "val/loss", 50, WINDOW)) / fall
    return CheckResult({"share of its fall": made}, margin=0.25 - made)


@claim(
    "N3.others",
    WIDENING,
    "by then the other networks had nearly reached their peak",
    failure_note="Networks 1 and 2 still gain a good deal after iteration 50.",
    curve="val/acc",
    networks=(SIGMOID, RELU),
)
def others_are_near_their_peak(found: SeedRuns) -> CheckResult:
    """At iteration 50 networks 1 and 2 are both above 95 % of their highest val accuracy; means over 5."""
    parts, shares = [], {}
    for network in (SIGMOID, RELU):
        run = found[network]
        peak, value = max(moving_average(run.metrics["val/acc"])), metric_at_epoch(run, "val/acc", 50, WINDOW)
        parts.append(decide(level_interval(run, value), lowest=0.95 * peak))
        shares[network] = value / peak
    return CheckResult(shares, all_of(*parts))


@claim("N3.level", WIDENING, "peaks at around 70 %", kind="fitted", curve="val/acc", level=0.7)
def widening_peaks_at_70_percent(found: SeedRuns) -> CheckResult:
    """Highest val accuracy, mean over 5, is in 67-73 %."""
    run = found[WIDENING]
    peak = max(moving_average(run.metrics["val/acc"]))
    measured = {"accuracy": peak, "of the best epoch on test": run.final("test/acc")}
    return is_within(level_interval(run, peak), measured, 0.67, 0.73)


@claim(
    "N3.lowest",
    WIDENING,
    "one of the lowest and slowest",
    kind="fitted",
    curve="val/acc",
    networks=(WIDENING, SIGMOID, RELU),
)
def widening_peaks_lowest(found: SeedRuns) -> CheckResult:
    """Its highest val accuracy, mean over 5, is the lowest of networks 1 to 3."""
    peaks = found.measure(lambda run: max(moving_average(run.metrics["val/acc"])), WIDENING, SIGMOID, RELU)
    gaps = [gap_interval(found[WIDENING], peaks[other], peaks[WIDENING]) for other in (SIGMOID, RELU)]
    return CheckResult(peaks, all_of(*(decide(gap, lowest=0.0) for gap in gaps)))


@claim(
    "N3.longer",
    WIDENING,
    "needs longer for the same accuracy",
    kind="fitted",
    curve="val/acc",
    networks=(WIDENING, SIGMOID, RELU),
    level=0.65,
    unit="",
)
def widening_needs_longer(found: SeedRuns) -> CheckResult:
    """First iteration with a val accuracy of 65 %, mean over 5, comes after network 1's and network 2's."""
    firsts = {network: first_iterations(found[network], 0.65) for network in (WIDENING, SIGMOID, RELU)}
    parts = (comes_before(firsts[other], firsts[WIDENING]) for other in (SIGMOID, RELU))
    return CheckResult({network: first["iteration"] for network, first in firsts.items()}, all_of(*parts))


@claim(
    "N3.shirt",
    WIDENING,
    "shirts are taken for dresses, pullovers and coats",
    failure_note="T-shirt/top is among the three largest confusions, and Dress is not.",
)
def widening_takes_shirts_for_others(found: SeedRuns) -> CheckResult:
    """The three largest confusions of true Shirt are Dress, Pullover and Coat."""
    run = found[WIDENING]
    parts = (is_among_largest(run, "Shirt", name, 3) for name in ("Dress", "Pullover", "Coat"))
    return CheckResult(confusion_rates(run, "Shirt", 4), all_of(*parts))


def reaches_78_percent_near(run: Run, iteration: int) -> CheckResult:
    """Check that a run first reaches 78 % within 10 % of an iteration."""
    first = first_iterations(run, 0.78)
    interval = first["from"], first["to"]
    measured = {
        "iteration": first["iteration"],
        "of a single one": run.first_epoch_reaching("val/acc", at_least=0.78),
        "test accuracy in %": 100 * run.final("test/acc"),
    }
    return is_within(interval, measured, 0.9 * iteration, 1.1 * iteration)


def is_among_largest(run: Run, true: str, name: str, count: int) -> Verdict:
    """Tell whether a class is among those that another is most often taken for."""
    ranked = run.most_confused_with(true)
    if name in ranked[:count]:
        return taken_more_often(run, true, name, ranked[count])
    return "undecided" if taken_more_often(run, true, ranked[count - 1], name) == "undecided" else "fails"
