"""How sure a number is: 95 % intervals, and what they decide. SciPy is imported where one is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Literal

from fashionzoo.zoo.intervals import Interval, mean_interval, wilson_interval

Verdict = Literal["holds", "fails", "undecided"]


def difference_interval(first: float, second: float, count: int) -> Interval:
    """Return the 95 % interval of the difference of two shares, by Newcombe's hybrid score (1998, method 10).

    Args:
        first: A share of ``count`` images.
        second: Another share of as many.
        count: How many images each share is of.

    Example:
        >>> tuple(round(end, 3) for end in difference_interval(0.8, 0.7, 500))
        (0.046, 0.153)
    """
    (low, high), (other_low, other_high) = wilson_interval(first, count), wilson_interval(second, count)
    below = math.hypot(first - low, other_high - second)
    above = math.hypot(high - first, second - other_low)
    return first - second - below, first - second + above


def larger_interval(count: int, other: int) -> Interval:
    """Return the 95 % interval of the share of one count in two, exact (Clopper and Pearson 1934).

    Args:
        count: Images taken for one class.
        other: Images of the same class taken for another.

    Example:
        >>> tuple(round(end, 2) for end in larger_interval(60, 40))
        (0.5, 0.7)
    """
    if count + other == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    interval = binomtest(count, count + other).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)


def decide(interval: Interval, lowest: float = -math.inf, highest: float = math.inf) -> Verdict:
    """Tell whether a value lies in a range, as far as its interval says.

    Args:
        interval: That of the value.
        lowest: Where the range begins.
        highest: Where it ends.

    Example:
        >>> decide((0.1, 0.2), lowest=0), decide((-0.1, 0.2), lowest=0), decide((-0.2, -0.1), lowest=0)
        ('holds', 'undecided', 'fails')
    """
    low, high = interval
    if lowest <= low and high <= highest:
        return "holds"
    return "fails" if high < lowest or low > highest else "undecided"


def decide_margin(margins: Sequence[float]) -> Verdict:
    """Tell whether a margin is above 0: the interval of its mean over seeds or, of one seed, the margin itself.

    Args:
        margins: One for each seed. Where one is infinite there is no mean, and most seeds decide.

    Example:
        >>> decide_margin([1.0, 1.1, 1.2]), decide_margin([-1.0, 0.0, 2.0]), decide_margin([0.0, 0.0])
        ('holds', 'undecided', 'fails')
    """
    if len(margins) > 1 and all(map(math.isfinite, margins)):
        low, high = mean_interval(margins)
    else:
        low = high = median(margins)
    if low > 0:
        return "holds"
    return "fails" if high <= 0 else "undecided"


def all_of(*verdicts: Verdict) -> Verdict:
    """Return the verdict on a statement with several parts.

    Example:
        >>> all_of("holds", "undecided"), all_of("undecided", "fails")
        ('undecided', 'fails')
    """
    if "fails" in verdicts:
        return "fails"
    return "undecided" if "undecided" in verdicts else "holds"
