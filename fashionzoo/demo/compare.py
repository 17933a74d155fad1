"""The tab that compares two networks on the test images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from PIL import Image

from fashionzoo.demo.widgets import in_plain_words, network_menu
from fashionzoo.errors import FashionZooError
from fashionzoo.notebook import html_pictures
from fashionzoo.zoo.shelf import Shelf

MAX_IMAGES = 24  # of a cell that are shown
WIDTHS = [150, *[43] * 10]  # screen pixels
MATRICES = "first network", "second network", "first minus second"


def add_compare_tab(shelf: Shelf) -> None:
    """Add the tab."""
    with gr.Tab("Compare", id="compare"):
        with gr.Row():
            first = network_menu(shelf, "First network", 0, "first")
            second = network_menu(shelf, "Second network", 1, "second")
            compare = gr.Button("Compare", variant="primary", elem_id="compare-both")
        compared = gr.State()  # the menus may have moved on since
        result = gr.HTML("Choose two networks.", elem_id="comparison")
        with gr.Row():
            look: dict[str, Any] = {"interactive": False, "column_widths": WIDTHS, "min_width": 560}
            tables = [
                gr.Dataframe(label=f"Confusions, {name}", elem_id=f"confusion-{number}", **look)
                for number, name in enumerate(MATRICES)
            ]
        gr.Markdown("Choose a number to see its images, and what the two networks take them for.")
        cell = gr.HTML(elem_id="cell")
        diagrams = gr.Plot(label="Reliability", show_label=False, elem_id="reliability")

    @in_plain_words
    def show_comparison(*chosen: str) -> list[Any]:
        from fashionzoo.plots.reliability import plot_reliability
        from fashionzoo.zoo.comparison import compare_logits

        labels, networks = shelf.test_set().labels, {label: shelf.network(label) for label in chosen}
        if len(networks) < len(chosen):
            raise FashionZooError("a comparison needs two different networks: choose another")
        logits = {label: shelf.logits(label) for label in networks}
        comparison = compare_logits(networks, logits, labels)
        one, other = (each.evaluation.confusion for each in comparison.candidates)
        less = [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(one, other, strict=True)]
        matrices = [shade(counts, comparison.class_names) for counts in (one, other, less)]
        temperatures = {label: (logits[label], network.temperature) for label, network in networks.items()}
        return [chosen, comparison._repr_html_(), *matrices, plot_reliability(temperatures, labels), ""]

    @in_plain_words
    def show_cell(number: int, row: int, column: int, compared: Sequence[str] | None) -> str:
        if compared is None:
            return ""
        images, labels, names = shelf.test_set()
        predicted = [shelf.logits(label).argmax(dim=1) for label in compared]
        behind = [(labels == row) & (each == column - 1) for each in predicted]
        shown = behind[number] if number < len(behind) else behind[0] ^ behind[1]
        numbers = shown.nonzero().flatten()[:MAX_IMAGES].tolist()
        captions = [" and ".join(names[int(each[i])] for each in predicted) for i in numbers]
        return html_pictures(zip((Image.fromarray(images[i].numpy()) for i in numbers), captions, strict=True))

    shown = [compared, result, *tables, diagrams, cell]
    compare.click(show_comparison, [first, second], shown, api_name="compare")
    for number, table in enumerate(tables):

        def show(compared: Sequence[str] | None, event: gr.SelectData, number: int = number) -> Any:
            return show_cell(number, *event.index, compared)

        table.select(show, compared, cell, api_visibility="private")


def shade(counts: list[list[int]], names: Sequence[str]) -> dict[str, Any]:
    """Return a confusion matrix in colors, a row for each true class, which has its name; columns have its number."""
    largest = max(1, *(abs(count) for row in counts for count in row))
    colors = [["213,94,0" if count < 0 else "0,114,178" for count in row] for row in counts]
    shades = [[0.6 * (abs(count) / largest) ** 0.5 for count in row] for row in counts]
    pairs = [zip(*row, strict=True) for row in zip(colors, shades, strict=True)]
    styling = [["", *(f"background: rgba({color},{shade:.2f})" for color, shade in row)] for row in pairs]
    data = [[f"{number} {name}", *row] for number, (name, row) in enumerate(zip(names, counts, strict=True))]
    return {"headers": ["true class", *map(str, range(len(names)))], "data": data, "metadata": {"styling": styling}}
