from click.testing import CliRunner

from harness.cli.verify import command


def test_help_shows_an_example():
    result = CliRunner().invoke(command, ["--help"])
    assert result.exit_code == 0
    assert "harness verify mini" in result.output
