"""Pictures from anywhere become what the networks know, and what is no clothes is said to be none."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

import fashionzoo as fz
from fashionzoo.cli.main import main
from fashionzoo.data import sources
from fashionzoo.images.classes import FAMILIAR
from fashionzoo.images.conversion import images_to_batch
from fashionzoo.images.preparation import NOTHING
from fashionzoo.weights.familiarity import familiarity
from fashionzoo.zoo.folders import load_folder

ROOT = Path(__file__).parent.parent.parent
DRAWN = ROOT / "tests" / "pictures" / "drawn"
sys.path.insert(0, str(ROOT / "experiments"))
import pictures  # noqa: E402  # a script beside the results that it measures

TROUSERS = DRAWN / "emojione_trouser_jeans.png"
SHIRT = DRAWN / "emojione_tshirt-top_t-shirt.png"


@pytest.fixture(scope="module")
def network() -> fz.Network:
    return fz.get_model("cnn_balanced", weights="tuned")


def test_the_published_numbers_of_drawn_pictures_are_those_of_this_code(network: fz.Network) -> None:
    published = json.loads(pictures.OUTPUT.read_text(encoding="utf-8"))
    for half in ("choose", "count"):
        drawn, labels = pictures.read_pictures(half)
        for ground in ("white", "red", "shadow"):
            pixels = pictures.prepare_all([pictures.GROUNDS[ground](picture) for picture in drawn])
            right = sum(p.label == label for p, label in zip(network.predictions(pixels), labels.tolist(), strict=True))
            assert abs(right - published[f"{half}, all"]["right"][ground]["cnn_balanced"]) <= 1


def test_the_readme_counts_pictures_as_they_were_measured() -> None:
    published = json.loads(pictures.OUTPUT.read_text(encoding="utf-8"))
    drawings, icons = published["count, drawing"], published["count, icon"]
    right = [found["right"]["white"]["cnn_balanced"] for found in (drawings, icons)]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"of {drawings['pictures']} drawings in color" in readme
    assert f"`cnn_balanced` recognizes {right[0]}, and of {icons['pictures']} icons {right[1]}." in readme


@pytest.mark.parametrize("ground", [*pictures.GROUNDS])
def test_trousers_are_ones_on_every_ground(ground: str, network: fz.Network) -> None:
    picture = pictures.GROUNDS[ground](Image.open(TROUSERS).convert("RGBA"))
    prediction = network.classify(picture)
    assert (prediction.name, prediction.is_familiar) == ("Trouser", True)


@pytest.mark.parametrize(
    "change",
    [
        lambda sheet: sheet.resize((900, 900)),
        lambda sheet: sheet.resize((40, 40)),
        lambda sheet: sheet.convert("L"),
        lambda sheet: sheet.convert("CMYK"),
        lambda sheet: sheet.convert("P", palette=Image.Palette.ADAPTIVE),
        lambda sheet: sheet.crop((20, 20, 180, 180)),
        lambda sheet: pictures.lay_on("white")(Image.merge("RGBA", [*sheet.resize((90, 90)).split(), _opaque(90)])),
    ],
    ids=["large", "small", "gray", "CMYK", "palette", "cropped tight", "small on its picture"],
)
def test_size_mode_and_margins_change_nothing(
    change: Callable[[Image.Image], Image.Image], network: fz.Network
) -> None:
    sheet = pictures.lay_on("white")(Image.open(SHIRT).convert("RGBA"))
    assert network.classify(change(sheet)).name == "T-shirt/top"


def _opaque(side: int) -> Image.Image:
    """Return an alpha channel that hides what is under it."""
    return Image.new("L", (side, side), 255)


def test_images_of_the_test_set_are_recognized_as_ready_to_the_bit(tmp_path: Path, real_root: Path) -> None:
    images, _ = sources.load_split("test", real_root)
    paths = [tmp_path / f"{index}.png" for index in range(0, len(images), 10)]
    for path in paths:
        Image.fromarray(images[int(path.stem)].numpy()).save(path)
    assert torch.equal(images_to_batch(paths)[:, 0], images[::10])


def test_an_enlarged_image_of_the_data_set_is_not_negated(network: fz.Network, real_root: Path) -> None:
    images, labels = sources.load_split("test", real_root)
    enlarged = [Image.fromarray(image.numpy()).resize((280, 280), Image.Resampling.BICUBIC) for image in images[:200]]
    right = [p.label == label for p, label in zip(network.classify(enlarged), labels.tolist(), strict=False)]
    assert np.mean(right) > 0.9


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (300, 200), (2000, 1)])
@pytest.mark.parametrize("color", ["white", "black", "rgb(120, 130, 140)"])
def test_a_blank_picture_gets_no_guess(size: tuple[int, int], color: str, network: fz.Network) -> None:
    with pytest.raises(fz.FashionZooError, match="has nothing on it that differs from its ground"):
        network.classify(Image.new("RGB", size, color))


@pytest.mark.parametrize("size", [(20_000, 1), (1, 20_000), (3, 2), (29, 28)])
def test_odd_shapes_get_an_answer_or_one_line(size: tuple[int, int], network: fz.Network) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    try:
        assert network.classify(Image.fromarray(noise)).label in range(10)
    except fz.FashionZooError as error:
        if NOTHING not in str(error):
            raise


def test_what_is_no_clothes_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], real_root: Path
) -> None:
    digits = torch.from_numpy(
        np.stack(
            [
                np.asarray(Image.fromarray((16 * image).clip(0, 255).astype(np.uint8)).resize((28, 28)))
                for image in load_digits().images[:200]
            ]
        )
    )
    assert (familiarity(digits) < FAMILIAR).float().mean() > 0.85
    assert (familiarity(sources.load_split("test", real_root)[0]) >= FAMILIAR).float().mean() > 0.99
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)).save(tmp_path / "n.png")
    main(["predict", str(tmp_path / "n.png")])
    assert capsys.readouterr().out.startswith(f"{tmp_path}/n.png: none of these, perhaps; of the ten classes, ")
    main(["predict", str(tmp_path / "n.png"), "--json"])
    (answer,) = json.loads(capsys.readouterr().out)
    assert not answer["is_familiar"]
    assert 0 <= answer["familiarity"] < FAMILIAR


def test_a_network_with_other_classes_has_no_familiarity() -> None:
    (prediction,) = fz.MLP(num_classes=3).predictions(torch.zeros(1, 1, 28, 28, dtype=torch.uint8))
    assert (prediction.familiarity, prediction.is_familiar) == (None, True)


def test_a_temperature_changes_probabilities_and_no_answer(real_root: Path) -> None:
    images = sources.load_split("test", real_root)[0][:500].unsqueeze(1)
    network = fz.get_model("mlp_relu_widening", weights="report")
    assert network.temperature == fz.get_weights("mlp_relu_widening", "report").meta["temperature"] != 1
    fitted = network.predictions(images)
    network.temperature = 1.0
    plain = network.predictions(images)
    assert [p.label for p in fitted] == [p.label for p in plain]
    assert fitted[0].probabilities != plain[0].probabilities


def test_the_published_calibration_is_that_of_the_temperature(real_root: Path) -> None:
    weights, network = fz.get_weights("cnn_plain", "tuned"), fz.get_model("cnn_plain", weights="tuned")
    metrics = fz.evaluate(network, real_root).metrics
    assert metrics["test/calibrated_error"] == pytest.approx(weights.metrics["test/calibrated_error"], abs=1e-3)
    assert metrics["test/calibrated_error"] < metrics["test/calibration_error"]


def test_show_writes_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["predict", str(SHIRT), "--show"])
    assert capsys.readouterr().err.splitlines()[0] == f"wrote {SHIRT.stem}-steps.png"
    with Image.open(f"{SHIRT.stem}-steps.png") as figure:
        assert figure.width > 1000
    picture = tmp_path / "picture.png"
    shutil.copy(SHIRT, picture)
    with pytest.raises(SystemExit):
        main(["predict", str(picture), "--show", str(picture)])
    assert "would write over the picture" in capsys.readouterr().err
    assert picture.read_bytes() == SHIRT.read_bytes()
    with pytest.raises(SystemExit):
        main(["predict", str(SHIRT), "--model", "all", "--show", "steps.png"])
    assert "name one of each" in capsys.readouterr().err


def test_corruptions_cost_accuracy_and_are_the_same_each_time(
    capsys: pytest.CaptureFixture[str], real_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fashionzoo.zoo import corruptions

    images = sources.load_split("test", real_root)[0][:100]
    for name in corruptions.CORRUPTIONS:
        state = torch.get_rng_state()
        assert torch.equal(corruptions.corrupt(images, name, 4), corruptions.corrupt(images, name, 4))
        assert torch.equal(torch.get_rng_state(), state)
    chosen = {name: corruptions.CORRUPTIONS[name] for name in ("brightness", "occlusion")}
    monkeypatch.setattr(corruptions, "CORRUPTIONS", chosen)
    main(["evaluate", "mlp_relu_narrowing", "--corruptions", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["accuracies"]["occlusion"] == sorted(answer["accuracies"]["occlusion"], reverse=True)
    published = json.loads((ROOT / "experiments" / "corruptions.json").read_text(encoding="utf-8"))
    for name, accuracies in answer["accuracies"].items():
        assert accuracies == pytest.approx(published["mlp_relu_narrowing"]["tuned"][name], abs=2e-3)
    assert 0.5 < answer["mean"] < fz.get_weights("mlp_relu_narrowing", "tuned").metrics["test/acc"]


def test_without_torchvision_only_the_corruptions_are_missing(
    capsys: pytest.CaptureFixture[str], real_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.transforms", None)
    monkeypatch.delitem(sys.modules, "fashionzoo.zoo.corruptions", raising=False)
    with pytest.raises(SystemExit) as exit_info:
        main(["evaluate", "mlp_relu_narrowing", "--corruptions"])
    assert exit_info.value.code == 2
    assert "`pip install torchvision torch==" in capsys.readouterr().err
    main(["evaluate", "mlp_relu_narrowing", "--json"])


def test_the_first_frame_of_an_animation_is_classified(network: fz.Network) -> None:
    first = pictures.lay_on("white")(Image.open(SHIRT).convert("RGBA"))
    second = Image.new("RGB", first.size, "white")
    ImageDraw.Draw(second).ellipse((50, 50, 90, 90), fill="black")
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=[second])
    assert network.classify(Image.open(file)).name == "T-shirt/top"


def test_a_part_of_a_name_that_two_classes_share_names_none(tmp_path: Path) -> None:
    for name, taken in (("shirt", False), ("long", True), ("short_shirt", True)):
        (tmp_path / name).mkdir()
        shutil.copy(SHIRT, tmp_path / name)
        if taken:
            assert len(load_folder(tmp_path, ("short/shirt", "long/shirt"), [])[1])
        else:
            with pytest.raises(fz.FashionZooError, match="shirt has the name of no class"):
                load_folder(tmp_path, ("short/shirt", "long/shirt"), [])
        shutil.rmtree(tmp_path / name)


def test_a_folder_for_each_class_is_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, file in (("trouser", TROUSERS), ("T-shirt_top", SHIRT), ("0", SHIRT)):
        (tmp_path / name).mkdir()
        shutil.copy(file, tmp_path / name)
    main(["evaluate", str(tmp_path), "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert (answer["network"], sum(map(sum, answer["confusion"]))) == ("cnn_balanced", 3)
    assert answer["confusion"][1][1] == 1
    assert {key for key in answer["metrics"] if "recall" in key} == {"test/recall/T-shirt/top", "test/recall/Trouser"}
    (tmp_path / "trouser" / "broken.png").touch()
    with pytest.raises(SystemExit) as end:
        main(["evaluate", "cnn_plain", str(tmp_path)])
    assert end.value.code == 2
    screen = capsys.readouterr()
    assert "3 pictures in" in screen.out
    assert f"{tmp_path}/trouser/broken.png is not an image that can be read" in screen.err
    (tmp_path / "T-shirt").mkdir()
    (tmp_path / "T-shirt" / "photo.heic").touch()
    (tmp_path / "T-shirt" / "more").mkdir()
    shutil.copy(SHIRT, tmp_path)
    shutil.copy(SHIRT, tmp_path / "T-shirt")
    with pytest.raises(SystemExit):
        main(["evaluate", "cnn_plain", str(tmp_path)])
    screen = capsys.readouterr()
    assert "4 pictures in" in screen.out
    assert f"fashionzoo: warning: {tmp_path} has files in no folder of a class: {SHIRT.name}\n" in screen.err
    assert f"{tmp_path}/T-shirt has folders, which are left out: more\n" in screen.err
    assert f"{tmp_path}/T-shirt has files that are not read as pictures: photo.heic\n" in screen.err
    (tmp_path / "trousers").mkdir()
    with pytest.raises(SystemExit):
        main(["evaluate", str(tmp_path)])
    assert "trousers has the name of no class: did you mean Trouser?" in capsys.readouterr().err
