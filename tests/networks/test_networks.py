"""The networks as plain modules, and images from outside."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import fashionzoo
from fashionzoo import (
    CLASSES,
    CNN,
    MLP,
    RECIPES,
    FashionZooError,
    PlainCNN,
    Prediction,
    Preprocess,
    ReLUNarrowingMLP,
    ReLUWideningMLP,
    SigmoidNarrowingMLP,
)
from fashionzoo.models.factory import build_network
from fashionzoo.models.network import Network, compute_logits
from fashionzoo.training.classifier import Classifier
from fashionzoo.zoo.registry import get_class, list_models
from tests import ROOT


@pytest.mark.parametrize("name", ["mlp_sigmoid_narrowing", "mlp_relu_narrowing"])
def test_the_narrowing_mlps_have_about_220_thousand_parameters(name: str) -> None:
    sizes = [parameter.numel() for parameter in get_class(name)().parameters()]  # type: ignore[call-arg]
    assert sum(sizes) == 784 * 256 + 256 + 256 * 64 + 64 + 64 * 10 + 10


@pytest.mark.parametrize("name", list_models())
def test_each_network_has_recipes_a_launcher_and_logits_for_ten_classes(name: str) -> None:
    network = get_class(name)()  # type: ignore[call-arg]
    assert network(torch.rand(3, 1, 28, 28)).shape == (3, 10)
    assert [*RECIPES[name]][:1] == ["report"]
    assert {"report", "tuned", "quick"} <= set(RECIPES[name])
    assert (ROOT / "experiments" / f"{name}.py").is_file()


@pytest.mark.parametrize("name", RECIPES)
def test_the_quick_recipe_is_a_few_epochs_without_a_teacher(name: str) -> None:
    recipe = RECIPES[name]["quick"]
    assert recipe.epochs <= (12 if name.startswith("mlp") else 8)
    assert "teacher" not in recipe.data


def test_the_registry_and_the_recipes_name_the_same_networks() -> None:
    assert list_models() == list(RECIPES)


def test_the_three_mlps_differ_as_the_report_says() -> None:
    one, two, three = SigmoidNarrowingMLP(), ReLUNarrowingMLP(), ReLUWideningMLP()
    assert one.network.config["activation"] == "sigmoid"
    assert one.network.config | {"activation": "relu"} == two.network.config
    assert two.lr < one.lr
    assert three.network.config["widths"] == sorted(three.network.config["widths"])


def test_network_5_is_network_4_with_dropout_and_l2() -> None:
    four, five = get_class("cnn_plain")(), get_class("cnn_dropout_l2")()  # type: ignore[call-arg]
    assert five.network.config | {"dropout": 0.0} == four.network.config
    assert (four.weight_decay, five.weight_decay > 0, four.lr) == (0, True, five.lr)


@pytest.mark.parametrize(
    "network", [MLP((8, 4), "sigmoid", dropout=0.5), CNN((4, 2), (), batch_norm=True, convolutions=(1, 2))]
)
def test_a_network_can_be_rebuilt_from_its_configuration(network: Network) -> None:
    again = build_network(network.config)
    again.load_state_dict(network.state_dict())
    images = torch.rand(5, 1, 28, 28)
    assert torch.equal(again.eval()(images), network.eval()(images))


def test_the_head_of_a_cnn_without_hidden_layers_sees_the_average_of_each_feature_map() -> None:
    network, images = CNN((4, 2), hidden=()), torch.rand(5, 1, 28, 28)
    maps = network.blocks[1](network.blocks[0](images))
    assert maps.shape == (5, 2, 7, 7)
    assert torch.allclose(network(images), network.head(maps.mean(dim=(2, 3))))


def test_dropout_acts_in_training_only() -> None:
    network, images = CNN(dropout=0.5), torch.rand(5, 1, 28, 28)
    assert not torch.equal(network(images), network(images))
    network.eval()
    assert torch.equal(network(images), network(images))


@pytest.mark.parametrize(
    ("family", "arguments", "complaint"),
    [
        (MLP, {"widths": ()}, "widths of"),
        (MLP, {"widths": (3, 0)}, "widths of"),
        (MLP, {"dropout": 1.5}, "dropout of 1.5"),
        (MLP, {"dropout": float("nan")}, "dropout of nan"),
        (MLP, {"activation": "sigmoidal"}, "unknown activation 'sigmoidal': did you mean sigmoid"),
        (CNN, {"channels": (-1,)}, "channels of"),
        (CNN, {"channels": (4, 4, 4, 4, 4)}, "use at most 4"),
        (CNN, {"hidden": (0,)}, "hidden of"),
        (CNN, {"convolutions": (1, 0)}, "convolutions of"),
        (CNN, {"channels": (4, 4), "convolutions": (1,)}, "give one number for each of"),
        (CNN, {"dropout": -0.1}, "dropout of -0.1"),
        (CNN, {"activation": "gelu"}, "unknown activation 'gelu': did you mean"),
    ],
)
def test_impossible_networks_are_refused(family: type[MLP | CNN], arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(FashionZooError, match=complaint):
        family(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"lr": -1.0}, "lr of -1"),
        ({"lr": float("nan")}, "lr of nan"),
        ({"momentum": 1.0}, "momentum of 1"),
        ({"weight_decay": -1e-3}, "weight_decay of -0.001"),
        ({"label_smoothing": 1.0}, "label_smoothing of 1"),
    ],
)
def test_impossible_training_is_refused(arguments: dict[str, float], complaint: str) -> None:
    with pytest.raises(FashionZooError, match=complaint):
        get_class("cnn_plain")(**arguments)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def network() -> Classifier:
    """An untrained network."""
    return get_class("cnn_plain")()  # type: ignore[call-arg]


def test_one_image_gives_one_prediction(network: Classifier, tmp_path: Path) -> None:
    pixels = torch.randint(256, (28, 28), dtype=torch.uint8)
    pixels[0, 0] = 0  # four bright corners, and a picture would be inverted
    picture = Image.fromarray(pixels.numpy())
    picture.save(tmp_path / "shirt.png")
    predictions = [network.classify(image) for image in (pixels, picture, tmp_path / "shirt.png", pixels / 255)]
    assert all(prediction == predictions[0] for prediction in predictions)
    (prediction, *_) = predictions
    assert isinstance(prediction, Prediction)
    likeliest, _ = max(prediction.probabilities.items(), key=lambda item: item[1])
    assert prediction.name == CLASSES[prediction.label] == likeliest
    assert sum(prediction.probabilities.values()) == pytest.approx(1)


def test_batches_and_lists_give_a_list_in_their_order(network: Classifier) -> None:
    batch = torch.randint(256, (5, 28, 28), dtype=torch.uint8)
    assert network.classify(batch) == network.classify(batch.unsqueeze(1)) == network.classify(list(batch))
    assert len(network.classify([batch[0]])) == 1


def test_classifying_leaves_the_network_as_it_was(network: Classifier) -> None:
    network.train()
    network.classify(torch.zeros(28, 28))
    assert network.network.training


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"optimizer": "adamax"}, "optimizer of 'adamax': did you mean adam"),
        ({"schedule": "cosine"}, "schedule of 'cosine': choose from constant, one_cycle"),
        ({"loss_reduction": "none"}, "loss_reduction of 'none': choose from sum, mean"),
        ({"class_names": ["a", "a"]}, "1 different class names for 2 classes"),
        ({"class_names": ["a"], "num_classes": 3}, "1 different class names for 3 classes"),
        ({"num_classes": 1}, "num_classes of 1: choose 2 or more"),
    ],
)
def test_what_no_network_can_be_trained_with_is_refused(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(FashionZooError, match=complaint):
        PlainCNN(**arguments)


def test_numbers_of_numpy_are_taken_as_pythons() -> None:
    numbers: Any = {"widths": (np.int64(8), np.int32(4)), "lr": np.float32(0.5)}
    classifier = ReLUNarrowingMLP(**numbers)
    assert dict(classifier.hparams)["widths"] == (8, 4)
    assert type(classifier.hparams["lr"]) is float
    assert all(type(width) is int for width in classifier.network.config["widths"])
    arrays: Any = {"channels": np.array([4, 4]), "hidden": np.array([6])}
    assert CNN(**arrays).config["channels"] == [4, 4]


def test_dropout_of_a_convolution_drops_whole_feature_maps() -> None:
    torch.manual_seed(0)
    block = CNN(channels=(16,), dropout=0.5, activation="sigmoid").train().hidden_blocks["block0"]
    maps = block(torch.rand(4, 1, 28, 28)).flatten(2)
    dropped = (maps == 0).all(dim=2)
    assert 0 < dropped.sum() < dropped.numel()
    assert not (maps[~dropped] == 0).any()


def test_a_black_pixel_is_below_the_mean_and_a_white_one_above() -> None:
    pixels = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None].expand(2, 28, 28)
    black, white = Preprocess()(pixels)[:, 0, 0, 0].tolist()
    assert (black, white) == pytest.approx((-0.2860 / 0.3530, (1 - 0.2860) / 0.3530))


def test_a_network_that_is_asked_for_many_images_sees_them_in_batches() -> None:
    network, sizes = MLP(widths=(4,)), []
    network.blocks[0].register_forward_hook(lambda block, inputs, output: sizes.append(len(inputs[0])))
    assert compute_logits(network, torch.zeros(1200, 28, 28, dtype=torch.uint8)).shape == (1200, 10)
    assert max(sizes) <= 500
    assert compute_logits(network.half(), torch.zeros(2, 28, 28, dtype=torch.uint8)).dtype == torch.float32


def test_a_seventh_network_is_one_file(tmp_path: Path) -> None:
    package = Path(shutil.copytree(Path(fashionzoo.__file__).parent, tmp_path / "fashionzoo"))
    plain = (package / "networks" / "cnn_plain.py").read_text(encoding="utf-8")
    (package / "networks" / "cnn_wide.py").write_text(
        plain.replace("PlainCNN", "WideCNN").replace("(32, 16)", "(48, 24)"), encoding="utf-8"
    )
    code = (
        "import fashionzoo as fz; from fashionzoo.cli.main import main; main(['list']);"
        "print(fz.WideCNN().name, fz.get_model('cnn_wide').config['channels'], list(fz.RECIPES['cnn_wide']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert "cnn_wide [48, 24] ['report', 'tuned', 'quick']" in done.stdout, done.stderr
    assert re.search(r"cnn_wide +- ", done.stdout)
