"""What holds for every value: who is changed, what stays, what is refused, and same pixels."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from edited_scenes import EVERY, VOC, digest, editor, one, request, source, street, textured
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.editing.procedural.editor import ProceduralEditor
from harness.editing.procedural.values import VALUES
from harness.errors import ImageEditError
from harness.records.attributes import Attribute, Edit, Scope
from harness.records.recipe import ProceduralEditorSpec

LOCAL = tuple(e for e in EVERY if e.split("=")[0] in ("color", "material", "pattern"))
GLOBAL = tuple(e for e in EVERY if e.split("=")[0] in ("style", "weather"))
GEOMETRY = tuple(e for e in EVERY if e.split("=")[0] in ("size", "position"))


def test_every_attribute_has_values_and_every_value_is_a_legal_edit() -> None:
    assert set(VALUES) == set(Attribute)
    for attribute, values in VALUES.items():
        assert len(set(values)) == len(values) > 0
        for value in values:
            assert str(Edit(attribute=attribute, value=value)) == f"{attribute.value}={value}"


def test_the_paper_values_are_there() -> None:
    wanted = {
        Attribute.COLOR: "violet pink blue green orange multi",
        Attribute.MATERIAL: "wood stone metal paper glass cloth",
        Attribute.PATTERN: "striped dotted plaid tiled",
        Attribute.STYLE: "painting sketch oil-pastel",
        Attribute.WEATHER: "snowy rainy foggy night",
        Attribute.SIZE: "larger smaller",
        Attribute.POSITION: "left right",
    }
    for attribute, names in wanted.items():
        assert set(names.split()) <= set(VALUES[attribute])


@pytest.mark.parametrize("edit", LOCAL)
def test_a_local_edit_changes_the_object_and_not_one_pixel_else(edit: str) -> None:
    scene = street()
    before = scene.image.copy()
    result = one(scene, edit)
    assert np.array_equal(result.image[~scene.mask], before[~scene.mask])
    change = np.abs(result.image.astype(int) - before)[scene.mask].mean() / 255
    assert change > 0.03
    assert np.array_equal(result.label, scene.label)
    assert np.array_equal(result.mask, scene.mask)
    assert result.visible_fraction is None
    assert np.array_equal(scene.image, before)


@pytest.mark.parametrize("edit", GLOBAL)
def test_a_global_edit_changes_the_image_and_keeps_the_label(edit: str) -> None:
    scene = street()
    result = one(scene, edit)
    change = np.abs(result.image.astype(int) - scene.image).mean() / 255
    assert change > 0.03
    assert np.array_equal(result.label, scene.label)
    assert np.array_equal(result.mask, scene.mask)
    assert result.visible_fraction is None


@pytest.mark.parametrize("edit", GLOBAL)
def test_a_global_edit_needs_no_object(edit: str) -> None:
    scene = source(textured(48, 64, 1), None, object_class=None)
    result = one(scene, edit)
    assert result.mask is None
    assert result.image.shape == (48, 64, 3)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(16, 70),
    width=st.integers(16, 70),
    seed=st.integers(0, 2**63 - 1),
    edit=st.sampled_from(LOCAL),
    share=st.sampled_from((0.002, 0.1, 0.5, 1.0)),
)
def test_outside_any_mask_of_any_size_nothing_changes(
    height: int, width: int, seed: int, edit: str, share: float
) -> None:
    random = np.random.Generator(np.random.Philox(seed))
    mask = random.random((height, width)) < share
    mask[height // 2, width // 2] = True
    image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    result = one(source(image, mask), edit, seed=seed)
    assert result.image.dtype == np.uint8
    assert np.array_equal(result.image[~mask], image[~mask])


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(16, 60),
    width=st.integers(16, 60),
    seed=st.integers(0, 2**32),
    edit=st.sampled_from(GEOMETRY + GLOBAL),
    kind=st.sampled_from(("full", "dot", "noise", "box")),
)
def test_odd_sizes_and_masks_are_edited_too(
    height: int, width: int, seed: int, edit: str, kind: str
) -> None:
    random = np.random.Generator(np.random.Philox(seed))
    mask = np.zeros((height, width), np.bool_)
    mask[height // 2, width // 2] = True
    if kind == "full":
        mask[:] = True
    elif kind == "noise":
        mask |= random.random(mask.shape) < 0.3
    elif kind == "box":
        mask[: height // 2, width // 3 :] = True
    image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    scene = source(image, mask)
    result = one(scene, edit, seed=seed)
    assert result.image.shape == image.shape
    assert set(np.unique(result.label)) <= set(np.unique(scene.label))


def test_order_repetition_and_company_of_requests_change_no_pixel() -> None:
    scene = street()
    requests = tuple(request(edit, seed=40 + i) for i, edit in enumerate(EVERY))
    together = [digest(r) for r in editor().edit(scene, requests)]
    used = editor()
    backwards = [digest(r) for r in used.edit(scene, requests[::-1])][::-1]
    alone = [digest(used.edit(scene, (r,))[0]) for r in requests]
    assert together == backwards == alone
    assert len(set(together)) == len(EVERY)


@pytest.mark.parametrize("edit", ["material=wood", "pattern=dotted", "style=painting"])
def test_another_seed_gives_another_picture(edit: str) -> None:
    assert digest(one(street(), edit, seed=1)) != digest(one(street(), edit, seed=2))


_OTHER_PROCESS = """
import cv2
from edited_scenes import EVERY, digest, editor, request, street
cv2.setNumThreads({threads})
requests = tuple(request(edit) for edit in EVERY)
print(",".join(digest(result) for result in editor().edit(street(), requests)))
"""


def test_other_processes_and_other_cpus_paint_the_same_pixels(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that may use neither IPP nor AVX stands in for another machine."""
    here = ",".join(digest(r) for r in editor().edit(street(), tuple(map(request, EVERY))))
    monkeypatch.setenv("PYTHONPATH", f"{project_root}:{project_root / 'tests'}")
    fresh = _painted_elsewhere(threads=2)
    monkeypatch.setenv("OPENCV_IPP", "disabled")
    monkeypatch.setenv("OPENCV_CPU_DISABLE", "AVX512-SKX,AVX2,AVX,FP16")
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "X86_V3 X86_V4 AVX2 FMA3 AVX512F")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    plain = _painted_elsewhere(threads=1)
    assert fresh == here
    assert plain == here


def _painted_elsewhere(threads: int) -> str:
    script = _OTHER_PROCESS.format(threads=threads)
    return subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_strength_stops_an_edit_half_way() -> None:
    scene = street()
    for edit in ("color=violet", "weather=foggy"):
        full = editor(1.0).edit(scene, (request(edit),))[0].image.astype(int)
        half = editor(0.5).edit(scene, (request(edit),))[0].image.astype(int)
        whole_way = np.abs(full - scene.image).mean()
        assert 0.4 < np.abs(half - scene.image).mean() / whole_way < 0.6


@pytest.mark.parametrize("edit", LOCAL[:1] + GEOMETRY)
@pytest.mark.parametrize(("mask", "says"), [(None, "no object mask"), ("empty", "is empty")])
def test_an_edit_of_an_object_that_is_not_there_is_refused(
    edit: str, mask: str | None, says: str
) -> None:
    given_mask = None if mask is None else np.zeros((48, 64), np.bool_)
    with pytest.raises(ImageEditError, match=says) as caught:
        one(source(textured(48, 64, 1), given_mask), edit)
    assert edit in str(caught.value)


def test_an_unknown_value_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ImageEditError, match="color has no value 'mauve'") as caught:
        one(street(), "color=mauve")
    assert "violet" in caught.value.remedy


@pytest.mark.parametrize("amount", [0.0, -0.1, 1.5, float("nan")])
def test_an_amount_out_of_range_is_refused(amount: float) -> None:
    with pytest.raises(ImageEditError, match="amount"):
        one(street(), "size=larger", amount=amount)


@pytest.mark.parametrize(
    ("image", "label", "mask", "says"),
    [
        (np.zeros((48, 64, 3), np.float32), None, None, "image is float32"),
        (np.zeros((48, 64), np.uint8), None, None, "image is uint8 \\[48, 64\\]"),
        (np.zeros((48, 64, 4), np.uint8), None, None, "image is uint8 \\[48, 64, 4\\]"),
        (np.zeros((15, 64, 3), np.uint8), None, None, "under 16 pixels"),
        (np.zeros((48, 64, 3), np.uint8), np.zeros((48, 64), np.uint16), None, "label is uint16"),
        (np.zeros((48, 64, 3), np.uint8), np.zeros((64, 48), np.uint8), None, "label is uint8"),
        (np.zeros((48, 64, 3), np.uint8), None, np.ones((48, 64), np.uint8), "mask is uint8"),
        (np.zeros((48, 64, 3), np.uint8), None, np.ones((48, 63), np.bool_), "mask is bool"),
    ],
)
def test_a_malformed_source_is_refused(
    image: np.ndarray, label: np.ndarray | None, mask: np.ndarray | None, says: str
) -> None:
    fitting = np.zeros(image.shape[:2], np.uint8) if label is None else label
    with pytest.raises(ImageEditError, match=says):
        one(source(image, mask, label=fitting, space=VOC), "style=sketch")


def test_another_algorithm_is_refused() -> None:
    with pytest.raises(ImageEditError, match="algorithm 1, not 2"):
        ProceduralEditor(ProceduralEditorSpec(algorithm=2))


def test_scopes_cover_all_values() -> None:
    assert len(LOCAL) + len(GLOBAL) + len(GEOMETRY) == len(EVERY)
    assert {Edit(attribute=Attribute(e.split("=")[0]), value="x").scope for e in GEOMETRY} == {
        Scope.GEOMETRY
    }
