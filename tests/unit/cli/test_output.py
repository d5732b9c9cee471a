"""Answers in the three formats."""

import csv
import io
import json

import click
import pytest
from click.testing import CliRunner

from harness.cli.output import (
    OutputFormat,
    echo_csv,
    echo_json,
    echo_log_tail,
    echo_table,
    format_option,
)
from harness.records.run import FailureReason, RunOutcome, RunStatus

HEADER = ("name", "figure")
ROWS = [("color-forest", "0.41"), ('with, comma and "quotes"', "[bold]0.5[/bold]")]


def test_csv_survives_a_round_trip(capsys: pytest.CaptureFixture[str]) -> None:
    echo_csv(HEADER, ROWS)
    parsed = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert parsed == [list(HEADER), *map(list, ROWS)]


def test_json_is_sorted_and_keeps_its_letters(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json({"b": [1, None], "a": "Zürich"})
    text = capsys.readouterr().out
    assert json.loads(text) == {"a": "Zürich", "b": [1, None]}
    assert text.index('"a"') < text.index('"b"')
    assert "Zürich" in text


def test_a_table_shows_cells_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    echo_table("Ranking", HEADER, ROWS)
    text = capsys.readouterr().out
    for part in ("Ranking", *HEADER, "color-forest", "[bold]0.5[/bold]"):
        assert part in text


def test_a_table_is_not_cut_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    echo_table("Wide", ("cell",), [("x" * 150,)])
    assert "x" * 150 in capsys.readouterr().out


HOSTILE = "\x1b]0;owned\x07\x9b2J\x7f"
WRITTEN_OUT = r"\x1b]0;owned\x07\x9b2J\x7f"


def obeyed(text: str) -> list[str]:
    """Return the characters that a terminal does not print."""
    return [c for c in text if not c.isprintable() and c not in "\r\n"]


def test_a_table_and_csv_have_nothing_that_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    echo_table(f"[link=x]{HOSTILE}", HEADER, [(HOSTILE, "1")])
    echo_csv(HEADER, [(HOSTILE, "1")])
    text = capsys.readouterr().out
    assert obeyed(text) == []
    assert text.count(WRITTEN_OUT) == 3
    assert "[link=x]" in text


def test_json_has_nothing_that_a_terminal_obeys_and_is_the_same_value(
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = {"a": [HOSTILE, "\u202e \U000e0001 \u2028 ü"]}
    echo_json(values)
    text = capsys.readouterr().out
    assert obeyed(text) == []
    assert json.loads(text) == values
    assert "ü" in text


def test_a_hostile_logs_end_is_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = RunOutcome(
        status=RunStatus.SUBMISSION_FAILED,
        reason=FailureReason.EXITED_EARLY,
        log=f"first\n{HOSTILE}\n",
        total_seconds=1.0,
        predictions=0,
    )
    echo_log_tail(outcome)
    text = capsys.readouterr().err
    assert obeyed(text) == []
    assert text.splitlines()[1:3] == ["first", WRITTEN_OUT]


def test_the_option_takes_the_three_formats_only() -> None:
    @click.command()
    @format_option
    def command(output_format: str) -> None:
        click.echo(OutputFormat(output_format).value)

    runner = CliRunner()
    assert runner.invoke(command, []).output == "table\n"
    for name in ("table", "json", "csv"):
        assert runner.invoke(command, ["--format", name]).output == f"{name}\n"
    assert runner.invoke(command, ["--format", "xml"]).exit_code == 2
