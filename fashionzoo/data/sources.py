"""Where the four files of Fashion-MNIST come from, and how they are verified.

Nothing here needs torch until a file is parsed or downloaded.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import os
import shutil
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from filelock import BaseFileLock, FileLock, SoftFileLock
from platformdirs import user_cache_path
from tqdm import tqdm

from fashionzoo.data.idx import parse_idx
from fashionzoo.errors import FashionZooError
from fashionzoo.io import atomic_write, expand
from fashionzoo.terminal import join_command

if TYPE_CHECKING:
    from torch import Tensor


# SHA-256 of the decompressed files: the compressed ones differ between Zalando's and Debian's, their content does not.
SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist
MIRRORS = (  # Zalando's repository and bucket
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
)
TIMEOUT = 20  # seconds without an answer before a mirror is given up


class DataFile(NamedTuple):
    """One of the four files and where it was found."""

    path: Path
    source: str


def resolve_data_dir(root: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that holds the data.

    Args:
        root: A folder; ``None`` stands for ``$FASHIONZOO_DATA`` or, without it, the user's cache folder.

    Example:
        >>> resolve_data_dir("/data").as_posix()
        '/data'
    """
    folder = root or os.environ.get("FASHIONZOO_DATA") or user_cache_path("fashionzoo", appauthor=False)
    return Path(expand(os.fspath(folder)))


def ensure_downloaded(root: str | os.PathLike[str] | None = None) -> list[DataFile]:
    """Make sure that the four raw files are under ``root`` in torchvision's layout, intact.

    A file is taken from the first place that has it: ``root`` itself (raw or ``.gz``), Debian's package
    ``dataset-fashion-mnist``, Zalando's servers. Where no root is named and the cache cannot be written, Debian's are
    read in place. What is written was checked first and appears at once or not at all, so that several processes may
    call this on an empty folder.

    Args:
        root: See :func:`resolve_data_dir`.

    Returns:
        Where each file is and where it came from. Files that were there before are not read: :func:`load_split` does.

    Raises:
        FashionZooError: A file cannot be had from anywhere, is damaged, or the folder cannot be written.
    """
    raw = resolve_data_dir(root) / "FashionMNIST" / "raw"
    if all((raw / name).is_file() for name in SHA256):
        return [DataFile(raw / name, "found") for name in SHA256]
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with _lock(raw / ".lock"):
            return [_fetch_one(raw, name) for name in SHA256]
    except FashionZooError:
        raise
    except OSError as error:
        if root is None and all(map(Path.is_file, map(_debian_archive, SHA256))):
            return [DataFile(raw / name, f"not writable, so read from {_debian_archive(name)}") for name in SHA256]
        raise FashionZooError(
            f"cannot write the data to {raw} ({error.strerror or error}): name a folder that you can write to, for all "
            "commands with FASHIONZOO_DATA"
        ) from error


def require_local(root: str | os.PathLike[str] | None = None) -> None:
    """Raise unless the data can be had without a download.

    Raises:
        FashionZooError: A file is neither under ``root`` nor in Debian's package.
    """
    raw = resolve_data_dir(root) / "FashionMNIST" / "raw"
    for name in SHA256:
        if not any(map(Path.is_file, (raw / name, raw / f"{name}.gz", _debian_archive(name)))):
            raise FashionZooError("this needs the images of Fashion-MNIST: `fashionzoo data` downloads them (30 MB)")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one process at a time in; a file system without locks has the mere presence of the file for one."""
    lock: BaseFileLock = FileLock(path)
    try:
        lock.acquire()
    except NotImplementedError:
        lock = SoftFileLock(path.with_suffix(".softlock"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def load_split(split: str, root: str | os.PathLike[str] | None = None) -> tuple[Tensor, Tensor]:
    """Read one split after checking the SHA-256 of its two files.

    Args:
        split: ``"train"`` (60,000 images) or ``"test"`` (10,000).
        root: See :func:`resolve_data_dir`; :func:`ensure_downloaded` has filled it.

    Returns:
        Images ``(N, 28, 28)`` uint8, 0 is the background, and labels ``(N,)`` int64 in 0-9.

    Raises:
        FashionZooError: A file is missing, damaged, or of another data set.
    """
    raw = resolve_data_dir(root) / "FashionMNIST" / "raw"
    prefix = "t10k" if split == "test" else split
    images, labels = (
        parse_idx(read_verified(raw / f"{prefix}-{kind}-ubyte")) for kind in ("images-idx3", "labels-idx1")
    )
    return images, labels.long()


def read_verified(path: Path) -> bytes:
    """Return the content of a raw file, or of Debian's where its folder cannot be written, checked.

    Raises:
        FashionZooError: The file is missing, cannot be read, is damaged, or of another data set.
    """
    archive = _debian_archive(path.name)
    if not path.is_file() and archive.is_file() and not os.access(path.parent, os.W_OK):
        return _decompress(archive.read_bytes(), archive)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FashionZooError(
            f"cannot read {path} ({error.strerror or error}): run {_fetch_command(path.parent)}"
        ) from error
    _check(content, path)
    return content


def _check(content: bytes, path: Path) -> None:
    """Raise unless ``content``, read from ``path``, is that of the file of the same name."""
    if not content:
        raise FashionZooError(f"{path.name} in {path.parent} is empty: delete it and run {_fetch_command(path.parent)}")
    if hashlib.sha256(content).hexdigest() != SHA256[path.name.removesuffix(".gz")]:
        raise FashionZooError(
            f"{path.name} in {path.parent} is damaged or of another data set (SHA-256 differs): "
            f"delete it and run {_fetch_command(path.parent)}"
        )


def _fetch_command(raw: Path) -> str:
    """Return the command that fills a directory of raw files."""
    root = raw.parent.parent
    return (
        "`fashionzoo data`"
        if root == resolve_data_dir()
        else f"`{join_command(['fashionzoo', 'data', '--root', str(root)])}`"
    )


def _fetch_one(raw: Path, name: str) -> DataFile:
    """Put one raw file in its place, from the first source that has it."""
    target = raw / name
    if target.is_file():
        return DataFile(target, "found")
    packed = (raw / f"{name}.gz", "unpacked from {}"), (_debian_archive(name), "from Debian's package, {}")
    for archive, source in packed:
        if archive.is_file():
            _install(_decompress(archive.read_bytes(), archive), target)
            return DataFile(target, source.format(archive))
    return DataFile(target, f"downloaded from {_download(target)}")


def _debian_archive(name: str) -> Path:
    """Return where Debian's package has a file."""
    return DEBIAN / f"{name}.gz"


def _decompress(compressed: bytes, archive: Path) -> bytes:
    """Decompress and check the content of a ``.gz`` file."""
    try:
        content = gzip.decompress(compressed)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FashionZooError(
            f"{archive.name} in {archive.parent} is damaged ({error or 'empty'}): delete it and run "
            f"{_fetch_command(archive.parent)}"
        ) from error
    _check(content, archive)
    return content


def _install(content: bytes, target: Path) -> None:
    """Write a file completely or not at all."""
    with atomic_write(target) as file:
        file.write(content)


def _download(target: Path) -> str:
    """Download, check and install one file; return the mirror that had it."""
    archive = target.with_name(f"{target.name}.gz")
    reasons = []
    for mirror in MIRRORS:
        try:
            content = _decompress(_fetch_url(f"{mirror}/{archive.name}"), archive)
        except FashionZooError:
            reasons.append(f"{mirror}: not the file")
        except (OSError, http.client.HTTPException) as error:
            reasons.append(f"{mirror}: {getattr(error, 'reason', error)}")
        else:
            _install(content, target)
            return mirror
    raise FashionZooError(
        f"{target.name} is not in {target.parent} and cannot be downloaded ({'; '.join(reasons)}): connect to the "
        "internet, or `apt-get install dataset-fashion-mnist`, or put the four .gz files there"
    )


def _fetch_url(url: str) -> bytes:
    """Return what a server has under an address, with a bar on a terminal."""
    content = io.BytesIO()
    with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
        name = url.rpartition("/")[2]
        with tqdm.wrapattr(response, "read", response.length, desc=name, disable=None, leave=False) as stream:
            shutil.copyfileobj(stream, content)
    return content.getvalue()
