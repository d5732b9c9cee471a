"""Which sources are found to be impossible before anything is edited, and what that reads."""

from dataclasses import replace

import numpy as np
import pytest
from benchmark_fakes import RECIPE, SIZE, build_request, tree, write_recipe

from harness.benchmark.build import build_benchmark, find_sources
from harness.benchmark.preflight import fit_sources
from harness.dataset.broken import BrokenReason
from harness.dataset.image_io import encode_gray_png, encode_rgb_png
from harness.errors import ImageEditError, SourceDataError

HEIGHT, WIDTH = SIZE


class SizePreflight:
    """Takes images of some sizes, and can edit only those."""

    def __init__(self, *sizes):
        self.sizes, self.checked = sizes, []

    def fits(self, height, width):
        return (height, width) in self.sizes or (width, height) in self.sizes

    def check(self, job):
        self.checked.append(job.source.image.shape[:2])
        if self.checked[-1] not in self.sizes:
            msg = "the image is too narrow"
            raise ImageEditError(msg, remedy="Crop it.")


USUAL = SizePreflight((HEIGHT, WIDTH))


def check(request, preflight, scan=None):
    scan = scan or find_sources(request)
    return fit_sources(scan, request.loaded, preflight, prompts=request.prompts)


def narrow(request, name):
    """Make one source a line of 8 rows."""
    root = request.source_root / "test"
    pixels = np.zeros((8, 200, 3), np.uint8)
    (root / "images" / f"{name}.png").write_bytes(encode_rgb_png(pixels))
    label = np.full((8, 200), 3, np.uint8)
    (root / "labels" / f"{name}.png").write_bytes(encode_gray_png(label))


def test_of_sources_that_fit_only_the_header_is_read(tmp_path):
    request = build_request(tmp_path)
    scan = find_sources(request)
    for image in (request.source_root / "test" / "images").iterdir():
        image.write_bytes(image.read_bytes()[:60])
    preflight = SizePreflight((HEIGHT, WIDTH))
    assert check(request, preflight, scan) is scan
    assert preflight.checked == []


def test_what_can_not_be_edited_is_named_with_the_others(tmp_path):
    request = build_request(tmp_path)
    narrow(request, "b-middling")
    narrow(request, "d-none")
    with pytest.raises(ImageEditError) as refused:
        check(request, USUAL)
    assert str(refused.value).endswith(
        "b-middling.png: the image is too narrow; nor can d-none.png be edited"
    )
    assert refused.value.remedy == "Crop it."


def test_many_are_counted(tmp_path):
    request = build_request(tmp_path)
    scan = find_sources(request)
    scan = replace(scan, taken=scan.taken * 2)
    with pytest.raises(ImageEditError, match=r"a-large\.png: .* and 2 more be edited"):
        check(request, SizePreflight(), scan)


def test_a_source_that_the_recipe_leaves_out_may_have_any_size(tmp_path):
    text = RECIPE.replace("require_object = false", "require_object = true")
    request = build_request(tmp_path, loaded=write_recipe(tmp_path / "recipes", text=text))
    narrow(request, "d-none")
    check(request, USUAL)


def test_a_file_that_is_no_image_is_refused_by_name(tmp_path):
    request = build_request(tmp_path)
    scan = find_sources(request)
    scan.files[2].image.write_bytes(b"no image")
    with pytest.raises(SourceDataError, match=r"c-speck\.png is no PNG"):
        check(request, USUAL, scan)


def test_what_can_not_be_edited_is_left_out_and_named_where_the_recipe_skips_such(tmp_path):
    text = RECIPE.replace('description = "Ask the tests."', 'broken = "skip"')
    loaded = write_recipe(tmp_path / "recipes", text=text)
    request = build_request(tmp_path, loaded=loaded, preflight=USUAL)
    narrow(request, "b-middling")
    report = build_benchmark(request, find_sources(request))
    assert report.counts.broken == {BrokenReason.NOT_EDITABLE: 1}
    assert report.counts.sources == 3

    fitting = check(request, USUAL)
    assert [file.name for file in fitting.files] == ["a-large", "c-speck", "d-none"]
    (named,) = fitting.report.named
    assert named.detail.endswith("b-middling.png: the image is too narrow")
    assert (fitting.report.taken, fitting.report.classes) == (3, {"car": 1})


def test_a_build_asks_before_it_opens_its_editor(tmp_path):
    def never(_worker):
        pytest.fail("the editor was opened")

    request = build_request(tmp_path, preflight=SizePreflight(), editor_factory=never)
    with pytest.raises(ImageEditError, match="too narrow"):
        build_benchmark(request, find_sources(request), on_unit=lambda _: None)
    assert tree(request.folder) == {}
