"""Data for the tests: a small synthetic Fashion-MNIST, and the real one."""

import gzip
import hashlib
import multiprocessing
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

# Before torch is imported: tests run side by side, and threads that spin while they wait slow each other.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pytest
import torch
from selenium import webdriver

from fashionzoo.data import sources
from fashionzoo.zoo.runs import REFERENCE_NAMES
from tests import ROOT

# Starts processes in which torch, Lightning and Optuna are imported already; Windows has none.
SERVER = multiprocessing.get_context("forkserver") if sys.platform != "win32" else multiprocessing.get_context("spawn")
SERVER.set_forkserver_preload(["fashionzoo.runner.launch", "fashionzoo.runner.search", "tests.processes"])

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--window-size=1400,1000",
)
NAMES = tuple(sources.SHA256)


def idx(array: np.ndarray) -> bytes:
    """Return an array of bytes in the IDX format."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def synthetic() -> dict[str, bytes]:
    """Return four small files: each class is a bright bar at a height of its own, in noise; classes 0 to 9 in turn."""
    generator = np.random.default_rng(0)
    contents = {}
    for split, count in (("train", 1000), ("t10k", 200)):
        labels = np.arange(count) % 10
        images = generator.integers(0, 100, (count, 28, 28))
        for label in range(10):
            images[labels == label, 2 * label + 4 : 2 * label + 6] = 255
        contents[f"{split}-images-idx3-ubyte"] = idx(images)
        contents[f"{split}-labels-idx1-ubyte"] = idx(labels)
    return contents


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Draw the same weights and images in each run of a test, so that it passes always or never."""
    torch.manual_seed(0)


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """The synthetic files by name, which pass for Fashion-MNIST while the test runs; nothing else is in reach."""
    made = synthetic()
    for name, content in made.items():
        monkeypatch.setitem(sources.SHA256, name, hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(sources, "DEBIAN", tmp_path / "no-such-package")
    monkeypatch.setattr(sources, "MIRRORS", ())
    return made


@pytest.fixture
def tiny_root(contents: dict[str, bytes], tmp_path: Path) -> Path:
    """A root with the synthetic files, raw."""
    root = tmp_path / "root"
    put(root, contents)
    return root


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the synthetic files, for processes of their own, which have to trust it."""
    folder = tmp_path_factory.mktemp("root")
    put(folder, synthetic())
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Headless Chromium, which logs what it asks for and what goes wrong."""
    if not BROWSER or not DRIVER:
        warnings.warn("no page was looked at: install Debian's chromium and chromium-driver", stacklevel=2)
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*BROWSER_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def real_root() -> Path:
    """The root of the real data, fetched if need be."""
    sources.ensure_downloaded()
    return sources.resolve_data_dir()


@pytest.fixture(scope="session")
def committed_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder lightning_logs with the committed runs alone, not those that whoever tests has made there; to read."""
    logs = tmp_path_factory.mktemp("committed") / "lightning_logs"
    for run in (run for name in REFERENCE_NAMES for run in (ROOT / "lightning_logs").glob(f"*/{name}")):
        shutil.copytree(run, logs / run.parent.name / run.name, ignore=shutil.ignore_patterns("*.ckpt"))
    return logs


def put(root: Path, contents: dict[str, bytes], packed: bool = False) -> Path:
    """Write files under a root in torchvision's layout; return their folder."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if packed:
            (raw / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (raw / name).write_bytes(content)
    return raw


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server that listens on a socket."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql): shared searches are not tested")
    folder = Path(tempfile.mkdtemp())
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # the server refuses to run as root
    if as_user:
        shutil.chown(folder, "postgres")
    subprocess.run(
        [*as_user, str(programs[-1] / "initdb"), "-A", "trust", "-U", "me", f"{folder}/db"],
        check=True,
        capture_output=True,
    )
    control = [*as_user, str(programs[-1] / "pg_ctl"), "-D", f"{folder}/db", "-w", "-l", f"{folder}/log"]
    subprocess.run([*control, "-o", f"-k {folder} -h ''", "start"], check=True, capture_output=True)
    yield f"postgresql://me@/postgres?host={folder}"
    subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
    shutil.rmtree(folder)
