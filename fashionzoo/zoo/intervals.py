"""95 % intervals of a share of images and of a mean over seeds. SciPy is imported where one is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from statistics import mean, stdev

Interval = tuple[float, float]


def wilson_interval(share: float, count: int) -> Interval:
    """Return the 95 % interval of a share of independent images, by Wilson's score (1927).

    Example:
        >>> tuple(round(end, 3) for end in wilson_interval(0.78, 5000))
        (0.768, 0.791)
    """
    return _wilson(round(share * count), count)


@cache
def _wilson(successes: int, count: int) -> Interval:
    """Return the interval of a number of successes."""
    from scipy.stats import binomtest

    interval = binomtest(successes, count).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the 95 % interval of the mean over seeds, by Student's t.

    Args:
        values: One for each seed, two or more.

    Example:
        >>> tuple(round(end, 2) for end in mean_interval([1.0, 2.0, 3.0]))
        (-0.48, 4.48)
    """
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return mean(values) - half, mean(values) + half
