"""Images with their labels as tensors, without Lightning: to look at, or to ask a network about."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from fashionzoo.data import sources
from fashionzoo.images.classes import CLASSES


class LabeledImages(NamedTuple):
    """Images as they are in the data set, with their labels.

    Args:
        images: Shape ``(N, 28, 28)``, uint8, 0 is the background; each network preprocesses them itself.
        labels: Shape ``(N,)``, int64 in 0-9.
        class_names: Names of the classes, in the order of the labels.
    """

    images: Tensor
    labels: Tensor
    class_names: Sequence[str] = CLASSES


def test_set(root: str | Path | None = None) -> LabeledImages:  # noqa: PT028  # a set, no test
    """Return the 10,000 test images of Fashion-MNIST, which are downloaded first where they are missing.

    Args:
        root: Folder of the data; ``None`` for ``$FASHIONZOO_DATA`` or the user's cache folder.

    Raises:
        FashionZooError: The data cannot be had, or is damaged.

    Example:
        >>> images, labels, class_names = test_set()
        >>> images.shape, class_names[labels[0]]
        (torch.Size([10000, 28, 28]), 'Ankle boot')
    """
    sources.ensure_downloaded(root)
    return LabeledImages(*sources.load_split("test", root))
