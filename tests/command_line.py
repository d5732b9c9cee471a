"""Runs the command line as a user would, and reads how it answered."""

import json
import os
import subprocess
import sys


def harness(workspace, *arguments, **environment):
    """Run a command in `workspace`; return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "harness", "--workspace", str(workspace), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def answer(workspace, *arguments):
    """Run a command that must succeed; return its JSON."""
    result = harness(workspace, *arguments, "--format", "json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def assert_refused(result, code, *words):
    """Assert that one error line holds `words`, without a traceback, and the exit code."""
    assert result.returncode == code, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("harness: error: ")]
    assert len(errors) == 1, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in errors[0]
