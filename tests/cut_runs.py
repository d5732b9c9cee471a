"""A tiny evaluation that tests cut off and go on with; nothing of containers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Semaphore

import pytest
from fakes import FakeRunner, write_tiny_benchmark

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.dataset.image_io import encode_gray_png
from harness.errors import RunInterruptedError
from harness.evaluation.archive import read_archive
from harness.evaluation.evaluate import evaluate
from harness.evaluation.target import EvaluationOptions, EvaluationPlaces, EvaluationTarget
from harness.evaluation.unfinished import unfinished_path
from harness.records.run import FailureReason, RunOutcome, RunRecord, RunStatus
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.store.database import ResultsStore

IMAGE = "sha256:" + "a" * 64
FIRST, SECOND, THIRD = "000000000001", "000000000002", "000000000003"
SAMPLES = 12
OPTIONS = EvaluationOptions()


class Killed(BaseException):
    """What nothing handles, as a kill -9: only what the system does by itself happens."""


class CutRunner(FakeRunner):
    """Raises `error` once it has had `answers` answers scored."""

    def __init__(
        self, predict, *, answers: int, error: BaseException, wait: Callable[[int], None]
    ) -> None:
        super().__init__(predict)
        self._answers, self._cut, self._wait = answers, error, wait

    def run(self, image_digest, samples, **given):
        """Return how it went, unless it is cut off."""

        def until_cut():
            for sample in samples:
                if len(self.seen) == self._answers:
                    self._wait(self._answers)
                    raise self._cut
                yield sample

        return super().run(image_digest, until_cut(), **given)


class EndingRunner(FakeRunner):
    """Ends as `outcome` says, once it has had `answers` answers taken."""

    def __init__(self, predict, *, answers: int, outcome: RunOutcome) -> None:
        super().__init__(predict)
        self._answers, self._outcome = answers, outcome

    def run(self, image_digest, samples, **given):
        """Return the outcome."""
        few = (sample for sample, _ in zip(samples, range(self._answers), strict=False))
        super().run(image_digest, few, **given)
        return self._outcome.model_copy(update={"predictions": len(self.seen)})


SIGKILLED = RunOutcome(
    status=RunStatus.SUBMISSION_FAILED,
    reason=FailureReason.KILLED,
    detail="it was ended by SIGKILL (exit code 137) after 3 predictions",
    exit_code=137,
    total_seconds=2.0,
    predictions=3,
)


@dataclass(kw_only=True)
class CutRuns:
    """A benchmark of twelve samples, a submission that is often right, and its runs."""

    folder: Path
    stateless: bool = True
    class_map: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not (self.folder / "tiny").exists():
            write_tiny_benchmark(self.folder / "tiny")
        self.benchmark = BenchmarkFolder(self.folder / "tiny")
        self.database = self.folder / "board" / "results.duckdb"
        self.runs = self.folder / "board" / "runs"
        self._labels = {s.id: self.benchmark.label(s) for s in self.benchmark.samples()}

    @property
    def places(self) -> EvaluationPlaces:
        return EvaluationPlaces(benchmark=self.benchmark, database=self.database, runs=self.runs)

    def target(self, **limits) -> EvaluationTarget:
        manifest = SubmissionManifest(
            name="model",
            title="Model",
            authors=("A",),
            label_space="street",
            stateless=self.stateless,
            class_map=self.class_map,
        )
        return EvaluationTarget(
            manifest=manifest, image_digest=IMAGE, limits=ContainerLimits(**limits)
        )

    def predict(self, sample_id: str) -> bytes:
        """Answer with the label, shifted by as many columns as the id says."""
        label = self._labels[sample_id].copy()
        label[label == 255] = 0
        shift = int(sample_id, 16) % 5
        label[:, shift:] = label[:, : label.shape[1] - shift]
        return encode_gray_png(label)

    def runner_ids(self) -> list[str]:
        """Return the ids of the samples, as they are sent."""
        return sorted(self._labels)

    def runner(self) -> FakeRunner:
        return FakeRunner(self.predict)

    def cut_after(self, answers: int, error: BaseException, *, predict=None) -> CutRunner:
        return CutRunner(predict or self.predict, answers=answers, error=error, wait=self._wait_for)

    def ending_after(self, answers: int, outcome: RunOutcome = SIGKILLED) -> EndingRunner:
        return EndingRunner(self.predict, answers=answers, outcome=outcome)

    def run(
        self,
        runner: FakeRunner,
        *,
        run_id: str = FIRST,
        options: EvaluationOptions = OPTIONS,
        on_scored: Callable[[int], None] = lambda _count: None,
        **limits,
    ) -> RunRecord:
        path = unfinished_path(self.runs, self.target(**limits).key_on(self.benchmark.header()))
        before = read_archive(path) if path.exists() else None
        self._to_come = Semaphore(0)
        self._before = 0 if before is None else len(before.predicted)

        def scored(count: int) -> None:
            self._to_come.release(count)
            on_scored(count)

        return evaluate(
            self.target(**limits),
            self.places,
            runner=runner,
            engine="fake 1.0",
            run_id=run_id,
            on_scored=scored,
            on_note=self.notes.append,
            options=options,
        )

    def _wait_for(self, answers: int) -> None:
        """Wait until what was kept before and `answers` more are scored."""
        for _ in range(self._before + answers):
            assert self._to_come.acquire(timeout=30)

    def stored(self) -> dict[str, RunRecord]:
        with ResultsStore.open_read_only(self.database) as store:
            runs = store.runs(self.benchmark.header().digest)
        return {run.run_id: run for run in runs}

    def counts(self, run_id: str) -> list[tuple]:
        """Return every row of counts of a run."""
        with ResultsStore.open_read_only(self.database) as store:
            tables = store.counts((run_id,)), store.paired_counts((run_id,))
        return [
            sorted(
                zip(
                    (t.sample_ids[n] for n in t.sample),
                    *(getattr(t, c).tolist() for c in ("class_id", "tp", "fp", "fn")),
                    strict=True,
                )
            )
            for t in tables
        ]

    def left(self) -> list[str]:
        """Return what lies among the runs besides the folders of runs, and what is unfinished."""
        return sorted(path.name for path in self.runs.iterdir() if path.name.startswith("."))


LOST = RunInterruptedError("the engine went away", remedy="Start it.")


def cut(runs, answers, error=LOST, **given):
    """Run until `error` comes after that many answers."""
    with pytest.raises(type(error)):
        runs.run(runs.cut_after(answers, error), **given)
