"""The file format of MNIST and those after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MAGIC = b"\0\0\x08"  # of unsigned bytes; the next byte is the number of dimensions


def parse_idx(content: bytes) -> Tensor:
    """Return the array of unsigned bytes that an IDX file holds.

    The format is described at the end of LeCun, Cortes and Burges' page on MNIST: the magic number, each dimension's
    size in four bytes, the highest first, and the values row by row.

    Args:
        content: Of the file, decompressed.

    Returns:
        As many dimensions as the file names, uint8.

    Raises:
        ValueError: It is not such a file, or values are missing or too many.

    Example:
        >>> parse_idx(bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9]))
        tensor([[7, 9]], dtype=torch.uint8)
    """
    import numpy as np
    import torch

    header = 4 + 4 * int.from_bytes(content[3:4])
    shape = [int.from_bytes(content[start : start + 4]) for start in range(4, header, 4)]
    if not content.startswith(MAGIC) or len(content) != header + math.prod(shape):
        raise ValueError("not an intact IDX file of unsigned bytes")
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy())
