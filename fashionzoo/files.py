"""Where the four files of Fashion-MNIST come from, and the proof that they are the right ones.

Nothing here needs torch until a file is parsed or downloaded.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from filelock import FileLock
from platformdirs import user_cache_path

from fashionzoo.errors import InputError

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
MIRRORS = (  # Zalando's repository and bucket; the last is the address that torchvision knows
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
)
TIMEOUT = 20  # seconds without an answer before a mirror is given up


class Origin(NamedTuple):
    """One of the four files and where it was found."""

    path: Path
    source: str


def resolve_root(root: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that holds the data.

    Args:
        root: A folder; ``None`` stands for ``$FASHIONZOO_DATA`` or, without it, the user's cache folder.

    Example:
        >>> resolve_root("/data").as_posix()
        '/data'
    """
    return Path(root or os.environ.get("FASHIONZOO_DATA") or user_cache_path("fashionzoo")).expanduser()


def fetch(root: str | os.PathLike[str] | None = None) -> list[Origin]:
    """Make sure that the four raw files lie under ``root`` in torchvision's layout, whole.

    A file is taken from the first place that has it: ``root`` itself (raw or ``.gz``), Debian's package
    ``dataset-fashion-mnist``, Zalando's servers. What is written was checked first and appears at once or not at all,
    so that several processes may call this on an empty folder.

    Args:
        root: See :func:`resolve_root`.

    Returns:
        Where each file lies and where it came from. Files that were there before are not read: :func:`load` does.

    Raises:
        InputError: A file cannot be had from anywhere, is damaged, or the folder cannot be written.
    """
    raw = resolve_root(root) / "FashionMNIST" / "raw"
    if all((raw / name).is_file() for name in SHA256):
        return [Origin(raw / name, "found") for name in SHA256]
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with FileLock(raw / ".lock"):
            return [_fetch_one(raw, name) for name in SHA256]
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"cannot write the data to {raw} ({error.strerror or error}): choose a folder with --data.root or "
            "FASHIONZOO_DATA"
        ) from error


def load(split: str, root: str | os.PathLike[str] | None = None) -> tuple[Tensor, Tensor]:
    """Read one split after checking the SHA-256 of its two files.

    Args:
        split: ``"train"`` (60,000 images) or ``"t10k"`` (10,000).
        root: See :func:`resolve_root`; :func:`fetch` has filled it.

    Returns:
        Images ``(N, 28, 28)`` uint8, 0 is the background, and labels ``(N,)`` int64 in 0-9.

    Raises:
        InputError: A file is missing, damaged, or of another data set.
    """
    from torchvision.datasets import mnist

    raw = resolve_root(root) / "FashionMNIST" / "raw"
    images, labels = raw / f"{split}-images-idx3-ubyte", raw / f"{split}-labels-idx1-ubyte"
    verify(images)
    verify(labels)
    return mnist.read_image_file(str(images)), mnist.read_label_file(str(labels))


def verify(path: Path) -> None:
    """Compare the content of a raw file with Fashion-MNIST's.

    Raises:
        InputError: The file is missing, cannot be read, is damaged, or of another data set.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror or error}): run `fashionzoo data`") from error
    _check(content, path)


def _check(content: bytes, path: Path) -> None:
    """Raise unless ``content``, read from ``path``, is that of the file of the same name."""
    if not content:
        raise InputError(f"{path.name} in {path.parent} is empty: delete it and run `fashionzoo data`")
    if hashlib.sha256(content).hexdigest() != SHA256[path.name.removesuffix(".gz")]:
        raise InputError(
            f"{path.name} in {path.parent} is damaged or of another data set (SHA-256 differs): "
            "delete it and run `fashionzoo data`"
        )


def _fetch_one(raw: Path, name: str) -> Origin:
    """Put one raw file in its place, from the first source that has it."""
    target = raw / name
    if target.is_file():
        return Origin(target, "found")
    for folder, source in ((raw, "unpacked from {}"), (DEBIAN, "from Debian's package, {}")):
        packed = folder / f"{name}.gz"
        if packed.is_file():
            _install(_unpack(packed), target)
            return Origin(target, source.format(packed))
    return Origin(target, f"downloaded from {_download(target)}")


def _unpack(packed: Path) -> bytes:
    """Decompress and check a ``.gz`` file."""
    compressed = packed.read_bytes()
    try:
        content = gzip.decompress(compressed)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(
            f"{packed.name} in {packed.parent} is damaged ({error or 'empty'}): delete it and run `fashionzoo data`"
        ) from error
    _check(content, packed)
    return content


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing so that its name never stands for half of it.

    Args:
        target: Keeps its old content until all of the new is written.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _install(content: bytes, target: Path) -> None:
    """Write a file whole."""
    with replacing(target) as file:
        file.write(content)


def _download(target: Path) -> str:
    """Download, check and install one file; return the mirror that had it."""
    from torchvision.datasets.utils import download_url

    reasons = []
    default_timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torchvision sets none, and a silent network would hang for ever
    try:
        for mirror in MIRRORS:
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download.") as folder:
                try:
                    download_url(f"{mirror}/{target.name}.gz", folder)
                    content = _unpack(Path(folder) / f"{target.name}.gz")
                except InputError:
                    reasons.append(f"{mirror}: not the file")
                except (OSError, RuntimeError) as error:
                    reasons.append(f"{mirror}: {getattr(error, 'reason', error)}")
                else:
                    _install(content, target)
                    return mirror
    finally:
        socket.setdefaulttimeout(default_timeout)
    raise InputError(
        f"{target.name} is not in {target.parent} and cannot be downloaded ({'; '.join(reasons)}): connect to the "
        "internet, or `apt-get install dataset-fashion-mnist`, or put the four .gz files there"
    )
