"""Tries a submission on three images and says precisely what is wrong with it."""

from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_rgb_png
from harness.errors import BenchmarkError
from harness.evaluation.class_map import (
    OTHER,
    own_label_space,
    prediction_table,
    unmapped_classes,
)
from harness.evaluation.prediction import decode_prediction
from harness.evaluation.target import EvaluationTarget
from harness.metrics.confusion import count_classes
from harness.records.advice import Advice, advise_outcome
from harness.records.check import CheckedImage, CheckFinding, CheckReport, Severity
from harness.records.label_space import LabelSpace
from harness.records.printable import last_line
from harness.records.run import RunOutcome, RunStatus, StreamedSample
from harness.sandbox.runner import SubmissionRunner

MAX_OTHER_SHARE = 0.05
POOR_ACCURACY = 0.2


@dataclass(frozen=True, kw_only=True)
class _Probe:
    """One image to try, with what should come out."""

    id: str
    shape: str
    image: NDArray[np.uint8]
    label: NDArray[np.uint8]


def check(
    target: EvaluationTarget, benchmark: BenchmarkFolder, *, runner: SubmissionRunner, run_id: str
) -> CheckReport:
    """Return how `target` fares on three sources of `benchmark`, in seconds.

    The three have different sizes (whole, odd-sided, upright), because a model that only takes
    multiples of 32 is the fault most often found too late.

    Raises:
        BenchmarkError: The benchmark is not built, or has no source.
        SourceDataError: An image or a label of it can't be decoded.
        SubmissionError: The submission's classes can't be brought to the benchmark's.
        ImageBuildError: There is no such image, or it is not one that can be run.
        EngineError: The engine is down or refuses.
        RunInterruptedError: The engine was lost while the container ran.
    """
    header = benchmark.header()
    own = own_label_space(target.manifest, benchmark=header.label_space)
    table = prediction_table(target.manifest, own=own, benchmark=header.label_space)
    probes = {probe.id: probe for probe in _probes(benchmark)}
    answers: dict[str, NDArray[Any]] = {}

    def take(sample_id: str, png: bytes) -> None:
        height, width = probes[sample_id].label.shape
        answers[sample_id] = decode_prediction(png, width=width, height=height)

    outcome = runner.run(
        target.image_digest,
        [StreamedSample(id=p.id, png=encode_rgb_png(p.image)) for p in probes.values()],
        limits=target.limits,
        run_id=run_id,
        on_prediction=take,
    )
    images = tuple(
        _checked(probes[key], table[answer], header.label_space) for key, answer in answers.items()
    )
    missing = unmapped_classes(target.manifest, own=own, benchmark=header.label_space)
    return CheckReport(
        submission=target.manifest.name,
        benchmark=header.name,
        outcome=outcome,
        images=images,
        findings=(*_outcome_findings(outcome, probes), *_findings(images, answers, missing)),
        advice=_advice(outcome, target, benchmark=header.name),
    )


def _advice(outcome: RunOutcome, target: EvaluationTarget, *, benchmark: str) -> Advice | None:
    if outcome.status is RunStatus.COMPLETED:
        return None
    advice = advise_outcome(
        outcome,
        limits=target.limits,
        sources=target.limit_sources,
        submission=target.manifest.name,
        benchmark=benchmark,
    )
    others = tuple(one for one in advice.tries if "`harness check" not in one)  # that is this
    return advice.model_copy(update={"tries": others})


def _probes(benchmark: BenchmarkFolder) -> tuple[_Probe, ...]:
    sources = sorted(
        (s for s in benchmark.samples() if s.edit is None), key=lambda s: s.source_name
    )
    if not sources:
        msg = f"benchmark {benchmark.path.name!r} has no source"
        raise BenchmarkError(
            msg,
            remedy="Build it again from a source folder that has some.",
        )
    picks = [sources[i * (len(sources) - 1) // 2] for i in range(3)]
    probes = []
    for index, (sample, shape) in enumerate(
        zip(picks, ("whole", "odd-sided", "upright"), strict=True)
    ):
        height, width = sample.height, sample.width
        rows, columns = {
            "whole": (height, width),
            "odd-sided": (height - 1 - height % 2, width - 1 - width % 2),
            "upright": (height, min(width, height * 3 // 4)),
        }[shape]
        probes.append(
            _Probe(
                id=f"{index:016x}",
                shape=f"{shape} {columns}x{rows}",
                image=benchmark.image(sample.id)[:rows, :columns],
                label=benchmark.label(sample)[:rows, :columns],
            )
        )
    return tuple(probes)


def _checked(probe: _Probe, mapped: NDArray[np.uint16], space: LabelSpace) -> CheckedImage:
    counts = count_classes(
        probe.label,
        mapped,
        class_ids=tuple(c.id for c in space.classes),
        ignore_id=space.ignore_id,
    )
    labelled = int((counts.tp + counts.fn).sum())
    names = {c.id: c.name for c in space.classes}
    return CheckedImage(
        shape=probe.shape,
        classes=tuple(names[i] for i in np.unique(mapped).tolist() if i in names),
        other_share=float((mapped == OTHER).mean()),
        pixel_accuracy=int(counts.tp.sum()) / labelled if labelled else None,
        majority_share=int((counts.tp + counts.fn).max()) / labelled if labelled else None,
    )


def _outcome_findings(outcome: RunOutcome, probes: dict[str, _Probe]) -> tuple[CheckFinding, ...]:
    if outcome.status is RunStatus.COMPLETED:
        return ()
    where = (
        f" on the {probes[outcome.sample_id].shape} image" if outcome.sample_id in probes else ""
    )
    reason = outcome.reason.value if outcome.reason else outcome.status.value
    message = f"{reason}{where}: {outcome.detail.rstrip('.')}{_hint(outcome)}"
    return (CheckFinding(severity=Severity.ERROR, message=message),)


def _hint(outcome: RunOutcome) -> str:
    """Return where to look: the log's last words, or what is usually forgotten."""
    if last := last_line(outcome.log):
        return f"; its log ends: {last}"
    if outcome.exit_code == 0 and outcome.model_name is None:
        return "; does predict.py call serve(predict)?"
    return ""


def _findings(
    images: tuple[CheckedImage, ...],
    answers: dict[str, NDArray[Any]],
    missing: tuple[str, ...],
) -> tuple[CheckFinding, ...]:
    found: list[str] = []
    if missing:
        found.append(f"it can never predict {', '.join(missing)}: they count as wrong")
    if images and all(np.ptp(answer) == 0 for answer in answers.values()):
        found.append("it predicts one single class on all images")
    share = max((image.other_share for image in images), default=0.0)
    if share > MAX_OTHER_SHARE:
        found.append(
            f"{share:.0%} of an image is predicted outside the benchmark's classes: is label_space"
            " right, or are ids off by one?"
        )
    accuracies = [i.pixel_accuracy for i in images if i.pixel_accuracy is not None]
    constants = [i.majority_share for i in images if i.majority_share is not None]
    if accuracies and POOR_ACCURACY <= mean(accuracies) <= mean(constants):
        found.append(
            f"{mean(accuracies):.1%} of the labelled pixels are right, and one constant class would"
            f" get {mean(constants):.1%}: it finds next to no object; check its preprocessing"
        )
    if accuracies and max(accuracies) < POOR_ACCURACY:
        found.append(
            f"at best {max(accuracies):.0%} of the labelled pixels are right: check channel order,"
            " value range (0-255 or 0-1), normalisation and the order of the classes"
        )
    return tuple(CheckFinding(severity=Severity.WARNING, message=message) for message in found)
