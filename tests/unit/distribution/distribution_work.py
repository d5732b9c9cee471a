"""Work for the processes of test_local: importable by name, as spawned processes need."""

import os
import signal
import time
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path

from harness.errors import SourceDataError


def start_squaring(_worker):
    return square


def square(number):
    return number * number


def start_uneven(_worker):
    return uneven


def uneven(number):
    """Take longer for even numbers, so that results come out of order."""
    time.sleep(0.02 if number % 2 == 0 else 0)
    return number


def start_process_ids(_worker):
    return process_id


def process_id(_):
    return os.getpid(), os.environ.get("OPENBLAS_NUM_THREADS")


def start_numbered(worker):
    return partial(numbered, worker)


def numbered(worker, _):
    """Say which worker this is, and give the other time to come to work."""
    time.sleep(0.05)
    return worker


def start_refusing(_worker):
    return refuse


def refuse(number):
    if number == 3:
        msg = "three is broken"
        raise SourceDataError(msg, remedy="Skip it.")
    if number == 5:
        raise PermissionError(13, "Permission denied", "/five")
    return number


def start_dying(_worker):
    return die


def die(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def start_buggy(_worker):
    return partial(divmod, 1)


def start_that_fails(_worker):
    msg = "no editor"
    raise SourceDataError(msg, remedy="Install one.")


def start_cleaning_up(path: Path, _worker):
    Finalize(None, path.touch, exitpriority=0)
    return asleep


def asleep(number):
    """Be busy with the second item until somebody ends it."""
    time.sleep(0 if number == 0 else 60)
    return number


def start_touching(folder: Path, _worker):
    return partial(touch, folder)


def touch(folder: Path, number: int):
    (folder / str(number)).touch()
    return number
