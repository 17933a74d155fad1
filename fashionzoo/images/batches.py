"""Many picture files, prepared side by side and handed over in batches, so that memory does not grow."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from fashionzoo.errors import FashionZooError
from fashionzoo.images.conversion import expand_image_paths, to_uint8
from fashionzoo.images.preparation import Ground

BATCH_SIZE = 250  # pictures
MIN_FOR_PROCESSES = 500  # pictures: fewer are done before processes have started, or a bar would help
CHUNK_SIZE = 25  # pictures that a process is given at once


class Prepared(NamedTuple):
    """What became of a file: its pixels or what is wrong with it, and what it was warned of."""

    pixels: NDArray[np.uint8] | FashionZooError
    warnings: list[str]


def prepare_paths(
    paths: Iterable[Path], ground: Ground, errors: list[FashionZooError]
) -> Iterator[tuple[list[Path], Tensor]]:
    """Prepare picture files and the pictures in folders, many in processes of their own and with a progress bar.

    Args:
        paths: Files, folders and patterns.
        ground: See :class:`fashionzoo.Prepare`.
        errors: Gets what is wrong with the files that cannot be read; the others are prepared all the same.

    Yields:
        The files of a batch and their pixels, shape ``(N, 1, 28, 28)``, uint8.
    """
    files = list(expand_image_paths(paths))
    many = len(files) >= MIN_FOR_PROCESSES
    hidden = not many or not sys.stderr.isatty()
    with (
        _mapper(torch.get_num_threads() if many else 1) as prepare_all,
        tqdm(total=len(files), unit="picture", disable=hidden, leave=False) as bar,
    ):
        for batch, prepared in _look_ahead(files, partial(prepare_all, partial(_prepare, ground=ground))):
            good: list[tuple[Path, Tensor]] = []
            for path, (pixels, cautions) in zip(batch, prepared, strict=True):
                for caution in cautions:
                    warnings.warn(caution, stacklevel=2)
                if isinstance(pixels, FashionZooError):
                    errors.append(pixels)
                else:
                    good.append((path, torch.from_numpy(pixels)))
                bar.update()
            if good:
                yield [path for path, _ in good], torch.cat([pixels for _, pixels in good])


def _prepare(path: Path, ground: Ground) -> Prepared:
    """Prepare one file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            pixels: NDArray[np.uint8] | FashionZooError = to_uint8(path, ground).numpy()
        except FashionZooError as error:
            pixels = error
    return Prepared(pixels, [str(each.message) for each in caught if issubclass(each.category, UserWarning)])


@contextmanager
def _mapper(num_processes: int) -> Iterator[Callable[..., Iterable[Prepared]]]:
    """Give what applies a function to files: in processes, as threads would wait for each other's Python."""
    if num_processes == 1:
        yield map
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    ignore_interrupts = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is this process's to answer
    with ProcessPoolExecutor(num_processes, context, signal.signal, ignore_interrupts) as pool:
        yield partial(pool.map, chunksize=CHUNK_SIZE)


def _look_ahead(
    files: Sequence[Path], prepare_all: Callable[[list[Path]], Iterable[Prepared]]
) -> Iterator[tuple[list[Path], Iterable[Prepared]]]:
    """Give the files batch by batch, while the next batch is prepared already."""
    remaining, ahead = iter(files), deque[tuple[list[Path], Iterable[Prepared]]]()
    while batch := list(islice(remaining, BATCH_SIZE)):
        ahead.append((batch, prepare_all(batch)))
        if len(ahead) > 1:
            yield ahead.popleft()
    yield from ahead
