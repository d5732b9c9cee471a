"""What progress says where there is no terminal; the clock is a stand-in."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.cli import progress
from harness.cli.progress import Progress


class Clock:
    """A clock that moves when told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: False, raising=False)
    return clock


def test_it_names_the_work_then_rate_and_estimate_then_the_time_taken(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress("evaluate tiny", total=40, unit="images") as shown:
        for _ in range(10):
            clock.now += 0.5
            shown.advance()
        clock.now += 5.0
        shown.advance(30)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "evaluate tiny: 40 images",
        "evaluate tiny: 10/40 images, 2.0/s, 15 s left",
        "evaluate tiny: 40/40 images, 4.0/s, 10.0 s",
    ]


def test_slow_work_is_counted_by_the_minute(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress("build", total=10, unit="sources") as shown:
        clock.now += 40.0
        shown.advance()
        clock.now += 40.0
        shown.advance(9)
    lines = capsys.readouterr().err.splitlines()[1:]
    assert lines == [
        "build: 1/10 sources, 1.5/min, 360 s left",
        "build: 10/10 sources, 7.5/min, 80.0 s",
    ]


def test_work_that_breaks_off_says_how_far_it_came(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_off() -> None:
        with Progress("build", total=4, unit="scenes") as shown:
            clock.now += 1.0
            shown.advance()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert capsys.readouterr().err.splitlines()[-1] == "build: 1/4 scenes, 1.0/s, 3 s left"


def test_pieces_finished_on_many_threads_are_all_counted(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with Progress("score", total=4000, unit="images") as shown, ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: shown.advance(), range(4000)))
            clock.now += 2.0
    finally:
        sys.setswitchinterval(before)
    assert capsys.readouterr().err.splitlines()[-1] == "score: 4000/4000 images, 2000.0/s, 2.0 s"


@pytest.mark.usefixtures("clock")
def test_nothing_done_says_no_rate(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("build", total=0, unit="scenes"):
        pass
    assert capsys.readouterr().err == "build: 0 scenes\n"


def test_work_goes_on_when_nobody_reads_its_progress_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(_line: str, *, err: bool) -> None:
        assert err
        raise BrokenPipeError

    monkeypatch.setattr(progress.click, "echo", gone)

    with Progress("evaluate net", total=2, unit="images") as counted:
        counted.advance(2)
