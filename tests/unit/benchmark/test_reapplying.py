import fcntl
import json
import shutil

import pytest
from assessment_fakes import CLIP, NOISE, Embedder, Losses, opening
from benchmark_fakes import RECIPE, build_request, tree, write_recipe

from harness.benchmark.assessing.assessment import Assessors
from harness.benchmark.assessing.reapplying import reapply_thresholds
from harness.benchmark.build import build_benchmark, find_sources
from harness.benchmark.index_check import ManifestOnDisk, check_index
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError
from harness.records.acceptance import RejectionReason
from tests.scored_samples import SNOWY, VIOLET, make_sample, write_scored_benchmark

SAMPLES = (
    make_sample("source"),
    make_sample("a", VIOLET, object_change=0.02),
    make_sample("b", VIOLET, object_change=0.2, background_psnr=50.0, background_ssim=0.8),
    make_sample("c", SNOWY, object_change=0.04),
    make_sample("d", SNOWY, object_change=0.3, edge_agreement=0.25),
)


def recipe_with(tmp_path, acceptance, *, text=RECIPE):
    folder = tmp_path / "recipes"
    return write_recipe(folder, text=f"{text}\n[acceptance]\n{acceptance}\n")


@pytest.fixture
def built(tmp_path):
    loaded = recipe_with(tmp_path, "min_background_psnr = 40")
    return write_scored_benchmark(tmp_path / "tiny", loaded, SAMPLES)


def reasons(folder):
    by_id = {s.id: s.rejection for s in folder.samples()}
    return [by_id[s.id] for s in SAMPLES[1:]]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.path.iterdir() if path.is_file()}


def test_the_recipes_thresholds_are_applied(built, tmp_path):
    assert reasons(built) == [RejectionReason.UNCHANGED, None, None, None]
    former = built.header()
    changed = recipe_with(
        tmp_path,
        "min_object_change = 0.01\nmin_background_psnr = 40\nmin_background_ssim = 0.9\n"
        "min_edge_agreement = 0.5",
    )
    applied = reapply_thresholds(built.path, changed.recipe)
    assert reasons(built) == [
        None,
        RejectionReason.BACKGROUND_CHANGED,
        None,
        RejectionReason.OUTLINE_LOST,
    ]
    header = built.header()
    assert (applied.former_digest, applied.digest) == (former.digest, header.digest)
    assert (applied.newly_accepted, applied.newly_rejected, applied.other_reason) == (1, 2, 0)
    assert header.digest != former.digest
    assert header.acceptance == changed.recipe.acceptance
    built.assert_whole()


def really_built(tmp_path, text, *, folder="tiny"):
    """Build the recipe in `text` with models that answer from pixels; return it and its folder."""
    loaded = write_recipe(tmp_path / "recipes", text=text)
    acceptance = loaded.recipe.acceptance
    assessors = Assessors(
        clip=opening(Embedder()) if acceptance.clip else None,
        losses=opening(Losses()) if acceptance.noise else None,
    )
    request = build_request(tmp_path, loaded=loaded, assessors=assessors, folder=folder)
    build_benchmark(request, find_sources(request))
    return loaded.recipe, BenchmarkFolder(request.folder)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        (RECIPE, "[acceptance]\nmin_object_change = 0.4\nmin_edge_agreement = 0.6\n"),
        (CLIP, "min_image_image = 0.99999\nmin_directional = 0.1\n"),
        (NOISE, "max_voided_fraction = 0.3\n"),
    ],
)
def test_it_writes_what_a_build_of_the_recipe_writes(tmp_path, text, bounds):
    recipe, applied = really_built(tmp_path, text)
    before = tree(applied.path)
    changed, fresh = really_built(tmp_path, text + bounds, folder="fresh")
    assert changed != recipe
    reapply_thresholds(applied.path, changed)
    assert tree(applied.path) == tree(fresh.path)
    assert fresh.header().digest != json.loads(before["benchmark.json"])["digest"]
    _, findings = check_index(applied, ManifestOnDisk.read(applied))
    assert findings == []


@pytest.mark.parametrize(
    ("text", "other", "said"),
    [
        (CLIP, RECIPE, r"with \[acceptance\.clip\], and has its scores"),
        (RECIPE, CLIP, r"without \[acceptance\.clip\]"),
        (CLIP, CLIP.replace('"fake"', '"other/clip-B"'), r"another model in \[acceptance\.clip\]"),
        (NOISE, RECIPE, r"with \[acceptance\.noise\], and has its scores"),
        (RECIPE, NOISE, r"without \[acceptance\.noise\]"),
        (NOISE, NOISE + "margin = 2.0\n", r"another margin in \[acceptance\.noise\]"),
    ],
)
def test_a_filter_that_comes_goes_or_changes_needs_a_build(tmp_path, text, other, said):
    _, folder = really_built(tmp_path, text)
    before = tree(folder.path)
    changed = write_recipe(tmp_path / "recipes", text=other).recipe
    with pytest.raises(BenchmarkError, match=said) as caught:
        reapply_thresholds(folder.path, changed)
    assert "harness build-benchmark tiny" in caught.value.remedy
    assert tree(folder.path) == before


def test_scores_of_one_clip_do_not_pass_for_anothers_in_two_steps(tmp_path):
    _, folder = really_built(tmp_path, CLIP)
    digests = folder.header().environment.assessment.clip
    other = CLIP.replace('"fake"', '"other/clip-B"') + "min_image_text = 0.2\n"
    for text in (RECIPE, other):
        with pytest.raises(BenchmarkError):
            reapply_thresholds(folder.path, write_recipe(tmp_path / "recipes", text=text).recipe)
    header = folder.header()
    assert (header.acceptance.clip.model, header.environment.assessment.clip) == ("fake", digests)


def test_scores_stay_so_that_it_can_be_taken_back(built, tmp_path):
    before = files(built)
    reapply_thresholds(built.path, recipe_with(tmp_path, "min_object_change = 0.9").recipe)
    assert files(built) != before
    applied = reapply_thresholds(
        built.path, recipe_with(tmp_path, "min_background_psnr = 40").recipe
    )
    assert files(built) == before
    assert applied.newly_accepted == 3


def test_another_reason_is_counted(built, tmp_path):
    changed = recipe_with(tmp_path, "min_object_change = 0.0\nmin_background_ssim = 0.9")
    assert reapply_thresholds(built.path, changed.recipe).other_reason == 0
    both = recipe_with(tmp_path, "min_object_change = 0.25\nmin_background_ssim = 0.9")
    assert reapply_thresholds(built.path, both.recipe).other_reason == 1


def test_nothing_is_written_where_nothing_differs(built, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in built.path.glob("*.json*")}
    inodes = {path: path.stat().st_ino for path in before}
    applied = reapply_thresholds(
        built.path, recipe_with(tmp_path, "min_background_psnr = 40").recipe
    )
    assert applied.digest == applied.former_digest
    assert {path: path.stat().st_ino for path in before} == inodes
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(
    ("old", "new"),
    [("seed = 7", "seed = 8"), ('"violet", "blue"', '"violet"'), ("Tests, 2026.", "Tests, 2027.")],
)
def test_more_than_thresholds_needs_a_build(built, tmp_path, old, new):
    before = files(built)
    text = RECIPE.replace(old, new)
    assert text != RECIPE
    other = recipe_with(tmp_path, "min_object_change = 0.1", text=text)
    with pytest.raises(BenchmarkError, match=r"more than \[acceptance\]") as caught:
        reapply_thresholds(built.path, other.recipe)
    assert "harness build-benchmark tiny" in caught.value.remedy
    assert files(built) == before


@pytest.mark.parametrize(
    ("acceptance", "said"),
    [
        ("[acceptance.clip]\nmin_directional = 0.1", r"built without \[acceptance\.clip\]"),
        ("[acceptance.clip]", r"built without \[acceptance\.clip\]"),
        (
            '[acceptance.noise]\nkind = "transformers"\nmodel = "tiny"',
            r"built without \[acceptance\.noise\]",
        ),
    ],
)
def test_scores_that_nobody_computed_need_a_build(built, tmp_path, acceptance, said):
    before = files(built)
    with pytest.raises(BenchmarkError, match=said) as caught:
        reapply_thresholds(built.path, recipe_with(tmp_path, acceptance).recipe)
    assert "harness build-benchmark tiny" in caught.value.remedy
    assert files(built) == before


def test_a_score_of_an_older_build_that_is_missing_needs_a_build(tmp_path):
    loaded = recipe_with(tmp_path, "min_background_psnr = 40")
    samples = (*SAMPLES, make_sample("e", VIOLET, background_psnr=50.0))
    folder = write_scored_benchmark(tmp_path / "older", loaded, samples)
    changed = recipe_with(tmp_path, "min_background_ssim = 0.9")
    with pytest.raises(BenchmarkError, match="no scores for min_background_ssim"):
        reapply_thresholds(folder.path, changed.recipe)


def test_a_benchmark_of_before_the_rule_was_recorded_needs_a_build(built, tmp_path):
    header = built.header().model_copy(update={"acceptance": None})
    built.header_path.write_text(header.model_dump_json(), encoding="utf-8")
    with pytest.raises(BenchmarkError, match="before its acceptance rule was recorded"):
        reapply_thresholds(built.path, recipe_with(tmp_path, "min_object_change = 0.1").recipe)


@pytest.mark.parametrize("written", ["manifest.jsonl", "croissant.json"])
def test_what_was_cut_off_is_completed_by_the_same_call(built, tmp_path, written):
    cut = BenchmarkFolder(tmp_path / "cut")
    shutil.copytree(built.path, cut.path)
    changed = recipe_with(tmp_path, "min_object_change = 0.25").recipe
    applied = reapply_thresholds(built.path, changed)
    for name in ("manifest.jsonl", written):  # the header comes last
        shutil.copy(built.path / name, cut.path / name)
    assert reapply_thresholds(cut.path, changed) == applied
    assert files(cut) == files(built)


def test_a_manifest_that_somebody_changed_is_not_blessed(built, tmp_path):
    lines = built.manifest_path.read_bytes()
    built.manifest_path.write_bytes(lines.replace(b"a photo of a car", b"a photo of a bus"))
    with pytest.raises(BenchmarkError, match="not the one that its header names"):
        reapply_thresholds(built.path, recipe_with(tmp_path, "min_object_change = 0.1").recipe)


def test_nobody_builds_meanwhile(built, tmp_path):
    state = built.path / ".build"
    state.mkdir()
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BenchmarkError, match="another process"):
            reapply_thresholds(built.path, recipe_with(tmp_path, "").recipe)
