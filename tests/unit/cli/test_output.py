"""Answers in the three formats."""

import csv
import io
import json

import click
import pytest
from click.testing import CliRunner

from harness.cli.output import OutputFormat, echo_csv, echo_json, echo_table, format_option

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
