"""Images of hashing_model.py that `harness evaluate` takes, and what it stored of them."""

import json
import secrets
from pathlib import Path

from fakes import FakeRunner
from hashing_model import predict

from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.evaluation.evaluate import evaluate
from harness.evaluation.target import EvaluationPlaces, EvaluationTarget
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.sandbox.image import SUBMISSION_LABEL
from harness.store.database import ResultsStore

MODEL = Path(__file__).with_name("hashing_model.py")


def manifest_of(name, **fields):
    """Return what the model says of itself."""
    known = {"title": name.title(), "authors": ("Tests",), "label_space": "street"}
    return SubmissionManifest.model_validate({"name": name} | known | fields)


def build_model(throwaway, base_image, name, *words, **manifest):
    """Return the id of an image that runs the model with `words`, its salt being `name`."""
    said = manifest_of(name, **manifest).model_dump_json()
    label = json.dumps(said)  # a Dockerfile's quotes are JSON's
    command = json.dumps(["python3", "/model.py", name, *words])
    lines = [
        f"FROM {base_image.reference}",
        "COPY model.py /model.py",
        f"LABEL {SUBMISSION_LABEL}={label}",
        f"CMD {command}",
    ]
    files = {"Dockerfile": "\n".join(lines).encode(), "model.py": MODEL.read_bytes()}
    return throwaway.build(files)


def stored_counts(database, run_id):
    """Return the counts of a stored run as sorted rows of (sample, class, tp, fp, fn)."""
    with ResultsStore.open_read_only(database) as store:
        table = store.counts([run_id])
    columns = (table.sample, table.class_id, table.tp, table.fp, table.fn)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return sorted((table.sample_ids[sample], *rest) for sample, *rest in rows)


def counts_alone(workspace, folder, name):
    """Return the rows that the model of this name has where it is evaluated by itself.

    It runs in this process, without an engine, into a database of its own in `folder`.
    """
    benchmark = BenchmarkFolder(workspace / "benchmark_data" / "tiny")
    places = EvaluationPlaces(
        benchmark=benchmark, database=folder / f"{name}.duckdb", runs=folder / "runs"
    )
    target = EvaluationTarget(
        manifest=manifest_of(name), image_digest=f"sha256:{name}", limits=ContainerLimits()
    )
    run = evaluate(
        target,
        places,
        runner=FakeRunner(lambda sample_id: predict(benchmark.image_png(sample_id), name)),
        engine="none",
        run_id=secrets.token_hex(6),
        on_scored=lambda _count: None,
    )
    return stored_counts(places.database, run.run_id)
