"""Finished edits looked at through models and judged; nothing of the models' inside."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from harness.acceptance.embedder import ImageTextEmbedder
from harness.acceptance.loss_reader import LossReader
from harness.benchmark.assessing.clip_pass import add_clip_scores
from harness.benchmark.assessing.judging import judge_samples
from harness.benchmark.assessing.noise_pass import filter_labels, samples_to_read
from harness.benchmark.watch import Watch
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError
from harness.records.acceptance import AcceptanceRule, AssessmentModels
from harness.records.label_space import LabelSpace
from harness.records.manifest import Sample

CLIP, LOSSES = "clip", "losses"
"""Where a build keeps what the models said, by content."""


@dataclass(frozen=True, kw_only=True)
class Assessors:
    """The models that edits are looked at through, opened when the edits are made."""

    clip: Callable[[], AbstractContextManager[ImageTextEmbedder]] | None = None
    """Opens the CLIP model; None where the recipe has no CLIP filter."""
    losses: Callable[[], AbstractContextManager[LossReader]] | None = None
    """Opens the noise filter's model; None where the recipe has no noise filter."""
    check: Callable[[tuple[str, ...]], None] = lambda _: None
    """Raises where one of them is not to be had, or doesn't know one of the classes that are told:
    before hours go into edits."""


@dataclass(frozen=True, kw_only=True)
class Assessed:
    """Judged samples."""

    samples: tuple[Sample, ...]
    """The samples, with every score."""
    models: AssessmentModels | None
    """What they were looked at through; None where there was nothing."""


@dataclass(frozen=True, kw_only=True)
class AssessmentPlaces:
    """Where an assessment reads and writes."""

    folder: Path
    """The benchmark's folder."""
    state: Path
    """Where what models said is kept, by content."""
    scratch: Path
    """Where files are written before they are renamed."""
    before_writing: Callable[[], None]
    """Called before the first file of the benchmark itself is written."""


def assess(
    samples: tuple[Sample, ...],
    rule: AcceptanceRule,
    *,
    label_space: LabelSpace,
    assessors: Assessors,
    places: AssessmentPlaces,
    watch: Watch,
) -> Assessed:
    """Return `samples` with the scores that `rule` asks for, accepted or rejected by it.

    Args:
        samples: The samples, edited.
        rule: What is asked for.
        label_space: The samples'.
        assessors: The models.
        places: Where files lie.
        watch: Follows it.

    Raises:
        BenchmarkError: The rule asks for a model, and none was handed in.
        WeightsError: A model is nowhere, or other than promised.
        OSError: A file can't be written.
    """
    models = AssessmentModels()
    if rule.clip is not None:
        samples, models = _look_by_clip(samples, models, assessors, places, watch)
    if rule.noise is not None:
        if assessors.losses is None:
            raise _no_model(key="noise")
        folder = BenchmarkFolder(places.folder)
        with (
            assessors.losses() as losses,
            watch.phase(
                "reading losses", total=len(samples_to_read(samples)), unit="images"
            ) as advance,
        ):
            places.before_writing()
            samples = filter_labels(
                samples,
                folder,
                rule=rule.noise,
                label_space=label_space,
                losses=losses,
                cache=places.state / LOSSES,
                scratch=places.scratch,
                on_read=advance,
            )
            models = models.model_copy(update={"noise": dict(losses.digests)})
    found = models if models != AssessmentModels() else None
    return Assessed(samples=judge_samples(samples, rule), models=found)


def _look_by_clip(
    samples: tuple[Sample, ...],
    models: AssessmentModels,
    assessors: Assessors,
    places: AssessmentPlaces,
    watch: Watch,
) -> tuple[tuple[Sample, ...], AssessmentModels]:
    if assessors.clip is None:
        raise _no_model(key="clip")
    with (
        assessors.clip() as embedder,
        watch.phase("scoring by CLIP", total=len(samples), unit="images") as advance,
    ):
        scored = add_clip_scores(
            samples,
            BenchmarkFolder(places.folder),
            embedder=embedder,
            cache=places.state / CLIP,
            on_scored=advance,
        )
        return scored, models.model_copy(update={"clip": dict(embedder.digests)})


def _no_model(*, key: str) -> BenchmarkError:
    msg = f"the recipe asks for a {key} filter, and no model of it was opened"
    return BenchmarkError(msg, remedy="Report it: it is a defect.")
