"""The tab in which all networks say what a picture shows."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from fashionzoo.demo.widgets import NEWEST
from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.shelf import Shelf

if TYPE_CHECKING:
    from fashionzoo.images.preparation import Ground

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.png"))
SHEET, PEN = 420, 18  # screen pixels: a stroke that is still seen at 28x28
NOTHING_YET = "Choose a picture, or draw one."
NOTHING_DRAWN = "Nothing is drawn yet: take the brush, and draw on the white sheet."


def add_classify_tab(shelf: Shelf) -> gr.State:
    """Add the tab; return the prepared pixels of the last picture, for other tabs."""
    pixels = gr.State()
    with gr.Tab("Classify", id="classify"), gr.Row():
        with gr.Column(scale=2, min_width=300):
            with gr.Tab("Photograph"):
                sources: list[Any] = ["upload", "clipboard", "webcam"]
                picture = gr.Image(sources=sources, label="Picture of one article of clothing", elem_id="picture")
                setattr(picture, "preprocess", lambda file: file and file.path)  # noqa: B010  # opened by the library
            with gr.Tab("Draw"):
                brush = gr.Brush(default_size=PEN, colors=["#000000"], color_mode="fixed")
                size = (SHEET, SHEET)
                sheet = gr.Sketchpad(label="White sheet", brush=brush, canvas_size=size, type="pil", elem_id="sheet")
                draw = gr.Button("Classify the drawing", variant="primary", elem_id="classify-drawing")
            grounds = ["auto", "bright", "dark", "ready"]
            ground = gr.Radio(grounds, value="auto", label="Background", info="auto finds out what it is")
            gr.Examples([str(path) for path in EXAMPLES], picture, label="Examples")
        with gr.Column(scale=5, min_width=300):
            gr.Markdown("How the picture is prepared")
            steps = gr.HTML(elem_id="steps")
            answers = gr.HTML(NOTHING_YET, elem_id="answers")

    def answer(picture: Any, ground: Ground) -> tuple[Any, ...]:
        from fashionzoo.images.conversion import prepare_steps, to_pixels

        try:
            prepared = prepare_steps(picture, ground)
            image = to_pixels(prepared.prepared)
            cards = [shelf.network(label).predictions(image)[0].to_html(label) for label in shelf.labels]
        except FashionZooError as error:
            message = str(error).replace(str(picture), Path(str(picture)).name)
            return "", f'<p role="alert">{escape(message)}</p>', None
        return prepared._repr_html_(), f'<div class="cards">{"".join(cards)}</div>', image

    def classify(path: str | None, ground: Ground) -> tuple[Any, ...]:
        return answer(path, ground) if path else ("", NOTHING_YET, None)

    def classify_drawing(drawing: dict[str, Any] | None) -> tuple[Any, ...]:
        sheet = (drawing or {}).get("composite")
        return answer(sheet, "bright") if sheet else ("", NOTHING_DRAWN, None)

    shown = [steps, answers, pixels]
    asked = [picture.change, ground.change]
    gr.on(asked, classify, [picture, ground], shown, api_name="classify", concurrency_limit=2, trigger_mode=NEWEST)
    draw.click(classify_drawing, sheet, shown, api_name="classify_drawing", concurrency_limit=2)
    return pixels
