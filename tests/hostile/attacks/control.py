"""Submissions that attack nothing: they prove that the suite's own road works."""

import speak


def honest() -> None:
    """Answer everything."""
    speak.log("all well")
    speak.ready()
    speak.behave()


def crashing() -> None:
    """Fail as a submission without its weights would."""
    message = "no such weights"
    raise FileNotFoundError(message)
