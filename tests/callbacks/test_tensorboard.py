"""The committed runs as TensorBoard shows them, in a real browser."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException

from fashionzoo import RECIPES
from fashionzoo.weights.manifest import VERSIONS
from tests.processes import free_port

PATIENCE = 60  # seconds for a page to show what it should
# TensorBoard's pages are made of components, each with a document of its own.
VISIBLE_TEXT = """
const text = node => [...node.childNodes].map(child =>
  child.nodeType == 3 ? child.textContent :
  child.nodeType != 1 || ["STYLE", "SCRIPT"].includes(child.tagName) ? "" :
  (child.shadowRoot ? text(child.shadowRoot) : "") + " " + text(child)).join(" ");
return text(document.body).replace(/\\s+/g, " ");
"""
IMAGES = """
const images = node => [...node.querySelectorAll("*")].flatMap(child =>
  (child.tagName == "IMG" && child.naturalWidth > 100 ? [child] : []).concat(
    child.shadowRoot ? images(child.shadowRoot) : []));
return images(document).length;
"""
PAGES = {
    "timeseries": ("activations", "gradient_norm", "near_zero", "weights"),
    "scalars": ("gradient_norm/first_layer", "gradient_norm/last_layer", "near_zero/block0"),
    "images": ("test/confusion", "val/confusion"),
    "images&tagFilter=mistakes": ("test/mistakes",),  # on the second page without the filter
    "distributions": ("tag: activations/block0", "weights"),
    "histograms": ("tag: activations/block0", "weights"),
    "graphs": ("Main Graph", "CNN", "output"),
    "text": ("changed", "hyperparameters"),
    "text&tagFilter=recipe": ("recipe/report", "recipe/tuned", "78 % at about iteration 291"),  # closed without it
    "hparams": ("batch_size", "weight_decay", "test/acc"),
    "custom_scalars": ("curves", "loss", "accuracy", "train/loss", "val/loss"),
}


@pytest.fixture(scope="module")
def address(committed_runs: Path) -> Iterator[str]:
    """TensorBoard on the committed runs."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("tensorboard")), "--logdir", committed_runs.name]
    options = ["--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [*command, *options], cwd=committed_runs.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()


def open_page(browser: webdriver.Chrome, address: str, page: str, shown: Callable[[str], bool]) -> str:
    """Open a page, again until the server has read the runs; return its text when it shows what it should."""
    deadline = time.monotonic() + PATIENCE
    text = ""
    while time.monotonic() < deadline:
        try:
            browser.get("about:blank")
            browser.get(f"{address}/#{page}")
        except WebDriverException:  # the server is not up yet
            time.sleep(1)
            continue
        for _ in range(10):
            time.sleep(1)
            text = str(browser.execute_script(VISIBLE_TEXT))
            if shown(text):
                return text
    pytest.fail(f"{page} shows only: {text}")


@pytest.mark.parametrize("page", PAGES)
def test_tensorboard_shows_the_committed_runs(browser: webdriver.Chrome, address: str, page: str) -> None:
    runs = [f"{name}/{version}" for name in RECIPES for version in VERSIONS]  # ablations keep records only

    def shows_all(text: str) -> bool:
        return all(word in text for word in (*runs, *PAGES[page]))

    open_page(browser, address, page, shows_all)
    if page.startswith("images"):
        deadline = time.monotonic() + PATIENCE
        while browser.execute_script(IMAGES) < len(RECIPES):
            assert time.monotonic() < deadline
            time.sleep(1)
    if page == "custom_scalars" and "SCREENSHOTS" in os.environ:  # the one in the README is taken here
        browser.set_window_size(1400, 860)
        browser.get("about:blank")
        browser.get(f"{address}/#{page}&regexInput=report")
        time.sleep(5)
        browser.save_screenshot(f"{os.environ['SCREENSHOTS']}/tensorboard.png")
