"""Benchmarks from elsewhere: taken in whole and alike each time, or refused with every fault."""

import fcntl
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeRunner
from pair_folders import IGNORE, SOURCES, imported, picture, source_label, take, write_pairs
from PIL import Image

from harness.benchmark.export.content import Selection, read_content
from harness.benchmark.export.export import ExportRequest, export_benchmark
from harness.benchmark.importing import place as importing_place
from harness.benchmark.importing.faults import SHOWN, ImportFaultsError
from harness.benchmark.importing.importing import read_origin
from harness.benchmark.verify import Promise, verify_benchmark
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_gray_png
from harness.errors import BenchmarkError, SourceDataError
from harness.evaluation.evaluate import EvaluationPlaces, EvaluationTarget, evaluate
from harness.records.acceptance import RejectionReason
from harness.records.exchange import ExportFormat, ImportLayout
from harness.records.run import RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.store.database import ResultsStore


def by_edit(folder: BenchmarkFolder):
    return {(s.source_name, s.edit and str(s.edit)): s for s in folder.samples()}


def pixels(folder: BenchmarkFolder):
    """Return what a benchmark shows, without its ids."""
    return {
        key: (
            folder.image(s.id).tobytes(),
            folder.label(s).tobytes(),
            None if (mask := folder.mask(s)) is None else mask.tobytes(),
            (s.accepted, s.rejection, s.object_class, s.caption, s.target_prompt, s.scores),
        )
        for key, s in by_edit(folder).items()
    }


def test_pairs_become_a_benchmark_of_the_same_pixels(tmp_path):
    folder = imported(tmp_path)
    found = by_edit(folder)
    assert len(found) == 10
    for number, source in enumerate(SOURCES):
        clean = found[source, None]
        assert np.array_equal(folder.image(clean.id), picture(number))
        assert np.array_equal(folder.label(clean), source_label())
    sketch = found[SOURCES[1], "style=sketch"]
    assert sketch.label_pixel_sha256 == found[SOURCES[1], None].label_pixel_sha256
    assert (folder.label(sketch)[8:10, 8:20] == IGNORE).all()
    assert found[SOURCES[2], "style=sketch"].filtered_label_sha256 is None
    moved = found[SOURCES[1], "position=right"]
    assert np.array_equal(folder.label(moved), source_label(6))
    header = folder.header()
    assert [str(edit) for edit in header.edits] == [
        "color=violet",
        "style=sketch",
        "position=right",
    ]
    assert (header.name, header.publish_images) == ("harbour", False)


def test_what_the_author_accepted_stays_so_whatever_it_scores(tmp_path):
    found = by_edit(imported(tmp_path))
    rejected = found[SOURCES[2], "color=violet"]
    assert (rejected.accepted, rejected.rejection) == (False, RejectionReason.UNCHANGED)
    violet = found["a", "color=violet"]
    assert violet.accepted
    assert violet.scores.object_change == pytest.approx(50 / 255, abs=1e-6)
    assert violet.scores.background_psnr is None
    assert violet.caption == "a photo of a boat"
    assert violet.target_prompt == "a photo of a violet boat"
    assert found[SOURCES[1], "style=sketch"].target_prompt == "lines, and lines"


def test_verify_finds_nothing_and_the_same_folder_gives_the_same_digest(tmp_path):
    first, second = imported(tmp_path), imported(tmp_path, name="again")
    for folder in (first, second):
        report = verify_benchmark(folder.path, Promise(recipe=None, lock=None), threads=2)
        assert (report.findings, report.samples) == ((), 10)
    assert first.header().digest == second.header().digest
    assert {s.id for s in first.samples()} == {s.id for s in second.samples()}


def test_another_pixel_is_another_benchmark(tmp_path):
    first = imported(tmp_path)
    image = picture(0)
    image[3, 3] ^= 1
    Image.fromarray(image).save(tmp_path / "pairs" / "i" / "bild-ä0.png")
    second = imported(tmp_path, name="again")
    assert first.header().digest != second.header().digest


def test_there_and_back_again_shows_the_same(tmp_path):
    folder = imported(tmp_path)
    content = read_content(folder, Selection.ALL)
    out = tmp_path / "out"
    request = ExportRequest(content=content, format=ExportFormat.FOLDER, output=out)
    export_benchmark(request, on_sample=lambda: None)
    report = take(out, tmp_path / "benchmark_data" / "back")
    assert (report.sources, report.edits, report.rejected) == (3, 6, 1)
    back = BenchmarkFolder(tmp_path / "benchmark_data" / "back")
    assert pixels(back) == pixels(folder)
    assert back.header().digest == folder.header().digest
    assert back.header().recipe_digest != ""


def test_an_evaluation_of_it_completes(tmp_path, monkeypatch):
    folder = imported(tmp_path)
    space = folder.header().label_space
    monkeypatch.setattr("harness.evaluation.evaluate.own_label_space", lambda _manifest, **_: space)
    samples = {s.id: s for s in folder.samples()}
    runner = FakeRunner(lambda key: encode_gray_png(folder.label(samples[key])))
    manifest = SubmissionManifest(name="m", title="M", authors=("A",), label_space="harbour")
    record = evaluate(
        EvaluationTarget(
            manifest=manifest, image_digest="sha256:" + "a" * 64, limits=ContainerLimits()
        ),
        EvaluationPlaces(benchmark=folder, database=tmp_path / "r.duckdb", runs=tmp_path / "runs"),
        runner=runner,
        engine="fake",
        run_id="0123456789ab",
        on_scored=lambda _n: None,
    )
    assert record.outcome.status is RunStatus.COMPLETED
    assert len(runner.seen) == 9
    with ResultsStore.open_read_only(tmp_path / "r.duckdb") as store:
        counts = store.counts(("0123456789ab",))
    assert counts.fn.sum() == 0
    assert counts.tp.sum() > 0


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ImportFaultsError) as raised:
        take(path, path.parent / "benchmark_data" / "harbour")
    assert not (path.parent / "benchmark_data" / "harbour").exists()
    left = path.parent / "benchmark_data"
    assert not left.exists() or list(left.iterdir()) == []
    assert raised.value.count == len(raised.value.faults)
    return list(raised.value.faults)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"image": "../x.png"}, "line 2: image '../x.png' is no path within the folder"),
        ({"image": "/etc/hosts"}, "line 2: image '/etc/hosts' is no path within the folder"),
        ({"image": "i/nope.png"}, "line 2: image 'i/nope.png' is not there"),
        ({"image": "i/" + "x" * 4000}, "is not there"),
        ({"image": ""}, "line 2: it names no image"),
        ({"label": ""}, "line 2: a source needs a label"),
        ({"source": ""}, "line 2: it names no source"),
        ({"source": "a\tb\x07"}, "is no name"),
        ({"accepted": "maybe"}, "line 2: accepted is 'true' or 'false', not 'maybe'"),
        ({"accepted": "false"}, "line 2: a source is always scored"),
        ({"object_class": "car"}, "line 2: object_class 'car' is no class"),
        ({"attribute": "mood", "value": "sad"}, "line 2: 'mood' is no attribute; there are color,"),
        ({"attribute": "color", "value": "Violet!"}, "line 2: value 'Violet!' of color: value: S"),
        ({"attribute": "color"}, "line 2: value '' of color"),
        ({"rejection": "ugly"}, "line 2: 'ugly' is no reason"),
    ],
)
def test_a_wrong_cell_is_named_with_its_line(tmp_path, change, fault):
    pairs = write_pairs(tmp_path / "pairs")
    pairs.rows[0].update(change)
    assert fault in faults_of(pairs.finish())[0]


def test_rows_are_held_against_each_other(tmp_path):
    pairs = write_pairs(tmp_path / "pairs")
    sound = len(pairs.rows)
    first, violet = pairs.rows[0], pairs.rows[1]
    pairs.row(**first)
    pairs.row(**violet)
    pairs.row(**violet | {"source": "nobody", "value": "pink"})
    pairs.row(**violet | {"attribute": "size", "value": "larger"})
    pairs.row(**violet | {"value": "pink", "mask": pairs.rows[2]["mask"]})
    pairs.row(**violet | {"value": "blue", "object_class": "quay"})
    found = faults_of(pairs.finish())
    line = sound + 2
    assert found[:6] == [
        f"line {line}: source 'a' stands in line 2 already",
        f"line {line + 1}: color=violet of 'a' stands in line 3 already",
        f"line {line + 2}: color=pink has no source: no sound row of 'nobody'",
        f"line {line + 3}: size=larger moves the object and needs a label of its own",
        f"line {line + 4}: color=pink moves nothing: its mask is its source's",
        f"line {line + 5}: object_class 'quay' is not its source's, 'boat'",
    ]
    assert found[6] == f"line {line}: its image stands in line 2 already"


def test_pixels_are_held_against_each_other(tmp_path):
    pairs = write_pairs(tmp_path / "pairs")
    rows = pairs.rows
    label = source_label()
    label[0, 0] = 3
    rows[0]["label"] = pairs.png("l/strange.png", label)
    rows[3]["image"] = pairs.png("i/small.png", picture(1)[:-1])
    label = source_label()
    label[9, 9] = 7
    rows[4]["label"] = pairs.png("l/other.png", label)
    rows[5]["mask"] = pairs.png("m/empty.png", np.zeros((24, 32), np.uint8))
    data = (pairs.path / rows[7]["image"]).read_bytes()
    (pairs.path / rows[7]["image"]).write_bytes(data[: len(data) // 2])
    rows[8]["image"] = "l/not-rgb.txt"
    (pairs.path / "l" / "not-rgb.txt").write_text("no picture")
    found = faults_of(pairs.finish())
    assert found[0] == "line 2: its label holds id 3, which is no class of harbour"
    assert found[1] == "line 5: 32x23, its source 32x24"
    assert found[2].startswith("line 6: style=sketch moves nothing, yet its label has other ")
    assert found[3].startswith("line 7: its mask is empty")
    assert found[4].startswith("line 9: bild-ä2-v.png can't be decoded")
    assert found[5].startswith("line 10: not-rgb.txt is no PNG or JPEG or WEBP file")
    assert len(found) == 6


def test_links_are_refused_wherever_they_lead(tmp_path):
    pairs = write_pairs(tmp_path / "pairs")
    image = pairs.path / pairs.rows[0]["image"]
    image.rename(tmp_path / "elsewhere.png")
    image.symlink_to(tmp_path / "elsewhere.png")
    (pairs.path / "linked").symlink_to("i")
    pairs.rows[1]["image"] = "linked/bild-ä0-v.png"
    found = faults_of(pairs.finish())
    assert found[0] == f"line 2: image '{pairs.rows[0]['image']}' goes through a link"
    assert found[1] == "line 3: image 'linked/bild-ä0-v.png' goes through a link"


def test_faults_are_counted_past_those_that_are_named(tmp_path):
    pairs = write_pairs(tmp_path / "pairs")
    for number in range(SHOWN + 30):
        pairs.row(**pairs.rows[1] | {"attribute": "mood", "value": f"v{number}"})
    path = pairs.finish()
    with pytest.raises(ImportFaultsError, match=f"and {SHOWN + 29} more") as raised:
        read_origin(path)
    assert (len(raised.value.faults), raised.value.count) == (SHOWN, SHOWN + 30)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"image,source\n", "line 1: pairs.csv has no column 'label'"),
        (b"", "line 1: pairs.csv has no column 'image'"),
        (b"image,label,source,attribute,value,mood\n", "line 1: 'mood' is no column"),
        (b"image,label,source,attribute,value,image\n", "line 1: column 'image' stands twice"),
        (b"image,label,source,attribute,value\nx,y\n", "line 2: it has not as many cells"),
        (b"image,label,source,attribute,value\n\xff\n", "pairs.csv is no UTF-8 text"),
        (b"image,label,source,attribute,value\n", "pairs.csv has no rows"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, text, fault):
    path = write_pairs(tmp_path / "pairs").finish()
    (path / "pairs.csv").write_bytes(text)
    assert faults_of(path)[0].startswith(fault)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("license", "licence"), "unknown key 'licence'"),
        (('label_space]\nname = "harbour"', 'label_space]\nname = "Har bour"'), "label_space"),
        (("ignore_id = 9", "ignore_id = 2"), "ignore id is no class"),
    ],
)
def test_a_wrong_header_is_refused(tmp_path, change, words):
    path = write_pairs(tmp_path / "pairs").finish()
    text = (path / "benchmark.toml").read_text()
    (path / "benchmark.toml").write_text(text.replace(*change))
    with pytest.raises(SourceDataError, match=words):
        read_origin(path)


def test_a_label_space_is_known_by_its_name(tmp_path):
    path = write_pairs(tmp_path / "pairs").finish()
    head = (path / "benchmark.toml").read_text().split("[label_space]")[0]
    (path / "benchmark.toml").write_text(f'{head}label_space = "vok"\n')
    with pytest.raises(SourceDataError, match="there is no label space 'vok'"):
        read_origin(path)


def test_a_folder_of_nothing_known_is_refused(tmp_path):
    with pytest.raises(SourceDataError, match=r"neither a benchmark\.json nor a pairs\.csv"):
        read_origin(tmp_path)


def test_a_copy_of_a_built_benchmark_keeps_its_digest_under_any_name(tmp_path):
    folder = imported(tmp_path)
    report = take(folder.path, tmp_path / "benchmark_data" / "copy")
    assert (report.layout, report.digest) == (ImportLayout.BUILT, folder.header().digest)
    copy = BenchmarkFolder(tmp_path / "benchmark_data" / "copy")
    assert copy.header().name == "copy"
    assert pixels(copy) == pixels(folder)
    promise = Promise(recipe=None, lock=None)
    assert verify_benchmark(copy.path, promise, threads=1).ok


def test_a_copy_that_is_not_as_promised_is_refused(tmp_path):
    folder = imported(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(folder.path, copy)
    changed, gone, linked = sorted((copy / "images").iterdir())[:3]
    Image.fromarray(picture(9)).save(changed)
    gone.unlink()
    linked.unlink()
    linked.symlink_to(folder.path / "images" / linked.name)
    with pytest.raises(ImportFaultsError) as raised:
        take(copy, tmp_path / "benchmark_data" / "copy")
    text = "\n".join(raised.value.faults)
    assert f"images/{gone.name} is missing" in text
    assert f"images/{linked.name} is a link" in text
    assert not (tmp_path / "benchmark_data" / "copy").exists()
    shutil.copyfile(folder.path / "images" / gone.name, gone)
    linked.unlink()
    shutil.copyfile(folder.path / "images" / linked.name, linked)
    with pytest.raises(ImportFaultsError, match="has other pixels than the manifest says"):
        take(copy, tmp_path / "benchmark_data" / "copy")


def test_a_copy_with_another_manifest_is_refused(tmp_path):
    folder = imported(tmp_path)
    lines = folder.manifest_path.read_text().splitlines()
    folder.manifest_path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(BenchmarkError, match="is not the manifest of"):
        read_origin(folder.path)


def test_replacing_leaves_what_is_not_the_benchmarks(tmp_path):
    folder = imported(tmp_path)
    (folder.path / "NOTICE").write_text("mine")
    (folder.path / "sources").mkdir()
    old = folder.header().digest
    Image.fromarray(picture(70)).save(tmp_path / "pairs" / "i" / "bild-ä0.png")
    report = take(tmp_path / "pairs", folder.path)
    assert report.replaced
    assert report.digest != old
    assert (folder.path / "NOTICE").read_text() == "mine"
    assert (folder.path / "sources").is_dir()
    promise = Promise(recipe=None, lock=None)
    assert verify_benchmark(folder.path, promise, threads=1).ok
    assert [entry.name for entry in folder.path.parent.iterdir()] == ["harbour"]


def test_a_replacement_that_fails_puts_the_former_one_back(tmp_path, monkeypatch):
    folder = imported(tmp_path)
    before = pixels(folder)
    move, calls = importing_place._Moves.move, []

    def failing(moves, old, new):
        calls.append(old)
        if len(calls) == 10:
            raise OSError(28, "No space left on device", str(new))
        move(moves, old, new)

    monkeypatch.setattr(importing_place._Moves, "move", failing)
    with pytest.raises(OSError, match="No space left"):
        take(tmp_path / "pairs", folder.path)
    assert pixels(folder) == before
    assert [entry.name for entry in folder.path.parent.iterdir()] == ["harbour"]


def test_an_import_waits_for_no_build(tmp_path):
    folder = imported(tmp_path)
    state = folder.path / ".build"
    state.mkdir()
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BenchmarkError, match="another process builds"):
            take(tmp_path / "pairs", folder.path)
    assert json.loads(folder.header_path.read_text())["name"] == "harbour"


def test_a_jpeg_is_taken_in_by_its_pixels(tmp_path):
    pairs = write_pairs(tmp_path / "pairs")
    jpeg = pairs.path / "i" / "a.jpg"
    Image.fromarray(picture(0)).save(jpeg, quality=95)
    pairs.rows[0]["image"] = os.path.relpath(jpeg, pairs.path)
    pairs.finish()
    folder = imported(tmp_path)
    clean = by_edit(folder)["a", None]
    expected = np.asarray(Image.open(jpeg).convert("RGB"))
    assert np.array_equal(folder.image(clean.id), expected)
