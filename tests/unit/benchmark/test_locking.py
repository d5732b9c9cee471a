import base64

import pytest
from benchmark_fakes import build_request

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


@pytest.mark.parametrize(
    ("voided", "other_pixels", "verdict"),
    [
        (0.119, False, Verdict.EQUIVALENT),
        (0.121, False, Verdict.DIFFERENT),
        (0.119, True, Verdict.EQUIVALENT),
        (0.121, True, Verdict.DIFFERENT),
        (None, False, Verdict.DIFFERENT),
    ],
)
def test_a_label_filtered_otherwise_is_equivalent_where_as_much_was_voided(
    folder, samples, voided, other_pixels, verdict
):
    edit = next(s for s in samples if s.edit is not None)

    def filtered(share, digest):
        scores = edit.scores.model_copy(update={"voided_fraction": share})
        return edit.model_copy(update={"scores": scores, "filtered_label_pixel_sha256": digest})

    # The lock's label lost 10 % of the object, and the bound is 2 % of it.
    promised = make_lock(folder.header(), (filtered(0.10, OTHER),))
    assert Lock.model_validate_json(promised.model_dump_json()) == promised
    ours = filtered(voided, None if voided is None else "e" * 64)
    if other_pixels:
        ours = ours.model_copy(update={"pixel_sha256": OTHER})
    (found,) = compare_with_lock((ours,), promised, LockRule())
    assert found.verdict is verdict
    (same,) = compare_with_lock((filtered(0.10, OTHER),), promised, LockRule())
    assert same.verdict is Verdict.IDENTICAL


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
