"""A segmentation submission as the noise filter's model; nothing of the filter or of containers."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.acceptance.loss_reader import LossMap, LossRequest, LossSink, asked_name
from harness.errors import (
    PredictionRejectedError,
    RecipeError,
    SubmissionError,
    SubmissionFailedError,
)
from harness.evaluation.class_map import own_label_space
from harness.evaluation.prediction import decode_prediction
from harness.evaluation.target import EvaluationTarget
from harness.records.acceptance import NoiseRule
from harness.records.base import canonical_json, sha256_hex
from harness.records.label_space import LabelSpace
from harness.records.printable import last_line, printable
from harness.records.run import FailureReason, RunOutcome, RunStatus, StreamedSample
from harness.sandbox.runner import SubmissionRunner

IMAGE = "image"
"""Under which name a submission's digest is recorded."""


@dataclass(frozen=True, kw_only=True)
class SubmissionLosses:
    """A `LossReader` over a submission in its container, behind the walls of an evaluation.

    It is told images and class ids, never where an object is.
    """

    target: EvaluationTarget
    """The submission."""
    rule: NoiseRule
    """Says which of its classes is meant where names differ."""
    label_space: LabelSpace
    """The benchmark's, which the submission may predict in."""
    runner: SubmissionRunner
    """Runs it."""
    run_id: str
    """Names its containers."""

    @property
    def digests(self) -> Mapping[str, str]:
        """The digest of the submission's image, under `image`."""
        return {IMAGE: self.target.image_digest}

    @property
    def identity(self) -> str:
        """A digest of the image, what its ids mean, and what may change its batches or device."""
        manifest, limits = self.target.manifest, self.target.limits
        maps = [sorted(manifest.class_map.items()), sorted(self.rule.class_map.items())]
        room = [limits.gpus, limits.max_in_flight]
        parts = [self.target.image_digest, self._own.content_digest(), maps, room]
        return sha256_hex(canonical_json(parts))

    def check_classes(self, class_names: Iterable[str]) -> None:
        """Raise where a class of the benchmark is none of the submission's.

        Raises:
            RecipeError: Names those that are missing, and those the submission has.
        """
        missing = sorted({name for name in class_names if not self._ids(name)})
        if missing:
            own = self._own
            names = ", ".join(c.name for c in own.classes)
            said = ", ".join(asked_name(self.rule, name) for name in missing)
            msg = (
                f"submission {self.target.manifest.name!r} has no class for {said}; "
                f"those of its label space {own.name!r} are {names}"
            )
            raise RecipeError(
                msg, remedy="Say which of its classes is meant in [acceptance.noise.class_map]."
            )

    def read(self, requests: Iterable[LossRequest], *, on_loss: LossSink) -> None:
        """Call `on_loss` once for each request, in the order in which the submission answers.

        Raises:
            RecipeError: A class is none of the submission's.
            SubmissionError: The submission offers no probabilities.
            SubmissionFailedError: It failed.
            EngineError: The engine is down or refuses.
            ImageBuildError: There is no such image, or it is not one that can be run.
            RunInterruptedError: The engine was lost meanwhile.
        """
        answers = _Answers(on_loss=on_loss)
        outcome = self.runner.run(
            self.target.image_digest,
            answers.remembering(self._samples(requests)),
            limits=self.target.limits,
            run_id=self.run_id,
            on_prediction=answers.take,
        )
        if outcome.status is not RunStatus.COMPLETED:
            raise self._failure(outcome)

    def _samples(self, requests: Iterable[LossRequest]) -> Iterator[StreamedSample]:
        for request in requests:
            self.check_classes((request.class_name,))
            ids = self._ids(request.class_name)
            yield StreamedSample(id=request.id, png=request.png, loss_of=ids)

    def _ids(self, class_name: str) -> tuple[int, ...]:
        """Return the submission's ids of a class of the benchmark; several are one together."""
        own, manifest = self._own, self.target.manifest
        named = self.rule.class_map.get(class_name)
        if named is not None:
            found = own.by_name(named)
            return () if found is None else (found.id,)
        return tuple(
            c.id for c in own.classes if manifest.class_map.get(c.name, c.name) == class_name
        )

    @property
    def _own(self) -> LabelSpace:
        return own_label_space(self.target.manifest, benchmark=self.label_space)

    def _failure(self, outcome: RunOutcome) -> SubmissionFailedError | SubmissionError:
        name = self.target.manifest.name
        if outcome.reason is FailureReason.NO_LOSSES:
            msg = f"submission {name!r} offers no probabilities, which the noise filter needs"
            return SubmissionError(
                msg,
                remedy="Give its serve() the argument `probabilities` (serve.py says how; a copy "
                "of its own may be too old), or name another submission in [acceptance.noise].",
            )
        reason = outcome.reason.value if outcome.reason else "failed"
        last = last_line(outcome.log)
        log = f"; its log ends: {last}" if last else ""
        msg = f"submission {name!r} failed as the noise filter's model ({reason}): "
        return SubmissionFailedError(
            f"{msg}{printable(outcome.detail)}{log}",
            remedy=f"Run `harness check {name}`; what was read so far is kept.",
        )


@dataclass(kw_only=True)
class _Answers:
    """Takes answers: hostile bytes that are held against the image they are for."""

    on_loss: LossSink
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Width and height of the images sent and not answered, by id: bounded as they are."""

    def remembering(self, samples: Iterable[StreamedSample]) -> Iterator[StreamedSample]:
        """Yield `samples`, each with its image's size kept."""
        for sample in samples:
            self.sizes[sample.id] = _png_size(sample.png)
            yield sample

    def take(self, sample_id: str, png: bytes) -> None:
        """Take one answer.

        Raises:
            PredictionRejectedError: It is no one-channel 16-bit PNG of its image's size.
        """
        width, height = self.sizes.pop(sample_id)
        losses = decode_prediction(png, width=width, height=height)
        if losses.dtype != np.uint16:
            raise PredictionRejectedError(
                FailureReason.BAD_PREDICTION,
                "the losses have 8 bits a pixel; 16 were asked for, in thousandths of a nat",
            )
        self.on_loss(LossMap(id=sample_id, losses=losses.astype(np.uint16, copy=False)))


def _png_size(png: bytes) -> tuple[int, int]:
    """Return width and height of one of our own PNG files."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height
