import json
import shutil
from dataclasses import replace

import pytest
from benchmark_fakes import RECIPE, build_request, write_recipe

from harness.benchmark.build import build_benchmark, find_sources, write_lock
from harness.benchmark.remedy import remedy_for
from harness.benchmark.verify import Promise, verify_benchmark
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_rgb_png
from harness.dataset.lock_file import read_lock
from harness.errors import BenchmarkError
from harness.records.manifest import Verdict


@pytest.fixture
def built(tmp_path):
    request = build_request(tmp_path)
    build_benchmark(request, find_sources(request), on_unit=lambda _: None)
    write_lock(request)
    return request


def check(request, *, recipe=None, lock=None):
    promise = Promise(
        recipe=recipe or request.loaded.recipe, lock=lock or read_lock(request.loaded.lock_path)
    )
    return verify_benchmark(request.folder, promise, threads=2)


def sample_of(request, source_name, edit):
    samples = BenchmarkFolder(request.folder).samples()
    return next(s for s in samples if s.source_name == source_name and str(s.edit) == str(edit))


def flip(path, *, at=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 0x01
    path.write_bytes(data)


def subjects(report):
    return {f.subject for f in report.findings}


def test_an_untouched_benchmark_is_all_identical(built):
    report = check(built)
    assert report.ok
    assert (report.samples, report.identical, report.equivalent) == (14, 14, 0)
    assert report.locked


def test_without_lock_and_recipe_it_is_held_against_itself(built):
    report = verify_benchmark(built.folder, Promise(recipe=None, lock=None), threads=1)
    assert report.ok
    assert not report.locked
    assert report.identical == 14


@pytest.mark.parametrize("kind", ["image", "label", "mask"])
def test_a_flipped_byte_is_found_and_its_sample_named(built, kind):
    sample = sample_of(built, "a-large", "position=left")
    folder = BenchmarkFolder(built.folder)
    path = {
        "image": folder.image_path(sample.id),
        "label": folder.label_path(sample),
        "mask": folder.mask_path(sample),
    }[kind]
    flip(path)
    report = check(built)
    assert subjects(report) == {sample.id}
    assert report.identical == 13
    assert "a-large position=left" in report.findings[0].detail
    assert f"{kind}s/{sample.id}.png" in report.findings[0].detail


def test_every_single_byte_of_an_image_counts(built):
    sample = sample_of(built, "d-none", None)
    path = BenchmarkFolder(built.folder).image_path(sample.id)
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        flip(path, at=at)
        assert subjects(check(built)) == {sample.id}
        path.write_bytes(whole)


def test_the_same_pixels_in_other_bytes_are_found(built):
    sample = sample_of(built, "d-none", None)
    folder = BenchmarkFolder(built.folder)
    path = folder.image_path(sample.id)
    pixels = folder.image(sample.id).copy()
    path.write_bytes(path.read_bytes() + b"trailing")
    report = check(built)
    assert subjects(report) == {sample.id}
    assert "same pixels in other bytes" in report.findings[0].detail

    pixels[0, 0, 0] ^= 1
    path.write_bytes(encode_rgb_png(pixels))
    assert "has other pixels" in check(built).findings[0].detail


def test_a_missing_file_is_found_and_its_sample_named(built):
    sample = sample_of(built, "b-middling", "color=violet")
    BenchmarkFolder(built.folder).image_path(sample.id).unlink()
    (finding,) = check(built).findings
    assert (finding.subject, finding.verdict) == (sample.id, Verdict.MISSING)


def test_extra_files_are_found_and_words_beside_are_not(built):
    for name in ("README.md", "DATA_CARD.md", "NOTICE", "sources/x.webp"):
        path = built.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    assert check(built).ok

    extra = {"images/0123456789abcdef.png", "labels/notes.txt", "weights.bin", "answers.md"}
    for name in extra:
        (built.folder / name).write_bytes(b"x")
    (built.folder / "LICENSE").mkdir()
    report = check(built)
    assert subjects(report) == extra | {"LICENSE"}
    assert {f.verdict for f in report.findings} == {Verdict.EXTRA}


def test_a_file_in_a_folders_place_is_extra_and_its_samples_are_missing(built):
    shutil.rmtree(built.folder / "masks")
    (built.folder / "masks").write_bytes(b"x")
    report = check(built)
    assert "masks" in subjects(report)
    assert {f.verdict for f in report.findings} == {Verdict.EXTRA, Verdict.MISSING}


BUILD = "Run `harness build-benchmark tiny` to restore it."


def test_the_remedy_for_a_broken_benchmark_restores_it(built):
    flip(BenchmarkFolder(built.folder).image_path(sample_of(built, "d-none", None).id))
    BenchmarkFolder(built.folder).croissant_path.unlink()
    assert remedy_for(check(built), has_recipe=True) == BUILD
    assert "import it again with --replace" in remedy_for(check(built), has_recipe=False)
    build_benchmark(built, find_sources(built), on_unit=lambda _: None)
    assert check(built).ok


def test_the_remedy_for_extra_files_names_them_as_a_build_leaves_them(built):
    for name in ("answers.md", "labels/notes.txt"):
        (built.folder / name).write_bytes(b"x")
    assert remedy_for(check(built), has_recipe=True) == "Remove answers.md, labels/notes.txt."
    flip(BenchmarkFolder(built.folder).image_path(sample_of(built, "d-none", None).id))
    assert (
        remedy_for(check(built), has_recipe=True) == f"Remove answers.md, labels/notes.txt. {BUILD}"
    )
    for number in range(5):
        (built.folder / f"b{number}").write_bytes(b"x")
    assert "Remove answers.md, b0, b1, b2, b3 and 2 more." in remedy_for(
        check(built), has_recipe=True
    )


def test_the_remedy_for_a_sample_that_stands_twice_removes_no_file(built):
    path = BenchmarkFolder(built.folder).manifest_path
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[0])
    assert remedy_for(check(built), has_recipe=True) == BUILD


def test_the_remedy_for_a_changed_recipe_is_not_a_build_that_its_lock_refuses(built):
    loaded = write_recipe(built.folder.parent / "other", text=RECIPE.replace("= 7", "= 8"))
    remedy = remedy_for(check(built, recipe=loaded.recipe), has_recipe=True)
    assert remedy == (
        "Undo the change of the recipe, or release it with "
        "`harness build-benchmark tiny --replace-lock`."
    )
    unlocked = Promise(recipe=loaded.recipe, lock=None)
    assert remedy_for(verify_benchmark(built.folder, unlocked, threads=1), has_recipe=True) == BUILD


def test_every_byte_of_every_index_file_counts(built):
    folder = BenchmarkFolder(built.folder)
    for path in (folder.header_path, folder.manifest_path, folder.croissant_path):
        whole = path.read_bytes()
        for at in range(0, len(whole), 149):
            flip(path, at=at)
            report = check(built)
            told = " ".join(f"{f.subject} {f.detail}" for f in report.findings)
            assert path.name in told, (path.name, at, told)
            path.write_bytes(whole)
    assert check(built).ok


def test_a_broken_manifest_line_is_named_by_number(built):
    path = BenchmarkFolder(built.folder).manifest_path
    lines = path.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4][:40] + b"\n"
    path.write_bytes(b"".join(lines))
    assert "manifest.jsonl:5" in subjects(check(built))


def test_a_changed_score_in_the_manifest_is_found(built):
    path = BenchmarkFolder(built.folder).manifest_path
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    edited = next(line for line in lines if line["scores"])
    edited["scores"]["object_change"] += 0.25
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = check(built)
    assert subjects(report) == {"manifest.jsonl"}
    assert "croissant.json promises" in report.findings[0].detail


def test_a_changed_recipe_is_named(built):
    changed = write_recipe(built.folder.parent / "other", text=RECIPE.replace("seed = 7", "seed=8"))
    report = check(built, recipe=changed.recipe)
    assert [f.subject for f in report.findings] == ["recipe", "recipe"]
    assert report.findings[0].detail == (
        "the recipe has changed since the benchmark was built from it"
    )


def test_a_whole_other_benchmark_is_not_the_locked_one(built):
    """All files agree with each other, and still it is not what was released."""
    lock = read_lock(built.loaded.lock_path)
    loaded = write_recipe(built.folder.parent / "recipes", text=RECIPE.replace("= 7", "= 8"))
    other = replace(built, loaded=loaded)
    build_benchmark(other, find_sources(other), on_unit=lambda _: None)
    report = check(other, lock=lock)
    assert report.identical == 0
    verdicts = [f.verdict for f in report.findings if f.subject != "recipe"]
    assert sorted(verdicts) == [Verdict.EXTRA] * 14 + [Verdict.MISSING] * 14


def test_nothing_built_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(BenchmarkError) as caught:
        verify_benchmark(tmp_path / "mini", Promise(recipe=None, lock=None), threads=1)
    assert caught.value.remedy == "Run `harness build-benchmark mini`."
