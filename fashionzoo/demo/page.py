"""The page: its four tabs, its looks, and the server."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported: nothing is sent anywhere
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr

from fashionzoo.demo.classify import EXAMPLES, add_classify_tab
from fashionzoo.demo.compare import add_compare_tab
from fashionzoo.demo.learn import add_learn_tab
from fashionzoo.demo.why import add_why_tab
from fashionzoo.errors import FashionZooError
from fashionzoo.zoo.shelf import Shelf

MAX_UPLOAD = "20mb"
KEPT_S = 600  # seconds until an upload is deleted
MAX_WAITING = 40  # requests of a kind
FONTS = ("system-ui", "sans-serif")  # of the reader's machine: nothing is loaded from elsewhere
CSS = """
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(13em, 1fr)); gap: 0.8em; }
.cards strong { font-size: 0.8em; overflow-wrap: anywhere; }
"""


def build_page(shelf: Shelf, logs: Path) -> gr.Blocks:
    """Return the page with some networks and the runs in a folder."""
    page = gr.Blocks(title="fashionzoo", analytics_enabled=False, delete_cache=(KEPT_S // 10, KEPT_S))
    with page:
        gr.Markdown("# fashionzoo\nThe networks of the zoo, and your own, look at the same picture.")
        pixels = add_classify_tab(shelf)
        add_why_tab(shelf, pixels)
        add_compare_tab(shelf)
        add_learn_tab(logs)
    page.queue(max_size=MAX_WAITING)
    threading.Thread(target=_load_networks, args=(shelf,), daemon=True).start()
    return page


def _load_networks(shelf: Shelf) -> None:
    """Load what will be asked; what cannot be loaded is told where it is asked."""
    for label in shelf.labels:
        with suppress(FashionZooError):
            shelf.network(label)


def serve(page: gr.Blocks, host: str, port: int | None, share: bool) -> None:
    """Serve the page until Ctrl-C, on the first free port from 7860 on if none is named.

    Raises:
        FashionZooError: The port is taken, or the address is not this machine's.
    """
    try:
        _, address, link = page.launch(
            server_name=host,
            server_port=port,
            share=share,
            theme=gr.themes.Default(font=FONTS, font_mono=("ui-monospace", "monospace")),
            css=CSS,
            max_file_size=MAX_UPLOAD,
            allowed_paths=[str(path) for path in EXAMPLES],
            footer_links=[],
            enable_monitoring=False,
            ssr_mode=False,
            quiet=True,
            prevent_thread_lock=True,
        )
    except OSError as error:
        taken = f"port {port} is taken" if port else "no port from 7860 on is free"
        raise FashionZooError(f"{taken}, or {host} is no address of this machine: choose another") from error
    print(f"the page is at {link or address} until Ctrl-C", flush=True)
    page.block_thread()
