"""`harness rank` prints the board for people and programs, and says what is missing."""

import csv
import io
import json

import click
import pytest
from click.testing import CliRunner
from stored_results import EDITS, counts, header, run, samples

from harness.cli.rank import command
from harness.errors import BenchmarkError, DatabaseError, HarnessError
from harness.records.ranking import Board
from harness.records.run import FailureReason, RunStatus
from harness.store.database import ResultsStore

SAMPLES = samples("abcdef")
HEADER = header(SAMPLES, qualifying_miou=0.45)


def given(clean, color, weather):
    """Counts where this many of 100 car pixels are right on sources and on each attribute."""
    right = {None: clean, EDITS[0]: color, EDITS[1]: color, EDITS[2]: weather}
    return [
        row for s in SAMPLES for row in counts(s.id, car=(right[s.edit], 0, 100 - right[s.edit]))
    ]


@pytest.fixture
def workspace(tmp_path):
    with ResultsStore.open(tmp_path / "leaderboard" / "results.duckdb") as store:
        store.add_benchmark(HEADER, SAMPLES)
        store.add_run(run(HEADER.digest, "forest"), given(70, 40, 70))
        store.add_run(run(HEADER.digest, "unet"), given(90, 85, 60))
        store.add_run(run(HEADER.digest, "constant"), given(20, 20, 20))
        store.add_run(
            run(
                HEADER.digest,
                "greedy",
                status=RunStatus.SUBMISSION_FAILED,
                reason=FailureReason.OUT_OF_MEMORY,
                detail="It took more than 2048 MiB.",
            ),
            (),
        )
    return tmp_path


def rank(workspace, *arguments):
    options = ("--resamples", "50", *arguments)
    return CliRunner().invoke(command, options, obj=workspace)


def cells(line):
    return [cell.strip() for cell in line.strip()[1:-1].replace("┃", "│").split("│")]


def test_the_table_shows_who_is_ranked_who_is_not_and_who_failed(workspace):
    result = rank(workspace)
    assert result.exit_code == 0
    assert "6 sources, 18 edits (0 rejected); qualifying clean mIoU 45.0 %" in result.output
    rows = [cells(line) for line in result.output.splitlines() if "│" in line or "┃" in line]
    assert rows == [
        ["rank", "submission", "clean %", "edited %", "drop", "color", "weather", "Pareto"],
        [
            *("1 [1-1]", "forest", "70.0", "55.0", "15.0 [15.0, 15.0]"),
            *("30.0", "0.0", "*"),
        ],
        [
            *("2 [2-2]", "unet", "90.0", "72.5", "17.5 [17.5, 17.5]"),
            *("5.0", "30.0", "*"),
        ],
        ["rank", "submission", "clean %", "edited %", "drop", "color", "weather", "Pareto"],
        [
            *("-", "constant", "20.0", "20.0", "0.0 [0.0, 0.0]"),
            *("0.0", "0.0", ""),
        ],
        ["submission", "status", "reason", "sample", "detail", "run"],
        [
            *("greedy", "submission_failed", "out-of-memory", "-"),
            *("It took more than 2048 MiB.", run(HEADER.digest, "greedy").run_id),
        ],
    ]
    assert "\x1b" not in result.output
    assert "`harness runs show RUN` tells why" in result.output


def test_another_attribute_orders_the_ranked(workspace):
    result = rank(workspace, "--by", "color")
    assert "Ranked by color drop" in result.output
    assert "30.0 [30.0, 30.0]" in result.output
    assert result.output.index("unet") < result.output.index("forest")
    board = Board.model_validate_json(rank(workspace, "--by", "color", "--format", "json").output)
    assert [row.submission.name for row in board.ranked] == ["unet", "forest"]
    assert [row.rank for row in board.ranked] == [2, 1]


def test_json_is_the_board(workspace):
    result = rank(workspace, "--format", "json")
    board = Board.model_validate(json.loads(result.output))
    assert [(r.rank, r.submission.name) for r in board.ranked] == [(1, "forest"), (2, "unet")]
    assert board.resamples == 50
    assert board.ranked[0].attributes[0].values[0].drop_pp == pytest.approx(30.0)


def test_csv_holds_one_unrounded_line_a_submission(workspace):
    rows = list(csv.DictReader(io.StringIO(rank(workspace, "--format", "csv").output)))
    assert [(r["standing"], r["rank"], r["submission"]) for r in rows] == [
        ("ranked", "1", "forest"),
        ("ranked", "2", "unet"),
        ("unranked", "", "constant"),
        ("failed", "", "greedy"),
    ]
    assert float(rows[0]["drop_pp"]) == pytest.approx(15.0)
    assert float(rows[0]["color_drop_pp"]) == pytest.approx(30.0)
    assert (rows[0]["color_rank"], rows[1]["color_rank"]) == ("2", "1")
    assert (rows[0]["rank_best"], rows[0]["rank_worst"], rows[0]["pareto"]) == ("1", "1", "yes")
    assert (rows[3]["status"], rows[3]["reason"]) == ("submission_failed", "out-of-memory")
    assert rows[3]["drop_pp"] == ""


def test_without_resamples_the_table_has_no_brackets(workspace):
    assert "[" not in rank(workspace, "--resamples", "0").output


def test_a_benchmark_without_runs_says_how_to_get_some(tmp_path):
    with ResultsStore.open(tmp_path / "leaderboard" / "results.duckdb") as store:
        store.add_benchmark(HEADER, SAMPLES)
    result = rank(tmp_path)
    assert result.exit_code == 0
    assert "No run is stored; `harness evaluate SUBMISSION --benchmark mini`" in result.output


def test_the_newest_build_of_a_name_is_used_and_said_to_be(workspace):
    newer = samples("xyz")
    with ResultsStore.open(workspace / "leaderboard" / "results.duckdb") as store:
        store.add_benchmark(header(newer), newer)
    result = rank(workspace)
    digest = header(newer).digest
    assert f"using the newest of 2 builds, {digest[:12]}" in result.stderr
    assert HEADER.digest[:12] in result.stderr
    assert "3 sources" in result.stdout
    picked = rank(workspace, "--digest", HEADER.digest[:9].upper())
    assert (picked.stderr, "6 sources" in picked.stdout) == ("", True)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("--benchmark", "nosuch"), BenchmarkError, r"'nosuch' are stored \(stored: mini\)"),
        (("--digest", "zz"), BenchmarkError, "no build of benchmark 'mini' begin"),
    ],
)
def test_an_unknown_benchmark_or_digest_names_what_is_stored(workspace, arguments, error, says):
    result = rank(workspace, *arguments)
    assert isinstance(result.exception, error)
    with pytest.raises(error, match=says):
        raise result.exception


def test_a_digest_that_fits_two_builds_is_refused(workspace):
    newer = samples("xyz")
    with ResultsStore.open(workspace / "leaderboard" / "results.duckdb") as store:
        store.add_benchmark(header(newer), newer)
    result = rank(workspace, "--digest", "")
    assert isinstance(result.exception, BenchmarkError)
    assert "2 builds of benchmark 'mini' begin" in str(result.exception)


def test_a_workspace_without_results_says_what_to_run_first(tmp_path):
    result = rank(tmp_path)
    assert isinstance(result.exception, DatabaseError)
    assert "harness evaluate" in result.exception.one_line()


def test_a_named_database_is_read(workspace, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    database = workspace / "leaderboard" / "results.duckdb"
    assert "forest" in rank(elsewhere, "--database", str(database)).output


def test_an_attribute_that_the_benchmark_lacks_is_refused(workspace):
    result = rank(workspace, "--by", "size")
    assert result.exit_code == 2
    assert "no size edits; it has color, weather" in result.output


@pytest.mark.parametrize(
    "arguments", [("--by", "taste"), ("--resamples", "-1"), ("--seed", "-1"), ("--format", "xml")]
)
def test_an_unknown_choice_is_a_usage_error(workspace, arguments):
    assert rank(workspace, *arguments).exit_code == 2


def test_help_has_an_example():
    result = CliRunner().invoke(command, ["--help"])
    assert "harness rank --benchmark mini" in result.output
    assert isinstance(command, click.Command)
    assert issubclass(BenchmarkError, HarnessError)
