"""The split, the batches and the augmentation."""

import hashlib
from pathlib import Path

import pytest
import torch

from fashionzoo import Augment, FashionMNISTDataModule, FashionZooError, Preprocess
from fashionzoo.data import sources
from fashionzoo.data.dataset import stratified_permutation

ORDER = "48a2a1f9b05d71b689b48a122c8d9c1db05a13eca7180a839be61e77d751ea27"  # SHA-256 of the split's indices


def ready(root: Path, **arguments: object) -> FashionMNISTDataModule:
    """Return a data module that is set up for training."""
    data = FashionMNISTDataModule(root, **arguments)  # type: ignore[arg-type]
    data.setup("fit")
    return data


def test_the_split_is_disjoint_stratified_and_fixed(real_root: Path) -> None:
    _, labels = sources.load_split("train", real_root)
    order = stratified_permutation(labels, FashionMNISTDataModule().seed)
    assert torch.equal(order.sort().values, torch.arange(60000))
    assert labels[order[:5000]].bincount().tolist() == [500] * 10
    # The same on every machine: PyTorch's CPU generator and stable sorts do not depend on it.
    assert hashlib.sha256(order.numpy().tobytes()).hexdigest() == ORDER


def test_validation_images_are_not_trained_on(tiny_root: Path) -> None:
    data = ready(tiny_root, batch_size=10, val_size=100)
    seen = {image.numpy().tobytes() for image in data.datasets["train"].images}
    held_out = {image.numpy().tobytes() for image in data.datasets["val"].images}
    assert len(seen) == 900
    assert len(held_out) == 100
    assert not seen & held_out


def test_smaller_training_sets_lie_within_larger_and_share_the_validation_set(tiny_root: Path) -> None:
    small = ready(tiny_root, batch_size=10, val_size=100, train_size=50)
    large = ready(tiny_root, batch_size=10, val_size=100, train_size=500)
    assert torch.equal(large.datasets["train"].images[:50], small.datasets["train"].images)
    assert torch.equal(large.datasets["val"].images, small.datasets["val"].images)
    assert small.datasets["train"].labels.bincount().tolist() == [5] * 10


def test_an_epoch_has_each_training_image_once_and_a_new_order(tiny_root: Path) -> None:
    loader = ready(tiny_root, batch_size=64, val_size=100).train_dataloader()
    first, second = (torch.cat([images for images, _ in loader]) for _ in range(2))
    assert not torch.equal(first, second)
    assert len({image.numpy().tobytes() for image in first}) == 900
    assert {image.numpy().tobytes() for image in first} == {image.numpy().tobytes() for image in second}


def test_the_full_batch_is_one_float_batch_in_a_fixed_order(tiny_root: Path) -> None:
    loader = ready(tiny_root, batch_size=None, val_size=100).train_dataloader()
    ((once, labels),) = loader
    ((again, _),) = loader
    assert once.shape == (900, 1, 28, 28)
    assert once.dtype == torch.float32
    assert (once.min(), once.max()) == (0, 1)
    assert len(labels) == 900
    assert once.data_ptr() == again.data_ptr()  # a view: what is constant is neither computed nor copied twice


def test_the_test_set_comes_whole_and_in_order(tiny_root: Path) -> None:
    data = FashionMNISTDataModule(tiny_root)
    data.setup("test")
    assert torch.cat([labels for _, labels in data.test_dataloader()]).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] * 20


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"batch_size": 0}, "data.batch_size of 0"),
        ({"batch_size": -1}, "data.batch_size of -1"),
        ({"batch_size": 901, "val_size": 100}, "larger than the 900 training images"),
        ({"batch_size": 1, "val_size": 100, "train_size": 9}, "leaves a class empty"),
        ({"batch_size": 1, "val_size": 100, "train_size": 901}, "larger than the 900"),
        ({"val_size": 1000}, "leaves nothing"),
        ({"val_size": 0}, "data.val_size of 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(tiny_root: Path, arguments: dict[str, int], complaint: str) -> None:
    with pytest.raises(FashionZooError, match=complaint):
        ready(tiny_root, **arguments)


def test_preprocessing_standardizes_the_training_set(real_root: Path) -> None:
    images = Preprocess()(sources.load_split("train", real_root)[0])
    assert images.mean().item() == pytest.approx(0, abs=1e-3)
    assert images.std().item() == pytest.approx(1, abs=1e-3)


def test_a_flip_mirrors_about_half_of_the_images() -> None:
    images = torch.arange(784, dtype=torch.uint8).view(1, 1, 28, 28).expand(1000, -1, -1, -1)
    changed = Augment(flip=True)(images)
    mirrored = (changed == images.flip(3)).all(dim=(1, 2, 3))
    assert ((changed == images).all(dim=(1, 2, 3)) ^ mirrored).all()
    assert 400 < mirrored.sum() < 600


def test_a_shift_moves_by_whole_pixels_in_every_direction() -> None:
    images = torch.zeros(2000, 1, 28, 28, dtype=torch.uint8)
    images[:, :, 14, 14] = 200
    moved = Augment(shift=2)(images).nonzero()[:, 2:] - 14
    assert {tuple(by) for by in moved.tolist()} == {(y, x) for y in range(-2, 3) for x in range(-2, 3)}


def test_what_a_shift_moves_out_is_lost_and_black_comes_in() -> None:
    changed = Augment(shift=1)(torch.full((500, 1, 28, 28), 9, dtype=torch.uint8))
    assert changed.unique().tolist() == [0, 9]
    assert changed.sum(dim=(1, 2, 3)).min() == 9 * 27 * 27


@pytest.mark.parametrize("arguments", [{"shift": -1}, {"shift": 28}])
def test_impossible_augmentation_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(FashionZooError, match="choose 0 to 27 pixels"):
        Augment(**arguments)  # type: ignore[arg-type]


def test_a_full_batch_can_be_augmented(tiny_root: Path) -> None:
    data = ready(tiny_root, batch_size=None, val_size=100, augment=Augment(shift=3))
    ((images, labels),) = data.train_dataloader()
    ((others, same_labels),) = data.train_dataloader()
    assert images.shape == (900, 1, 28, 28)
    assert images.dtype == torch.uint8
    assert torch.equal(labels, same_labels)
    assert not torch.equal(images, others)


def test_all_splits_have_the_same_form_with_and_without_setup(tiny_root: Path) -> None:
    data = FashionMNISTDataModule(tiny_root, batch_size=50, val_size=100, augment=Augment(flip=True, shift=1))
    loaders = (data.predict_dataloader, data.train_dataloader, data.val_dataloader, data.test_dataloader)
    for loader in loaders:
        images, labels = next(iter(loader()))
        assert images.shape[1:] == (1, 28, 28)
        assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)
    data = FashionMNISTDataModule(tiny_root, val_size=100)
    data.setup()
    assert set(data.datasets) == {"train", "val", "test"}


def test_what_is_done_to_a_batch_of_an_evaluation_stays_in_it(tiny_root: Path) -> None:
    data = ready(tiny_root, batch_size=10, val_size=100)
    images, labels = next(iter(data.val_dataloader()))
    images.zero_()
    labels.zero_()
    again, labels_again = next(iter(data.val_dataloader()))
    assert again.any()
    assert labels_again.any()
