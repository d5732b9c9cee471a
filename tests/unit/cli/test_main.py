"""The command line's frame: every error one line and one code, and nothing heavy for --help."""

import errno
import subprocess
import sys
from pathlib import Path

import click
import pytest

from harness import errors
from harness.cli import main as frame
from harness.cli.main import COMMANDS


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["harness", *arguments])
    with pytest.raises(SystemExit) as raised:
        frame.main()
    return int(raised.value.code or 0)


def failing_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(frame.LazyGroup, "get_command", lambda *_: command)


def harness_errors() -> list[type[errors.HarnessError]]:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in found if issubclass(kind, errors.HarnessError)]


@pytest.mark.parametrize("kind", harness_errors())
def test_each_error_exits_with_its_code_and_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: type[errors.HarnessError],
) -> None:
    failing_with(monkeypatch, kind("what failed\nand where.", remedy="Do this."))
    assert run(monkeypatch, "anything") == kind.exit_code
    captured = capsys.readouterr()
    assert captured.err == "harness: error: what failed and where. Do this.\n"
    assert captured.out == ""


def test_what_a_container_said_does_not_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = errors.SubmissionFailedError("it said \x1b]0;owned\x07", remedy="Look at its log.")
    failing_with(monkeypatch, failed)
    run(monkeypatch, "anything")
    assert capsys.readouterr().err == (
        "harness: error: it said \\x1b]0;owned\\x07. Look at its log.\n"
    )


def test_the_codes_are_distinct_and_leave_the_shells_own_alone() -> None:
    # a kind of another error, as RunStoppedError is, has that one's code
    codes = [kind.exit_code for kind in harness_errors() if "exit_code" in vars(kind)]
    assert len(set(codes)) == len(codes)
    assert 2 not in codes
    assert all(code < 125 for code in codes)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.ENOSPC, 8, "the disk is full, writing /data/x"),
        (errno.EDQUOT, 8, "the disk is full, writing /data/x"),
        (errno.EACCES, 9, "permission refused: /data/x"),
        (errno.EROFS, 9, "permission refused: /data/x"),
        (errno.EIO, 1, "/data/x: "),
    ],
)
def test_what_the_system_refuses_becomes_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    code: int,
    said: str,
) -> None:
    failing_with(monkeypatch, OSError(number, "reason", "/data/x"))
    assert run(monkeypatch, "anything") == code
    captured = capsys.readouterr().err
    assert said in captured
    assert captured.count("\n") == 1


def test_an_interrupt_says_that_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_with(monkeypatch, KeyboardInterrupt())
    assert run(monkeypatch, "anything") == 130
    assert "interrupted" in capsys.readouterr().err


def test_the_unforeseen_is_logged_and_exits_1(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing_with(monkeypatch, ZeroDivisionError("oops"))
    assert run(monkeypatch, "anything") == 1
    assert "internal error" in caplog.text


def test_wrong_usage_exits_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "no-such-command") == 2
    assert "No such command 'no-such-command'" in capsys.readouterr().err


def test_help_lists_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--help") == 0
    listed = capsys.readouterr().out
    assert all(f"  {name} " in listed for name in COMMANDS)


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "harness", "--version"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert answer.stdout.startswith("harness, version ")
