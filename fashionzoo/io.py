"""Files that are written completely or not at all, directories that can be written to, and values that files hold."""

from __future__ import annotations

import csv
import io
import numbers
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fashionzoo.errors import FashionZooError


@contextmanager
def atomic_write(target: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces the target only once it is complete.

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


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table, completely or not at all."""
    with atomic_write(path) as part:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        part.write(text.getvalue().encode())


def make_folder(run_dir: str) -> None:
    """Make the folder of the logs.

    Raises:
        FashionZooError: It cannot be written.
    """
    try:
        Path(run_dir).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FashionZooError(
            f"cannot write logs to {run_dir} ({error.strerror}): choose a folder with --trainer.default_root_dir"
        ) from error


def to_plain(value: Any) -> Any:
    """Return a value with Python's numbers in place of NumPy's, in lists and tuples too, as checkpoints hold them.

    Example:
        >>> import numpy as np
        >>> to_plain((np.int64(3), [np.float32(0.5)]))
        (3, [0.5])
    """
    if isinstance(value, list | tuple):
        return type(value)(map(to_plain, value))
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return value
    return int(value) if isinstance(value, numbers.Integral) else float(value)
