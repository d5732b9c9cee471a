import base64

import numpy as np
import pytest
from benchmark_fakes import build_request

from harness.acceptance.void_signature import void_signature
from harness.benchmark.build import build_benchmark, find_sources
from harness.benchmark.locking import compare_with_lock, lock_report, make_lock
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.records.manifest import Lock, Verdict
from harness.records.recipe import LockRule

OTHER = "f" * 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    request = build_request(tmp_path_factory.mktemp("locking"))
    build_benchmark(request, find_sources(request), on_unit=lambda _: None)
    return BenchmarkFolder(request.folder)


@pytest.fixture
def samples(folder):
    return folder.samples()


@pytest.fixture
def lock(folder, samples):
    return make_lock(folder.header(), samples)


def brighter(signature, levels, cells=324):
    values = bytearray(base64.b64decode(signature))
    for cell in range(cells):
        values[cell] += levels if values[cell] + levels < 256 else -levels
    return base64.b64encode(bytes(values)).decode()


def first_changed(samples, **changes):
    return (samples[0].model_copy(update=changes), *samples[1:])


def verdict_of_first(samples, lock, **changes):
    changed = first_changed(samples, **changes)
    verdicts = {v.subject: v for v in compare_with_lock(changed, lock, LockRule())}
    assert all(v.verdict is Verdict.IDENTICAL for k, v in verdicts.items() if k != samples[0].id)
    return verdicts[samples[0].id]


def test_the_same_samples_are_identical(samples, lock):
    found = {v.verdict for v in compare_with_lock(samples, lock, LockRule())}
    assert found == {Verdict.IDENTICAL}


def test_other_pixels_with_nearly_the_same_signature_are_equivalent(samples, lock):
    # One level apart everywhere is 48.1 dB, over the bound of 45; two levels are 42.1 dB.
    near = verdict_of_first(
        samples, lock, pixel_sha256=OTHER, signature=brighter(samples[0].signature, 1)
    )
    assert near.verdict is Verdict.EQUIVALENT
    assert "48.1 dB" in near.detail
    far = verdict_of_first(
        samples, lock, pixel_sha256=OTHER, signature=brighter(samples[0].signature, 2)
    )
    assert far.verdict is Verdict.DIFFERENT
    assert "42.1 dB, the bound is 45.0 dB" in far.detail
    same = verdict_of_first(samples, lock, pixel_sha256=OTHER)
    assert same.verdict is Verdict.EQUIVALENT


def test_another_label_or_another_judgement_is_never_equivalent(samples, lock):
    label = verdict_of_first(samples, lock, label_pixel_sha256=OTHER)
    assert label.verdict is Verdict.DIFFERENT
    accepted = not samples[0].accepted
    judged = verdict_of_first(samples, lock, accepted=accepted)
    assert judged.verdict is Verdict.DIFFERENT
    assert "the lock has it as" in judged.detail


OBJECT = np.ones((20, 50), np.bool_)
"""A thousand pixels; a column of it is 2 %, the bound."""


def voids(first, last):
    """Return the pixels from `first` to `last`, column by column."""
    noise = np.zeros(OBJECT.size, np.bool_)
    noise[first:last] = True
    return noise.reshape(OBJECT.shape[::-1]).T


def filtered(edit, noise, digest):
    """Return `edit` with the label that lost `noise`; None leaves it as it was."""
    share = None if noise is None else round(noise.mean(), 6)
    taken = noise is not None and noise.any()
    return edit.model_copy(
        update={
            "scores": edit.scores.model_copy(update={"voided_fraction": share}),
            "filtered_label_pixel_sha256": digest if taken else None,
            "filtered_label_signature": void_signature(noise, OBJECT) if taken else None,
        }
    )


@pytest.mark.parametrize("other_pixels", [False, True])
@pytest.mark.parametrize(
    ("promised", "found", "verdict"),
    [
        (voids(0, 100), voids(0, 118), Verdict.EQUIVALENT),
        (voids(0, 100), voids(9, 109), Verdict.EQUIVALENT),
        (voids(0, 100), voids(0, 122), Verdict.DIFFERENT),
        # As much, elsewhere: the shares agree to the pixel.
        (voids(0, 100), voids(800, 900), Verdict.DIFFERENT),
        (voids(0, 15), voids(600, 615), Verdict.DIFFERENT),
        (voids(0, 0), voids(0, 18), Verdict.EQUIVALENT),
        (voids(0, 18), voids(0, 0), Verdict.EQUIVALENT),
        (voids(0, 0), voids(0, 22), Verdict.DIFFERENT),
        (voids(0, 18), None, Verdict.DIFFERENT),
        (None, voids(0, 18), Verdict.DIFFERENT),
    ],
)
def test_a_label_filtered_otherwise_is_equivalent_where_about_the_same_was_voided(
    folder, samples, promised, found, verdict, other_pixels
):
    edit = next(s for s in samples if s.edit is not None)
    lock = make_lock(folder.header(), (filtered(edit, promised, OTHER),))
    assert Lock.model_validate_json(lock.model_dump_json()) == lock

    ours = filtered(edit, found, "e" * 64)
    if other_pixels:
        ours = ours.model_copy(update={"pixel_sha256": OTHER})
    (told,) = compare_with_lock((ours,), lock, LockRule())

    assert told.verdict is verdict, told.detail
    (same,) = compare_with_lock((filtered(edit, promised, OTHER),), lock, LockRule())
    assert same.verdict is Verdict.IDENTICAL


def test_where_voids_lie_must_be_known_to_be_compared(folder, samples):
    edit = filtered(next(s for s in samples if s.edit is not None), voids(0, 100), OTHER)
    lock = make_lock(folder.header(), (edit,))
    ours = edit.model_copy(
        update={"filtered_label_pixel_sha256": "e" * 64, "filtered_label_signature": None}
    )

    (told,) = compare_with_lock((ours,), lock, LockRule())

    assert told.verdict is Verdict.DIFFERENT
    assert "no signature of it to compare" in told.detail


def test_the_signature_of_voids_is_no_part_of_the_identity(samples):
    edit = next(s for s in samples if s.edit is not None)
    known = edit.model_copy(update={"filtered_label_signature": void_signature(OBJECT, OBJECT)})

    assert known.identity() == edit.identity()
    assert "filtered_label_signature" not in edit.model_dump_json()
    assert "filtered_label_signature" in known.model_dump_json()


def test_missing_and_extra_samples_are_named(folder, samples, lock):
    report = lock_report(folder.header(), samples[1:], lock, LockRule())
    assert [(f.subject, f.verdict) for f in report.findings] == [(samples[0].id, Verdict.MISSING)]
    shorter = lock.model_copy(update={"samples": lock.samples[1:]})
    report = lock_report(folder.header(), samples, shorter, LockRule())
    assert [(f.subject, f.verdict) for f in report.findings] == [(samples[0].id, Verdict.EXTRA)]
    assert report.identical == len(samples) - 1


def test_a_lock_of_another_recipe_is_a_finding(folder, samples, lock):
    other = Lock(**(lock.model_dump() | {"recipe_digest": OTHER}))
    report = lock_report(folder.header(), samples, other, LockRule())
    assert [f.subject for f in report.findings] == ["recipe"]
    assert not report.ok
