"""HTML in which results show themselves in a notebook and on the page."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from io import BytesIO

from PIL import Image

SHOWN_SIZE = 140  # screen pixels of the longer side of a picture: five for one of 28


def html_table(columns: Sequence[str], rows: Iterable[Sequence[object]], sentences: Iterable[str] = ()) -> str:
    """Return a table, and sentences below it.

    Args:
        columns: Their names; the first cell of a row is the row's name.
        rows: Their cells.
        sentences: What is said below.

    Example:
        >>> html_table(["network", "n"], [["<mine>", 5]])[-74:]
        '<tr><th scope="row">&lt;mine&gt;</th><td>5</td></tr></tbody></table></div>'
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(str(name))}</th>{"".join(f"<td>{escape(str(cell))}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    below = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}</div>"


def html_bars(title: str, shares: Mapping[str, float], note: str = "") -> str:
    """Return shares as bars with their names and per cents.

    Args:
        title: What they are of.
        shares: 0 to 1, in the order in which they are shown.
        note: What is said below the title.

    Example:
        >>> "Coat 90.0 %" in html_bars("cnn_plain", {"Coat": 0.9})
        True
    """
    bars = "".join(
        '<div style="margin:2px 0;padding:1px 6px;white-space:nowrap;background:linear-gradient(90deg,'
        f'rgba(86,180,233,.55) {100 * share:.1f}%,rgba(128,128,128,.12) 0)">{escape(name)} {100 * share:.1f} %</div>'
        for name, share in shares.items()
    )
    doubt = f"<em>{escape(note)}</em>" if note else ""
    return f'<div style="max-width:22em"><strong>{escape(title)}</strong> {doubt}{bars}</div>'


def html_pictures(pictures: Iterable[tuple[Image.Image, str]]) -> str:
    """Return pictures side by side with their captions, of small ones each pixel seen.

    Args:
        pictures: Each with its caption.

    Example:
        >>> html_pictures([(Image.new("L", (28, 28)), "black")]).count("<figure")
        1
    """
    figures = []
    for picture, caption in pictures:
        file = BytesIO()
        picture = picture.convert("L" if picture.mode == "L" else "RGBA")  # a copy
        picture.thumbnail((SHOWN_SIZE, SHOWN_SIZE), Image.Resampling.BOX)
        picture.save(file, "PNG", compress_level=1)
        side = "width" if picture.width >= picture.height else "height"
        figures.append(
            f'<figure style="margin:0;width:{SHOWN_SIZE}px"><img alt="{escape(caption)}" '
            f'style="{side}:{SHOWN_SIZE}px;max-width:none;image-rendering:pixelated" '
            f'src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
            f'<figcaption style="font-size:85%">{escape(caption)}</figcaption></figure>'
        )
    return f'<div style="display:flex;flex-wrap:wrap;gap:10px;align-items:start">{"".join(figures)}</div>'
