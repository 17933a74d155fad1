"""Images from outside: what is understood, and what is refused without keeping back the others."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from fashionzoo import MLP, FashionZooError
from fashionzoo.cli.main import main
from fashionzoo.images import batches
from fashionzoo.images.conversion import to_uint8

BOX = (8, 4, 20, 24)  # a bright garment on black, taller than wide and not symmetric
RESIZED = 115  # gray levels that a pixel at the garment's edge may be off when a picture is made smaller
ROTATED = 6  # EXIF's orientation of a picture that has to be turned clockwise by 90 degrees


def garment(mode: str = "L", scale: int = 1, bright: int = 200) -> Image.Image:
    """Draw a bright box on black, at 28 x 28 pixels times a scale."""
    gray = Image.new("L", (28 * scale, 28 * scale))
    left, top, right, bottom = BOX
    gray.paste(bright, (scale * left, scale * top, scale * right, scale * bottom))
    return gray.convert(mode)


def expected(bright: int = 200) -> torch.Tensor:
    """Return the garment as a batch of one."""
    return torch.from_numpy(np.array(garment(bright=bright)))[None, None]


def palette() -> Image.Image:
    """Return the garment with a palette in which the indices say nothing about brightness."""
    indices = Image.new("P", (28, 28), 7)
    indices.paste(3, BOX)
    colors = [0] * 768
    colors[9:12] = [200, 200, 200]
    indices.putpalette(colors)
    return indices


def transparent(mode: str) -> Image.Image:
    """Return the garment cut out: white, but transparent, around it."""
    alpha = garment(bright=255)
    return Image.merge("RGBA", [*[garment(bright=200).point(lambda p: p or 255)] * 3, alpha]).convert(mode)


def sixteen_bits() -> Image.Image:
    """Return the garment with 16 bits a pixel."""
    return Image.fromarray((np.array(garment()).astype(np.uint16)) * 257)


def rotated() -> bytes:
    """Return a JPEG that lies on its side and whose EXIF data say so."""
    picture = garment(scale=8).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = ROTATED
    return encode(picture, "JPEG", exif=exif, quality=95)


def encode(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """Return a picture as a file's content."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", "is not an image that can be read"),
    "text.png": (b"a shirt, honestly", "is not an image that can be read"),
    "page.jpg": (b"<html>404</html>", "is not an image that can be read"),
    "half.jpg": (encode(Image.effect_noise((300, 300), 60), "JPEG")[:5000], "is not an image that can be read"),
    "half.png": (encode(Image.effect_noise((300, 300), 60))[:5000], "is not an image that can be read"),
    "header.png": (encode(garment())[:20], "is not an image that can be read"),
    "bomb.png": (encode(Image.new("1", (20_000, 20_000))), "too many pixels"),
    "float.tiff": (encode(garment().convert("F"), "TIFF"), "floating-point pixels"),
    "exif.png": (encode(garment(), exif=b"Exif\0\0broken data"), "is not an image that can be read"),
}
UNDERSTOOD = (
    pytest.param(garment, 0, id="gray"),
    pytest.param(lambda: garment("RGB"), 0, id="RGB"),
    pytest.param(lambda: garment("RGBA"), 0, id="RGBA, opaque"),
    pytest.param(lambda: garment("CMYK"), 1, id="CMYK"),
    pytest.param(lambda: garment("YCbCr"), 1, id="YCbCr"),
    pytest.param(lambda: garment("HSV"), 1, id="HSV"),
    pytest.param(lambda: transparent("RGBA"), 0, id="RGBA, cut out"),
    pytest.param(lambda: transparent("LA"), 0, id="LA, cut out"),
    pytest.param(palette, 0, id="palette"),
    pytest.param(sixteen_bits, 0, id="16 bits"),
    pytest.param(lambda: Image.open(io.BytesIO(encode(sixteen_bits()))), 0, id="16-bit PNG"),
    pytest.param(lambda: sixteen_bits().convert("I"), 0, id="32-bit mode with 16 bits"),
    pytest.param(lambda: garment().convert("I"), 0, id="32-bit mode with 8 bits"),
    pytest.param(lambda: Image.fromarray(np.array(garment()).astype(np.uint16)), 0, id="16-bit mode with 8 bits"),
    pytest.param(lambda: Image.open(io.BytesIO(rotated())), RESIZED, id="rotated by EXIF"),
    pytest.param(lambda: garment(scale=2), RESIZED, id="56 x 56"),
    pytest.param(lambda: garment(scale=10), RESIZED, id="280 x 280"),
    pytest.param(lambda: garment(scale=40), RESIZED, id="1120 x 1120"),
    pytest.param(lambda: garment("RGB", scale=10).crop((80, 0, 200, 280)), RESIZED, id="tall, filled up with black"),
    pytest.param(lambda: Image.open(io.BytesIO(encode(garment(), "GIF"))), 0, id="GIF"),
    pytest.param(lambda: Image.open(io.BytesIO(encode(garment(), "BMP"))), 0, id="BMP"),
    pytest.param(lambda: Image.open(io.BytesIO(encode(garment("RGB"), "WEBP", lossless=True))), 0, id="WebP"),
    pytest.param(lambda: Image.open(io.BytesIO(encode(garment(), "TIFF"))), 0, id="TIFF"),
    pytest.param(lambda: expected()[0, 0], 0, id="tensor"),
    pytest.param(lambda: expected()[0], 0, id="tensor, batch of one"),
    pytest.param(expected, 0, id="tensor with a channel"),
    pytest.param(lambda: expected().float() / 255, 0, id="float tensor"),
    pytest.param(lambda: expected().double() / 255, 0, id="double tensor"),
    pytest.param(lambda: expected().long(), 0, id="int64 tensor"),
    pytest.param(lambda: expected()[0, 0].numpy(), 0, id="array"),
    pytest.param(lambda: expected()[0].numpy(), 0, id="array, batch of one"),
    pytest.param(lambda: expected()[0, 0].numpy().astype(">f8") / 255, 0, id="big-endian float array"),
    pytest.param(lambda: expected()[0, 0].numpy()[::-1][::-1], 0, id="array with strides of its own"),
    pytest.param(lambda: np.array(garment("RGB")), 0, id="array in color"),
    pytest.param(lambda: np.array(garment("RGBA")), 0, id="array in color with alpha"),
    pytest.param(lambda: np.array(garment("RGB", scale=10)) / 255, RESIZED, id="large float array in color"),
    pytest.param(lambda: np.array(garment(scale=10)), RESIZED, id="large gray array"),
)
REFUSED = (
    pytest.param(lambda: torch.zeros(28, 27), "shape", id="zeros(28, 27)"),
    pytest.param(lambda: torch.zeros(28), "shape", id="zeros(28)"),
    pytest.param(lambda: torch.zeros(2, 3, 28, 28), "shape", id="zeros(2, 3, 28, 28)"),
    pytest.param(lambda: torch.zeros(1, 1, 1, 28, 28), "shape", id="zeros(1, 1, 1, 28, 28)"),
    pytest.param(lambda: torch.full((28, 28), 256), "integers outside 0 to 255", id="full((28, 28), 256)"),
    pytest.param(lambda: torch.full((28, 28), -1), "integers outside 0 to 255", id="full((28, 28), -1)"),
    pytest.param(lambda: np.zeros((28, 28), bool), "type", id="bool array"),
    pytest.param(lambda: np.array([["a"]]), "an array of type <U1", id="array of text"),
    pytest.param(lambda: np.zeros((0, 28)), "shape", id="empty array"),
    pytest.param(lambda: np.zeros((2, 3, 4, 28, 28)), "shape", id="array with 5 axes"),
    pytest.param(lambda: 7, "an image of type int: pass a path", id="a number"),
    pytest.param(lambda: None, "an image of type NoneType: pass a path", id="None"),
    pytest.param(lambda: (torch.zeros(28, 28), 9), "an image of type tuple", id="an image with its label"),
    pytest.param(lambda: torch.zeros(28, 28, dtype=torch.bool), "type", id="zeros(28, 28, dtype=bool)"),
    pytest.param(lambda: torch.zeros(28, 28, dtype=torch.complex64), "type", id="zeros(28, 28, dtype=complex64)"),
    pytest.param(lambda: torch.full((28, 28), 2.0), r"outside \[0, 1\]", id="full((28, 28), 2.0)"),
    pytest.param(lambda: torch.full((28, 28), -0.1), r"outside \[0, 1\]", id="full((28, 28), -0.1)"),
    pytest.param(lambda: torch.full((28, 28), float("nan")), "not numbers", id="full((28, 28), float('nan'))"),
    pytest.param(lambda: torch.full((28, 28), float("inf")), r"outside \[0, 1\]", id="full((28, 28), float('inf'))"),
    pytest.param(lambda: Path("nowhere.png"), "nowhere.png does not exist", id="Path('nowhere.png')"),
    pytest.param(lambda: torch.ones(28, 28, dtype=torch.uint8), "multiply them by 255", id="a mask"),
    pytest.param(lambda: torch.zeros(28, 28).to_sparse(), "pass a dense one", id="a sparse tensor"),
    pytest.param(
        lambda: Path(__file__).parents[1] / "pictures", "is a folder: name the files in it", id="a folder of pictures"
    ),
    pytest.param(lambda: Path(__file__).parent, "there is no image in the folder", id="Path(__file__).parent"),
)


@pytest.mark.parametrize(
    ("make", "outcome"),
    [
        *UNDERSTOOD,
        *REFUSED,
        *(pytest.param(lambda name=name: Path(name), BAD_FILES[name][1], id=name) for name in BAD_FILES),
    ],
)
def test_an_image_from_outside_is_understood_or_refused(
    make: Callable[[], Any], outcome: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome is how many gray levels a pixel may be off, or the complaint."""
    monkeypatch.chdir(tmp_path)
    for name, (content, _) in BAD_FILES.items():
        Path(name).write_bytes(content)
    if isinstance(outcome, str):
        with pytest.raises(FashionZooError, match=outcome):
            to_uint8(make())
    else:
        difference = (to_uint8(make(), "ready").int() - expected().int()).abs()
        assert difference.max() <= outcome
        assert difference.float().mean() <= outcome / 8


def test_one_bit_is_black_and_white() -> None:
    assert torch.equal(to_uint8(garment(bright=255).convert("1")), expected(bright=255))


def test_a_tensor_that_is_black_on_white_is_noticed_and_inverted_when_told() -> None:
    negative = 255 - expected()
    for bright in (negative, ImageOps.invert(garment())):
        with pytest.warns(UserWarning, match="bright background"):
            assert torch.equal(to_uint8(bright, "auto" if bright is negative else "ready"), negative)
    assert torch.equal(to_uint8(negative, "bright"), expected())


def test_several_images_may_come_as_anything_that_can_be_iterated(tmp_path: Path) -> None:
    for bright in (100, 150, 200):
        garment(bright=bright).save(tmp_path / f"{bright}.png")
    paths, network = sorted(tmp_path.glob("*.png")), MLP()
    one_by_one = [network.classify(path) for path in paths]
    array = np.stack([np.array(garment(bright=bright)) for bright in (100, 150, 200)])
    for images in (
        paths,
        tuple(paths),
        iter(paths),
        (path for path in paths),
        dict.fromkeys(paths),
        array,
        list(array),
    ):
        assert [p.label for p in network.classify(images)] == [p.label for p in one_by_one]
    assert len(network.classify(set(paths))) == 3
    assert len(network.classify(tmp_path.glob("*.png"))) == 3


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint of an untrained network."""
    network = MLP((8,))
    path = tmp_path / "mlp.ckpt"
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": state, "fashionzoo": {"name": "mlp", "config": network.config}}, path)
    return path


def test_predict_takes_folders_and_classifies_what_it_can(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    garment().save(folder / "good.png")
    garment().save(folder / "GOOD.JPG")
    (folder / "notes.txt").write_text("not meant", encoding="utf-8")
    for name, (content, _) in BAD_FILES.items():
        (folder / name).write_bytes(content)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as end:
        main(["predict", str(folder), str(tmp_path / "empty"), "--checkpoint", str(checkpoint)])
    assert end.value.code == 2
    screen = capsys.readouterr()
    assert [line.split(":")[0] for line in screen.out.splitlines()] == [f"{folder}/GOOD.JPG", f"{folder}/good.png"]
    warning, *errors = screen.err.splitlines()
    assert warning == f"fashionzoo: warning: {folder} has files that are not read as pictures: notes.txt"
    assert len(errors) == len(BAD_FILES) + 1
    assert all(line.startswith("fashionzoo: error: ") for line in errors)


@pytest.mark.filterwarnings("always")
def test_many_pictures_are_prepared_in_processes_as_few_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        garment().rotate(number).save(tmp_path / f"{number}.png")
    Image.new("L", (28, 28), 255).save(tmp_path / "white.png")
    (tmp_path / "broken.png").write_text("no picture", encoding="utf-8")

    def prepared() -> tuple[list[Path], Tensor, list[str], list[str]]:
        errors: list[FashionZooError] = []
        with pytest.warns(UserWarning, match="bright background") as warned:
            ((paths, pixels),) = batches.prepare_paths([tmp_path], "ready", errors)
        return paths, pixels, [str(each.message) for each in warned], [str(error) for error in errors]

    few = prepared()
    monkeypatch.setattr(batches, "MIN_FOR_PROCESSES", 3)
    monkeypatch.setattr(batches, "CHUNK_SIZE", 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    many = prepared()
    assert torch.equal(few[1], many[1])
    assert (few[0], few[2:]) == (many[0], many[2:])
    assert len(few[0]) == 8
    assert "broken.png" in few[3][0]


@pytest.mark.parametrize("flags", [("--show",), ("--model=all",)])
def test_a_bright_ground_is_said_once_and_by_name(
    flags: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (28, 28), 255).save("white.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        main(["predict", "white.png", "--ground=ready", *flags])
    said = [line for line in capsys.readouterr().err.splitlines() if "bright background" in line]
    assert len(said) == 1
    assert said[0].startswith("fashionzoo: warning: white.png has")


def test_invert_is_deprecated_and_does_what_ground_bright_does(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "bright.png")
    ImageOps.invert(garment(scale=4)).save(path)
    main(["predict", path, "--ground", "bright", "--checkpoint", str(checkpoint)])
    right = capsys.readouterr().out
    main(["predict", path, "--invert", "--checkpoint", str(checkpoint)])
    screen = capsys.readouterr()
    assert screen.out == right
    assert screen.err == "fashionzoo: warning: --invert is deprecated: use --ground bright\n"
    with pytest.raises(SystemExit):
        main(["predict", path, "--invert", "--ground", "dark", "--checkpoint", str(checkpoint)])
    assert "leave one of them out" in capsys.readouterr().err
