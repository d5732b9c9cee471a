import base64
import hashlib
import io

import numpy as np
import pytest
from PIL import Image
from source_trees.drawing import few_bits_png

from harness.dataset.image_io import (
    decode_label,
    decode_mask,
    decode_rgb,
    encode_gray_png,
    encode_rgb_png,
    pixel_sha256,
    read_file,
    read_stored_size,
    signature,
    signature_psnr,
)
from harness.errors import SourceDataError


def read_rgb(path):
    return decode_rgb(read_file(path), name=str(path))


def read_label(path):
    return decode_label(read_file(path), name=str(path))


def read_mask(path):
    return decode_mask(read_file(path), name=str(path))


def noise(height=24, width=36, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(path, image, **options):
    image.save(path, **options)
    return path


def chunks(png):
    at, names = 8, []
    while at < len(png):
        names.append(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    return names


def test_png_keeps_every_pixel(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(encode_rgb_png(noise()))
    assert np.array_equal(read_rgb(path), noise())


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_the_stored_size_is_in_the_header(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    path = saved(tmp_path / f"x.{suffix}", Image.new("RGB", (20, 10)), exif=exif)
    assert read_stored_size(path) == (20, 10)


def test_a_size_that_can_not_be_read_is_refused_by_name(tmp_path):
    with pytest.raises(SourceDataError, match=r"x\.png is missing"):
        read_stored_size(tmp_path / "x.png")
    (tmp_path / "x.png").write_bytes(b"GIF89a")
    with pytest.raises(SourceDataError, match=r"x\.png is no PNG or JPEG or WEBP file"):
        read_stored_size(tmp_path / "x.png")


def test_webp_and_jpeg_are_read(tmp_path):
    flat = Image.new("RGB", (20, 10), (200, 100, 50))
    lossless = saved(tmp_path / "x.webp", flat, lossless=True)
    assert (read_rgb(lossless) == (200, 100, 50)).all()
    jpeg = saved(tmp_path / "x.jpg", flat, quality=95)
    assert np.abs(read_rgb(jpeg).astype(int) - (200, 100, 50)).max() <= 3


def test_exif_orientation_is_applied(tmp_path):
    image = Image.new("RGB", (4, 2), (0, 0, 0))
    image.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    path = saved(tmp_path / "x.png", image, exif=exif)
    pixels = read_rgb(path)
    assert pixels.shape == (4, 2, 3)
    assert tuple(pixels[0, 1]) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA"])
def test_modes_with_one_reading_become_rgb(tmp_path, mode):
    path = saved(tmp_path / "x.png", Image.new("RGB", (3, 2), (255, 255, 255)).convert(mode))
    assert (read_rgb(path) == 255).all()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image.new("I;16", (3, 2)), "mode I;16"),
        (Image.new("RGBA", (3, 2), (1, 2, 3, 128)), "partly transparent"),
        (Image.new("LA", (3, 2), (1, 128)), "partly transparent"),
    ],
)
def test_modes_without_one_reading_are_refused(tmp_path, image, words):
    path = saved(tmp_path / "x.png", image)
    with pytest.raises(SourceDataError, match=words):
        read_rgb(path)


def test_cmyk_is_refused(tmp_path):
    path = saved(tmp_path / "x.jpg", Image.new("CMYK", (3, 2)))
    with pytest.raises(SourceDataError, match="mode CMYK"):
        read_rgb(path)


def test_transparency_of_a_palette_is_seen(tmp_path):
    image = Image.new("P", (3, 2))
    image.putpalette([10, 20, 30] * 256)
    path = saved(tmp_path / "x.png", image, transparency=0)
    with pytest.raises(SourceDataError, match="partly transparent"):
        read_rgb(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_truncated_file_is_refused(tmp_path, suffix):
    path = saved(tmp_path / f"x.{suffix}", Image.fromarray(noise()))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(SourceDataError, match=rf"x\.{suffix}"):
        read_rgb(path)


def test_other_bytes_and_no_file_are_refused(tmp_path):
    (tmp_path / "x.png").write_bytes(b"GIF89a not really")
    with pytest.raises(SourceDataError, match="is no PNG or JPEG or WEBP file"):
        read_rgb(tmp_path / "x.png")
    with pytest.raises(SourceDataError, match="is missing"):
        read_rgb(tmp_path / "y.png")


def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path):
    path = saved(tmp_path / "x.png", Image.new("1", (10_000, 8_001)))
    with pytest.raises(SourceDataError, match="10000x8001 pixels"):
        read_rgb(path)


def test_labels_keep_ids_and_ignore_palettes(tmp_path):
    ids = np.arange(6, dtype=np.uint8).reshape(2, 3)
    (tmp_path / "l.png").write_bytes(encode_gray_png(ids))
    assert np.array_equal(read_label(tmp_path / "l.png"), ids)

    with_palette = Image.fromarray(ids, mode="L").convert("P")
    with_palette.putdata(list(range(6)))
    with_palette.putpalette([9, 9, 9] * 256)
    assert np.array_equal(read_label(saved(tmp_path / "p.png", with_palette)), ids)

    with pytest.raises(SourceDataError, match="mode RGB"):
        read_label(saved(tmp_path / "rgb.png", Image.fromarray(noise())))


def test_masks_are_where_the_file_is_not_0(tmp_path):
    (tmp_path / "m.png").write_bytes(encode_gray_png(np.array([[0, 1, 255]], np.uint8)))
    assert read_mask(tmp_path / "m.png").tolist() == [[False, True, True]]
    one_bit = saved(
        tmp_path / "1.png", Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    )
    assert read_mask(one_bit).tolist() == [[False, True]]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("palette", [False, True])
def test_ids_of_few_bits_are_the_stored_values(bits, palette):
    ids = np.arange(2**bits, dtype=np.uint8).reshape(2, -1)
    png = few_bits_png(ids, bits=bits, palette=palette)
    assert decode_label(png, name="x").tolist() == ids.tolist()
    assert decode_mask(png, name="x").tolist() == (ids != 0).tolist()


def test_ids_of_16_bits_are_refused(tmp_path):
    path = saved(tmp_path / "deep.png", Image.fromarray(np.full((2, 3), 300, np.uint16)))
    with pytest.raises(SourceDataError, match="has mode I;16, not one channel of 8 bits"):
        read_label(path)


def test_encoded_files_hold_no_metadata():
    gray = encode_gray_png(np.zeros((5, 5), np.uint8))
    for png in (encode_rgb_png(noise()), gray):
        assert set(chunks(png)) == {b"IHDR", b"IDAT", b"IEND"}
    assert Image.open(io.BytesIO(gray)).mode == "L"


def test_pixel_digests_are_those_of_the_manifests_definition():
    image = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    assert pixel_sha256(image) == hashlib.sha256(b"2x1x3:\x01\x02\x03\x04\x05\x06").hexdigest()
    label = np.array([[7], [8]], np.uint8)
    assert pixel_sha256(label) == hashlib.sha256(b"1x2x1:\x07\x08").hexdigest()
    turned = np.array([[1, 3], [2, 4]], np.uint8).T
    assert pixel_sha256(turned) == hashlib.sha256(b"2x2x1:\x01\x02\x03\x04").hexdigest()


def test_the_signature_is_the_mean_of_each_cell_rounded_half_up():
    image = np.zeros((18, 24, 3), np.uint8)
    image[0:2, 0:2, 0] = [[1, 2], [3, 4]]  # mean 2.5
    image[16:18, 22:24, 2] = [[0, 0], [0, 1]]  # mean 0.25
    grid = np.frombuffer(base64.b64decode(signature(image)), np.uint8).reshape(9, 12, 3)
    assert grid[0, 0].tolist() == [3, 0, 0]
    assert grid[8, 11].tolist() == [0, 0, 0]
    assert int(grid.sum()) == 3


def test_the_signature_of_a_tiny_image_has_the_same_size():
    flat = np.full((2, 5, 3), 77, np.uint8)
    assert base64.b64decode(signature(flat)) == bytes([77]) * 12 * 9 * 3


def test_signature_psnr():
    one = base64.b64encode(bytes(324)).decode()
    other = base64.b64encode(bytes([1]) * 324).decode()
    assert signature_psnr(one, one) is None
    assert signature_psnr(one, other) == pytest.approx(48.1308, abs=1e-4)  # 20 log10 255
    assert signature_psnr(one, "AAAA") == 0.0
    assert signature_psnr(one, "?") == 0.0
