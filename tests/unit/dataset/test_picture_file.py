import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from harness.dataset.picture_file import read_picture
from harness.errors import ImageEditError, SourceDataError
from harness.records.base import sha256_hex


def noise(height=20, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(path, image, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(path, **options)
    return path


def with_depth_16(path, pixels):
    """Write uint16 pixels, RGB or RGBA or grey, as a PNG."""
    if pixels.ndim == 3:
        pixels = pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return path


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def test_eight_bits_are_read_as_they_are(tmp_path):
    path = saved(tmp_path / "x.png", noise())
    read = read_picture(path)
    assert np.array_equal(read.image, noise())
    assert read.size == read.stored_size == (30, 20)
    assert read.sha256 == sha256_hex(path.read_bytes())
    assert read.readings == ()


def test_jpeg_and_webp_are_read(tmp_path):
    flat = Image.new("RGB", (20, 16), (200, 100, 50))
    for path in (
        saved(tmp_path / "x.webp", flat, lossless=True),
        saved(tmp_path / "x.jpg", flat, quality=100, subsampling=0),
    ):
        assert np.abs(read_picture(path).image.astype(int) - (200, 100, 50)).max() <= 2


@pytest.mark.parametrize("kind", [".tiff", ".gif", ".bmp"])
def test_other_formats_are_refused_by_name(tmp_path, kind):
    path = saved(tmp_path / f"x{kind}", noise())
    with pytest.raises(SourceDataError, match=rf"x\{kind} is no PNG or JPEG or WEBP file"):
        read_picture(path)


def test_a_grey_picture_gets_three_equal_channels(tmp_path):
    grey = noise()[:, :, 0]
    read = read_picture(saved(tmp_path / "x.png", grey))
    assert np.array_equal(read.image, np.dstack([grey, grey, grey]))
    bits = Image.fromarray(grey > 100)
    assert set(np.unique(read_picture(saved(tmp_path / "b.png", bits)).image)) == {0, 255}


def test_a_palette_is_applied(tmp_path):
    picture = Image.new("P", (20, 20), 3)
    picture.putpalette([0, 0, 0, 1, 2, 3, 4, 5, 6, 70, 80, 90])
    assert read_picture(saved(tmp_path / "x.png", picture)).image[0, 0].tolist() == [70, 80, 90]


@pytest.mark.parametrize(
    ("level", "expected"), [(0, 0), (128, 0), (129, 1), (257, 1), (32768, 128), (65535, 255)]
)
def test_16_bits_become_the_nearest_level(tmp_path, level, expected):
    pixels = np.zeros((16, 16, 3), np.uint16)
    pixels[:, :, 1] = level
    read = read_picture(with_depth_16(tmp_path / "x.png", pixels))
    assert read.image[3, 4].tolist() == [0, expected, 0]
    assert read.readings == ("16 bits a channel rounded to 8",)
    grey = read_picture(with_depth_16(tmp_path / "g.png", pixels[:, :, 1]))
    assert grey.image[3, 4].tolist() == [expected] * 3


def test_16_bits_keep_the_order_of_channels_and_an_opaque_alpha_is_dropped(tmp_path):
    pixels = np.full((16, 16, 4), (65535, 257, 514, 65535), np.uint16)
    assert read_picture(with_depth_16(tmp_path / "x.png", pixels)).image[0, 0].tolist() == [
        255,
        1,
        2,
    ]
    pixels[5, 5, 3] = 65534
    with pytest.raises(SourceDataError, match="partly transparent"):
        read_picture(with_depth_16(tmp_path / "t.png", pixels))


def test_cmyk_without_a_profile_is_converted_and_says_how(tmp_path):
    # 40 % cyan on 20 % black: 255 * (1 - 0.4) * (1 - 0.2) = 122.4; the others 255 * 0.8 = 204
    ink = Image.new("CMYK", (32, 32), (102, 0, 0, 51))
    read = read_picture(saved(tmp_path / "x.jpg", ink, quality=100))
    assert np.abs(read.image[8, 8].astype(int) - (122, 204, 204)).max() <= 2
    (reading,) = read.readings
    assert reading.startswith(
        "CMYK without a usable colour profile converted to RGB as (255 - ink)"
    )


def test_cmyk_with_a_broken_profile_is_converted_without_it(tmp_path):
    ink = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    read = read_picture(saved(tmp_path / "x.jpg", ink, quality=100, icc_profile=b"no profile"))
    assert read.image[8, 8, 0] > 250
    assert "without a usable colour profile" in read.readings[0]


def test_a_profile_other_than_srgb_is_said_to_be_left_aside(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read_picture(saved(tmp_path / "s.png", noise(), icc_profile=srgb)).readings == ()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    read = read_picture(saved(tmp_path / "x.png", noise(), icc_profile=lab))
    assert np.array_equal(read.image, noise())
    assert read.readings == (
        "its colour profile (Lab identity built-in) not applied: levels are taken as sRGB",
    )


def test_an_opaque_alpha_channel_is_dropped_and_a_transparent_pixel_refused(tmp_path):
    with_alpha = Image.fromarray(np.dstack([noise(), np.full((20, 30), 255, np.uint8)]))
    assert np.array_equal(read_picture(saved(tmp_path / "x.png", with_alpha)).image, noise())
    with_alpha.putpixel((3, 4), (1, 2, 3, 254))
    with pytest.raises(SourceDataError, match=r"x\.png is partly transparent"):
        read_picture(saved(tmp_path / "x.png", with_alpha))
    palette = Image.new("P", (20, 20))
    with pytest.raises(SourceDataError, match="partly transparent"):
        read_picture(saved(tmp_path / "p.png", palette, transparency=0))


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("depth", [8, 16])
def test_every_exif_orientation_stands_upright(tmp_path, orientation, depth):
    path = tmp_path / "x.png"
    saved(path, noise(), exif=exif(orientation))
    expected = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    if depth == 16:
        # OpenCV writes no EXIF, so its chunk is carried over from the 8-bit file.
        data = path.read_bytes()
        start = data.index(b"eXIf") - 4
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        deep = with_depth_16(tmp_path / "d.png", noise().astype(np.uint16) * 257)
        after_header = 8 + 25
        content = deep.read_bytes()
        path.write_bytes(content[:after_header] + data[start:end] + content[after_header:])
    read = read_picture(path)
    assert np.array_equal(read.image, expected)
    assert read.readings[-1] == "turned upright by its EXIF orientation"
    assert read.stored_size == (30, 20)
    assert read.image.flags.c_contiguous


@pytest.mark.parametrize("tags", [b"Exif\0\0nonsense", exif(1).tobytes(), exif(77).tobytes()])
def test_exif_that_says_nothing_turns_nothing(tmp_path, tags):
    read = read_picture(saved(tmp_path / "x.jpg", noise(), exif=tags))
    assert (read.size, read.readings) == ((30, 20), ())


@pytest.mark.parametrize(("width", "height"), [(1, 1), (15, 400), (400, 15)])
def test_a_picture_too_small_to_edit_is_refused_with_its_size(tmp_path, width, height):
    path = saved(tmp_path / "x.png", Image.new("RGB", (width, height)))
    with pytest.raises(
        ImageEditError, match=rf"x\.png is {width}x{height} pixels, under 16 a side"
    ):
        read_picture(path)


def test_8k_is_read_and_more_than_can_be_handled_refused(tmp_path):
    path = saved(tmp_path / "8k.png", Image.new("RGB", (7680, 4320), (9, 8, 7)))
    assert read_picture(path).image.shape == (4320, 7680, 3)
    path = saved(tmp_path / "huge.png", Image.new("L", (20_000, 5_000)))
    with pytest.raises(SourceDataError, match="20000x5000 pixels, more than can be handled"):
        read_picture(path)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(tmp_path, kind):
    frames = [Image.fromarray(noise(seed=i)) for i in range(3)]
    path = saved(
        tmp_path / "x.any", frames[0], format=kind, save_all=True, append_images=frames[1:]
    )
    with pytest.raises(SourceDataError, match=r"x\.any is animated"):
        read_picture(path)


def test_the_first_view_of_a_phones_mpo_is_the_picture(tmp_path):
    views = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    path = saved(tmp_path / "x.jpg", views[0], format="MPO", save_all=True, append_images=views[1:])
    assert read_picture(path).image[5, 5, 0] > 250


def test_broken_and_missing_files_are_named(tmp_path):
    with pytest.raises(SourceDataError, match=r"there is no file .*x\.png"):
        read_picture(tmp_path / "x.png")
    with pytest.raises(SourceDataError, match="there is no file"):
        read_picture(tmp_path)
    buffer = io.BytesIO()
    Image.fromarray(noise()).save(buffer, "PNG")
    (tmp_path / "cut.png").write_bytes(buffer.getvalue()[:900])
    with pytest.raises(SourceDataError, match=r"cut\.png can't be decoded"):
        read_picture(tmp_path / "cut.png")
    deep = with_depth_16(tmp_path / "d.png", noise(200, 200).astype(np.uint16) * 200)
    deep.write_bytes(deep.read_bytes()[:9000])
    with pytest.raises(SourceDataError, match=r"d\.png"):
        read_picture(deep)
