"""Images from outside: what is understood, and what is refused without keeping back the others."""

import io
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageOps

from fashionzoo import MLP, FashionZooError, files
from fashionzoo.cli import main
from fashionzoo.images import to_uint8

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
    "lab.tiff": (encode(garment("RGB").convert("LAB"), "TIFF"), "mode LAB: save it as RGB"),
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
)
REFUSED = (
    pytest.param(lambda: torch.zeros(28, 27), "shape", id="zeros(28, 27)"),
    pytest.param(lambda: torch.zeros(28), "shape", id="zeros(28)"),
    pytest.param(lambda: torch.zeros(2, 3, 28, 28), "shape", id="zeros(2, 3, 28, 28)"),
    pytest.param(lambda: torch.zeros(1, 1, 1, 28, 28), "shape", id="zeros(1, 1, 1, 28, 28)"),
    pytest.param(lambda: torch.zeros(28, 28, dtype=torch.int64), "type", id="zeros(28, 28, dtype=int64)"),
    pytest.param(lambda: torch.zeros(28, 28, dtype=torch.bool), "type", id="zeros(28, 28, dtype=bool)"),
    pytest.param(lambda: torch.zeros(28, 28, dtype=torch.complex64), "type", id="zeros(28, 28, dtype=complex64)"),
    pytest.param(lambda: torch.full((28, 28), 2.0), r"outside \[0, 1\]", id="full((28, 28), 2.0)"),
    pytest.param(lambda: torch.full((28, 28), -0.1), r"outside \[0, 1\]", id="full((28, 28), -0.1)"),
    pytest.param(lambda: torch.full((28, 28), float("nan")), "not numbers", id="full((28, 28), float('nan'))"),
    pytest.param(lambda: torch.full((28, 28), float("inf")), r"outside \[0, 1\]", id="full((28, 28), float('inf'))"),
    pytest.param(lambda: Path("nowhere.png"), "nowhere.png does not exist", id="Path('nowhere.png')"),
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
        difference = (to_uint8(make()).int() - expected().int()).abs()
        assert difference.max() <= outcome
        assert difference.float().mean() <= outcome / 8


def test_one_bit_is_black_and_white() -> None:
    assert torch.equal(to_uint8(garment(bright=255).convert("1")), expected(bright=255))


@pytest.mark.parametrize("make", [garment, sixteen_bits, lambda: garment("RGB", scale=10), palette])
def test_black_on_white_is_inverted_and_noticed(make: Callable[[], Image.Image]) -> None:
    negative = ImageOps.invert(to_picture(to_uint8(make())))
    with pytest.warns(UserWarning, match="bright background"):
        to_uint8(negative)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(to_uint8(negative, invert=True), to_uint8(make()))


def to_picture(pixels: torch.Tensor) -> Image.Image:
    """Return a batch of one as a picture."""
    return Image.fromarray(pixels[0, 0].numpy())


def test_no_image_of_the_test_set_looks_black_on_white(real_root: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_uint8(files.load_split("test", real_root)[0])


def test_no_image_at_all_is_refused() -> None:
    with pytest.raises(FashionZooError, match="no image was given"):
        MLP().classify([])


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
    (folder / "notes.txt").write_text("not meant")
    for name, (content, _) in BAD_FILES.items():
        (folder / name).write_bytes(content)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as end:
        main(["predict", str(folder), str(tmp_path / "empty"), "--checkpoint", str(checkpoint)])
    assert end.value.code == 2
    screen = capsys.readouterr()
    assert [line.split(":")[0] for line in screen.out.splitlines()] == [f"{folder}/GOOD.JPG", f"{folder}/good.png"]
    assert len(screen.err.splitlines()) == len(BAD_FILES) + 1
    assert all(line.startswith("fashionzoo: error: ") for line in screen.err.splitlines())


def test_predict_warns_of_a_bright_background(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = str(tmp_path / "negative.png")
    ImageOps.invert(garment()).save(picture)
    main(["predict", picture, "--checkpoint", str(checkpoint)])
    assert f"fashionzoo: warning: {picture} has a bright background" in capsys.readouterr().err
    main(["predict", picture, "--invert", "--checkpoint", str(checkpoint)])
    assert not capsys.readouterr().err


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        arrays(st.sampled_from([np.uint8, np.float32, np.int16, np.bool_]), array_shapes(min_dims=1, max_dims=4)),
        arrays(st.sampled_from([np.uint8, np.float32]), st.sampled_from([(28, 28), (2, 28, 28), (2, 1, 28, 28)])),
    )
)
@pytest.mark.filterwarnings("ignore")
def test_any_array_gets_an_answer_or_a_clear_error(array: np.ndarray) -> None:
    with suppress(FashionZooError):
        pixels = to_uint8(torch.from_numpy(array))
        assert pixels.shape[1:] == (1, 28, 28)
        assert pixels.dtype == torch.uint8


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"\xff\xd8\xff"]))
def test_any_bytes_get_an_answer_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, head: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.png"
    path.write_bytes(head + tail)
    with suppress(FashionZooError):
        assert to_uint8(path).shape == (1, 1, 28, 28)
