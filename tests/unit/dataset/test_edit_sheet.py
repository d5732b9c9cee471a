import numpy as np
import pytest

from harness.dataset.edit_sheet import GAP, MARGIN, Panel, draw_sheet

WHITE = 255


def panel(color, *, size=(60, 80), head="color=violet", text=("a photo of a car",), outlined=None):
    image = np.full((*size, 3), color, np.uint8)
    return Panel(image=image, head=head, text=text, outlined=outlined)


def sheet(count, *, size=(60, 80), warnings=(), **options):
    panels = tuple(panel((10 * i, 90, 200), size=size, **options) for i in range(count))
    return draw_sheet(panels, title="car.png", warnings=warnings)


def boxes(drawn, color):
    """Return where a picture of one colour stands: top, bottom, left, right."""
    rows, columns = np.nonzero((drawn == color).all(axis=2))
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_margins_are_white_and_even_and_pictures_stand_a_gap_apart():
    drawn = sheet(2)
    assert drawn.dtype == np.uint8
    ink = (drawn != WHITE).any(axis=2)
    assert not ink[:MARGIN].any()
    assert not ink[-MARGIN:].any()
    assert not ink[:, :MARGIN].any()
    assert not ink[:, -MARGIN:].any()
    first, second = boxes(drawn, (0, 90, 200)), boxes(drawn, (10, 90, 200))
    assert first[:2] == second[:2]
    # a rim of one pixel on both sides
    assert second[2] - first[3] - 1 == GAP + 2
    assert first[2] == MARGIN + 1
    assert second[3] == drawn.shape[1] - MARGIN - 2


def test_pictures_keep_their_aspect():
    for size in ((60, 80), (200, 50), (31, 311)):
        top, bottom, left, right = boxes(sheet(3, size=size), (0, 90, 200))
        aspect = (right - left + 3) / (bottom - top + 3)
        assert aspect == pytest.approx(size[1] / size[0], rel=0.01)


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 2), (12, 3)])
def test_many_pictures_wrap_into_rows(count, rows):
    drawn = sheet(count)
    tops = {boxes(drawn, (10 * i, 90, 200))[0] for i in range(count)}
    assert len(tops) == rows
    assert drawn.shape[1] < 2700


def test_long_captions_wrap_and_a_word_too_long_is_cut():
    short, long = sheet(2), sheet(2, text=("many words " * 40, "x" * 400))
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] > short.shape[0] + 100
    ink = (long != WHITE).any(axis=2)
    assert not ink[:, -MARGIN:].any()


def test_a_warning_stands_on_a_band_over_the_pictures():
    plain, warned = sheet(2), sheet(2, warnings=("These pictures mean nothing.",))
    band = boxes(warned, (255, 224, 130))
    assert band[2:] == (MARGIN, warned.shape[1] - MARGIN - 1)
    assert band[1] < boxes(warned, (0, 90, 200))[0]
    assert warned.shape[0] > plain.shape[0]


def test_the_outline_follows_the_mask_and_spares_its_middle():
    mask = np.zeros((60, 80), np.bool_)
    mask[20:40, 20:60] = True
    source = panel((90, 90, 90), outlined=mask)
    drawn = draw_sheet((source,), title="t", warnings=())
    top, bottom, left, right = boxes(drawn, (255, 214, 0))
    y0, _, x0, x1 = boxes(drawn, (90, 90, 90))
    scale = (x1 - x0 + 3) / 80
    assert (top - y0) / scale == pytest.approx(20, abs=1)
    assert (bottom - y0) / scale == pytest.approx(40, abs=1)
    assert (left - x0) / scale == pytest.approx(20, abs=1)
    assert (right - x0) / scale == pytest.approx(60, abs=1)
    middle = drawn[round(y0 + 30 * scale), round(x0 + 40 * scale)]
    assert middle.tolist() == [90, 90, 90]
    assert (source.image == 90).all()


def test_a_part_thinner_than_a_pixel_of_the_sheet_is_outlined():
    mask = np.zeros((2000, 3000), np.bool_)
    mask[1000, 1500] = True
    drawn = draw_sheet(
        (panel((90, 90, 90), size=(2000, 3000), outlined=mask),), title="t", warnings=()
    )
    assert ((drawn == (255, 214, 0)).all(axis=2)).any()
