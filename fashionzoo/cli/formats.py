"""Rows in the formats that other programs read: CSV, Markdown, LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

FORMATS = ("table", "csv", "markdown", "latex", "json")  # of which each command makes the first and the last itself
Cell = str | int | None  # numbers with decimals are text, rounded as the table on the terminal has them
_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$"},
}


def render(columns: Sequence[str], rows: Sequence[Sequence[Cell]], form: str) -> str:
    r"""Return a table as text.

    Args:
        columns: Their names.
        rows: A cell for each column; ``None`` where there is no value.
        form: ``"csv"``, ``"markdown"`` or ``"latex"``. Whole numbers are grouped by thousands but in CSV.

    Example:
        >>> print(render(["network", "accuracy, %"], [["cnn_plain", "93.32"]], "markdown"))
        | network | accuracy, % |
        |---|---:|
        | cnn_plain | 93.32 |
        >>> print(render(["network", "accuracy, %"], [["cnn_plain", "93.32"]], "latex"))
        \begin{tabular}{lr}
        \hline
        network & accuracy, \% \\
        \hline
        cnn\_plain & 93.32 \\
        \hline
        \end{tabular}
        >>> print(render(["network", "parameters"], [["cnn_plain", 55834]], "csv"))
        network,parameters
        cnn_plain,55834
    """
    if form == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        return text.getvalue().rstrip("\n")
    cells = [[_text(cell) for cell in row] for row in rows]
    numeric = [all(map(_is_number, column)) for column in zip(*cells, strict=True)] or [False] * len(columns)
    if form == "markdown":
        escaped = [[cell.replace("|", r"\|") for cell in row] for row in (columns, *cells)]
        head, *body = (f"| {' | '.join(row)} |" for row in escaped)
        return "\n".join([head, f"|{'|'.join('---:' if right else '---' for right in numeric)}|", *body])
    head, *body = (" & ".join(map(escape_latex, row)) + r" \\" for row in (columns, *cells))
    alignment = "".join("r" if right else "l" for right in numeric)
    return "\n".join(
        [rf"\begin{{tabular}}{{{alignment}}}", r"\hline", head, r"\hline", *body, r"\hline", r"\end{tabular}"]
    )


def escape_latex(text: str) -> str:
    r"""Return a text with LaTeX's special characters escaped.

    Example:
        >>> print(escape_latex("cnn_plain, 5 % & more"))
        cnn\_plain, 5 \% \& more
    """
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _text(cell: Cell) -> str:
    """Return a cell for people."""
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _is_number(text: str) -> bool:
    """Tell whether a cell belongs to a column of numbers."""
    return re.fullmatch(r"[-+]?[\d,]*\.?\d+( ±[\d.]+)?|-|", text) is not None
