"""`harness runs` finds runs and tells what happened to one, in words that terminals don't obey."""

import csv
import io
import json

import pytest
from click.testing import CliRunner
from command_line import harness
from cut_runs import CutRuns, Killed
from fake_runs import outcome, parts, run_record
from fakes import write_tiny_benchmark

from harness.cli.runs import STATUSES, UNFINISHED, command
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError, DatabaseError, RunError
from harness.evaluation import part
from harness.records.run import FailureReason, LimitSource, RunStatus
from harness.records.run_account import RunAccount, RunListing
from harness.records.submission import ContainerLimits, SubmissionManifest
from harness.store.database import ResultsStore

TERMINAL = "\x1b]0;pwned\x07"


def manifest(name):
    return SubmissionManifest(name=name, title=f"The {name}", authors=("A",), label_space="street")


@pytest.fixture
def workspace(tmp_path):
    """A workspace with the tiny benchmark and four runs; the last failed on an edit."""
    folder = tmp_path / "benchmark_data" / "tiny"
    header = write_tiny_benchmark(folder)
    samples = BenchmarkFolder(folder).samples()
    edit = next(sample for sample in samples if sample.edit is not None)
    wrong = outcome(
        status=RunStatus.SUBMISSION_FAILED,
        reason=FailureReason.WRONG_SIZE,
        sample_id=edit.id,
        detail=f"the prediction is 8x8, its image is 16x12{TERMINAL}",
        log=f"loading {TERMINAL}\nValueError: no\n",
        predictions=3,
        exit_code=None,
    )
    lost = outcome(status=RunStatus.HARNESS_FAILED, detail="the container engine was lost")
    digest = {"benchmark_digest": header.digest}
    with ResultsStore.open(tmp_path / "leaderboard" / "results.duckdb") as store:
        store.add_benchmark(header, samples)
        store.add_run(run_record("a1" + "0" * 10, manifest("unet"), lost, minutes=40, **digest), ())
        store.add_run(
            run_record("a2" + "0" * 10, manifest("unet"), outcome(), minutes=30, **digest), ()
        )
        resumed = run_record(
            "b1" + "0" * 10,
            manifest("forest"),
            outcome(),
            minutes=20,
            parts=parts(),
            workers=2,
            predictions_kept=True,
            **digest,
        )
        store.add_run(resumed, ())
        failed = run_record(
            "c1" + "0" * 10,
            manifest("greedy"),
            wrong,
            limits=ContainerLimits(memory_mb=4096),
            limit_sources={"memory_mb": LimitSource.OPERATOR},
            **digest,
        )
        store.add_run(failed, ())
    (tmp_path / "leaderboard" / "runs" / failed.run_id).mkdir(parents=True)
    return tmp_path


def ask(workspace, *arguments):
    return CliRunner().invoke(command, arguments, obj=workspace)


def ids(workspace, *arguments):
    result = ask(workspace, *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return [run.run_id[:2] for run in RunListing.model_validate_json(result.stdout).runs]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((), ["c1", "b1", "a2", "a1"]),
        (("--limit", "2"), ["c1", "b1"]),
        (("--submission", "unet"), ["a2", "a1"]),
        (("--benchmark", "tiny", "--status", "completed"), ["b1", "a2"]),
        (("--status", "submission_failed"), ["c1"]),
        (("--status", "unfinished"), []),
        (("--submission", "nobody"), []),
    ],
)
def test_the_newest_runs_that_fit_are_listed(workspace, arguments, found):
    assert ids(workspace, *arguments) == found


def test_the_statuses_are_those_of_a_run_and_unfinished():
    assert (*(status.value for status in RunStatus), UNFINISHED) == STATUSES


def test_the_table_tells_how_each_ended_and_what_is_left_out(workspace):
    text = ask(workspace, "--limit", "2").stdout
    failed = next(line for line in text.splitlines() if "c10000000000" in line)
    for words in ("greedy", "tiny", "submission_failed", "wrong-size at", "3", "21.5 s"):
        assert words in failed
    resumed = [cell.strip() for cell in text.splitlines()[-4].split("│")]
    assert resumed[-3:-1] == ["3", "2"]
    assert "2 older ones are left out; --limit 4 lists all." in text
    assert "harness runs show RUN" in text


def test_csv_has_a_line_a_run(workspace):
    rows = list(csv.DictReader(io.StringIO(ask(workspace, "--format", "csv").stdout)))
    assert [row["run_id"][:2] for row in rows] == ["c1", "b1", "a2", "a1"]
    assert (rows[0]["reason"], rows[0]["predictions"]) == ("wrong-size", "3")
    assert (rows[1]["parts"], rows[1]["predictions_kept"]) == ("3", "yes")


def test_a_run_that_was_cut_off_is_listed_with_what_comes_next(tmp_path):
    runs = CutRuns(folder=tmp_path / "benchmark_data")
    with pytest.raises(Killed):
        runs.run(runs.cut_after(5, Killed()))
    (tmp_path / "benchmark_data" / "board").rename(tmp_path / "leaderboard")
    result = ask(tmp_path)
    assert "killed, or the machine went down; evaluating it again goes on with it" in result.stdout
    listing = json.loads(ask(tmp_path, "--status", "unfinished", "--format", "json").stdout)
    (run,) = listing["unfinished"]
    assert (run["submission"], run["benchmark"], run["predictions"]) == ("model", "tiny", 5)
    told = ask(tmp_path, "show", run["run_id"][:6])
    assert "is unfinished and not stored yet" in str(told.exception)
    (row,) = csv.DictReader(io.StringIO(ask(tmp_path, "--format", "csv").stdout))
    assert (row["status"], row["predictions"]) == ("unfinished", "5")
    assert json.loads(ask(tmp_path, "--submission", "x", "--format", "json").stdout) == {
        "unfinished": [],
        "stored": 0,
        "runs": [],
    }
    assert json.loads(ask(tmp_path, "--status", "completed", "--format", "json").stdout)[
        "unfinished"
    ] == []  # fmt: skip


def test_a_stored_run_is_not_unfinished_whatever_a_crash_left(tmp_path, monkeypatch):
    def killed(*_args, **_given):
        raise Killed

    monkeypatch.setattr(part, "settle", killed)
    runs = CutRuns(folder=tmp_path / "benchmark_data")
    with pytest.raises(Killed):
        runs.run(runs.runner())
    (tmp_path / "benchmark_data" / "board").rename(tmp_path / "leaderboard")
    assert list((tmp_path / "leaderboard" / "runs" / ".unfinished").iterdir())
    listing = json.loads(ask(tmp_path, "--format", "json").stdout)
    assert listing["unfinished"] == []
    assert [run["status"] for run in listing["runs"]] == ["completed"]


def test_a_failed_run_is_told_with_its_sample_limits_and_what_to_try(workspace):
    result = ask(workspace, "show", "c1")
    assert result.exit_code == 0, result.output
    text = result.stdout
    for words in (
        "Run c10000000000: The greedy (greedy) on tiny",
        "submission_failed (wrong-size)",
        "A prediction was not of its image's size.",
        "1. Resize the class ids to `image.shape[:2]`",
        "16 x 12",
        "3 of 12",
        "harness check greedy --benchmark tiny --memory-mb 4096",
        "ValueError: no",
    ):
        assert words in text
    sample = next((workspace / "benchmark_data" / "tiny" / "images").glob("*.png"))
    assert str(sample.parent) in text
    memory = next(line for line in text.splitlines() if line.startswith("│ memory_mb"))
    assert [cell.strip() for cell in memory.split("│")[2:5]] == ["Memory", "4,096 MiB", "operator"]


def test_no_format_hands_control_characters_to_the_terminal(workspace):
    for form in ("table", "csv", "json"):
        text = ask(workspace, "show", "c1", "--format", form).stdout
        assert "\x1b" not in text
        assert "\x07" not in text
        assert "pwned" in text


def test_json_is_the_account_and_its_fields_read_back(workspace):
    text = ask(workspace, "show", "c1", "--format", "json").stdout
    account = RunAccount.model_validate_json(text)
    assert account.run.outcome.reason is FailureReason.WRONG_SIZE
    assert account.sample is not None
    assert account.sample.edit is not None
    assert account.sample.image == str(
        workspace / "benchmark_data" / "tiny" / "images" / f"{account.sample.id}.png"
    )
    assert account.folder == str(workspace / "leaderboard" / "runs" / "c10000000000")
    assert account.samples == 12


def test_a_benchmark_that_is_not_here_as_it_was_lends_no_path(workspace):
    write_tiny_benchmark(workspace / "benchmark_data" / "tiny", seed=8)
    account = json.loads(ask(workspace, "show", "c1", "--format", "json").stdout)
    assert account["sample"]["source_name"].startswith("photo-")
    assert account["sample"]["image"] is None
    (workspace / "benchmark_data" / "tiny").rename(workspace / "moved")
    assert json.loads(ask(workspace, "show", "c1", "--format", "json").stdout) == account


def test_a_completed_run_is_told_with_its_parts_and_without_advice(workspace):
    result = ask(workspace, "show", "B1")
    assert "part 1" in result.stdout
    assert "400 predictions, killed" in result.stdout
    assert "1 prediction, stopped by Ctrl-C" in result.stdout
    assert "`harness rescore b10000000000` scores them anew" in result.stdout
    assert "What to try" not in result.stdout
    account = json.loads(ask(workspace, "show", "b1", "--format", "json").stdout)
    assert account["advice"] is None


def test_csv_of_a_run_has_a_row_a_fact(workspace):
    facts = dict(csv.reader(io.StringIO(ask(workspace, "show", "c1", "--format", "csv").stdout)))
    assert facts["status"] == "submission_failed (wrong-size)"
    assert facts["limits.memory_mb"] == "4,096 MiB"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("a", r"several runs begin with 'a': a10000000000 \(unet\), a20000000000 \(unet\)"),
        ("f", "no run 'f' is stored"),
        ("xyz", "'xyz' is no run's id"),
        ("", "'' is no run's id"),
        ("0" * 13, "is no run's id"),
    ],
)
def test_a_run_that_is_not_one_is_refused_with_a_remedy(workspace, named, says):
    result = ask(workspace, "show", named)
    assert isinstance(result.exception, RunError)
    with pytest.raises(RunError, match=says):
        raise result.exception
    assert result.exception.remedy.endswith(".")


def test_an_unknown_benchmark_names_those_that_are_stored(workspace):
    result = ask(workspace, "--benchmark", "moon")
    assert isinstance(result.exception, BenchmarkError)
    assert "(stored: tiny)" in str(result.exception)


def test_a_workspace_without_results_says_what_to_run_first(tmp_path):
    for arguments in ((), ("show", "a")):
        result = ask(tmp_path, *arguments)
        assert isinstance(result.exception, DatabaseError)
        assert "harness evaluate" in result.exception.one_line()


def test_a_database_without_runs_says_how_to_get_one(tmp_path):
    with ResultsStore.open(tmp_path / "leaderboard" / "results.duckdb"):
        pass
    assert "No run fits; `harness evaluate SUBMISSION` makes one." in ask(tmp_path).stdout


def test_options_of_the_list_before_show_are_refused(workspace):
    result = ask(workspace, "--limit", "3", "show", "a1")
    assert result.exit_code == 2
    assert "--limit belongs to the list of runs" in result.output


def test_a_named_database_is_read(workspace, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    database = str(workspace / "leaderboard" / "results.duckdb")
    assert ids(elsewhere, "--database", database)[0] == "c1"
    assert "greedy" in ask(elsewhere, "show", "c1", "--database", database).stdout


def test_the_commands_run_as_users_run_them(workspace):
    shown = harness(workspace, "runs", "show", "c1")
    assert shown.returncode == 0, shown.stderr
    assert "What to try" in shown.stdout
    refused = harness(workspace, "runs", "show", "a")
    assert refused.returncode == 21
    assert refused.stderr.startswith("harness: error: several runs begin with 'a'")
    helped = harness(workspace, "runs", "show", "--help")
    assert "  harness runs show 3f9a\n" in helped.stdout
