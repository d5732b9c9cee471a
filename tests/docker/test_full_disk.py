"""A disk with room for less and less: wherever it runs full, the run goes on once there is room."""

import os
import subprocess

import pytest
from cut_runs import FIRST, SECOND, CutRuns

from harness.errors import DiskFullError
from harness.evaluation.evaluate import reuse_run

# Marked docker though it needs none: like those tests it needs root, to mount a small disk.
pytestmark = pytest.mark.docker

ROOMS_KIB = (0, 4, 8, 16, 48, 128, 400, 1024, 3000)
"""How much is free after the first prediction; archive, database and folder run out in turn."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The counts of a run that nothing disturbs."""
    calm = CutRuns(folder=tmp_path_factory.mktemp("calm"))
    calm.run(calm.runner())
    return calm.counts(FIRST)


@pytest.fixture
def disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_wherever_the_disk_runs_full_nothing_is_lost(tmp_path, disk, undisturbed):
    named, remedies = set(), set()
    for room in ROOMS_KIB:
        runs = CutRuns(folder=tmp_path / f"{room}")
        runs.database = disk / f"{room}" / "results.duckdb"
        runs.runs = disk / f"{room}" / "runs"
        filler = disk / "filler"
        try:
            runs.run(runs.runner(), on_scored=filling(filler, room))
        except DiskFullError as error:
            named.add(str(error).rpartition("writing ")[2].removeprefix(str(runs.runs.parent)))
            remedies.add("Free some space" in error.remedy)
        filler.unlink()

        record = reuse_run(runs.target(), runs.places) or runs.run(runs.runner(), run_id=SECOND)
        assert record.run_id == FIRST
        assert runs.counts(FIRST) == undisturbed
        assert runs.left() == []
        subprocess.run(["rm", "-r", runs.runs.parent], check=True)
    assert remedies == {True}
    assert {"/results.duckdb", f"/runs/{FIRST}"} <= named


def filling(filler, room_kib):
    """Return what fills the disk when it is first called, but for some room."""

    def fill(_count):
        if filler.exists():
            return
        with filler.open("wb", buffering=0) as stream:
            try:
                while stream.write(bytes(4096)):
                    pass
            except OSError:
                stream.truncate(max(0, stream.tell() - room_kib * 1024))

    return fill
