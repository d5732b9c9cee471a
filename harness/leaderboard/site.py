"""The site's folder: whose it is, how it is filled, and how it takes the former one's place."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from harness.errors import HarnessError, PermissionRefusedError
from harness.leaderboard.content import BoardContent
from harness.leaderboard.pages import render_pages
from harness.leaderboard.pictures import is_made, picture_jobs, write_pictures

MARKER = ".harness-site"
"""Stands in every folder this module wrote, and in no other."""
MARKER_TEXT = "This folder is written by `harness leaderboard`; the next call replaces all of it.\n"
STATIC_FILES = ("site.css", "site.js", "icon.svg")


def _ignore(count: int) -> None:
    del count


def render_site(
    contents: Sequence[BoardContent],
    output: Path,
    *,
    advance: Callable[[int], None] = _ignore,
) -> Path:
    """Write the whole site and return the path of its index.html; equal input, equal bytes.

    The site is written beside `output` and then takes its place, so that a reader sees the former
    site or the new one. Nothing is changed where anything fails.

    Args:
        contents: The boards, in the order in which the index lists them.
        output: The site's folder; a folder that this function did not write must be empty.
        advance: Told the number of samples whose pictures were made just now.

    Raises:
        PermissionRefusedError: The folder holds something else, or another process writes it.
    """
    output = output.resolve()
    _require_own(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    staging = output.with_name(f".{output.name}.new")
    with _sole_writer(output):
        _remove_own(staging)
        _restore(output)
        try:
            _fill(contents, staging, former=output, advance=advance)
            _swap(staging, output)
        finally:
            _remove_own(staging)
    return output / "index.html"


def pictures_to_make(contents: Sequence[BoardContent], output: Path) -> int:
    """Return for how many samples `render_site` will have to make pictures."""
    return sum(not is_made(job.sample, output) for job in picture_jobs(contents))


def _fill(
    contents: Sequence[BoardContent],
    staging: Path,
    *,
    former: Path,
    advance: Callable[[int], None],
) -> None:
    staging.mkdir()
    _write(staging / MARKER, MARKER_TEXT)
    static = files("harness.leaderboard") / "static"
    for name in STATIC_FILES:
        _write(staging / "assets" / name, (static / name).read_text("utf-8"))
    for page in render_pages(contents):
        _write(staging / page.path, page.html)
    jobs = picture_jobs(contents)
    if jobs:
        write_pictures(jobs, staging=staging, former=former, advance=advance)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _require_own(output: Path) -> None:
    """Refuse a folder with anything in it that is not a site of ours."""
    if not os.path.lexists(output):
        return
    if output.is_dir() and ((output / MARKER).is_file() or not any(output.iterdir())):
        return
    msg = f"{output} is not a site that this command wrote, so it is not replaced"
    raise PermissionRefusedError(
        msg,
        remedy="Name another folder with --output, or empty this one yourself.",
    )


def _remove_own(folder: Path) -> None:
    if folder.is_symlink() or not folder.exists():
        return
    _require_own(folder)
    shutil.rmtree(folder)


def _restore(output: Path) -> None:
    """Put a site back that a killed rendering had moved aside."""
    former = _aside(output)
    if former.exists() and not output.exists():
        _require_own(former)
        former.rename(output)


def _aside(output: Path) -> Path:
    return output.with_name(f".{output.name}.old")


def _swap(staging: Path, output: Path) -> None:
    former = _aside(output)
    _remove_own(former)
    if output.exists():
        output.rename(former)
    try:
        staging.rename(output)
    except OSError:
        if former.exists():
            former.rename(output)
        raise
    _remove_own(former)


@contextmanager
def _sole_writer(output: Path) -> Iterator[None]:
    """Hold the site's parent folder, so that two renderings never mix."""
    descriptor = os.open(output.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            msg = f"another process is rendering a site in {output.parent}"
            raise HarnessError(
                msg,
                remedy="Wait until it has finished and run the command again.",
            ) from busy
        yield
    finally:
        os.close(descriptor)
