import numpy as np
import pytest
from skimage.metrics import structural_similarity

from harness.acceptance.ssim import RADIUS, background_ssim, ssim_map

NOTHING = np.zeros((40, 50), np.bool_)


def noise(seed, shape=(40, 50, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def reference_map(first, second):
    """SSIM by scikit-image with the parameters of the paper, at every pixel."""
    _, full = structural_similarity(
        first,
        second,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return full


def luminance(image):
    return image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def test_the_map_is_scikit_images():
    first, second = luminance(noise(1)), luminance(noise(2))
    np.testing.assert_allclose(ssim_map(first, second), reference_map(first, second), atol=1e-9)


def test_the_mean_is_over_the_centres_outside_with_the_sources_pixels_inside():
    before, after = noise(3), noise(4)
    touched = NOTHING.copy()
    touched[10:25, 12:30] = True
    new = np.where(touched, luminance(before), luminance(after))
    expected = reference_map(luminance(before), new)[~touched].mean()
    assert background_ssim(before, after, touched=touched) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (20, 25), (39, 49), (3, 44)])
def test_a_single_pixel_is_found_wherever_it_lies(row, column):
    before = noise(5)
    after = before.copy()
    after[row, column] ^= 255
    expected = reference_map(luminance(before), luminance(after)).mean()
    found = background_ssim(before, after, touched=NOTHING)
    assert found == pytest.approx(expected, abs=1e-9)
    assert found < 1


def test_two_flat_pictures_by_hand():
    # no variance: SSIM = (2·m1·m2 + C1) / (m1² + m2² + C1), and grey has its own luminance
    before = np.full((40, 50, 3), 100, np.uint8)
    after = np.full((40, 50, 3), 150, np.uint8)
    c1 = 2.55**2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert background_ssim(before, after, touched=NOTHING) == pytest.approx(expected, abs=1e-9)


def test_what_happens_inside_touched_does_not_matter():
    before = noise(6)
    touched = NOTHING.copy()
    touched[10:20, 10:20] = True
    inside_only = before.copy()
    inside_only[touched] ^= 255
    assert background_ssim(before, inside_only, touched=touched) is None
    spilt = before.copy()
    spilt[5, 5] ^= 255
    with_object = spilt.copy()
    with_object[touched] = 0
    assert background_ssim(before, with_object, touched=touched) == pytest.approx(
        background_ssim(before, spilt, touched=touched), abs=1e-12
    )


def test_there_is_none_where_nothing_differs_or_nothing_is_outside():
    before = noise(7)
    assert background_ssim(before, before.copy(), touched=NOTHING) is None
    assert background_ssim(before, noise(8), touched=~NOTHING) is None


def test_a_picture_smaller_than_the_window_has_a_value():
    before, after = noise(9, (RADIUS, 4, 3)), noise(10, (RADIUS, 4, 3))
    found = background_ssim(before, after, touched=np.zeros((RADIUS, 4), np.bool_))
    assert found is not None
    assert -1 <= found < 1
