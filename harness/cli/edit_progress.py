"""How far the edits of one picture are: counted by edits, or by the steps that an editor tells."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.cli.progress import Progress


class StepSignal:
    """Hands an editor's steps on to whoever counts them."""

    def __init__(self) -> None:
        """Tell nobody yet."""
        self._listener: Callable[[int], None] = _deaf

    def listen(self, listener: Callable[[int], None]) -> None:
        """Have `listener` told of steps from now on."""
        self._listener = listener

    def __call__(self, count: int) -> None:
        """Say that `count` more steps are done; less than 0 where they are taken again."""
        self._listener(count)


@dataclass(frozen=True, kw_only=True)
class CountedSteps:
    """The steps that the edits of one source take."""

    signal: StepSignal
    """Tells of them."""
    total: int
    """What they come to."""


@contextmanager
def edit_progress(
    label: str, *, edits: int, steps: CountedSteps | None
) -> Iterator[Callable[[int], None]]:
    """Show progress under `label`; what is yielded is told how many more edits are finished."""
    if steps is None:
        with Progress(label, total=edits, unit="edits") as progress:
            yield progress.advance
        return
    with Progress(label, total=steps.total, unit="steps") as progress:
        steps.signal.listen(progress.advance)
        yield _deaf


def _deaf(_count: int) -> None:
    """Hear of progress that is counted otherwise, or not at all, and do nothing."""
