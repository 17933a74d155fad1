"""Arrays, tensors and bytes as images: any that are legal are taken, all others refused."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from fashionzoo import MLP, FashionZooError, Preprocess
from fashionzoo.data import sources
from fashionzoo.images.conversion import to_uint8
from fashionzoo.images.preparation import NOTHING


def test_no_image_of_the_test_set_looks_black_on_white(real_root: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_uint8(sources.load_split("test", real_root)[0])


@pytest.mark.parametrize("nothing", [[], (), iter(()), torch.zeros(0, 28, 28), np.zeros((0, 28, 28))])
def test_no_image_at_all_is_refused(nothing: Any) -> None:
    with pytest.raises(FashionZooError, match="no image was given"):
        MLP().classify(nothing)


def test_the_callers_values_are_left_as_they_were() -> None:
    for values in (torch.rand(3, 28, 28), torch.randint(256, (3, 28, 28), dtype=torch.uint8)):
        before = values.clone()
        MLP().classify(values)
        for standardize in (True, False):
            Preprocess(standardize)(values)
        assert torch.equal(values, before)


@pytest.mark.parametrize("standardize", [True, False])
def test_float_pixels_are_preprocessed_as_uint8_pixels_are(standardize: bool) -> None:
    pixels = torch.arange(256, dtype=torch.uint8).repeat(4)[: 28 * 28].view(1, 28, 28)
    preprocess = Preprocess(standardize)
    torch.testing.assert_close(preprocess(pixels / 255), preprocess(pixels))
    assert preprocess.half()(pixels).dtype == torch.float16
    for wrong in (pixels.long(), pixels.float(), preprocess(pixels).float() - 1):
        with pytest.raises(FashionZooError):
            preprocess(wrong)


LEGAL_SHAPES = st.sampled_from([(28, 28), (2, 28, 28), (2, 1, 28, 28), (5, 7), (30, 20, 3), (9, 40, 4)])
LEGAL_INTEGERS = arrays(st.sampled_from([np.uint8, np.int32]), LEGAL_SHAPES, elements=st.integers(0, 255))
LEGAL_FLOATS = arrays(np.float32, LEGAL_SHAPES, elements=st.floats(0, 1, width=32))


@settings(max_examples=150, deadline=None)
@given(LEGAL_FLOATS | LEGAL_INTEGERS.filter(lambda array: array.max() != 1))  # 0 and 1 alone are refused
@pytest.mark.filterwarnings("ignore")
def test_any_legal_array_is_taken(array: np.ndarray) -> None:
    try:
        pixels = to_uint8(array)
    except FashionZooError as error:  # some are of one color
        if NOTHING not in str(error):
            raise
        return
    assert pixels.dtype == torch.uint8
    assert pixels.shape == ((2 if array.shape[0] == 2 else 1), 1, 28, 28)
    if array.shape[-2:] == (28, 28):
        scale = 255 if array.dtype == np.float32 else 1
        assert np.abs(pixels.numpy().reshape(array.shape) - scale * array.astype(float)).max() <= 0.501


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        arrays(st.sampled_from([np.uint8, np.float32]), array_shapes(min_dims=4, max_dims=6, max_side=5)),
        arrays(st.sampled_from([np.bool_, np.complex64]), LEGAL_SHAPES),
        arrays(np.float32, LEGAL_SHAPES, elements=st.floats(1.5, 2.0**99, width=32)),
        arrays(np.int64, LEGAL_SHAPES, elements=st.integers(-(2**40), -1)),
    )
)
def test_any_other_array_is_refused(array: np.ndarray) -> None:
    with pytest.raises(FashionZooError):
        to_uint8(array)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"\xff\xd8\xff"]))
def test_random_bytes_are_refused_by_name(tmp_path_factory: pytest.TempPathFactory, tail: bytes, head: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.png"
    path.write_bytes(head + tail)
    with pytest.raises(FashionZooError, match=r"random\.png (is not an image|has )"):
        to_uint8(path)


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
    st.sampled_from(["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"]),
)
@pytest.mark.filterwarnings("ignore")
def test_any_picture_of_a_known_format_is_taken(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, form: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "picture"
    Image.fromarray(array).save(path, form)
    try:
        assert to_uint8(path).shape == (1, 1, 28, 28)
    except FashionZooError as error:  # some are of one color
        if NOTHING not in str(error):
            raise


@pytest.mark.parametrize(("value", "seen"), [(65535, 255), (65280, 254), (33023, 128), (256, 0)])
def test_sixteen_bits_become_eight(value: int, seen: int) -> None:
    assert to_uint8(Image.fromarray(np.full((28, 28), value, np.uint16)), "ready").unique().tolist() == [seen]


def test_integers_below_zero_are_refused() -> None:
    with pytest.raises(FashionZooError, match="has pixels outside 0 to 65535"):
        to_uint8(Image.fromarray(np.full((28, 28), -3, np.int32)))


@pytest.mark.parametrize("kind", ["<u2", ">u2", ">i4", ">f4", "<u8", "f2"])
def test_arrays_of_any_byte_order_are_taken(kind: str) -> None:
    assert to_uint8(np.full((28, 28), 1 if "f" in kind else 2, kind)).unique().tolist() == [255 if "f" in kind else 2]


def test_a_picture_of_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("L", (40, 40)).save(tmp_path / "large.png")
    with pytest.raises(FashionZooError, match="has too many pixels for an image of clothing"):
        to_uint8(tmp_path / "large.png")


@pytest.mark.parametrize("kind", [torch.uint16, torch.uint32, torch.uint64])
def test_unsigned_tensors_of_any_size_are_taken(kind: torch.dtype) -> None:
    values = torch.arange(784).reshape(28, 28) % 256
    assert torch.equal(to_uint8(values.to(kind)), to_uint8(values))
    with pytest.raises(FashionZooError, match="outside 0 to 255"):
        to_uint8((values + 1).to(kind))


def test_a_misspelt_ground_is_refused_for_tensors_too() -> None:
    with pytest.raises(FashionZooError, match="did you mean bright"):
        to_uint8(torch.zeros(28, 28), "Bright")  # type: ignore[arg-type]
