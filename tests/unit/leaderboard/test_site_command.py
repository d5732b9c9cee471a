from datetime import UTC, datetime

import fake_boards as fb
import pytest
from click.testing import CliRunner
from fakes import write_tiny_benchmark
from html_reading import Page

from harness.cli.leaderboard import command
from harness.dataset.benchmark_folder import BenchmarkFolder
from harness.errors import BenchmarkError, DatabaseError
from harness.records.run import ClassCounts, RunOutcome, RunRecord, RunStatus
from harness.records.submission import ContainerLimits
from harness.store.database import ResultsStore

WHEN = datetime(2026, 11, 22, 13, 37, tzinfo=UTC)


def record(header, name, run_id):
    outcome = RunOutcome(
        status=RunStatus.COMPLETED, startup_seconds=0.5, total_seconds=2.5, predictions=12
    )
    return RunRecord(
        run_id=run_id,
        benchmark_digest=header.digest,
        image_digest=f"sha256:{name}",
        submission=fb.submission(name, f"The {name} model"),
        limits=ContainerLimits(),
        outcome=outcome,
        engine="test",
        harness_version="0",
        started_at=WHEN,
        finished_at=WHEN,
    )


def counts(samples, *, tp_of_edits):
    """Return counts of one class: IoU 0.8 on the sources, `tp_of_edits` / 100 on the edits."""
    tps = [(s.id, 80 if s.edit is None else tp_of_edits) for s in samples]
    return [ClassCounts(sample_id=i, class_id=1, tp=tp, fp=0, fn=100 - tp) for i, tp in tps]


@pytest.fixture
def workspace(tmp_path):
    """A workspace with the tiny benchmark and two evaluated submissions."""
    folder = tmp_path / "benchmark_data" / "tiny"
    header = write_tiny_benchmark(folder)
    samples = BenchmarkFolder(folder).samples()
    (tmp_path / "leaderboard").mkdir()
    with ResultsStore.open(tmp_path / "leaderboard" / "results.duckdb") as store:
        store.add_benchmark(header, samples)
        for name, run_id, tp in (("worse", "a" * 12, 50), ("better", "b" * 12, 72)):
            run = record(header, name, run_id)
            store.add_run(run, counts(samples, tp_of_edits=tp))
    return tmp_path


def run(workspace, *arguments):
    return CliRunner().invoke(command, arguments, obj=workspace)


def test_the_stored_results_become_a_site_with_pictures(workspace):
    result = run(workspace, "--resamples", "50")
    assert result.exception is None
    index = workspace / "leaderboard" / "site" / "index.html"
    assert result.stdout.splitlines()[-1] == str(index)
    assert index.is_file()
    page = Page((index.parent / "tiny" / "index.html").read_text("utf-8"))
    table = page.table("board")
    assert [cell.split()[0] for cell in table.column("Rank")] == ["1", "2"]
    first, second = table.column("Submission")
    assert first.startswith("The better model Pareto")
    assert second.startswith("The worse model ResNet-50")
    assert [cell.split()[0] for cell in table.column("Drop")] == ["8.0", "30.0"]
    assert [cell.split()[0] for cell in table.column("Clean")] == ["80.0", "80.0"]
    assert len(list((index.parent / "pictures" / "v1" / "large").iterdir())) == 12
    again = run(workspace, "--resamples", "50")
    assert again.stderr == ""


def test_a_benchmark_that_is_not_built_here_is_rendered_without_pictures(workspace):
    (workspace / "benchmark_data" / "tiny").rename(workspace / "moved")
    result = run(workspace, "--resamples", "0", "--output", str(workspace / "out"))
    assert result.exception is None
    assert "tiny: rendered without pictures, since there is no benchmark" in result.stderr
    assert not list((workspace / "out").rglob("*.webp"))
    assert (workspace / "out" / "tiny" / "pairs" / "color-violet.html").is_file()


def test_another_build_on_disk_lends_no_pictures(workspace):
    write_tiny_benchmark(workspace / "benchmark_data" / "tiny", seed=8)
    result = run(workspace, "--resamples", "0")
    assert "another build lies in" in result.stderr
    assert not list((workspace / "leaderboard" / "site").rglob("*.webp"))


def test_a_newer_build_takes_its_names_place(workspace):
    folder = workspace / "benchmark_data" / "tiny"
    newer = write_tiny_benchmark(folder, seed=8)
    with ResultsStore.open(workspace / "leaderboard" / "results.duckdb") as store:
        store.add_benchmark(newer, BenchmarkFolder(folder).samples())
    result = run(workspace, "--resamples", "0")
    assert "tiny: the newest build is shown, 1 older left out" in result.stderr
    html = (workspace / "leaderboard" / "site" / "tiny" / "index.html").read_text("utf-8")
    assert newer.digest in html


def test_an_unknown_benchmark_is_named_with_what_is_stored(workspace):
    result = run(workspace, "--benchmark", "moon")
    assert isinstance(result.exception, BenchmarkError)
    assert "'moon' are stored (stored: tiny)" in str(result.exception)
    assert not (workspace / "leaderboard" / "site").exists()


def test_a_missing_database_is_said_so(tmp_path):
    result = run(tmp_path)
    assert isinstance(result.exception, DatabaseError)


def test_help_has_an_example():
    result = CliRunner().invoke(command, ["--help"])
    assert "harness leaderboard --benchmark mini" in result.output
