"""Bad input that shows only with an engine: submissions, builds, a database in use."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from command_line import assert_refused, harness
from fakes import write_tiny_benchmark

from harness.store.database import ResultsStore

pytestmark = pytest.mark.docker

DOCKERFILE = """
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
"""
NOWHERE = "localhost:1/no-such-image:latest"
"""In a registry that can't answer, so that no network is waited for."""


def evaluate(workspace, submission):
    # Where a refusal fails to come, the container is not waited for either.
    return harness(
        workspace, "evaluate", submission, "--benchmark", "tiny", "--startup-seconds", "20"
    )


def assert_no_run_stored(workspace):
    assert list((workspace / "leaderboard").glob("runs/*")) == []
    database = workspace / "leaderboard" / "results.duckdb"
    if database.exists():
        with ResultsStore.open_read_only(database) as store:
            for benchmark in store.benchmarks():
                assert store.runs(benchmark.digest) == ()


@pytest.fixture
def workspace(tmp_path):
    write_tiny_benchmark(tmp_path / "benchmark_data" / "tiny")
    return tmp_path


@pytest.fixture
def manifest(disposable_name):
    """The manifest of a submission whose images are removed afterwards."""
    return f'name = "{disposable_name}"\ntitle = "Model"\nauthors = ["A"]\nlabel_space = "voc"\n'


@pytest.fixture
def write_model(workspace, disposable_name):
    """Writes a submission's folder and returns its name."""

    def write(**files):
        folder = workspace / "submissions" / disposable_name
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name.replace("_toml", ".toml")).write_text(text, encoding="utf-8")
        return disposable_name

    return write


def test_an_unknown_submission_lists_the_known_ones(workspace, write_model, manifest):
    model = write_model(submission_toml=manifest, Dockerfile=DOCKERFILE)
    assert_refused(evaluate(workspace, f"{model}l"), 5, f"'{model}l'", f"one of {model} in")


def test_a_folder_without_a_manifest_is_named(workspace, write_model):
    model = write_model(Dockerfile=DOCKERFILE)
    assert_refused(evaluate(workspace, model), 5, "submission.toml")


def test_an_unknown_key_in_the_manifest_is_named(workspace, write_model, manifest):
    model = write_model(submission_toml=manifest + "autors = []", Dockerfile=DOCKERFILE)
    assert_refused(evaluate(workspace, model), 5, "autors")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ('"voc"', '"vok"'),
            ("label space 'vok'", "submission.toml", "ade20k, camvid, cityscapes"),
        ),
        (('name = "', 'name = "copy-of-'), ("`name`", "Set name = ")),
        (('"voc"', '"voc"\nresources = {gpus = 1}'), ("gpus = 1", "0 at most", "--gpus 1")),
    ],
    ids=["label-space", "name", "resources"],
)
def test_a_manifest_that_cannot_be_granted_is_refused_before_the_build(
    engine, workspace, write_model, manifest, change, words
):
    text = manifest.replace(*change, 1)
    model = write_model(submission_toml=text, Dockerfile=DOCKERFILE + "RUN exit 3\n")
    assert_refused(evaluate(workspace, model), 5, *words)
    assert engine.images.list(name=f"harness-submission/{model}") == []


@pytest.mark.usefixtures("base_image")
def test_a_failing_dockerfile_shows_its_step(workspace, write_model, manifest):
    model = write_model(
        submission_toml=manifest, Dockerfile=DOCKERFILE + "RUN echo gone wrong; exit 3\n"
    )
    assert_refused(evaluate(workspace, model), 6, "exit 3", "gone wrong")
    assert not (workspace / "leaderboard" / "results.duckdb").exists()


@pytest.mark.usefixtures("base_image")
@pytest.mark.parametrize(
    ("end", "words"),
    [
        ('VOLUME /data\nCMD ["python3"]\n', ("declares volumes: /data", "Take VOLUME out")),
        ("CMD []\n", ("says no command to run", "with a CMD")),
    ],
    ids=["volume", "no-command"],
)
def test_an_image_that_may_not_run_is_refused_and_not_stored(
    workspace, write_model, manifest, end, words
):
    model = write_model(submission_toml=manifest, Dockerfile=DOCKERFILE + end)
    assert_refused(evaluate(workspace, model), 6, *words)
    assert_no_run_stored(workspace)


def test_an_image_that_is_not_there_is_named(workspace):
    assert_refused(evaluate(workspace, NOWHERE), 6, NOWHERE)
    assert_no_run_stored(workspace)


@pytest.mark.usefixtures("base_image")
def test_a_submission_whose_classes_do_not_meet_the_benchmarks_is_refused(
    workspace, write_model, manifest
):
    path = workspace / "benchmark_data" / "tiny" / "benchmark.json"
    header = json.loads(path.read_text())
    for known in header["label_space"]["classes"]:
        known["name"] = f"{known['name']} of this street"
    path.write_text(json.dumps(header))
    model = write_model(submission_toml=manifest, Dockerfile=DOCKERFILE)
    assert_refused(evaluate(workspace, model), 5, "'voc'", "'street'", "[class_map]")
    assert_no_run_stored(workspace)


@pytest.mark.usefixtures("base_image")
def test_a_second_process_writing_the_results_is_named(workspace, write_model, manifest):
    model = write_model(submission_toml=manifest, Dockerfile=DOCKERFILE + 'CMD ["sleep", "60"]\n')
    path = workspace / "leaderboard" / "results.duckdb"
    path.parent.mkdir()
    script = (
        "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True);"
        " sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with ThreadPoolExecutor() as pool:  # side by side: each is patient with the holder
            ranked = pool.submit(harness, workspace, "rank", "--benchmark", "tiny")
            evaluated = pool.submit(evaluate, workspace, model)
        holder.stdin.close()
    assert_refused(ranked.result(), 11, str(holder.pid))
    assert_refused(evaluated.result(), 11, str(holder.pid))
    assert_no_run_stored(workspace)


@pytest.mark.usefixtures("base_image")
def test_a_submission_that_fails_is_stored_and_shown(workspace, write_model, manifest):
    command = 'CMD ["python3", "-c", "raise SystemExit(3)"]\n'
    model = write_model(submission_toml=manifest, Dockerfile=DOCKERFILE + command)
    assert_refused(evaluate(workspace, model), 13, "exited-early", "harness check")
    (folder,) = (workspace / "leaderboard" / "runs").iterdir()
    assert (folder / "log.txt").exists()
    ranked = harness(workspace, "rank", "--benchmark", "tiny")
    assert ranked.returncode == 0
    assert "exited-early" in ranked.stdout.replace("exited early", "exited-early")
