"""`harness check` names what is wrong: each warning on a model that has just that fault."""

import numpy as np
import pytest
from fakes import STREET, FakeRunner, write_tiny_benchmark

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_gray_png
from harness.evaluation.check import check
from harness.evaluation.evaluate import EvaluationTarget
from harness.records.check import Severity
from harness.records.label_space import LabelSpace
from harness.records.run import FailureReason, RunOutcome, RunStatus
from harness.records.submission import ContainerLimits, ResourceRequest, SubmissionManifest

SHAPES = {"0" * 16: (12, 16), "0" * 15 + "1": (11, 15), "0" * 15 + "2": (12, 9)}


@pytest.fixture
def benchmark(tmp_path):
    write_tiny_benchmark(tmp_path / "tiny")
    return BenchmarkFolder(tmp_path / "tiny")


@pytest.fixture(autouse=True)
def street(monkeypatch):
    monkeypatch.setattr("harness.evaluation.check.own_label_space", lambda _manifest, **_: STREET)


def target(**resources):
    manifest = SubmissionManifest(
        name="model",
        title="Model",
        authors=("A",),
        label_space="street",
        resources=ResourceRequest(**resources),
    )
    return EvaluationTarget(
        manifest=manifest, image_digest="sha256:" + "a" * 64, limits=ContainerLimits()
    )


def labels(benchmark):
    """The label of each of the three probes, cut as the probe is."""
    sources = sorted(
        (s for s in benchmark.samples() if s.edit is None), key=lambda s: s.source_name
    )
    picks = [sources[0], sources[1], sources[3]]
    return {
        key: benchmark.label(sample)[: shape[0], : shape[1]]
        for (key, shape), sample in zip(SHAPES.items(), picks, strict=True)
    }


def report(benchmark, predict, **resources):
    runner = FakeRunner(lambda key: encode_gray_png(predict(key)))
    answer = check(target(**resources), benchmark, runner=runner, run_id="0" * 12)
    return answer, runner


def messages(answer):
    return " | ".join(finding.message for finding in answer.findings)


def test_a_right_model_has_nothing_wrong(benchmark):
    label = labels(benchmark)
    answer, runner = report(benchmark, lambda key: label[key])
    assert answer.ok
    assert (answer.findings, answer.advice) == ((), None)
    assert [image.pixel_accuracy for image in answer.images] == [1.0, 1.0, 1.0]
    assert runner.seen == list(SHAPES)
    assert runner.limits == ContainerLimits()  # those of an evaluation: neither harder nor easier


def test_one_single_class_is_named(benchmark):
    answer, _ = report(benchmark, lambda key: np.full(SHAPES[key], 2, np.uint8))
    assert "one single class" in messages(answer)
    assert all(finding.severity is Severity.WARNING for finding in answer.findings)


def test_classes_outside_the_benchmark_are_named(benchmark):
    label = labels(benchmark)
    answer, _ = report(benchmark, lambda key: (label[key] + 40).astype(np.uint8))
    assert "outside the benchmark's classes" in messages(answer)


def test_classes_off_by_one_are_poor(benchmark):
    label = labels(benchmark)
    answer, _ = report(benchmark, lambda key: ((label[key] + 1) % 4).astype(np.uint8))
    assert "the order of the classes" in messages(answer)


def test_a_class_that_can_never_be_predicted_is_named(benchmark, monkeypatch):
    fewer = LabelSpace(name="street", ignore_id=255, classes=STREET.classes[:3])
    monkeypatch.setattr("harness.evaluation.check.own_label_space", lambda _manifest, **_: fewer)
    label = labels(benchmark)
    answer, _ = report(benchmark, lambda key: label[key])
    assert "never predict tree" in messages(answer)


def test_a_model_that_finds_nothing_is_held_against_a_constant(benchmark):
    label = labels(benchmark)

    def mostly_constant(key):
        values, counts = np.unique(label[key][label[key] != 255], return_counts=True)
        predicted = np.full(SHAPES[key], values[counts.argmax()], np.uint8)
        predicted[-1] = (label[key][-1] + 1) % 4
        return predicted

    answer, _ = report(benchmark, mostly_constant)
    assert "one constant class would get" in messages(answer)


def test_an_exit_is_explained_by_the_logs_last_line(benchmark):
    class Failing(FakeRunner):
        def run(self, *_args, **_kwargs):
            return RunOutcome(
                status=RunStatus.SUBMISSION_FAILED,
                reason=FailureReason.EXITED_EARLY,
                detail="it exited with code 1.",
                exit_code=1,
                log="Traceback ...\nModuleNotFoundError: No module named 'scipy'\n",
                total_seconds=1.0,
                predictions=0,
            )

    answer = check(target(), benchmark, runner=Failing(lambda _key: b""), run_id="0" * 12)
    assert "No module named 'scipy'" in messages(answer)
    assert answer.advice is not None
    assert answer.advice.tries[0].startswith("Add the package that holds `scipy`")
    assert not [one for one in answer.advice.tries if "harness check" in one]


def test_what_the_log_says_does_not_steer_the_terminal(benchmark):
    class Failing(FakeRunner):
        def run(self, *_args, **_kwargs):
            return RunOutcome(
                status=RunStatus.SUBMISSION_FAILED,
                reason=FailureReason.EXITED_EARLY,
                log="\x1b]0;owned\x07bye\x1b[2J\n",
                total_seconds=1.0,
                predictions=0,
            )

    answer = check(target(), benchmark, runner=Failing(lambda _key: b""), run_id="0" * 12)
    assert r"its log ends: \x1b]0;owned\x07bye\x1b[2J" in messages(answer)
    assert all(finding.message.isprintable() for finding in answer.findings)


def test_a_size_that_only_some_images_have_is_named(benchmark):
    answer, _ = report(benchmark, lambda _key: np.zeros((12, 16), np.uint8))
    assert not answer.ok
    assert answer.outcome.reason is FailureReason.WRONG_SIZE
    (first, *_) = answer.findings
    assert first.severity is Severity.ERROR
    assert "odd-sided 15x11" in first.message
