"""Files that are written completely or not at all, directories that can be written to, and values that files hold."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from fashionzoo.errors import FashionZooError

REPLACE_ATTEMPTS, REPLACE_DELAY_S = 10, 0.1


@contextmanager
def atomic_write(target: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces the target only once it is complete and on the disk.

    Where several processes write one target at once, each writes a file of its own, and the last to end has it.

    Args:
        target: Keeps its old content until all of the new is written.

    Raises:
        FashionZooError: Another program keeps the target open, where that forbids to replace it (Windows).
    """
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # or a power cut may leave the new name with nothing in it
        _replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _replace(part: Path, target: Path) -> None:
    """Rename a file, and wait a little for a virus scanner or an index that looks at the target."""
    for remaining in reversed(range(REPLACE_ATTEMPTS)):
        try:
            part.replace(target)
            return
        except PermissionError as error:
            if not remaining:
                raise FashionZooError(
                    f"{target} cannot be replaced ({error.strerror}): close it in the program that has it open"
                ) from error
            time.sleep(REPLACE_DELAY_S)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, completely or not at all."""
    with atomic_write(path) as file:
        file.write(text.encode())


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table, completely or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    write_text(path, text.getvalue())


def make_folder(run_dir: Path) -> None:
    """Make the folder of the logs.

    Raises:
        FashionZooError: It cannot be written.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FashionZooError(
            f"cannot write logs to {run_dir} ({error.strerror}): choose a folder with --trainer.default_root_dir"
        ) from error


def expand(path: str) -> str:
    """Return a path with ``~`` and variables replaced, as a shell does where it sees them: not in ``--flag=~/runs``.

    Args:
        path: What names no home and no variable, such as the name of a network, is returned as it is.

    Raises:
        FashionZooError: A variable is not set, and there is no file of that very name.

    Example:
        >>> os.environ["RUNS"] = "/data/runs"
        >>> expand("$RUNS/today"), expand("cnn_plain:tuned")
        ('/data/runs/today', 'cnn_plain:tuned')
    """
    expanded = os.path.expandvars(path)
    if (unset := re.search(r"\$(\w+|{\w+})", expanded)) and not Path(expanded).exists():
        raise FashionZooError(f"{path} names the variable {unset[0]}, which is not set: set it, or write the path out")
    with suppress(RuntimeError):  # of a name that begins with ~ and is no user's
        return str(Path(expanded).expanduser()) if expanded.startswith("~") else expanded
    return expanded


def is_inside(path: Path, folder: Path) -> bool:
    """Tell whether a path leads into a folder, whatever the case and the links by which both are named.

    Example:
        >>> is_inside(Path.cwd() / "logs", Path("."))
        True
    """
    return folder.exists() and any(parent.exists() and parent.samefile(folder) for parent in path.resolve().parents)


def to_plain(value: Any) -> Any:
    """Return a value with Python's numbers, texts and lists in place of NumPy's, as checkpoints hold them.

    Args:
        value: Anything; what lists, tuples and dictionaries hold is made plain, too.

    Example:
        >>> import numpy as np
        >>> to_plain((np.int64(3), [np.float32(0.5)], {"names": np.array(["a", "b"])}))
        (3, [0.5], {'names': ['a', 'b']})
    """
    if isinstance(value, list | tuple):
        return type(value)(map(to_plain, value))
    if isinstance(value, dict):
        return {key: to_plain(each) for key, each in value.items()}
    return value.tolist() if type(value).__module__ == "numpy" else value
