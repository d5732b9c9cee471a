"""What the fuzzer starts from and has found keeps every promise; it is not needed to see so."""

from pathlib import Path

import pytest
from frames_property import check_frames
from fuzz import CORPUS, LARGEST_INPUT, TARGETS
from prediction_property import check_prediction
from seeds import seeds
from stream_property import check_stream

CHECKS = {"stream": check_stream, "frames": check_frames, "prediction": check_prediction}
LARGEST_CORPUS = 300_000
"""In bytes: it is in the repository."""


def kept(target: str) -> list[Path]:
    return sorted((CORPUS / target).iterdir())


@pytest.mark.parametrize("target", TARGETS)
def test_everything_kept_holds(target, capfd):
    files = kept(target)
    assert len(files) >= 20

    for path in files:
        try:
            CHECKS[target](path.read_bytes())
        except AssertionError as error:
            error.add_note(f"the input is {path}")
            raise
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_holds(target, capfd):
    for seed in seeds(target):
        CHECKS[target](seed)
    assert capfd.readouterr() == ("", "")


def test_the_corpus_is_small():
    files = [path for target in TARGETS for path in kept(target)]

    assert max(path.stat().st_size for path in files) <= LARGEST_INPUT
    assert sum(path.stat().st_size for path in files) <= LARGEST_CORPUS
