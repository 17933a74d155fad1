"""Train the small network that tells clothes from what the zoo's networks have never seen.

python experiments/train_familiarity.py        # three minutes on two cores

Its positives are the training images, as they are and redrawn as flat or outlined shapes; its negatives are made here:
strokes, shapes, noise, gratings, and training images that were cut, shuffled or inverted. Digits, letters and
photographs, on which it is measured, are not among them (outlier exposure, Hendrycks, Mazeika and Dietterich 2019).
"""

from collections.abc import Callable
from math import comb

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

import fashionzoo as fz
from fashionzoo.models.pretrained import save_safetensors
from fashionzoo.weights.familiarity import CLASS_NAMES, DETECTOR_PATH

SEED, STEPS, BATCH_SIZE, NUM_NEGATIVES, LR = 0, 2500, 256, 40_000, 3e-3
LARGE = 112  # pixels a side on which shapes are drawn before they are made small
Grid = NDArray[np.float64]


def sample_strokes(rng: np.random.Generator, images: NDArray[np.uint8]) -> Grid:
    """Return one to three thick curves, as in writing."""
    sheet = Image.new("L", (LARGE, LARGE))
    for _ in range(rng.integers(1, 4)):
        count, times = int(rng.integers(2, 6)), np.linspace(0, 1, 40)
        points = rng.uniform(8, LARGE - 8, (count, 2))
        if rng.random() < 0.6:  # a Bezier curve through the first and the last point
            basis = [comb(count - 1, i) * times**i * (1 - times) ** (count - 1 - i) for i in range(count)]
            points = np.stack(basis, axis=1) @ points
        line = [tuple(point) for point in points]
        ImageDraw.Draw(sheet).line(line, int(rng.integers(120, 256)), int(rng.integers(4, 22)), joint="curve")
    return _small(sheet)


def sample_shapes(rng: np.random.Generator, images: NDArray[np.uint8]) -> Grid:
    """Return polygons, ellipses and rectangles."""
    sheet = Image.new("L", (LARGE, LARGE))
    draw = ImageDraw.Draw(sheet)
    for _ in range(rng.integers(1, 5)):
        level, corners = int(rng.integers(40, 256)), rng.uniform(0, LARGE, (int(rng.integers(3, 7)), 2))
        (left, right), (top, bottom) = np.sort(rng.integers(0, LARGE, (2, 2))).tolist()
        shape = rng.integers(3)
        if shape == 0:
            draw.polygon([tuple(corner) for corner in corners], fill=level)
        elif shape == 1:
            draw.ellipse((left, top, right + 2, bottom + 2), fill=level)
        else:
            draw.rectangle((left, top, right + 2, bottom + 2), fill=level)
    return _small(sheet)


def sample_noise(rng: np.random.Generator, images: NDArray[np.uint8]) -> Grid:
    """Return noise, from pixels to blobs."""
    blur = rng.choice([0, 0, 0.5, 1, 2, 3, 5])
    return _stretch(ndimage.gaussian_filter(rng.normal(size=(28, 28)), blur), rng)


def sample_grating(rng: np.random.Generator, images: NDArray[np.uint8]) -> Grid:
    """Return stripes or squares."""
    angle, frequency = rng.uniform(0, np.pi), 2 * np.pi * rng.uniform(0.03, 0.5)
    rows, columns = np.mgrid[0:28, 0:28]
    waves = np.sin(frequency * (columns * np.cos(angle) + rows * np.sin(angle)) + rng.uniform(0, 2 * np.pi))
    if rng.random() < 0.5:
        waves *= np.sin(frequency * (rows * np.cos(angle) - columns * np.sin(angle)))
    return _stretch(np.sign(waves) if rng.random() < 0.5 else waves, rng)


def sample_plane(rng: np.random.Generator, images: NDArray[np.uint8]) -> Grid:
    """Return one brightness, or a gradient."""
    rows, columns = np.mgrid[0:28, 0:28] / 27 - 0.5
    slopes = rng.normal(size=2) * rng.choice([0, 1])
    level = rng.uniform(0, 1) + slopes[0] * columns + slopes[1] * rows
    return np.asarray(255 * level + rng.normal(0, rng.choice([0, 3, 10]), (28, 28)))


def sample_shuffled(rng: np.random.Generator, images: NDArray[np.uint8]) -> Grid:
    """Return the blocks of a training image in another order."""
    image, side = images[rng.integers(len(images))], int(rng.choice([4, 7, 14]))
    count = 28 // side
    blocks = image.reshape(count, side, count, side).swapaxes(1, 2).reshape(-1, side, side)
    order = rng.permutation(count * count)
    return np.asarray(blocks[order].reshape(count, count, side, side).swapaxes(1, 2).reshape(28, 28), np.float64)


def sample_part(rng: np.random.Generator, images: NDArray[np.uint8]) -> Grid:
    """Return a small part of a training image, enlarged."""
    side = int(rng.integers(6, 13))
    top, left = rng.integers(0, 28 - side, 2)
    part = images[rng.integers(len(images))][top : top + side, left : left + side]
    return np.asarray(Image.fromarray(part).resize((28, 28), Image.Resampling.BICUBIC), np.float64)


def sample_negative(rng: np.random.Generator, images: NDArray[np.uint8]) -> Grid:
    """Return a training image, black on white."""
    return np.asarray(255.0 - images[rng.integers(len(images))])


SAMPLERS: tuple[Callable[[np.random.Generator, NDArray[np.uint8]], Grid], ...] = (
    sample_strokes,
    sample_shapes,
    sample_noise,
    sample_grating,
    sample_plane,
    sample_shuffled,
    sample_part,
    sample_negative,
)


def _small(sheet: Image.Image) -> Grid:
    """Return a large drawing at 28x28."""
    return np.asarray(sheet.resize((28, 28), Image.Resampling.BOX), np.float64)


def _stretch(values: Grid, rng: np.random.Generator) -> Grid:
    """Return values between two random gray levels."""
    low, high = np.sort(rng.integers(0, 256, 2))
    return np.asarray(low + (values - values.min()) / (np.ptp(values) + 1e-9) * (high - low))


def redraw(images: Tensor, shapes: Tensor) -> Tensor:
    """Return images redrawn as an illustrator would: flat, in part with outlines, folds as lines.

    Args:
        images: Shape ``(N, 1, 28, 28)``, float, 0 to 255.
        shapes: The same shape, 1 where the thing is.
    """

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(len(images), 1, 1, 1).uniform_(low, high)

    share, outlined, folded = uniform(0, 0.6), uniform(0, 1) < 0.5, uniform(0, 1) < 0.5
    flat = (1 - share) * uniform(80, 255) + share * images
    inner = -F.max_pool2d(-shapes, 3, stride=1, padding=1)
    flat = torch.where(outlined & (shapes > inner), uniform(80, 255), flat)
    steepness = F.max_pool2d(images, 3, 1, 1) + F.max_pool2d(-images, 3, 1, 1)
    return torch.where(folded & (steepness > uniform(40, 160)), uniform(0, 255), flat) * shapes


def warp(images: Tensor) -> Tensor:
    """Return images flipped, tilted, and narrower or smaller, each by its own random amount."""
    count = len(images)
    angle, flip = 0.08 * torch.randn(count), torch.sign(torch.randn(count))
    width, height = torch.empty(count).uniform_(0.9, 1.35), torch.empty(count).uniform_(0.9, 1.25)
    maps = torch.zeros(count, 2, 3)
    maps[:, 0, 0], maps[:, 0, 1] = angle.cos() * width * flip, -angle.sin() * height
    maps[:, 1, 0], maps[:, 1, 1] = angle.sin() * width, angle.cos() * height
    maps[:, :, 2] = 0.04 * torch.randn(count, 2)
    return F.grid_sample(images, F.affine_grid(maps, list(images.shape), align_corners=False), align_corners=False)


def main() -> None:
    """Train, and write the file."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    data = fz.FashionMNISTDataModule()
    data.prepare_data()
    data.setup("fit")
    images = data.datasets["train"].images.reshape(-1, 1, 28, 28)
    pixels = images[:, 0].numpy()
    samples = [SAMPLERS[i % len(SAMPLERS)](rng, pixels).clip(0, 255).astype(np.uint8) for i in range(NUM_NEGATIVES)]
    negatives = torch.from_numpy(np.stack(samples)).unsqueeze(1)
    shapes = torch.from_numpy(np.stack([ndimage.binary_fill_holes(image > 10) for image in pixels])).unsqueeze(1)

    network = fz.CNN(channels=(16, 32, 48), hidden=(), batch_norm=True, num_classes=2)
    network.name_classes(CLASS_NAMES)
    optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, STEPS)
    labels = torch.tensor([1, 0]).repeat_interleave(BATCH_SIZE // 2)  # places in CLASS_NAMES
    for step in range(STEPS):
        chosen, others = (
            torch.randint(len(images), (BATCH_SIZE // 2,)),
            torch.randint(NUM_NEGATIVES, (BATCH_SIZE // 2,)),
        )
        plain, drawn = chosen.split(BATCH_SIZE // 4)
        batch = [images[plain].float(), warp(redraw(images[drawn].float(), shapes[drawn].float()))]
        loss = F.cross_entropy(
            network(network.preprocess(torch.cat([*batch, negatives[others].float()]) / 255)), labels
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 500 == 0:
            print(f"step {step}: loss {loss.item():.4f}", flush=True)
    save_safetensors(network.eval(), DETECTOR_PATH)


if __name__ == "__main__":
    main()
