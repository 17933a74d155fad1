"""The tab that shows why a network answers as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

import fashionzoo as fz
from fashionzoo.demo.widgets import NEWEST, in_plain_words, network_menu
from fashionzoo.errors import FashionZooError
from fashionzoo.notebook import html_pictures
from fashionzoo.zoo.shelf import Shelf

if TYPE_CHECKING:
    from torch import Tensor


def add_why_tab(shelf: Shelf, pixels: gr.State) -> None:
    """Add the tab, on the prepared pixels of the last picture."""
    with gr.Tab("Why", id="why"):
        gr.Markdown("Why one network answers as it does to the picture in the tab Classify.")
        with gr.Row():
            label = network_menu(shelf, "Network", 0, "why-network")
            explain = gr.Button("Explain", variant="primary", elem_id="explain")
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                gr.Markdown("Where it looks: a patch is covered, and the probability falls")
                heat = gr.Plot(label="Where it looks", show_label=False, elem_id="heat")
            with gr.Column(scale=3, min_width=300):
                gr.Markdown("What its hidden blocks make of it: red is positive, blue negative")
                blocks = gr.Plot(label="Hidden blocks", show_label=False, elem_id="blocks")
        find = gr.Button("Find the training images nearest to it for this network", elem_id="find")
        found = gr.HTML(elem_id="nearest")

    @in_plain_words
    def show_inside(label: str, image: Tensor | None) -> tuple[Any, Any]:
        from fashionzoo.models.activations import activations
        from fashionzoo.plots.inside import plot_activations, plot_occlusion

        network, image = shelf.network(label), need(image)
        (prediction,) = network.predictions(image)
        title = f"{label}: {prediction.name}, {100 * prediction.probabilities[prediction.name]:.1f} %"
        falls = fz.occlusion(network, image, prediction.label)
        return plot_occlusion(image[0, 0], falls, title), plot_activations(activations(network, image), label)

    @in_plain_words
    def show_nearest(label: str, image: Tensor | None) -> str:
        nearest = shelf.index(label).nearest(need(image))
        captions = [f"{fz.CLASSES[each.label]}, {each.similarity:.3f}" for each in nearest]
        return html_pictures(zip((Image.fromarray(each.image.numpy()) for each in nearest), captions, strict=True))

    asked = [explain.click, label.change]
    gr.on(asked, show_inside, [label, pixels], [heat, blocks], api_name="explain", trigger_mode=NEWEST)
    label.change(lambda: "", None, found, api_visibility="private")
    pixels.change(lambda: (None, None, ""), None, [heat, blocks, found], api_visibility="private")
    find.click(show_nearest, [label, pixels], found, api_name="nearest")


def need(image: Tensor | None) -> Tensor:
    """Return the picture, or say that there is none yet."""
    if image is None:
        raise FashionZooError("there is no picture yet: choose or draw one in the tab Classify")
    return image
