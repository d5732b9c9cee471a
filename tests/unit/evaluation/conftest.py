"""Runs that can be cut off, and what one counts that is not."""

import pytest
from cut_runs import FIRST, CutRuns


@pytest.fixture
def runs(tmp_path):
    return CutRuns(folder=tmp_path)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The counts of a run that nothing disturbs."""
    calm = CutRuns(folder=tmp_path_factory.mktemp("calm"))
    calm.run(calm.runner())
    return calm.counts(FIRST)
