"""How the user says that several containers share a run, and what is made of it."""

import click
import pytest
from click.testing import CliRunner

from harness.cli.submission_choice import SubmissionChoice
from harness.cli.worker_options import RunnerChoice, make_runner, worker_options
from harness.errors import DeviceError, SubmissionError
from harness.evaluation.target import EvaluationTarget
from harness.evaluation.workers import ParallelRunner
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.sandbox.engine import EngineDescription

GIB = 2**30
MACHINE = EngineDescription(
    name="Engine",
    version="1",
    api_version="1",
    runtimes=(),
    default_runtime="runc",
    storage_driver="",
    cgroup_version="2",
    root="/",
    cpus=4,
    memory_bytes=4 * GIB,
)


def target(*, stateless=True, **limits):
    manifest = SubmissionManifest(
        name="m", title="M", authors=("A",), label_space="voc", stateless=stateless
    )
    return EvaluationTarget(
        manifest=manifest, image_digest="sha256:0", limits=ContainerLimits(**limits)
    )


@click.command()
@worker_options
def said(workers, gpu_ids):
    """Say what was understood."""
    click.echo(f"{workers} {gpu_ids}")


@pytest.mark.parametrize(
    ("words", "understood"),
    [
        ([], "1 ()"),
        (["--workers", "3"], "3 ()"),
        (["--gpu-ids", "0"], "1 ('0',)"),
        (["--workers", "2", "--gpu-ids", "0, GPU-5e1f"], "2 ('0', 'GPU-5e1f')"),
        (["--gpu-ids", "0,,1"], "1 ('0', '', '1')"),  # the plan refuses the empty name
    ],
)
def test_what_is_said_is_understood(words, understood):
    result = CliRunner().invoke(said, words)
    assert (result.exit_code, result.output) == (0, f"{understood}\n")


@pytest.mark.parametrize("workers", ["0", "257", "two"])
def test_a_number_that_is_none_is_refused(workers):
    assert CliRunner().invoke(said, ["--workers", workers]).exit_code == 2


def make(workers, *, gpu_ids=(), **limits):
    how = RunnerChoice(workers=workers, gpu_ids=gpu_ids)
    return make_runner(None, target(**limits), MACHINE, how=how, samples=100, salt="")


def test_a_runner_is_made_without_a_word_where_all_fits(capsys):
    assert isinstance(make(2, memory_mb=2048, cpus=2), ParallelRunner)
    assert capsys.readouterr().err == ""


def test_what_does_not_fit_is_said_and_done(capsys):
    assert isinstance(make(3, memory_mb=2048, cpus=2), ParallelRunner)
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 2
    assert warnings[0].startswith("warning: 3 containers of 2048 MiB may take 6144 MiB")
    assert warnings[1].startswith("warning: 3 containers of 2 processors share 4")


def test_what_can_not_be_is_refused():
    with pytest.raises(DeviceError, match="4 are needed"):
        make(2, gpu_ids=("0", "1", "2"), gpus=2)
    with pytest.raises(SubmissionError, match="stateless"):
        make(2, stateless=False)


def test_one_container_is_what_is_chosen_where_nothing_is_said():
    choice = SubmissionChoice(submission="m", weights_dir=None, base_image=None, limits={})
    assert (choice.workers, choice.gpu_ids) == (1, ())
