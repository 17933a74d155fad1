"""Many picture files, prepared side by side and handed over in batches, so that memory does not grow."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from fashionzoo.errors import FashionZooError
from fashionzoo.images.conversion import expand_image_paths, to_uint8
from fashionzoo.images.preparation import Ground

BATCH_SIZE = 250  # pictures
MIN_FOR_PROGRESS = 500  # pictures: fewer are done before a bar would help


def prepare_paths(
    paths: Iterable[Path], ground: Ground, errors: list[FashionZooError]
) -> Iterator[tuple[list[Path], Tensor]]:
    """Prepare picture files and the pictures in folders, with a progress bar if there are many.

    Args:
        paths: Files, folders and patterns.
        ground: See :class:`fashionzoo.Prepare`.
        errors: Gets what is wrong with the files that cannot be read; the others are prepared all the same.

    Yields:
        The files of a batch and their pixels, shape ``(N, 1, 28, 28)``, uint8.
    """
    files = list(expand_image_paths(paths))
    remaining = iter(files)
    hidden = len(files) < MIN_FOR_PROGRESS or not sys.stderr.isatty()

    def prepare(path: Path) -> Tensor | FashionZooError:
        try:
            return to_uint8(path, ground)
        except FashionZooError as error:
            return error

    with (
        ThreadPoolExecutor(torch.get_num_threads()) as pool,
        tqdm(total=len(files), unit="picture", disable=hidden, leave=False) as bar,
    ):
        while batch := list(islice(remaining, BATCH_SIZE)):
            prepared = list(zip(batch, pool.map(prepare, batch), strict=True))
            bar.update(len(batch))
            errors += [result for _, result in prepared if isinstance(result, FashionZooError)]
            good = [(path, result) for path, result in prepared if isinstance(result, Tensor)]
            if good:
                yield [path for path, _ in good], torch.cat([pixels for _, pixels in good])
