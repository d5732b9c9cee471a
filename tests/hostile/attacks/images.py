"""Images that are built to break the walls or their setting up."""

import os
import time
from pathlib import Path

import speak


def honest() -> None:
    """Behave; what is hostile is the image."""
    speak.report({"tmp": os.path.realpath("/tmp"), "files": len(list(Path("/tmp").iterdir()))})
    speak.ready()
    speak.behave()


def health_check() -> None:
    """Wait for what the image's health check would leave."""
    time.sleep(2.5)
    speak.report({"left": Path("/tmp/checked").exists()})
    speak.ready()
    speak.behave()
