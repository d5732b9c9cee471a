"""That transformers says nothing to users, and is left as it was found."""

import subprocess
import sys

import pytest
from transformers.utils import logging as transformers_logging

from harness.checkpoints.quiet import quiet_transformers


def settings():
    return transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()


@pytest.fixture
def chatty():
    before = settings()
    transformers_logging.set_verbosity_info()
    transformers_logging.enable_progress_bar()
    yield settings()
    transformers_logging.set_verbosity(before[0])
    if not before[1]:
        transformers_logging.disable_progress_bar()


def test_only_errors_are_shown_and_then_what_was_shown_before(chatty):
    with quiet_transformers():
        assert settings() == (transformers_logging.ERROR, False)
    assert settings() == chatty


def test_an_error_leaves_it_as_it_was(chatty):
    with pytest.raises(ValueError, match="broken"), quiet_transformers():
        raise ValueError("broken")  # noqa: EM101 - a test's own
    assert settings() == chatty


def test_bars_that_were_off_stay_off(chatty):
    transformers_logging.disable_progress_bar()
    with quiet_transformers():
        pass
    assert settings() == (chatty[0], False)


def test_importing_the_editor_says_nothing():
    code = "import harness.editing.diffusion.editor"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
