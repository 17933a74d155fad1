"""Tables in Markdown, and accuracies in them."""

from collections.abc import Iterable, Sequence

from fashionzoo.claims.uncertainty import wilson_interval


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table.

    Example:
        >>> table(["a", "b"], [[1, 2]])
        ['| a | b |', '|---|---|', '| 1 | 2 |']
    """
    lines = [f"| {' | '.join(map(str, row))} |" for row in (columns, *rows)]
    return [lines[0], f"|{'---|' * len(columns)}", *lines[1:]]


def accuracy(share: float, count: int = 10_000) -> str:
    """Return an accuracy in per cent with its 95 % interval.

    Args:
        share: Of images that were recognized.
        count: How many images there were.

    Example:
        >>> accuracy(0.9332)
        '93.32 (92.81-93.79)'
    """
    low, high = wilson_interval(share, count)
    return f"{100 * share:.2f} ({100 * low:.2f}-{100 * high:.2f})"
