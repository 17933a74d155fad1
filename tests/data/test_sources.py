"""Where the data comes from, and what is refused."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.queues import Queue
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionzoo import FashionZooError
from fashionzoo.data import sources
from fashionzoo.io import atomic_write
from tests.conftest import NAMES, SERVER, idx, put

IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which a server hands out its files."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_raw_files_under_the_root_are_used_as_they_are(tiny_root: Path) -> None:
    assert {origin.source for origin in sources.ensure_downloaded(tiny_root)} == {"found"}
    images, labels = sources.load_split("train", tiny_root)
    assert images.shape == (1000, 28, 28)
    assert images.dtype == torch.uint8
    assert labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_packed_files_under_the_root_are_unpacked(contents: dict[str, bytes], tmp_path: Path) -> None:
    raw = put(tmp_path, contents, packed=True)
    assert all(origin.source.startswith("unpacked from") for origin in sources.ensure_downloaded(tmp_path))
    assert {name: (raw / name).read_bytes() for name in NAMES} == contents


def test_debian_s_package_is_used_when_the_root_is_empty(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = put(tmp_path / "package", contents, packed=True)
    monkeypatch.setattr(sources, "DEBIAN", package)
    assert all("Debian" in origin.source for origin in sources.ensure_downloaded(tmp_path / "root"))
    assert len(sources.load_split("test", tmp_path / "root")[1]) == 200


def test_debian_s_package_is_read_in_place_where_the_root_cannot_be_written(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = put(tmp_path / "package", contents, packed=True)
    monkeypatch.setattr(sources, "DEBIAN", package)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("FASHIONZOO_DATA", str(tmp_path / "file"))
    origins = sources.ensure_downloaded()
    assert all(f"not writable, so read from {package}" in origin.source for origin in origins)
    assert len(sources.load_split("test")[1]) == 200


def test_a_mirror_that_fails_is_followed_by_the_next(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: tuple[Path, str]
) -> None:
    folder, address = served
    (folder / "good").mkdir()
    (folder / "liar").mkdir()
    for name, content in contents.items():
        (folder / "good" / f"{name}.gz").write_bytes(gzip.compress(content))
        (folder / "liar" / f"{name}.gz").write_text("<html>Please log in to this hotspot</html>", encoding="utf-8")
    monkeypatch.setattr(sources, "MIRRORS", (f"{address}/missing", f"{address}/liar", f"{address}/good"))
    origins = sources.ensure_downloaded(tmp_path / "root")
    assert {origin.source for origin in origins} == {f"downloaded from {address}/good"}
    assert {origin.path.read_bytes() for origin in origins} == set(contents.values())
    assert sorted(path.name for path in origins[0].path.parent.iterdir() if path.name != ".lock") == sorted(NAMES)


def test_a_mirror_that_is_silent_is_given_up(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(sources, "MIRRORS", (f"http://127.0.0.1:{silent.getsockname()[1]}",))
        with pytest.raises(FashionZooError, match=r"cannot be downloaded .*timed out"):
            sources.ensure_downloaded(tmp_path)


def test_without_data_and_network_the_line_names_the_ways_out(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MIRRORS", ("http://127.0.0.1:9",))
    with pytest.raises(FashionZooError, match="internet, or `apt-get install dataset-fashion-mnist`, or put the four"):
        sources.ensure_downloaded(tmp_path)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda content: b"", "is empty"),
        (lambda content: content[:-1], "damaged"),
        (lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:], "damaged"),
        (lambda content: b"<html>404 Not Found</html>", "damaged"),
        (lambda content: idx(torch.zeros(60000, 28, 28, dtype=torch.uint8).numpy()), "or of another data set"),
    ],
    ids=["empty", "truncated", "one flipped bit", "an HTML error page", "another MNIST"],
)
@pytest.mark.parametrize("packed", [False, True], ids=["raw", "packed"])
def test_a_damaged_file_is_refused_by_name(
    contents: dict[str, bytes], tmp_path: Path, damage: object, complaint: str, packed: bool
) -> None:
    assert callable(damage)
    raw = put(tmp_path, contents | {IMAGES: damage(contents[IMAGES])}, packed)
    line = rf"{IMAGES}.* in {raw} .*{complaint}.* delete it and run `fashionzoo data --root {tmp_path}`"
    with pytest.raises(FashionZooError, match=line):
        sources.ensure_downloaded(tmp_path) if packed else sources.load_split("train", tmp_path)


@pytest.mark.parametrize("damage", [lambda packed: packed[:-20], lambda packed: b"", lambda packed: b"not gzip"])
def test_a_damaged_archive_is_refused_by_name(contents: dict[str, bytes], tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    raw = put(tmp_path, contents, packed=True)
    archive = raw / f"{IMAGES}.gz"
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(FashionZooError, match=rf"{IMAGES}.gz in {raw} is (damaged|empty)"):
        sources.ensure_downloaded(tmp_path)
    assert not (raw / IMAGES).exists()


def test_a_missing_file_is_named(tiny_root: Path) -> None:
    (tiny_root / "FashionMNIST" / "raw" / IMAGES).unlink()
    with pytest.raises(FashionZooError, match=rf"cannot read .*{IMAGES} .*run `fashionzoo data --root {tiny_root}`"):
        sources.load_split("train", tiny_root)


def test_a_root_that_cannot_be_written_is_refused(contents: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(FashionZooError, match=r"cannot write the data to .*name a folder that you can write to"):
        sources.ensure_downloaded(tmp_path / "file")


def test_the_environment_names_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASHIONZOO_DATA", "/elsewhere")
    assert sources.resolve_data_dir() == Path("/elsewhere")
    assert sources.resolve_data_dir("/here") == Path("/here")


def test_the_real_data_is_fashion_mnist(real_root: Path) -> None:
    images, labels = sources.load_split("train", real_root)
    assert images.shape == (60000, 28, 28)
    assert labels.bincount().tolist() == [6000] * 10
    images, labels = sources.load_split("test", real_root)
    assert images.shape == (10000, 28, 28)
    assert labels.bincount().tolist() == [1000] * 10


def obtain(root: Path, mirror: str, digests: dict[str, str], answers: Queue[int]) -> None:
    """Fetch and read the data in a process of its own; answer with how many images there are."""
    sources.SHA256.update(digests)
    sources.DEBIAN = root / "no-such-package"
    sources.MIRRORS = (mirror,)  # type: ignore[assignment]  # as many as there are
    sources.ensure_downloaded(root)
    answers.put(len(sources.load_split("train", root)[1]))


def test_processes_that_start_at_once_on_an_empty_root_all_get_good_data(
    contents: dict[str, bytes], tmp_path: Path, served: tuple[Path, str]
) -> None:
    folder, address = served
    for name, content in contents.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    answers: Queue[int] = SERVER.Queue()
    arguments = (tmp_path / "root", address, dict(sources.SHA256), answers)
    processes = [SERVER.Process(target=obtain, args=arguments) for _ in range(4)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == [1000] * 4
    for process in processes:
        process.join()
    assert {process.exitcode for process in processes} == {0}


def test_an_interrupted_download_leaves_nothing_that_looks_whole(
    contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: tuple[Path, str]
) -> None:
    folder, address = served
    for name, content in contents.items():
        packed = gzip.compress(content)
        (folder / f"{name}.gz").write_bytes(packed[: len(packed) // 2])
    monkeypatch.setattr(sources, "MIRRORS", (address,))
    with pytest.raises(FashionZooError, match=r"cannot be downloaded .*not the file"):
        sources.ensure_downloaded(tmp_path / "root")
    assert [path.name for path in (tmp_path / "root" / "FashionMNIST" / "raw").iterdir()] == [".lock"]


def test_a_read_only_root_with_good_files_works(tiny_root: Path) -> None:
    raw = tiny_root / "FashionMNIST" / "raw"
    before = {path: path.stat().st_mtime_ns for path in (*raw.iterdir(), raw)}
    raw.chmod(0o555)
    sources.ensure_downloaded(tiny_root)
    assert len(sources.load_split("train", tiny_root)[1]) == 1000
    assert {path: path.stat().st_mtime_ns for path in (*raw.iterdir(), raw)} == before  # nothing was written


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_in_place_of_a_file_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    raw = put(tmp_path_factory.getbasetemp() / "random", dict.fromkeys(NAMES, content))
    with pytest.raises(FashionZooError, match=r"is (empty|damaged)"):
        sources.load_split("train", raw.parent.parent)


def test_a_write_that_fails_leaves_the_file_before_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("before", encoding="utf-8")

    def fail() -> None:
        with atomic_write(target) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"table.csv": "before"}


def test_two_that_write_one_file_at_once_do_not_hinder_each_other(tmp_path: Path) -> None:
    target = tmp_path / "study.json"
    with atomic_write(target) as first, atomic_write(target) as second:
        first.write(b"the first")
        second.write(b"2nd")
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"study.json": "the first"}
