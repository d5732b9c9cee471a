"""A submission's folder: its manifest read and its files checked; nothing of its image."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docker.utils.build import PatternMatcher
from pydantic import ValidationError

from harness.errors import PermissionRefusedError, SubmissionError
from harness.records.recipe import NAME_PATTERN
from harness.records.submission import SubmissionManifest
from harness.records.toml_table import parse_toml_table, table_error

MANIFEST_NAME = "submission.toml"
MAX_MANIFEST_BYTES = 65536
MAX_FOLDER_BYTES = 2 * 2**30
"""What a folder may bring into its image; more belongs into `weights`, known by digest."""
MAX_FILES = 20_000

NEVER_BUILT_IN = ("**/__pycache__", "**/.git", "**/.DS_Store")
"""What tools leave behind; an image must not change because a script was tried out."""


@dataclass(frozen=True, kw_only=True)
class FolderFile:
    """One file that goes into the image's build."""

    name: str
    """Its path below the folder, with forward slashes."""
    path: Path
    """Where its bytes are; a link inside the folder is already followed."""
    size: int
    """Its size in bytes."""
    executable: bool
    """Whether its owner may execute it."""


@dataclass(frozen=True, kw_only=True)
class SubmissionFolder:
    """A folder that can be built."""

    path: Path
    """The folder."""
    manifest: SubmissionManifest
    """What its submission.toml says."""
    files: tuple[FolderFile, ...]
    """What it brings into the build, by name; .dockerignore is already heeded."""

    def text(self, name: str) -> str | None:
        """Return the text of the file `name`, or None where there is none."""
        for file in self.files:
            if file.name == name:
                return file.path.read_text(encoding="utf-8", errors="replace")
        return None


def load_submission(folder: Path) -> SubmissionFolder:
    """Return the submission in `folder`.

    Raises:
        SubmissionError: The folder is no valid submission; the message names the file and the key.
        PermissionRefusedError: A file can't be read.
    """
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise SubmissionError(msg, remedy=_known(folder.parent))
    manifest_path = folder / MANIFEST_NAME
    if not manifest_path.is_file():
        msg = f"{folder} has no {MANIFEST_NAME}"
        raise SubmissionError(msg, remedy=_known(folder.parent))
    if manifest_path.stat().st_size > MAX_MANIFEST_BYTES:
        msg = f"{manifest_path} is larger than {MAX_MANIFEST_BYTES // 1024} KiB"
        raise SubmissionError(
            msg,
            remedy="Keep what describes the submission, and nothing else, in it.",
        )
    manifest = parse_manifest(_read(manifest_path), origin=str(manifest_path))
    _refuse_other_name(manifest.name, manifest_path)
    if not (folder / "Dockerfile").is_file():
        msg = f"{folder} has no Dockerfile"
        raise SubmissionError(
            msg,
            remedy="Add one; submissions/color-forest/Dockerfile is a short one to copy.",
        )
    return SubmissionFolder(path=folder, manifest=manifest, files=_files(folder))


def _refuse_other_name(name: str, manifest_path: Path) -> None:
    """Refuse a name that is not the folder's: a copy would take its original's row of the board."""
    folder = manifest_path.parent.resolve().name
    if name == folder:
        return
    msg = f"{manifest_path}: `name` = {name!r}, and the folder is called {folder!r}"
    if not re.search(NAME_PATTERN, folder):
        raise SubmissionError(
            msg, remedy=f"Rename the folder to {name}, or both to another name in lower case."
        )
    raise SubmissionError(msg, remedy=f'Set name = "{folder}" there, or rename the folder.')


def parse_manifest(data: bytes, *, origin: str) -> SubmissionManifest:
    """Return the manifest in the TOML `data`, which came from `origin`.

    Raises:
        SubmissionError: It is no TOML, or a key or value in it is not allowed.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"{origin} is no UTF-8 text"
        raise SubmissionError(msg, remedy="Save it as UTF-8.") from error
    return parse_toml_table(text, SubmissionManifest, origin=origin, error_type=SubmissionError)


def parse_json_manifest(text: str, *, origin: str) -> SubmissionManifest:
    """Return the manifest in the JSON `text`, which came from `origin`.

    Raises:
        SubmissionError: It is no JSON, or a key or value in it is not allowed.
    """
    try:
        return SubmissionManifest.model_validate_json(text)
    except ValidationError as error:
        raise table_error(
            error, SubmissionManifest, origin=origin, text="", error_type=SubmissionError
        ) from error


def _known(folder: Path) -> str:
    names = sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST_NAME}"))
    there = ", ".join(names) if names else "none"
    return f"Name a folder with a {MANIFEST_NAME}; in {folder} there are: {there}."


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError as error:
        msg = f"{path} can't be read"
        raise PermissionRefusedError(msg, remedy="Give this user the right to read it.") from error


def _files(folder: Path) -> tuple[FolderFile, ...]:
    """Return the folder's files without what .dockerignore names, links followed, by name."""
    root = folder.resolve()
    ignore = root / ".dockerignore"
    patterns = _read(ignore).decode("utf-8", "replace").splitlines() if ignore.is_file() else []
    # the build can't do without these two, whatever is ignored
    needed = ("!Dockerfile", f"!{MANIFEST_NAME}")
    matcher = PatternMatcher([*NEVER_BUILT_IN, *_patterns(patterns), *needed])
    files: list[FolderFile] = []
    total = 0
    for name in sorted(set(matcher.walk(str(root))) - {".dockerignore"}):
        file = _file(root, PurePosixPath(name))
        if file is None:
            continue
        files.append(file)
        total += file.size
        if total > MAX_FOLDER_BYTES or len(files) > MAX_FILES:
            msg = (
                f"{folder} holds more than {MAX_FOLDER_BYTES / 2**30:.0f} GiB or {MAX_FILES} files"
            )
            raise SubmissionError(
                msg,
                remedy="Name what the image doesn't need in .dockerignore, and list large files "
                f"as [[weights]] in {MANIFEST_NAME}.",
            )
    return tuple(files)


def _patterns(lines: list[str]) -> list[str]:
    stripped = [line.strip() for line in lines]
    return [line for line in stripped if line and not line.startswith("#")]


def _file(root: Path, name: PurePosixPath) -> FolderFile | None:
    path = root / name
    target = path.resolve()
    if not target.is_relative_to(root):
        msg = f"{name} in {root.name} is a link that leaves the folder"
        raise SubmissionError(
            msg,
            remedy="Copy the file into the folder, or name it in .dockerignore.",
        )
    if path.is_symlink() and target.is_dir():
        msg = f"{name} in {root.name} is a link to a folder"
        raise SubmissionError(
            msg,
            remedy="Copy the folder, or name the link in .dockerignore.",
        )
    try:
        status = target.stat()
    except OSError as error:
        msg = f"{name} in {root.name} can't be read: {error.strerror}"
        raise SubmissionError(
            msg,
            remedy="Remove the broken link, or name it in .dockerignore.",
        ) from error
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        msg = f"{name} in {root.name} is neither a file nor a folder"
        raise SubmissionError(
            msg,
            remedy="Remove it, or name it in .dockerignore.",
        )
    if not os.access(target, os.R_OK):
        msg = f"{target} can't be read"
        raise PermissionRefusedError(msg, remedy="Give this user the right to read it.")
    executable = bool(status.st_mode & stat.S_IXUSR)
    return FolderFile(name=str(name), path=target, size=status.st_size, executable=executable)
