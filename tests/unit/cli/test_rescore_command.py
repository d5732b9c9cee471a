"""`harness rescore` says whether the scores are the stored ones, and how they changed if not."""

import csv
import io

import pytest
from click.testing import CliRunner
from cut_runs import FIRST, CutRuns

from harness.cli.rescore import command
from harness.errors import BenchmarkError, RunError, SubmissionError
from harness.evaluation.archive import PREDICTIONS_NAME
from harness.records.run_account import RescoreReport
from harness.store.database import ResultsStore

TOML = 'name = "{name}"\ntitle = "Model"\nauthors = ["A"]\nlabel_space = "street"\n{more}'


@pytest.fixture
def workspace(tmp_path):
    """A workspace with one completed run of the submission `model`."""
    runs = CutRuns(folder=tmp_path / "benchmark_data")
    runs.run(runs.runner())
    (tmp_path / "benchmark_data" / "board").rename(tmp_path / "leaderboard")
    return tmp_path


@pytest.fixture
def write_submission(workspace):
    def write(name="model", more=""):
        folder = workspace / "submissions" / name
        folder.mkdir(parents=True)
        (folder / "submission.toml").write_text(TOML.format(name=name, more=more))
        (folder / "Dockerfile").write_text("FROM scratch\n")
        return folder

    return write


def ask(workspace, *arguments):
    return CliRunner().invoke(command, arguments, obj=workspace)


def stored(workspace):
    with ResultsStore.open_read_only(workspace / "leaderboard" / "results.duckdb") as store:
        (header,) = store.benchmarks()
        return [run.run_id for run in store.runs(header.digest)]


def test_equal_scores_are_said_to_be_and_write_nothing(workspace):
    result = ask(workspace, FIRST)
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        f"identical: the 12 predictions of run {FIRST} have the stored counts;"
        " nothing was written\n"
    )
    assert "rescore model: 12 images" in result.stderr
    assert stored(workspace) == [FIRST]
    report = RescoreReport.model_validate_json(ask(workspace, FIRST, "--format", "json").stdout)
    assert report.identical
    assert report.run.run_id == FIRST
    assert report.before == report.after


def test_other_scores_are_stored_and_stand_beside_the_former(workspace, write_submission):
    swapped = '[class_map]\ncar = "bus"\nbus = "car"\n'
    folder = write_submission(more=swapped)
    result = ask(workspace, FIRST[:11], "--submission", str(folder))
    assert result.exit_code == 0, result.output
    assert f"12 of the 12 predictions of run {FIRST} count otherwise: stored" in result.stdout
    assert "drop before (pp)" in result.stdout
    first, second = stored(workspace)
    assert first == FIRST
    assert f"stored as run {second}, which counts on the board from now on" in result.stdout


def test_json_and_csv_hold_both_scores(workspace, write_submission):
    write_submission(more='[class_map]\ncar = "bus"\nbus = "car"\n')
    text = ask(workspace, FIRST, "--submission", "model", "--format", "json").stdout
    report = RescoreReport.model_validate_json(text)
    assert (report.rescored_from, report.changed_samples, report.samples) == (FIRST, 12, 12)
    assert report.run.rescored_from == FIRST
    assert report.before is not None
    assert (report.before.run_id, report.after.run_id) == (FIRST, report.run.run_id)
    assert report.after.clean_miou < report.before.clean_miou
    text = ask(workspace, FIRST, "--submission", "model", "--format", "csv").stdout
    rows = {row["condition"]: row for row in csv.DictReader(io.StringIO(text))}
    assert list(rows) == ["overall", "color", "color=violet", "weather", "weather=snowy"]
    assert rows["overall"]["clean_miou_before"] == f"{report.before.clean_miou:.4f}"
    assert rows["overall"]["drop_pp"] == f"{report.after.drop_pp:z.2f}"


def test_a_title_that_reads_otherwise_is_stored_with_equal_counts(workspace, write_submission):
    folder = write_submission(more='description = "Better words."\n')
    result = ask(workspace, FIRST, "--submission", str(folder))
    assert "have the stored counts, and the submission reads otherwise now" in result.stdout
    assert len(stored(workspace)) == 2


@pytest.mark.parametrize(
    ("submission", "says"),
    [("other", "is of 'model', not of 'other'"), ("image:tag", "is an image")],
)
def test_another_submission_is_refused(workspace, write_submission, submission, says):
    write_submission("other")
    result = ask(workspace, FIRST, "--submission", submission)
    assert isinstance(result.exception, SubmissionError)
    assert says in str(result.exception)
    assert stored(workspace) == [FIRST]


def test_what_is_missing_is_named(workspace):
    (workspace / "leaderboard" / "runs" / FIRST / PREDICTIONS_NAME).unlink()
    result = ask(workspace, FIRST)
    assert isinstance(result.exception, RunError)
    assert "--again" in result.exception.one_line()
    (workspace / "benchmark_data" / "tiny").rename(workspace / "moved")
    assert isinstance(ask(workspace, FIRST).exception, BenchmarkError)
    unknown = ask(workspace, "abc")
    assert "no run 'abc' is stored" in str(unknown.exception)
