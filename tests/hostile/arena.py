"""Where attacks are evaluated: their images, the road they take, and what they may not leave."""

import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import docker
import pytest
from attack import Attack, Result
from fakes import write_tiny_benchmark
from leftovers import SUITE_LABEL, Leftovers
from throwaway_images import ThrowawayImages, archive_of
from watching import Watch

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import EngineError, RunInterruptedError
from harness.evaluation.evaluate import EvaluationPlaces, EvaluationTarget, evaluate
from harness.evaluation.worker_plan import WorkerPlan
from harness.evaluation.workers import ParallelRunner
from harness.records.run import RunRecord
from harness.records.submission import SubmissionManifest
from harness.sandbox.docker_runner import DockerRunner
from harness.store.database import ResultsStore

ATTACKS = Path(__file__).with_name("attacks")
MANIFEST = SubmissionManifest(
    name="hostile", title="A hostile submission", authors=("Tests",), label_space="street"
)
_FINDINGS = re.compile(r"^FINDINGS (\{.*\})$", re.MULTILINE)


class Arena:
    """Evaluates attacks on a tiny benchmark, one after another, and looks for what they left."""

    def __init__(
        self,
        engine: docker.DockerClient,
        base_image: str,
        folder: Path,
        *,
        environment: Mapping[str, str],
    ) -> None:
        """Build the image that holds every attack; `environment` is what all of them are told."""
        self.mark = secrets.token_hex(8)
        self.engine = engine
        self._folder = folder
        self.leftovers = Leftovers(engine, self.mark)
        self._images = ThrowawayImages(engine)
        self._places = EvaluationPlaces(
            benchmark=BenchmarkFolder(folder / "benchmark"),
            database=folder / "results.duckdb",
            runs=folder / "runs",
        )
        write_tiny_benchmark(folder / "benchmark")
        told = {"HOSTILE_MARK": self.mark, **environment}
        lines = [
            f"FROM {base_image}",
            "COPY *.py /attacks/",
            f"LABEL {SUITE_LABEL}={self.mark}",
            *(f"ENV {name}={json.dumps(value)}" for name, value in told.items()),
        ]
        files = {path.name: path.read_bytes() for path in sorted(ATTACKS.glob("*.py"))}
        self.image = self._images.build({"Dockerfile": "\n".join(lines).encode(), **files})
        # named, so that it does not go when the last image that stands on it goes
        engine.api.tag(self.image, f"harness-test/hostile-{self.mark}")
        self.leftovers.keep_images()

    def close(self) -> None:
        """Remove the images."""
        self._images.remove()
        self.leftovers.keep_no_images()

    def evaluate(self, attack: Attack) -> Result:
        """Return how `attack` ended; its image is gone, everything else that it left is not."""
        image = self._build(attack)
        run_id = secrets.token_hex(6)
        self.leftovers.of_runs([run_id])
        plan = WorkerPlan(gpu_ids=((),) * attack.workers)
        salt = self._places.benchmark.header().digest
        evaluate_once = partial(
            evaluate,
            EvaluationTarget(manifest=MANIFEST, image_digest=image, limits=attack.limits),
            self._places,
            runner=ParallelRunner(DockerRunner(self.engine, salt=salt), plan),
            engine="the suite's",
            run_id=run_id,
            on_scored=lambda _count: None,
        )
        try:
            for _ in range(attack.evaluations - 1):
                with pytest.raises(RunInterruptedError):
                    evaluate_once()
            # what the harness raises, it has stored as well
            with Watch(self.engine, run_id, self._folder) as watch, suppress(EngineError):
                evaluate_once()
        finally:
            self.engine.api.remove_image(image, force=True)
        self.leftovers.of_volumes(watch.volumes)
        with ResultsStore.open_read_only(self._places.database) as store:
            record, counts = store.run(run_id), store.counts([run_id])
        assert record is not None
        return Result(
            record=record, findings=findings(record), measured=watch.measured(), counts=counts
        )

    def _build(self, attack: Attack) -> str:
        command = ["python3", "/attacks/play.py", attack.plays or attack.name]
        lines = [f"FROM {self.image}", attack.dockerfile]
        lines += [f"ENV {name}={json.dumps(value)}" for name, value in attack.environment]
        lines.append(f"CMD {json.dumps(command)}")
        image, _ = self.engine.images.build(
            # labels are handed on: one step less in a build that is made for every attack
            fileobj=archive_of({"Dockerfile": "\n".join(lines).encode()}),
            custom_context=True,
            nocache=True,
            network_mode="none",
            rm=True,
            forcerm=True,
        )
        return str(image.id)


def findings(record: RunRecord) -> dict[str, object]:
    """Return what the attack reported last of itself."""
    lines = _FINDINGS.findall(record.outcome.log)
    return json.loads(lines[-1]) if lines else {}
