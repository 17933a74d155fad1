"""Where a network looks, and which training images it finds alike."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

import fashionzoo as fz
from fashionzoo.data import sources
from tests import ROOT

BOOT = ROOT / "tests" / "pictures" / "boot.png"


@pytest.fixture(scope="module")
def network() -> fz.Network:
    return fz.get_model("cnn_plain", weights="tuned")


@pytest.fixture
def index(tiny_root: Path) -> fz.TrainingIndex:
    return fz.TrainingIndex(fz.get_model("mlp_relu_narrowing", weights="tuned"), tiny_root)


def test_an_image_of_any_form_is_covered_alike(network: fz.Network) -> None:
    image = fz.Prepare()(Image.open(BOOT))
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(28, 28)
    falls = fz.occlusion(network, pixels)
    assert falls.shape == (28, 28)
    assert falls.max() > 0.1
    for same in (BOOT, image, pixels.numpy(), pixels.float() / 255, pixels[None, None]):
        assert torch.allclose(fz.occlusion(network, same), falls, atol=1e-6)


def test_covering_looks_at_the_class_that_is_asked_for_and_leaves_the_network_as_it_was(network: fz.Network) -> None:
    network.train()
    boot, sneaker = (fz.occlusion(network, BOOT, label) for label in (9, 7))
    assert network.training
    network.eval()
    assert torch.equal(boot, fz.occlusion(network, BOOT))
    assert not torch.allclose(boot, sneaker, atol=0.01)


@pytest.mark.parametrize(
    ("image", "label", "reason"),
    [
        (torch.zeros(3, 28, 28), None, "3 images where one is asked for"),
        (torch.zeros(27, 28), None, "shape"),
        (torch.zeros(28, 28), 10, "no class 10: choose a number from 0 to 9"),
        (torch.zeros(28, 28), -1, "no class -1"),
        (torch.zeros(28, 28), "Coat", "no class 'Coat'"),
    ],
)
def test_what_cannot_be_covered_is_refused(network: fz.Network, image: torch.Tensor, label: int, reason: str) -> None:
    with pytest.raises(fz.FashionZooError, match=reason):
        fz.occlusion(network, image, label)


def test_the_nearest_of_a_training_image_is_itself_also_when_read_again(index: fz.TrainingIndex) -> None:
    images, labels = sources.load_split("train", index.features_path.parent.parent)
    again = fz.TrainingIndex(index.network, index.features_path.parent.parent)
    for one in (index, again):
        first, second = one.nearest(images[5], count=2)
        assert torch.equal(first.image, images[5])
        assert first.label == labels[5]
        assert 1 >= first.similarity >= second.similarity > 0
        assert first.similarity == pytest.approx(1, abs=1e-3)


def test_a_damaged_index_is_made_again(index: fz.TrainingIndex) -> None:
    index.features_path.write_bytes(b"damaged")
    again = fz.TrainingIndex(index.network, index.features_path.parent.parent)
    assert torch.allclose(again.features, index.features, atol=1e-3)


def test_an_index_refuses_what_it_cannot_answer(index: fz.TrainingIndex, tiny_root: Path) -> None:
    for count in (-1, 0, 1001):
        with pytest.raises(fz.FashionZooError, match="choose 1 to 1000"):
            index.nearest(torch.zeros(28, 28), count)
    with pytest.raises(fz.FashionZooError, match="2 images where one"):
        index.nearest(torch.zeros(2, 28, 28))
    with pytest.raises(fz.FashionZooError, match="other classes"):
        fz.TrainingIndex(fz.MLP(num_classes=5), tiny_root)
    convolutions = nn.Sequential(nn.Conv2d(1, 10, 28), nn.Flatten())
    with pytest.raises(fz.FashionZooError, match="no linear layer"):
        fz.TrainingIndex(fz.ModuleNetwork(convolutions), tiny_root)


class Twice(nn.Module):
    """A network that looks at each image and at its mirror image."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), activation, nn.Linear(8, 10))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the sum of both logits."""
        logits: torch.Tensor = self.layers(images) + self.layers(images.flip(-1))
        return logits


def test_an_index_is_of_one_network_and_has_a_row_for_each_image(tiny_root: Path) -> None:
    with pytest.raises(fz.FashionZooError, match="does not see each image once"):
        fz.TrainingIndex(fz.ModuleNetwork(Twice(nn.ReLU())), tiny_root)
    relu = Twice(nn.ReLU()).layers
    tanh = nn.Sequential(relu[0], relu[1], nn.Tanh(), relu[3])
    one, other = (fz.TrainingIndex(fz.ModuleNetwork(module), tiny_root) for module in (relu, tanh))
    assert not torch.allclose(one.features, other.features, atol=0.01)
