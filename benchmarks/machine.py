"""What a measurement ran on and when, for the head of a recorded result."""

import platform
import subprocess
from datetime import datetime
from pathlib import Path

import torch

from harness import __version__
from harness.distribution.local import processors
from harness.records.editing import DeviceEnvironment

ROOT = Path(__file__).resolve().parents[1]


def describe_machine(device: DeviceEnvironment, *, now: datetime) -> tuple[str, ...]:
    """Return lines that name the machine, the software, the commit and the date.

    Args:
        device: What networks compute on.
        now: The time at which the measurement began.
    """
    cores = processors()
    return (
        f"{device.device_name}, {cores} cores, {device.threads} torch threads, "
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"diffusers {device.diffusers}, transformers {device.transformers}",
        f"harness {__version__} at {_commit()}, {now:%Y-%m-%d %H:%M}",
    )


def _commit() -> str:
    head = _git("rev-parse", "--short", "HEAD")
    if not head:
        return "an unknown commit"
    return f"{head} with changes" if _git("status", "--porcelain") else head


def _git(*arguments: str) -> str:
    """Return what git answers; nothing where it is missing or this is no checkout."""
    try:
        answer = subprocess.run(
            ("git", *arguments), cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
