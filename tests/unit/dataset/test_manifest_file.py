"""The quick digest is the digest of the samples, or says that it can't tell."""

import gc
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.dataset.benchmark_folder import BenchmarkFolder, manifest_bytes
from harness.dataset.manifest_file import collection_paused, quick_digest
from harness.errors import BenchmarkError
from harness.records.acceptance import AcceptanceScores, RejectionReason
from harness.records.attributes import Attribute, Edit
from harness.records.manifest import Sample, manifest_digest

HASH = "0123456789abcdef" * 4


def sample(number: int, **changes) -> Sample:
    own = f"{number:016x}"
    values = {
        "id": own,
        "source_id": own,
        "source_name": "photo",
        "edit": None,
        "object_class": None,
        "caption": "a photo",
        "target_prompt": None,
        "seed": 0,
        "width": 480,
        "height": 360,
        "accepted": True,
        "image_sha256": HASH,
        "pixel_sha256": HASH,
        "label_sha256": HASH,
        "label_pixel_sha256": HASH,
        "signature": "AAAA+/8=",
    }
    return Sample.model_validate(values | changes)


def written(folder, samples):
    path = folder / "manifest.jsonl"
    path.write_bytes(manifest_bytes(tuple(samples)))
    return path


EDITED = {
    "edit": Edit(attribute=Attribute.SIZE, value="larger"),
    "target_prompt": "a larger \"car\" \\ {}, 'ü' \u2028",
    "accepted": False,
    "rejection": RejectionReason.BACKGROUND_CHANGED,
    "scores": AcceptanceScores(object_change=0.5, background_psnr=1e-7, voided_fraction=0.25),
    "mask_sha256": HASH,
    "object_signature": "AAAA",
    "filtered_label_sha256": HASH,
    "filtered_label_pixel_sha256": HASH,
    "filtered_label_signature": "AAAA+/8=",
    "seed": 2**52,
}


def test_it_is_the_digest_of_the_samples_with_and_without_every_field(tmp_path):
    samples = (sample(1), sample(2, **EDITED), sample(3, object_class="car"))
    assert quick_digest(written(tmp_path, samples)) == manifest_digest(samples)
    assert quick_digest(written(tmp_path, ())) == manifest_digest(())


@given(texts=st.lists(st.text(), min_size=4, max_size=4))
def test_no_text_misleads_it(tmp_path_factory, texts):
    source_name, object_class, caption, prompt = (
        text.encode("utf-8", "ignore").decode() for text in texts
    )
    changes = {"source_name": source_name, "object_class": object_class, "caption": caption}
    samples = (sample(1, **changes), sample(2, **EDITED | changes | {"target_prompt": prompt}))
    path = written(tmp_path_factory.mktemp("m"), samples)
    assert quick_digest(path) in (manifest_digest(samples), None)


@pytest.mark.parametrize("name", sorted(Sample.model_fields))
def test_every_field_is_in_it_or_is_no_part_of_the_identity(tmp_path, name):
    plain = sample(1, **EDITED)
    other = {"seed": 7, "width": 9, "height": 9, "accepted": True, "rejection": None, "edit": None}
    other |= {"scores": None, "mask_sha256": None, "object_signature": None}
    other |= {"id": "f" * 16, "source_id": "f" * 16, "target_prompt": None, "signature": "BBBB"}
    other |= {"filtered_label_signature": "BBBB"}
    value = other.get(name, "f" * 64 if name.endswith("sha256") else "other")
    changed = plain.model_copy(update={name: value})
    before, after = (quick_digest(written(tmp_path, (s,))) for s in (plain, changed))
    assert None not in (before, after)
    assert (before != after) == (plain.identity() != changed.identity())


@pytest.mark.parametrize(
    "change",
    [
        (b'"width":480', b'"width":480.0'),
        (b'"width":480', b'"width":0'),
        (b'"accepted":true', b'"accepted": true'),
        (b'"image_sha256":"0', b'"image_sha256":"X'),
        (b'"seed":0', b'"seed":0,"more":1'),
        (b'"edit":null', b'"edit":{"value":"x","attribute":"color"}'),
    ],
)
def test_a_line_that_is_not_as_written_is_left_to_others(tmp_path, change):
    path = written(tmp_path, (sample(1), sample(2)))
    path.write_bytes(path.read_bytes().replace(*change, 1))
    assert quick_digest(path) is None


def test_lines_out_of_order_or_twice_are_left_to_others(tmp_path):
    path = written(tmp_path, (sample(1), sample(2)))
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(second + first)
    assert quick_digest(path) is None
    path.write_bytes(first + first)
    assert quick_digest(path) is None


def test_a_folder_reads_its_manifest_again_once_it_is_another(tmp_path):
    path = written(tmp_path, (sample(1), sample(2)))
    folder = BenchmarkFolder(tmp_path)
    first = folder.samples()
    assert folder.samples() is first
    assert pickle.loads(pickle.dumps(folder)).samples() == first  # noqa: S301 - our own
    path.write_bytes(manifest_bytes((sample(1), sample(3))))
    assert [s.id for s in folder.samples()] == [f"{n:016x}" for n in (1, 3)]
    path.write_bytes(b"{}\n")
    with pytest.raises(BenchmarkError, match="line 1 is broken"):
        folder.samples()
    path.unlink()
    with pytest.raises(BenchmarkError, match="no benchmark"):
        folder.samples()


def test_the_collector_is_paused_and_left_as_it_was():
    with collection_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="int"), collection_paused():
        int("x")
    assert gc.isenabled()
    gc.disable()
    try:
        with collection_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
