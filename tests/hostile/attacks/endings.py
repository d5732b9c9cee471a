"""Ending at the wrong time, in the wrong way, or not with all of oneself."""

import os
import signal
import sys
import time

import speak

EVER = 600.0


def exit_early() -> None:
    speak.ready()
    speak.answer_one()
    speak.log("that will do")


def exit_before_ready() -> None:
    speak.log("nothing to do")


def exit_late() -> None:
    speak.ready()
    speak.behave()
    speak.log("answered, and yet")
    sys.exit(1)


def exit_as_if_killed() -> None:
    """Exit with the code that a container has which was killed from outside."""
    speak.ready()
    speak.answer_one()
    speak.log("as if it was killed")
    sys.exit(137)


def die(number: int) -> None:
    speak.ready()
    speak.answer_one()
    speak.log(f"dying of {signal.Signals(number).name}")
    os.kill(os.getpid(), number)
    time.sleep(EVER)


def segv() -> None:
    die(signal.SIGSEGV)


def kill() -> None:
    die(signal.SIGKILL)


def term() -> None:
    die(signal.SIGTERM)


def abort() -> None:
    speak.ready()
    speak.log("aborting")
    os.abort()


def terminate_init() -> None:
    """Have init pass SIGTERM on to oneself."""
    speak.ready()
    speak.answer_one()
    speak.log("asking init to end")
    os.kill(1, signal.SIGTERM)
    time.sleep(EVER)


def close_stdout() -> None:
    speak.ready()
    next(speak.asked())
    speak.log("closing stdout")
    os.close(1)
    time.sleep(EVER)


def close_everything() -> None:
    speak.ready()
    next(speak.asked())
    speak.log("closing everything")
    os.closerange(0, 3)
    time.sleep(EVER)


def close_stdin() -> None:
    speak.ready()
    speak.answer_one()
    speak.log("closing stdin")
    os.close(0)
    time.sleep(EVER)


def daemonize() -> bool:
    """Return True in a process that nobody waits for any more; it keeps stdin and stdout."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    return True


def surviving_children() -> None:
    """Leave ten daemons behind that hold the outputs open, and end well."""
    for _ in range(10):
        if daemonize():
            time.sleep(EVER)
    speak.ready()
    speak.behave()
    speak.log("the parent is done")


def child_speaks_on() -> None:
    """Leave the answers to a daemon, and end."""
    speak.ready()
    speak.log("the parent leaves")
    if daemonize():
        time.sleep(5)  # by then the parent is gone
        speak.behave()
        time.sleep(EVER)


def child_answers() -> None:
    """Answer from a child while the parent waits: that is anybody's right."""
    speak.ready()
    child = os.fork()
    if child == 0:
        speak.behave()
        os._exit(0)
    os.waitpid(child, 0)
