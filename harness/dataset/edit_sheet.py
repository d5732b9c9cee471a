"""Pictures side by side on one sheet, each over its caption; nothing of how they were made."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

MARGIN = 28
"""Pixels around the sheet."""
GAP = 24
"""Pixels between panels."""
_AREA_SIDES = ((2, 720), (4, 600), (9, 480))
"""The side of the square whose area a picture takes, on a sheet of up to so many panels."""
_LEAST_AREA_SIDE = 400
_MOST_STRETCH = 2.5
"""A picture longer than this many times its area's side is made smaller."""
_WIDE = 1.6
"""Width to height that a sheet comes close to."""
_PAPER, _INK, _FAINT, _RIM = (255, 255, 255), (24, 24, 27), (96, 96, 104), (212, 212, 216)
_ALARM, _ALARM_INK = (255, 224, 130), (74, 44, 0)
_OUTLINE, _OUTLINE_EDGE = (255, 214, 0), (0, 0, 0)
_TITLE_POINTS, _HEAD_POINTS, _TEXT_POINTS = 24, 19, 15
_LINE_HEIGHT = 1.35
"""In units of the font's size."""
_AVERAGE_CAPTION = 90
"""About the height of a caption in pixels, to choose the number of columns by."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture with its caption."""

    image: NDArray[np.uint8]
    """RGB pixels, [H, W, 3]; all panels of a sheet are of one size."""
    head: str
    """The caption's first line."""
    text: tuple[str, ...]
    """The lines below it; long ones wrap."""
    outlined: NDArray[np.bool_] | None = None
    """What an outline is drawn around, [H, W]; None draws none."""


@dataclass(frozen=True, kw_only=True)
class _Size:
    """Pixels of a picture on the sheet."""

    width: int
    height: int


def draw_sheet(
    panels: tuple[Panel, ...], *, title: str, warnings: tuple[str, ...]
) -> NDArray[np.uint8]:
    """Return a sheet of `panels` in rows, RGB [H, W, 3].

    Args:
        panels: At least one, in reading order.
        title: The line on top.
        warnings: Sentences that must not be overlooked.
    """
    size = _picture_size(panels)
    columns = _columns(len(panels), size)
    width = columns * size.width + (columns - 1) * GAP
    parts = [_text_block((title,), _TITLE_POINTS, width=width, ink=_INK)]
    if warnings:
        parts.append(_banner(warnings, width))
    parts += [_row(panels[i : i + columns], size) for i in range(0, len(panels), columns)]
    height = sum(part.height for part in parts) + GAP * (len(parts) - 1)
    sheet = Image.new("RGB", (width + 2 * MARGIN, height + 2 * MARGIN), _PAPER)
    y = MARGIN
    for part in parts:
        sheet.paste(part, (MARGIN, y))
        y += part.height + GAP
    return np.asarray(sheet, dtype=np.uint8)


def _picture_size(panels: tuple[Panel, ...]) -> _Size:
    """Return the size of every picture: of one area, whatever its aspect."""
    height, width = panels[0].image.shape[:2]
    side = next((s for most, s in _AREA_SIDES if len(panels) <= most), _LEAST_AREA_SIDE)
    scale = min(side / math.sqrt(height * width), _MOST_STRETCH * side / max(height, width))
    return _Size(width=max(1, round(width * scale)), height=max(1, round(height * scale)))


def _columns(count: int, size: _Size) -> int:
    """Return how many columns bring the sheet closest to its aspect, few empty places first."""

    def price(columns: int) -> float:
        rows = -(-count // columns)
        wide = columns * (size.width + GAP) / (rows * (size.height + _AVERAGE_CAPTION + GAP))
        empty = 4 * (rows * columns - count) / count
        return abs(math.log(wide / _WIDE)) + empty

    return min(range(1, count + 1), key=price)


def _row(panels: tuple[Panel, ...], size: _Size) -> Image.Image:
    cells = [_cell(panel, size) for panel in panels]
    width = len(cells) * size.width + (len(cells) - 1) * GAP
    row = Image.new("RGB", (width, max(cell.height for cell in cells)), _PAPER)
    for i, cell in enumerate(cells):
        row.paste(cell, (i * (size.width + GAP), 0))
    return row


def _cell(panel: Panel, size: _Size) -> Image.Image:
    picture = Image.fromarray(_shown(panel, size))
    head = _text_block((panel.head,), _HEAD_POINTS, width=size.width, ink=_INK)
    text = _text_block(panel.text, _TEXT_POINTS, width=size.width, ink=_FAINT)
    cell = Image.new(
        "RGB", (size.width, size.height + GAP // 2 + head.height + text.height), _PAPER
    )
    cell.paste(picture, (0, 0))
    ImageDraw.Draw(cell).rectangle((0, 0, size.width - 1, size.height - 1), outline=_RIM)
    cell.paste(head, (0, size.height + GAP // 2))
    cell.paste(text, (0, size.height + GAP // 2 + head.height))
    return cell


def _shown(panel: Panel, size: _Size) -> NDArray[np.uint8]:
    """Return the panel's picture at its size on the sheet, outlined where it is asked for."""
    smaller = size.width < panel.image.shape[1]
    # Enlarged pixels stay what they are: smoothing would mix an object into its background.
    way = cv2.INTER_AREA if smaller else cv2.INTER_NEAREST
    shown = cv2.resize(panel.image, (size.width, size.height), interpolation=way)
    pixels = np.ascontiguousarray(shown, dtype=np.uint8)
    if panel.outlined is None:
        return pixels
    share = cv2.resize(
        panel.outlined.astype(np.float32), (size.width, size.height), interpolation=way
    )
    # Parts thinner than a pixel of the sheet are outlined, too.
    found, _ = cv2.findContours((share > 0).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for color, thickness in ((_OUTLINE_EDGE, 5), (_OUTLINE, 2)):
        cv2.drawContours(pixels, found, -1, color, thickness, lineType=cv2.LINE_AA)
    return pixels


def _banner(sentences: tuple[str, ...], width: int) -> Image.Image:
    text = _text_block(sentences, _HEAD_POINTS, width=width - GAP, ink=_ALARM_INK, paper=_ALARM)
    banner = Image.new("RGB", (width, text.height + GAP), _ALARM)
    banner.paste(text, (GAP // 2, GAP // 2))
    return banner


def _text_block(
    lines: tuple[str, ...],
    points: int,
    *,
    width: int,
    ink: tuple[int, int, int],
    paper: tuple[int, int, int] = _PAPER,
) -> Image.Image:
    """Return `lines`, wrapped at `width`, as a picture of that width."""
    font = ImageFont.load_default(points)
    wrapped = [part for line in lines for part in _wrapped(line, font, width=width)]
    step = round(points * _LINE_HEIGHT)
    block = Image.new("RGB", (width, step * len(wrapped)), paper)
    draw = ImageDraw.Draw(block)
    for i, line in enumerate(wrapped):
        draw.text((0, i * step), line, font=font, fill=ink)
    return block


def _wrapped(
    line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, *, width: int
) -> list[str]:
    """Return `line` in pieces that fit in `width`: cut at spaces, or within a word too long."""
    pieces: list[str] = []
    for word in line.split():
        if pieces and font.getlength(f"{pieces[-1]} {word}") <= width:
            pieces[-1] = f"{pieces[-1]} {word}"
            continue
        rest = word
        while rest:
            fits = next(
                (n for n in range(len(rest), 1, -1) if font.getlength(rest[:n]) <= width), 1
            )
            pieces.append(rest[:fits])
            rest = rest[fits:]
    return pieces
