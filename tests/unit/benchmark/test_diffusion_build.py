"""Builds whose editor works on batches, on a device, by UNet passes: everything but the pixels."""

import json

import pytest
from benchmark_fakes import FakeEditor, build_request, tree, write_recipe, write_source
from diffusion_fakes import DEVICE, DIFFUSION_RECIPE, FakeBatchEditor, nudged, on_device

from harness.benchmark.build import build_benchmark, find_sources, write_lock
from harness.benchmark.verify import Promise, verify_benchmark
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import DeviceError, ImageEditError, WeightsError
from harness.records.diffusion import Precision
from harness.records.editing import UNetPasses
from harness.records.manifest import Verdict


def build(request, on_unit=lambda _: None):
    return build_benchmark(request, find_sources(request), on_unit=on_unit)


def diffusion_request(tmp_path, *changes, **others):
    text = DIFFUSION_RECIPE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    loaded = write_recipe(tmp_path / "recipes", text=text)
    return build_request(tmp_path, **{"loaded": loaded, "editor_factory": FakeBatchEditor} | others)


def pixels(request):
    return {s.id: s.pixel_sha256 for s in BenchmarkFolder(request.folder).samples()}


def killed_at(number):
    seen = []

    def on_unit(unit):
        seen.append(unit)
        if len(seen) == number:
            raise KeyboardInterrupt

    return on_unit


def test_the_header_says_what_the_networks_computed_on(tmp_path):
    request = diffusion_request(tmp_path)
    build(request)
    device = BenchmarkFolder(request.folder).header().environment.device
    assert device == DEVICE.any_number()
    assert (device.device, device.weights) == ("cuda", {"unet/config.json": "a" * 64})


def test_passes_and_seconds_are_summed_and_kept_with_the_units(tmp_path):
    request = diffusion_request(tmp_path)
    cost = build(request).cost
    # a-large has 5 edits, b-middling 3, c-speck and d-none the sketch alone: 10, of 4 inversions.
    assert cost.edits == 10
    assert cost.passes == UNetPasses(inversion=40, sampling=200, guidance=30)
    assert cost.passes_per_edit == 27.0
    assert cost.seconds_per_edit == pytest.approx(cost.seconds / 10, abs=1e-3)
    again = build(request)
    assert again.counts.kept_sources == 4
    assert again.cost == cost


def test_a_build_without_a_unet_has_no_cost_and_no_device(tmp_path):
    request = build_request(tmp_path)
    assert build(request).cost is None
    assert BenchmarkFolder(request.folder).header().environment.device is None


@pytest.mark.parametrize(
    ("size", "batches"), [(1, [1, 1, 1, 1]), (2, [2, 2]), (3, [3, 1]), (64, [4])]
)
def test_sources_are_edited_in_groups_by_their_place(tmp_path, size, batches):
    editors = []

    def factory(worker):
        editors.append(FakeBatchEditor(worker))
        return editors[-1]

    change = ("sources_per_batch = 2", f"sources_per_batch = {size}")
    build(diffusion_request(tmp_path, change, editor_factory=factory))
    assert editors[0].batches == batches


def test_a_source_without_edits_is_in_no_batch(tmp_path):
    editors = []

    def factory(worker):
        editors.append(FakeBatchEditor(worker))
        return editors[-1]

    only_color = DIFFUSION_RECIPE.split("[[edits]]")
    text = "[[edits]]".join(only_color[:2])
    loaded = write_recipe(tmp_path / "recipes", text=text)
    report = build(diffusion_request(tmp_path, loaded=loaded, editor_factory=factory))
    # c-speck and d-none have no object, so nothing to edit: their group needs no editor.
    assert editors[0].batches == [2]
    assert (report.counts.sources, report.counts.samples, report.cost.edits) == (4, 8, 4)


@pytest.mark.parametrize("workers", [1, 2])
def test_groups_and_results_are_the_same_for_any_number_of_processes(tmp_path, workers):
    here = diffusion_request(tmp_path, folder="here")
    there = diffusion_request(tmp_path, folder="there", workers=workers)
    assert build(here).digest == build(there).digest
    before, after = tree(here.folder), tree(there.folder)
    assert before == after


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_killed_build_continues_in_the_middle_of_a_group(tmp_path, stop):
    undisturbed = diffusion_request(tmp_path, folder="undisturbed")
    build(undisturbed)
    disturbed = diffusion_request(tmp_path, folder="disturbed")
    with pytest.raises(KeyboardInterrupt):
        build(disturbed, on_unit=killed_at(stop))
    units = sorted((disturbed.folder / ".build" / "units").iterdir())
    assert len(units) == (2 if stop < 3 else 4)

    units[0].unlink()  # as if it had been killed between two units of a group
    kept = {path.name: path.stat().st_mtime_ns for path in units[1:]}
    report = build(disturbed)
    assert report.counts.kept_sources == len(kept)
    assert tree(disturbed.folder) == tree(undisturbed.folder)
    for name, written in kept.items():
        assert (disturbed.folder / ".build" / "units" / name).stat().st_mtime_ns == written


def test_a_group_of_other_sources_is_edited_again(tmp_path):
    request = diffusion_request(tmp_path)
    build(request)
    write_source(request.source_root, "b-middling", object_pixels=65)
    # a-large shares b-middling's batch; c-speck and d-none have one of their own.
    assert build(request).counts.kept_sources == 2
    write_source(request.source_root, "aa-new", object_pixels=64)
    assert build(request).counts.kept_sources == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"device_name": "Fake 9001"}, "device_name was Fake 9000, is Fake 9001"),
        ({"precision": Precision.BFLOAT16}, "precision was float16, is bfloat16"),
        ({"compiled": True}, "compiled was False, is True"),
        ({"torch": "2.1"}, "torch was 2.0, is 2.1"),
        ({"threads": 2}, "threads was 1, is 2"),
        ({"weights": {"unet/config.json": "b" * 64}}, "other weights"),
    ],
)
def test_other_ground_is_not_continued_and_says_so(tmp_path, change, words, caplog):
    request = diffusion_request(tmp_path)
    build(request)
    report = build(diffusion_request(tmp_path, editor_factory=on_device(**change)))
    assert report.counts.kept_sources == 0
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == [f"units that an earlier build had finished are not continued: {words}"]


def test_another_gpu_of_the_same_kind_continues(tmp_path, caplog):
    request = diffusion_request(tmp_path)
    build(request)
    other = diffusion_request(tmp_path, editor_factory=lambda _: FakeBatchEditor(5))
    assert build(other).counts.kept_sources == 4
    assert not caplog.records


class MixedEditor(FakeBatchEditor):
    """The second process has another GPU."""

    def __init__(self, worker):
        device = DEVICE.model_copy(update={"device_name": f"Fake {9000 + worker}"})
        super().__init__(worker, device=device)


def test_one_build_is_not_made_on_two_kinds_of_gpu(tmp_path):
    request = diffusion_request(
        tmp_path,
        ("sources_per_batch = 2", "sources_per_batch = 1"),
        workers=2,
        editor_factory=MixedEditor,
    )
    with pytest.raises(DeviceError, match=r"both Fake 900. and Fake 900.") as caught:
        build(request)
    assert "--device" in caught.value.remedy


class RefusingBatchEditor(FakeBatchEditor):
    def edit_many(self, _jobs):
        msg = "latents are not finite"
        raise ImageEditError(msg, remedy="Use float32.")


def test_an_edit_that_cannot_be_made_names_its_group(tmp_path):
    request = diffusion_request(tmp_path, editor_factory=RefusingBatchEditor)
    with pytest.raises(ImageEditError, match=r"a-large\.png and the 1 after it: latents are not"):
        build(request)


def test_requests_carry_the_phrase_of_what_changes(tmp_path):
    found = {}

    class Recording(FakeBatchEditor):
        def edit_many(self, jobs):
            found.update(
                {str(r.edit): (r.phrase, r.target_prompt) for j in jobs for r in j.requests}
            )
            return super().edit_many(jobs)

    build(diffusion_request(tmp_path, editor_factory=Recording))
    assert found["color=violet"] == ("car", "a photo of a violet car")
    assert found["position=left"][0] == "car"
    assert found["style=sketch"][0] is None


def lock_of(tmp_path, nudge, *changes):
    """Build and lock, build again with every violet `nudge` levels brighter, and compare."""
    request = diffusion_request(tmp_path, *changes)
    build(request)
    write_lock(request)
    return build(
        diffusion_request(tmp_path, *changes, editor_factory=nudged(nudge), fresh=True)
    ).lock


def test_slightly_other_pixels_are_equivalent_to_the_lock(tmp_path):
    lock = lock_of(tmp_path, 1)
    assert (lock.identical, lock.equivalent, lock.findings) == (12, 2, ())


def test_pixels_beyond_the_bound_are_different(tmp_path):
    lock = lock_of(tmp_path, 60)
    assert {finding.verdict for finding in lock.findings} == {Verdict.DIFFERENT}
    assert all("violet: other pixels, signature at" in f.detail for f in lock.findings)
    assert len(lock.findings) == 2


def test_the_objects_own_bound_sees_what_the_images_is_too_coarse_for(tmp_path):
    # b-middling's car is 2 of 24 rows, 64 of 768 pixels: 4 levels there are 36 dB in its box,
    # and 46.9 dB or more in the image, whose cells mix it with rows beside it.
    coarse = lock_of(tmp_path, 4)
    assert coarse.findings == ()
    bound = ("min_signature_psnr = 40", "min_signature_psnr = 40\nmin_object_psnr = 38")
    fine = lock_of(tmp_path, 4, bound)
    assert len(fine.findings) == 2
    assert all("object signature at 36.1 dB, the bound is 38.0" in f.detail for f in fine.findings)
    near = lock_of(tmp_path, 3, bound)
    assert (near.equivalent, near.findings) == (2, ())


def test_the_object_signature_stands_only_where_the_lock_asks_for_it(tmp_path):
    request = diffusion_request(tmp_path)
    build(request)
    assert {s.object_signature for s in BenchmarkFolder(request.folder).samples()} == {None}
    asked = diffusion_request(
        tmp_path, ("min_signature_psnr = 40", "min_object_psnr = 38"), folder="asked"
    )
    build(asked)
    samples = BenchmarkFolder(asked.folder).samples()
    assert all((s.object_signature is None) == (s.mask_sha256 is None) for s in samples)
    assert pixels(asked) == pixels(request)
    lines = (asked.folder / "manifest.jsonl").read_text().splitlines()
    assert all("object_signature" in json.loads(line) for line in lines)


def test_the_same_recipe_by_another_editor_continues_nothing(tmp_path):
    request = diffusion_request(tmp_path)
    build(request)
    assert build(build_request(tmp_path, editor_factory=FakeEditor)).counts.kept_sources == 0


def without_weights(_worker):
    msg = "the weights are nowhere"
    raise WeightsError(msg, remedy="Fetch them.")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_editor_that_can_not_be_opened_leaves_the_benchmark_as_it_was(tmp_path, workers):
    request = diffusion_request(tmp_path)
    build(request)
    before = tree(request.folder)
    broken = diffusion_request(tmp_path, editor_factory=without_weights, workers=workers)
    with pytest.raises(WeightsError, match="the weights are nowhere"):
        build(broken)
    assert tree(request.folder) == before


def test_verify_holds_the_object_signature_against_the_pixels(tmp_path):
    request = diffusion_request(tmp_path, ("min_signature_psnr = 40", "min_object_psnr = 38"))
    build(request)
    promise = Promise(recipe=request.loaded.recipe, lock=None)
    assert verify_benchmark(request.folder, promise, threads=1).ok

    manifest = request.folder / "manifest.jsonl"
    samples = BenchmarkFolder(request.folder).samples()
    changed = next(s for s in samples if s.edit is not None and s.object_signature is not None)
    other = next(s for s in samples if s.object_signature not in (None, changed.object_signature))
    text = manifest.read_text()
    manifest.write_text(text.replace(changed.object_signature, other.object_signature))
    found = {
        f.subject: f.detail for f in verify_benchmark(request.folder, promise, threads=1).findings
    }
    assert "has another object signature in the manifest" in found[changed.id]
