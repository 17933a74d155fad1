"""What the tabs share: errors in plain words, menus of networks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from html import escape
from typing import Any, Literal

import gradio as gr

from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.shelf import Shelf

NEWEST: Literal["always_last"] = "always_last"  # what is asked while an answer is on its way is answered next


def in_plain_words(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Let an error that a user can mend be shown on the page as its line, while the server goes on."""

    @functools.wraps(handler)
    def handle(*arguments: Any) -> Any:
        try:
            return handler(*arguments)
        except FashionZooError as error:
            raise gr.Error(escape(str(error)), print_exception=False) from error

    return handle


def network_menu(shelf: Shelf, label: str, chosen: int, elem_id: str) -> gr.Dropdown:
    """Add a menu of all networks."""
    return gr.Dropdown(shelf.labels, value=shelf.labels[chosen], label=label, min_width=280, elem_id=elem_id)
