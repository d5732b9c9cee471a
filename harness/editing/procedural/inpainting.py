"""Fills a hole with patches from elsewhere in the same image; nothing of why the hole is there.

Patches are copied from the rim inwards (Criminisi et al., Object Removal by Exemplar-Based
Inpainting), then every patch that touches the hole votes with its nearest known patch (Wexler et
al., Space-Time Completion of Video), which closes the seams. Patches hold small integers, so the
matrix product behind the search is exact in float32 in whatever order a CPU sums it.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from harness.editing.procedural.fields import (
    Field,
    Mask,
    Pixels,
    f32,
    generator,
    pixels,
    resized,
    soften,
    u8,
)

_RADIUS = 3
_SIDE = 2 * _RADIUS + 1
_SOURCES = 2200
"""Known patches that are searched, at most."""
_TARGETS = 900
"""Patches that vote, at most; a larger hole is filled at a coarser scale."""
_CLASS_WEIGHT = 260
"""What it costs in grey levels to fill a class from another one."""
_COARSE_WIDTH = 120


@dataclass(frozen=True, kw_only=True)
class _Level:
    """The image at one scale."""

    image: Pixels
    hole: Mask
    known: Mask
    """Pixels that may be copied."""
    classes: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class _Match:
    """The best known patch of each voting patch."""

    target_y: NDArray[np.intp]
    target_x: NDArray[np.intp]
    source_y: NDArray[np.intp]
    source_x: NDArray[np.intp]
    cost: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class _Bank:
    """The known patches that are searched."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    vectors: Field


_SPIRAL = tuple(
    sorted(
        ((dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)),
        key=lambda at: (at[0] * at[0] + at[1] * at[1], at),
    )
)
"""Pixels of a patch that are copied, the centre first."""


def fill_hole(image: Pixels, *, hole: Mask, known: Mask, classes: NDArray[np.uint8]) -> Pixels:
    """Return `image` with the pixels of `hole` replaced by plausible surroundings.

    Args:
        image: RGB pixels, [H, W, 3].
        hole: What is replaced, [H, W].
        known: What may be copied; pixels of `hole` never are.
        classes: What each pixel is to be, hole included; patches come from the same class.
    """
    known = known & ~hole
    if not known.any() or not hole.any():
        return image.copy() if not hole.any() else _blurred(image)
    factor = max(1, -(-max(hole.shape) // _COARSE_WIDTH))
    level = _reduced(image, hole=hole, known=known, classes=classes, factor=factor)
    diffused = _diffused(level.image, level.known)
    start = np.where(level.hole[..., None], diffused, level.image)
    rows, columns = _centres(level)
    if rows.size < 12:
        return _with_detail(image, hole, level, filled=start, match=None, factor=factor)
    sources = _vectors(level.image, level.classes, rows, columns)
    peeled = _peeled(level, start, _Bank(rows=rows, columns=columns, vectors=sources))
    filled, match = _refined(level, peeled, _Bank(rows=rows, columns=columns, vectors=sources))
    return _with_detail(image, hole, level, filled=filled, match=match, factor=factor)


def _blurred(image: Pixels) -> Pixels:
    sigma = max(1.0, min(image.shape[:2]) / 12)
    planes = [soften(f32(image[..., c]) * np.float32(1 / 255), sigma) for c in range(3)]
    return pixels(np.stack(planes, -1))


def _reduced(
    image: Pixels, *, hole: Mask, known: Mask, classes: NDArray[np.uint8], factor: int
) -> _Level:
    height, width = hole.shape
    rows, columns = -(-height // factor), -(-width // factor)
    grow = ((0, rows * factor - height), (0, columns * factor - width))
    padded = np.pad(image, (*grow, (0, 0)), mode="edge")
    blocks = (rows, factor, columns, factor)
    small_hole: Mask = np.asarray(np.pad(hole, grow, mode="edge").reshape(blocks).any(axis=(1, 3)))
    small_known = np.pad(known, grow, mode="edge").reshape(blocks).all(axis=(1, 3))
    return _Level(
        image=u8(cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)),
        hole=small_hole,
        known=np.asarray(small_known & ~small_hole),
        classes=np.pad(classes, grow, mode="edge")[::factor, ::factor].copy(),
    )


def _diffused(image: Pixels, known: Mask) -> Pixels:
    """Return the image with unknown pixels averaged from ever larger neighbourhoods."""
    result = image.astype(np.int32)
    done = known.copy()
    side = 3
    while not done.all() and side < 4 * max(known.shape):
        weights = done.astype(np.uint8)
        count = cv2.boxFilter(
            weights, cv2.CV_32S, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        ready = (count > 0) & ~done
        for channel in range(3):
            total = cv2.boxFilter(
                result[..., channel] * weights,
                cv2.CV_32S,
                (side, side),
                normalize=False,
                borderType=cv2.BORDER_CONSTANT,
            )
            result[..., channel][ready] = (total[ready] + count[ready] // 2) // count[ready]
        done |= ready
        side += 2
    return result.astype(np.uint8)


def _centres(level: _Level) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the centres (rows, columns) of wholly known patches, thinned out evenly at random."""
    kernel = np.ones((_SIDE, _SIDE), np.uint8)
    whole = cv2.erode(level.known.astype(np.uint8), kernel, borderValue=0)
    whole[:_RADIUS], whole[-_RADIUS:] = 0, 0
    whole[:, :_RADIUS], whole[:, -_RADIUS:] = 0, 0
    rows, columns = np.nonzero(whole)
    if rows.size > _SOURCES:
        chosen = np.sort(generator(7).permutation(rows.size)[:_SOURCES])
        rows, columns = rows[chosen], columns[chosen]
    return rows, columns


def _windows(plane: NDArray[Any]) -> NDArray[Any]:
    """Return a view of every patch by its centre, mirrored at the frame."""
    padded = np.pad(plane, _RADIUS, mode="symmetric")
    return np.lib.stride_tricks.sliding_window_view(padded, (_SIDE, _SIDE))


def _vectors(
    image: Pixels, classes: NDArray[np.uint8], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> Field:
    """Return one row of small integers per patch: colours, class and a weak hint of the place."""
    colours = np.concatenate(
        [_windows(image[..., c] >> 2)[rows, columns].reshape(rows.size, -1) for c in range(3)],
        axis=1,
    ).astype(np.float32)
    ids = np.unique(classes)
    kinds = (classes[rows, columns][:, None] == ids[None, :]) * np.float32(_CLASS_WEIGHT)
    place = np.stack([rows * 4, columns], axis=1).astype(np.float32)
    return np.concatenate([colours, kinds, place], axis=1)


def _peeled(level: _Level, start: Pixels, bank: _Bank) -> Pixels:
    """Return the level with its hole filled from the rim inwards by whole patches.

    A patch is chosen by its already filled pixels alone, so that the filling stays sharp.
    """
    filled, todo = start.copy(), level.hole.copy()
    trusted = level.known.copy()
    squares = bank.vectors * bank.vectors
    while todo.any():
        front = todo & (cv2.dilate((~todo).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
        y, x = np.nonzero(front)
        y, x = y[::2], x[::2]
        targets = _vectors(filled, level.classes, y, x)
        seen = np.ones_like(targets)
        patches = _windows(trusted)[y, x].reshape(y.size, -1)
        seen[:, : 3 * patches.shape[1]] = np.tile(patches, (1, 3))
        score = seen @ squares.T - np.float32(2) * ((targets * seen) @ bank.vectors.T)
        best = score.argmin(axis=1)
        for dy, dx in _SPIRAL:
            ty, tx = y + dy, x + dx
            inside = (ty >= 0) & (ty < todo.shape[0]) & (tx >= 0) & (tx < todo.shape[1])
            ty, tx, chosen = ty[inside], tx[inside], best[inside]
            fresh = todo[ty, tx]
            ty, tx, chosen = ty[fresh], tx[fresh], chosen[fresh]
            filled[ty, tx] = level.image[bank.rows[chosen] + dy, bank.columns[chosen] + dx]
            todo[ty, tx] = False
            trusted[ty, tx] = True
    return filled


def _refined(level: _Level, filled: Pixels, bank: _Bank) -> tuple[Pixels, _Match]:
    """Return the level after a round of search and vote, which closes seams, and the search."""
    touching = cv2.dilate(level.hole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    target_y, target_x = np.nonzero(touching)
    if target_y.size > _TARGETS:
        checker = (target_y + target_x) % 2 == 0
        if np.count_nonzero(checker) > _TARGETS:
            checker = (target_y % 2 == 0) & (target_x % 2 == 0)
        target_y, target_x = target_y[checker], target_x[checker]
    targets = _vectors(filled, level.classes, target_y, target_x)
    norms = (bank.vectors * bank.vectors).sum(axis=1)
    score = norms[None, :] - np.float32(2) * (targets @ bank.vectors.T)
    best = score.argmin(axis=1)
    cost = score[np.arange(best.size), best] + (targets * targets).sum(axis=1)
    match = _Match(
        target_y=target_y,
        target_x=target_x,
        source_y=bank.rows[best],
        source_x=bank.columns[best],
        cost=cost.astype(np.int64),
    )
    return _voted(level, filled, match), match


def _voted(level: _Level, filled: Pixels, match: _Match) -> Pixels:
    """Return the hole's pixels as the mean of all patches that cover them; close matches count."""
    height, width = level.hole.shape
    total = np.zeros((height, width, 3), np.int64)
    count = np.zeros((height, width), np.int64)
    close = np.int64(1) + np.int64(60000) // (match.cost + 400)
    weight = close * close
    for dy in range(-_RADIUS, _RADIUS + 1):
        for dx in range(-_RADIUS, _RADIUS + 1):
            y, x = match.target_y + dy, match.target_x + dx
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            near = np.int64(2 * _RADIUS + 1 - abs(dy) - abs(dx))
            share = weight[inside] * near
            y, x = y[inside], x[inside]
            source = level.image[match.source_y[inside] + dy, match.source_x[inside] + dx]
            total[y, x] += source * share[:, None]
            count[y, x] += share
    ready = level.hole & (count > 0)
    result = filled.copy()
    result[ready] = (total[ready] // count[ready][:, None]).astype(np.uint8)
    return result


def _offsets(level: _Level, match: _Match) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return for each pixel how far its best covering patch's source lies, rows and columns."""
    height, width = level.hole.shape
    best = np.full((height, width), np.iinfo(np.int64).max, np.int64)
    shift_y, shift_x = np.zeros((height, width), np.intp), np.zeros((height, width), np.intp)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            y, x = match.target_y + dy, match.target_x + dx
            cost = match.cost + 350 * (dy * dy + dx * dx)
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            y, x, cost = y[inside], x[inside], cost[inside]
            better = cost < best[y, x]
            y, x = y[better], x[better]
            best[y, x] = cost[better]
            shift_y[y, x] = (match.source_y - match.target_y)[inside][better]
            shift_x[y, x] = (match.source_x - match.target_x)[inside][better]
    return shift_y, shift_x


def _with_detail(
    image: Pixels, hole: Mask, level: _Level, *, filled: Pixels, match: _Match | None, factor: int
) -> Pixels:
    """Return the full-size image: smooth part from the votes, fine part from the best patches."""
    height, width = hole.shape
    full = (filled.shape[1] * factor, filled.shape[0] * factor)
    smooth = resized(filled, *full)[:height, :width]
    fresh = smooth.astype(np.int16)
    if match is not None and factor > 1:
        own = resized(level.image, *full)[:height, :width]
        detail = image.astype(np.int16) - own
        shift_y, shift_x = _offsets(level, match)
        y, x = np.nonzero(hole)
        from_y = np.clip(y + shift_y[y // factor, x // factor] * factor, 0, height - 1)
        from_x = np.clip(x + shift_x[y // factor, x // factor] * factor, 0, width - 1)
        usable = level.known[from_y // factor, from_x // factor]
        fresh[y, x] += np.where(usable[:, None], detail[from_y, from_x], np.int16(0))
    result = image.copy()
    result[hole] = np.clip(fresh[hole], 0, 255).astype(np.uint8)
    return result
