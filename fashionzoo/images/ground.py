"""Which pixels of a picture show the thing and which the ground it lies on, whatever the ground's color.

Xiao et al. 2017 trim "any edges that are close to the color of the corner pixels"; here the ground is everything that
is close to the border's color and connected with it, so that shadows, frames and noise do not count as the thing.
Constants without a source were chosen on one half of the drawn pictures in ``tests/pictures``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pixels = NDArray[np.float64]  # (H, W, 3), 0 to 255
Mask = NDArray[np.bool_]  # (H, W)
MAX_DISTANCE = 255 * 3**0.5  # between black and white in RGB
CLOSE = 0.02 * MAX_DISTANCE  # to the ground's color; the paper has 0.05, which loses pale things on a white ground
NOISE_FACTOR = 5  # times the noise of the border is close too ...
MAX_CLOSE = 0.1 * MAX_DISTANCE  # ... up to here
SHADOW_LIGHT = 0.5  # of the ground's brightness is left in a shadow, or more
SHADOW_SLOPE = 8  # gray levels per pixel: a shadow has no edges steeper than this
FRAME_WIDTH = 0.06  # of the shorter side, at most
SPECK_SIZE = 0.01  # of the largest part's pixels: what is smaller is noise
BORDER_WIDTH = 0.02  # of the shorter side


def find_thing(pixels: Pixels) -> Mask:
    """Return which pixels differ from the ground, which is found from the border.

    Args:
        pixels: Shape ``(H, W, 3)``, 0 to 255.

    Example:
        >>> picture = np.full((6, 6, 3), 200.0)
        >>> picture[2:4, 2:4] = 30
        >>> int(find_thing(picture).sum())
        4
    """
    border = _border(pixels.shape[0], pixels.shape[1])
    ground = _fit_ground(pixels, border)
    distance = _length(pixels - ground)
    near = distance[border & (distance < MAX_CLOSE)]
    noise = np.sqrt((near**2).mean()) if len(near) else 0.0
    close = float(np.clip(NOISE_FACTOR * noise, CLOSE, MAX_CLOSE))
    different = distance > close
    return drop_specks(different & ~_find_shadow(pixels, ground, different, border, close))


def frame_width(pixels: Pixels) -> int:
    """Return how many pixels at each side belong to a thin frame, 0 if there is none.

    Args:
        pixels: Shape ``(H, W, 3)``, 0 to 255.
    """
    height, width = pixels.shape[:2]
    found = 0
    for ring in range(1, max(2, round(FRAME_WIDTH * min(height, width)))):
        if min(height, width) - 2 * ring < 8:
            break
        outer, inner = _ring(pixels, ring - 1), _ring(pixels, ring)
        color = np.median(outer, axis=0)
        uniform = (_length(outer - color) < 0.05 * MAX_DISTANCE).mean() > 0.9
        if uniform and np.linalg.norm(color - np.median(inner, axis=0)) > 0.05 * MAX_DISTANCE:
            found = ring
    return found


def drop_specks(thing: Mask) -> Mask:
    """Return a mask without the parts that are tiny beside the largest, nor a frame drawn around the rest.

    Args:
        thing: Shape ``(H, W)``.
    """
    labels, count = ndimage.label(thing, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept = sizes >= max(3, SPECK_SIZE * sizes.max())
    for part, place in enumerate(ndimage.find_objects(labels), start=1):
        spans = all(side.stop - side.start > 0.85 * whole for side, whole in zip(place, thing.shape, strict=True))
        if spans and kept[part]:
            edge_y, edge_x = (round(0.12 * side) for side in thing.shape)
            inside = (labels[edge_y:-edge_y, edge_x:-edge_x] == part).sum() if min(edge_y, edge_x) else sizes[part]
            others = sizes[kept].sum() - sizes[part]
            kept[part] = inside >= 0.02 * sizes[part] or others <= 0.02 * thing.size
    return np.asarray(kept[labels] & thing)


def _length(vectors: Pixels) -> Pixels:
    """Return the lengths of vectors along the last axis: as ``np.linalg.norm``, which is slow for short ones."""
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)))


def _border(height: int, width: int) -> Mask:
    """Return a mask of the pixels at the picture's edges."""
    border = np.ones((height, width), dtype=bool)
    depth = max(1, round(BORDER_WIDTH * min(height, width)))
    border[depth:-depth, depth:-depth] = False
    return border


def _ring(pixels: Pixels, inset: int) -> Pixels:
    """Return the colors along a rectangle of one pixel's width, so far inside the picture's edge."""
    height, width = pixels.shape[:2]
    part = pixels[inset : height - inset, inset : width - inset]
    return np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])


def _fit_ground(pixels: Pixels, border: Mask) -> Pixels:
    """Return the ground's color at each pixel: a plane through the border's most frequent colors."""
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    positions = np.stack([np.ones(height * width), (columns / width - 0.5).ravel(), (rows / height - 0.5).ravel()], 1)
    colors, at = pixels[border], positions[border.ravel()]
    plane = np.zeros((3, 3))
    plane[0] = _most_frequent_color(colors)
    for tolerance in (0.25, 0.12, 0.05):
        fits = _length(colors - at @ plane) < tolerance * MAX_DISTANCE
        if fits.sum() < 8:
            break
        plane = np.linalg.lstsq(at[fits], colors[fits], rcond=None)[0]
    return np.clip((positions @ plane).reshape(height, width, 3), 0, 255)


def _most_frequent_color(colors: Pixels) -> Pixels:
    """Return the middle of the densest group of colors, of shape ``(N, 3)``."""
    sample = colors[:: max(1, len(colors) // 128)]
    neighbors = _length(sample[:, None] - sample[None]) < 0.06 * MAX_DISTANCE
    return np.asarray(np.median(sample[neighbors[neighbors.sum(axis=1).argmax()]], axis=0))


def _find_shadow(pixels: Pixels, ground: Pixels, different: Mask, border: Mask, close: float) -> Mask:
    """Return where the ground is darker without an edge and without another color, out from the free ground."""
    light = pixels @ np.ones(3) / np.maximum(ground @ np.ones(3), 1)
    tint = _length(pixels - ground * light[..., None])
    gray = pixels @ np.ones(3) / 3
    slope = np.hypot(ndimage.sobel(gray, 0), ndimage.sobel(gray, 1)) / 8
    soft = (light > SHADOW_LIGHT) & (light < 1.02) & (tint < close) & (slope < SHADOW_SLOPE)
    regions, count = ndimage.label(~different | soft)
    open_to_border = np.zeros(count + 1, dtype=bool)
    open_to_border[regions[border & ~different]] = True
    return np.asarray(open_to_border[regions] & soft)
