"""The page of `fashionzoo demo`, in a real browser and through Gradio's client."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from gradio_client import Client, handle_file
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from fashionzoo.cli.main import main
from tests import ROOT
from tests.processes import free_port

PICTURES = ROOT / "tests" / "pictures"
OWN = "mlp_relu_narrowing:report", "mlp_sigmoid_narrowing:report"  # quick ones come first in the menus
PATIENCE = 90  # seconds for the page to show what it should
TROUSER = (  # strokes on the sheet, from its center: waist, outer seams, hems, inner seams
    ((-60, -130), (60, -130)),
    ((-60, -130), (-70, 130)),
    ((60, -130), (70, 130)),
    ((-70, 130), (-25, 130)),
    ((70, 130), (25, 130)),
    ((-25, 130), (0, -60)),
    ((25, 130), (0, -60)),
)


@pytest.fixture(scope="module")
def address(real_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page on the real data and the committed runs."""
    port, folder = free_port(), tmp_path_factory.mktemp("page")
    command = [sys.executable, "-m", "fashionzoo", "demo", "--port", str(port), "--root", str(real_root)]
    own = [word for label in OWN for word in ("--checkpoint", label)]
    with (folder / "screen").open("w") as screen:
        server = subprocess.Popen(
            [*command, *own, "--logs", str(ROOT / "lightning_logs")], cwd=folder, stdout=screen, stderr=screen
        )
    deadline = time.monotonic() + PATIENCE
    while "the page is at" not in (folder / "screen").read_text():
        assert server.poll() is None, (folder / "screen").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield f"http://127.0.0.1:{port}/"
    server.terminate()
    server.wait()
    assert "fashionzoo/demo" not in (folder / "screen").read_text()  # no traceback that leads through the page


class Page:
    """The page in the browser.

    Args:
        browser: A browser.
        address: Where the page is.
    """

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        self.browser, self.address = browser, address
        self.open()

    def open(self) -> None:
        """Open the page as if for the first time."""
        self.browser.get(self.address)
        self.wait(lambda: self.find("#picture input[type=file]"))

    def wait(self, shown: Callable[[], object]) -> None:
        """Wait until the page shows something."""
        WebDriverWait(self.browser, PATIENCE).until(lambda _: shown())

    def log(self, kind: str) -> list[dict[str, str]]:
        """Return what the browser logged."""
        entries: list[dict[str, str]] = self.browser.get_log(kind)  # type: ignore[no-untyped-call]  # of selenium
        return entries

    def find(self, selector: str) -> list[webdriver.remote.webelement.WebElement]:
        """Return the elements of a selector."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, name: str) -> str:
        """Return the text of a part."""
        return self.find(f"#{name}")[0].text

    def click(self, element: webdriver.remote.webelement.WebElement) -> None:
        """Click on something, wherever it is on the page."""
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def tab(self, name: str) -> None:
        """Open a tab."""
        self.click(next(tab for tab in self.find("button[role=tab]") if tab.text == name))

    def upload(self, path: Path) -> None:
        """Drop a file on the field."""
        self.find("#picture input[type=file]")[0].send_keys(str(path))

    def save_screenshot(self, name: str) -> None:
        """Take a picture for the README, of the whole tab, if a folder for it is named."""
        if "SCREENSHOTS" in os.environ:
            time.sleep(2)
            height = self.find(".tabs")[0].rect["height"]
            self.browser.set_window_size(1400, int(height) + 300)
            time.sleep(2)
            picture = Image.open(BytesIO(self.browser.get_screenshot_as_png())).convert("RGB").quantize(64)
            picture.save(f"{os.environ['SCREENSHOTS']}/{name}.png", optimize=True)
            self.browser.set_window_size(1400, 1000)

    def choose(self, name: str, word: str) -> None:
        """Type a word into a menu, and take what it offers."""
        field = self.find(f"#{name} input")[0]
        self.click(field)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(word)
        time.sleep(0.5)
        field.send_keys("\n")


@pytest.fixture
def page(browser: webdriver.Chrome, address: str) -> Page:
    """The page, newly opened."""
    return Page(browser, address)


def test_a_boot_is_uploaded_answered_and_explained(page: Page) -> None:
    page.upload(PICTURES / "boot.png")
    page.wait(lambda: page.text("answers").count("Ankle boot") >= 12)
    assert len(page.find("#answers strong")) == 12
    assert len(page.find("#steps img")) == 4
    assert re.search(r"cnn_balanced:tuned\nAnkle boot 99\.\d %", page.text("answers"))
    page.save_screenshot("page")
    page.tab("Why")
    page.click(page.find("#explain")[0])
    page.wait(lambda: len(page.find("#heat img, #blocks img")) == 2)
    page.click(page.find("#find")[0])
    page.wait(lambda: len(page.find("#nearest img")) == 5)
    page.save_screenshot("why")


def test_a_trouser_is_drawn(page: Page) -> None:
    page.tab("Draw")
    draw = page.find("#classify-drawing")[0]
    page.click(draw)
    page.wait(lambda: "Nothing is drawn yet" in page.text("answers"))
    page.wait(lambda: page.find("#sheet canvas"))
    page.click(page.find("#sheet button[aria-label=Brush]")[0])
    sheet = page.find("#sheet canvas")[0]
    for start, end in TROUSER:
        pen = ActionChains(page.browser, duration=30).move_to_element_with_offset(sheet, *start).click_and_hold()
        pen.move_to_element_with_offset(sheet, *end)
        pen.release().perform()
    page.click(draw)
    page.wait(lambda: "cnn_balanced:tuned\nTrouser" in page.text("answers"))


def test_a_cell_of_a_confusion_matrix_shows_its_images(page: Page) -> None:
    page.tab("Compare")
    page.click(page.find("#compare-both")[0])
    page.wait(lambda: "is right on" in page.text("comparison"))
    page.wait(lambda: len(page.find("#confusion-0 [role=gridcell]")) == 110)
    shirts = page.find("#confusion-0 [role=gridcell]")[6 * 11 :][:11]
    assert shirts[0].text == "6 Shirt"
    count = int(shirts[4].text)  # taken for dresses
    page.click(shirts[4])
    page.wait(lambda: page.find("#cell figcaption"))
    captions = [caption.text for caption in page.find("#cell figcaption")]
    assert len(captions) == min(count, 24)
    assert all(caption.startswith("Dress and ") for caption in captions)
    page.choose("first", "cnn_balanced:tuned")
    page.wait(lambda: page.find("#first input")[0].get_attribute("value") == "cnn_balanced:tuned")
    boots = page.find("#confusion-0 [role=gridcell]")[9 * 11 :][:11]  # still of the two that were compared
    count = int(boots[6].text)  # taken for sandals
    page.click(boots[6])
    page.wait(lambda: page.find("#cell figcaption")[0].text.startswith("Sandal and "))
    assert len(page.find("#cell figcaption")) == min(count, 24)


def test_a_claim_and_curves_are_drawn(page: Page) -> None:
    page.tab("Learn")
    page.choose("claim", "N1.level")
    page.wait(lambda: "by about iteration 291" in page.text("outcome") and page.find("#decides img"))
    page.choose("runs", "cnn_plain/report")
    page.wait(lambda: page.find("#curves img"))


def test_what_is_no_picture_gets_a_line_and_the_server_goes_on(page: Page, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "broken.png").write_bytes((PICTURES / "shirt.png").read_bytes()[:900])
    Image.new("L", (20_000, 10_000), 255).save(tmp_path / "huge.png")
    for name, reason in (("text", "can be read"), ("broken", "can be read"), ("huge", "too many pixels")):
        page.open()
        page.upload(tmp_path / f"{name}.png")
        page.wait(lambda: page.find("#answers [role=alert]"))
        assert re.fullmatch(rf"{name}\.png .*{reason}.*", page.text("answers"))
    page.open()
    page.upload(PICTURES / "shirt.png")
    page.wait(lambda: "T-shirt/top" in page.text("answers"))


def test_nothing_leaves_this_machine_and_no_error_is_logged(page: Page, address: str) -> None:
    page.upload(PICTURES / "shirt.png")
    page.wait(lambda: "T-shirt/top" in page.text("answers"))
    events = [json.loads(entry["message"])["message"] for entry in page.log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert any(url.startswith(address) for url in asked)
    assert not [url for url in asked if not url.startswith((address, "data:", "blob:", "about:", "chrome"))]
    assert not [entry for entry in page.log("browser") if entry["level"] == "SEVERE"]


def test_a_file_of_the_server_is_not_shown(address: str) -> None:
    client = Client(address, verbose=False)
    steps, answers = client.predict(handle_file(PICTURES / "boot.png"), "auto", api_name="/classify")
    assert steps.count("<img") == 4
    assert "Ankle boot" in answers
    with pytest.raises(HTTPError, match="403"):
        urlopen(f"{address}gradio_api/file={ROOT / 'README.md'}")
    data = {"data": [{"path": str(PICTURES / "boot.png"), "meta": {"_type": "gradio.FileData"}}, "auto"]}
    request = Request(f"{address}gradio_api/call/classify", json.dumps(data).encode())
    request.add_header("Content-Type", "application/json")
    event = json.load(urlopen(request))["event_id"]
    assert urlopen(f"{address}gradio_api/call/classify/{event}").read().startswith(b"event: error")


@pytest.mark.parametrize(
    ("words", "reason"),
    [(("--port", "0"), "--port"), (("--checkpoint", "no.ckpt"), "no.ckpt"), (("--porrt", "1"), "--port")],
)
def test_wrong_flags_get_one_line(words: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["demo", *words])
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert reason in error


def test_without_gradio_a_line_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['gradio'] = None; from fashionzoo.cli.main import main; main(['demo'])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert shown.returncode == 2
    assert shown.stderr == "fashionzoo: error: the page needs gradio: pip install 'fashionzoo[demo]'\n"


def test_a_port_that_is_taken_gets_one_line(address: str, tmp_path: Path) -> None:
    port = address.rstrip("/").rpartition(":")[2]
    command = [sys.executable, "-m", "fashionzoo", "demo", "--port", port]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert shown.returncode == 2
    assert shown.stderr.splitlines()[-1].startswith(f"fashionzoo: error: port {port} is taken")
