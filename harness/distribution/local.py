"""Work on this machine's processors: an ordered map over processes; nothing of what the work is."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Generic, TypeVar

from harness.errors import HarnessError

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
Start = Callable[[int], Callable[[ItemT], ResultT]]
"""Makes the function that does the work in a worker, given the worker's number."""

_WINDOW_PER_WORKER = 4
"""Results that may wait for an earlier one, a worker: bounds memory where one piece takes long."""
_STOP_SECONDS = 5.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""With one thread a worker, sums are split alike however many workers there are."""


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


def map_here(
    start: Start[ItemT, ResultT], items: Sequence[ItemT]
) -> Generator[ResultT, None, None]:
    """Yield the results in order, worked out in this process: for debuggers and small work."""
    function = start(0)
    for item in items:
        yield function(item)


def map_in_processes(
    start: Start[ItemT, ResultT],
    items: Sequence[ItemT],
    *,
    workers: int,
    name_of: Callable[[ItemT], str],
    threads: int | None = 1,
) -> Generator[ResultT, None, None]:
    """Yield the result of each item in the order of `items`, worked out by fresh processes.

    Each worker calls `start` once, with its number from 0, and what it returns once an item.
    `start`, the items and the results are pickled. Results are the same for any number of workers
    where the work depends on its item only. Closing the iterator, or an error, ends the workers.

    Args:
        start: Makes the function that does the work, given the worker's number; its own errors
            surface too.
        items: The pieces of work.
        workers: The number of processes, at least 1.
        name_of: What an item is called in the error of a worker that died of it.
        threads: Threads of the numeric libraries in each worker; None leaves it to them.

    Raises:
        HarnessError: What the work raised, or a worker died.
        OSError: What the work raised.
    """
    settings = {} if threads is None else dict.fromkeys(_THREADS, str(threads))
    with _environment(settings):
        team = _Team[ItemT, ResultT](start, workers=min(workers, len(items)), name_of=name_of)
    try:
        yield from team.run(items)
    finally:
        team.stop()


@dataclass(frozen=True, kw_only=True)
class _Failure:
    error: HarnessError | OSError


@dataclass(kw_only=True)
class _Worker(Generic[ItemT]):
    process: SpawnProcess
    pipe: Connection
    given: deque[tuple[int, ItemT]] = field(default_factory=deque)


class _Team(Generic[ItemT, ResultT]):
    def __init__(
        self,
        start: Start[ItemT, ResultT],
        *,
        workers: int,
        name_of: Callable[[ItemT], str],
    ) -> None:
        self._name_of = name_of
        self._members: list[_Worker[ItemT]] = []
        try:
            with _without_interrupts():
                for number in range(workers):
                    self._members.append(_started(partial(start, number)))
        except BaseException:
            self.stop()
            raise

    def run(self, items: Sequence[ItemT]) -> Iterator[ResultT]:
        waiting: dict[int, ResultT] = {}
        given = yielded = 0
        window = _WINDOW_PER_WORKER * len(self._members)
        while yielded < len(items):
            for worker in self._members:
                if not worker.given and given < min(len(items), yielded + window):
                    self._give(worker, given, items[given])
                    given += 1
            waiting.update(self._collect())
            while yielded in waiting:
                yield waiting.pop(yielded)
                yielded += 1

    def stop(self) -> None:
        for worker in self._members:
            worker.pipe.close()
            if worker.given:
                worker.process.terminate()
        for worker in self._members:
            worker.process.join(_STOP_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
        self._members.clear()

    def _give(self, worker: _Worker[ItemT], index: int, item: ItemT) -> None:
        worker.given.append((index, item))
        try:
            worker.pipe.send(item)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._death(worker) from error

    def _collect(self) -> dict[int, ResultT]:
        busy = {worker.pipe: worker for worker in self._members if worker.given}
        done: dict[int, ResultT] = {}
        for pipe in wait(list(busy)):
            assert isinstance(pipe, Connection)  # noqa: S101 - wait() returns what it was given
            worker = busy[pipe]
            try:
                result = pipe.recv()
            except (EOFError, ConnectionResetError) as error:
                raise self._death(worker) from error
            if isinstance(result, _Failure):
                raise result.error
            index, _ = worker.given.popleft()
            done[index] = result
        return done

    def _death(self, worker: _Worker[ItemT]) -> HarnessError:
        worker.process.join(_STOP_SECONDS)
        code = worker.process.exitcode
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"exited {code}"
        unit = self._name_of(worker.given[0][1])
        worker.given.clear()
        return HarnessError(
            f"a worker process {how} at {unit}",
            remedy="If memory ran short, use fewer --workers; run again, finished work is kept.",
        )


def _started(start: Callable[[], Callable[[ItemT], ResultT]]) -> _Worker[ItemT]:
    # Spawn, not fork: a forked child would inherit threads' locks and other workers' pipes.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(start, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process=process, pipe=ours)


def _work(start: Callable[[], Callable[[ItemT], ResultT]], pipe: Connection) -> None:
    """Answer items until the pipe closes; what is no HarnessError or OSError ends the process."""
    signal.signal(signal.SIGTERM, _leave)
    function: Callable[[ItemT], ResultT] | None = None
    while True:
        try:
            item = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        answer: ResultT | _Failure
        try:
            function = start() if function is None else function
            answer = function(item)
        except (HarnessError, OSError) as error:
            answer = _Failure(error=error)
        try:
            pipe.send(answer)
        except (BrokenPipeError, ConnectionResetError):
            return


def _leave(number: int, _frame: FrameType | None) -> None:
    """End the process by way of its clean-up: semaphores that libraries made are given back."""
    raise SystemExit(128 + number)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from processes started inside, for their whole life: the parent ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
