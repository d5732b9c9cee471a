"""Work for the processes of test_local: importable by name, as spawned processes need."""

import os
import signal
import time
from functools import partial
from pathlib import Path

from harness.errors import SourceDataError


def start_squaring():
    return square


def square(number):
    return number * number


def start_uneven():
    return uneven


def uneven(number):
    """Take longer for even numbers, so that results come out of order."""
    time.sleep(0.02 if number % 2 == 0 else 0)
    return number


def start_process_ids():
    return process_id


def process_id(_):
    return os.getpid(), os.environ.get("OPENBLAS_NUM_THREADS")


def start_refusing():
    return refuse


def refuse(number):
    if number == 3:
        msg = "three is broken"
        raise SourceDataError(msg, remedy="Skip it.")
    if number == 5:
        raise PermissionError(13, "Permission denied", "/five")
    return number


def start_dying():
    return die


def die(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def start_buggy():
    return partial(divmod, 1)


def start_that_fails():
    msg = "no editor"
    raise SourceDataError(msg, remedy="Install one.")


def start_touching(folder: Path):
    return partial(touch, folder)


def touch(folder: Path, number: int):
    (folder / str(number)).touch()
    return number
