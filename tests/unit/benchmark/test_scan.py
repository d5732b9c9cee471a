import json
from dataclasses import replace

import numpy as np
import pytest
from benchmark_fakes import RECIPE, SIZE, build_request, write_recipe, write_source
from source_trees.coco import write_coco_tree

from harness.benchmark.build import build_benchmark, find_sources
from harness.benchmark.scan import ScanPlan, scan_sources
from harness.cli.recipe_editors import known_editors
from harness.dataset.broken import BrokenReason
from harness.dataset.image_io import encode_gray_png
from harness.dataset.recipe_file import load_recipe
from harness.dataset.selection import NoObject
from harness.dataset.sources import list_sources
from harness.errors import SourceDataError

NEEDS_OBJECT = RECIPE.replace("require_object = false", "require_object = true")
SKIPPING = NEEDS_OBJECT.replace('description = "Ask the tests."', 'broken = "skip"')


class Count:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.total = 0

    def __call__(self, more: int) -> None:
        self.total += more


def scanning(tmp_path, text=NEEDS_OBJECT, **changes):
    loaded = write_recipe(tmp_path / "recipes", text=text)
    return build_request(tmp_path, loaded=loaded, **changes)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-40])


def test_every_image_is_counted_once(tmp_path):
    scan = find_sources(scanning(tmp_path))
    # Of 768 pixels, 256 are 33 %, 64 are 8 % and 8 are 1 %; the rule asks for 5 %.
    assert [(s.file.name, s.object_class, s.fraction) for s in scan.taken] == [
        ("a-large", "car", 0.333333),
        ("b-middling", "car", 0.083333),
    ]
    report = scan.report
    assert (report.found, report.taken, report.classes) == (4, 2, {"car": 2})
    assert report.left_out == {NoObject.NO_ALLOWED_CLASS: 1, NoObject.OBJECT_TOO_SMALL: 1}
    assert report.without_object == {}
    assert report.broken == {}


def test_sources_without_an_object_are_taken_where_the_recipe_needs_none(tmp_path):
    scan = find_sources(scanning(tmp_path, RECIPE))
    assert [s.object_class for s in scan.taken] == ["car", "car", None, None]
    assert scan.report.taken == 4
    assert scan.report.left_out == {}
    assert scan.report.without_object == {
        NoObject.NO_ALLOWED_CLASS: 1,
        NoObject.OBJECT_TOO_SMALL: 1,
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_processes_changes_nothing(tmp_path, workers):
    request = scanning(tmp_path)
    for number in range(40):
        pixels = 256 if number % 3 else 0
        write_source(request.source_root, f"more-{number:02}", object_pixels=pixels)
    here = find_sources(request)
    there = find_sources(replace(request, scan=ScanPlan(workers=workers)))
    assert there == here
    assert here.report.found == 44


def test_a_source_that_is_taken_is_decoded_before_any_is_edited(tmp_path):
    request = scanning(tmp_path)
    find_sources(request)
    cut_short(request.source_root / "test/images/b-middling.png")
    with pytest.raises(SourceDataError, match="b-middling") as caught:
        find_sources(request)
    assert 'broken = "skip"' in caught.value.remedy


def test_the_image_of_a_source_that_is_left_out_is_not_decoded(tmp_path):
    request = scanning(tmp_path)
    find_sources(request)
    cut_short(request.source_root / "test/images/d-none.png")
    assert find_sources(request).report.taken == 2


def test_broken_sources_are_counted_and_named_where_the_recipe_skips_them(tmp_path):
    request = scanning(tmp_path, SKIPPING)
    find_sources(request)
    cut_short(request.source_root / "test/images/b-middling.png")
    for number in range(3):  # so that the broken ones are not the most of them
        write_source(request.source_root, f"e-{number}", object_pixels=256)
    label = request.source_root / "test/labels/c-speck.png"
    label.write_bytes(encode_gray_png(np.zeros((SIZE[0], SIZE[1] - 1), np.uint8)))
    (request.source_root / "test/labels/d-none.png").unlink()

    scan = find_sources(request)
    assert [source.file.name for source in scan.taken] == ["a-large", "e-0", "e-1", "e-2"]
    assert scan.report.found == 7
    assert scan.report.broken == {
        BrokenReason.NO_LABEL: 1,
        BrokenReason.OTHER_SIZE: 1,
        BrokenReason.UNREADABLE: 1,
    }
    assert [(one.name, one.reason) for one in scan.report.named] == [
        ("b-middling", BrokenReason.UNREADABLE),
        ("c-speck", BrokenReason.OTHER_SIZE),
        ("d-none", BrokenReason.NO_LABEL),
    ]
    assert str(label) in scan.report.named[1].detail
    report = build_benchmark(request, scan, on_unit=lambda _: None)
    assert report.counts.broken == scan.report.broken
    assert report.counts.sources == 4


def test_a_set_that_is_mostly_broken_is_refused_whatever_the_rule(tmp_path):
    request = scanning(
        tmp_path, SKIPPING.replace("require_object = true", "require_object = false")
    )
    find_sources(request)
    for name in ("a-large", "b-middling", "c-speck"):
        (request.source_root / f"test/images/{name}.png").write_bytes(b"x")
    with pytest.raises(SourceDataError, match=r"3 of 4 images can't be used, .*a-large") as refused:
        find_sources(request)
    assert "Download" in refused.value.remedy


def test_a_scan_is_remembered_while_files_and_rules_stay(tmp_path):
    memory = tmp_path / "memory" / "tiny.json"
    request = scanning(tmp_path, scan=ScanPlan(workers=0, memory=memory))
    first = find_sources(request)
    # What is read back is what was written: a changed note shows.
    noted = json.loads(memory.read_text())
    noted["found"][0]["fraction"] = 0.5
    memory.write_text(json.dumps(noted))
    assert find_sources(request).taken[0].fraction == 0.5

    write_source(request.source_root, "a-large", object_pixels=192)
    assert find_sources(request).taken[0].fraction == 0.25

    other = write_recipe(tmp_path / "recipes", text=NEEDS_OBJECT.replace("n = 0.05", "n = 0.1", 1))
    assert len(find_sources(replace(request, loaded=other)).taken) == 1
    assert len(first.taken) == 2


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"key": "x"}', b'{"key": "x", "found": [{"a": 1}]}']
)
def test_a_broken_memory_is_no_memory(tmp_path, content):
    memory = tmp_path / "tiny.json"
    request = scanning(tmp_path, scan=ScanPlan(workers=0, memory=memory))
    whole = find_sources(request)
    memory.write_bytes(content)
    assert find_sources(request) == whole


def test_a_remembered_broken_source_is_refused_as_well(tmp_path):
    memory = tmp_path / "tiny.json"
    skipping = scanning(tmp_path, SKIPPING, scan=ScanPlan(workers=0, memory=memory))
    find_sources(skipping)
    cut_short(skipping.source_root / "test/images/a-large.png")
    assert find_sources(skipping).report.broken == {BrokenReason.UNREADABLE: 1}
    strict = write_recipe(
        tmp_path / "recipes", text=SKIPPING.replace('broken = "skip"', 'broken = "refuse"')
    )
    with pytest.raises(SourceDataError, match="a-large"):
        find_sources(replace(skipping, loaded=strict))


def test_a_scan_is_not_remembered_for_other_instances(tmp_path, pytestconfig):
    recipes = pytestconfig.rootpath / "benchmark_data/recipes"
    loaded = load_recipe("coco-ea", recipes, known=known_editors())
    write_coco_tree(tmp_path / "coco")
    path = tmp_path / "coco/annotations/instances_val2017.json"
    whole = path.read_text()
    request = build_request(
        tmp_path,
        loaded=loaded,
        source_root=tmp_path / "coco",
        scan=ScanPlan(workers=0, memory=tmp_path / "memory.json"),
    )
    assert find_sources(request).report.taken == 3
    document = json.loads(whole)
    couch = document["annotations"][0]["image_id"]
    document["annotations"] = [a for a in document["annotations"] if a["image_id"] != couch]
    path.write_text(json.dumps(document))
    assert find_sources(request).report.taken == 2
    # Without the file nothing has instances, which is no selection but a part that is missing.
    path.unlink()
    with pytest.raises(SourceDataError, match="not one of 4 images has instances") as refused:
        find_sources(request)
    assert "annotations_trainval2017.zip" in refused.value.remedy
    path.write_text(whole)
    assert find_sources(request).report.taken == 3


def test_progress_is_told_of_every_image(tmp_path):
    request = scanning(tmp_path, RECIPE)
    listing = list_sources(request.loaded.recipe.source, request.source_root)
    count = Count()
    scan_sources(listing, request.loaded, plan=ScanPlan(workers=0), on_scanned=count)
    assert count.total == 4
