"""What an image is built from, as one reproducible tar; nothing of the engine."""

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import BinaryIO

from harness.errors import WeightsError
from harness.records.base import sha256_hex
from harness.sandbox.submission_folder import SubmissionFolder
from harness.sandbox.weights import WeightsStore, file_digest

WHEELS_FOLDER = "wheels/"
WEIGHTS_FOLDER = "weights/"
PLACEHOLDER = ".keep"
"""Makes `COPY wheels/ ...` work where there is none."""
FIXED_TIME = 315532800
"""1980-01-01 in seconds: the first time that a zip archive can hold."""


@dataclass(frozen=True, kw_only=True)
class ContextFile:
    """One file of a build context."""

    content: Path | bytes
    """Its bytes, or where they are."""
    digest: str
    """The sha256 of its bytes."""
    executable: bool = False
    """Whether it may be executed."""


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """The files that an image is built from."""

    files: Mapping[str, ContextFile]
    """By name below the context's root."""

    @property
    def digest(self) -> str:
        """The sha256 over names, modes and contents: equal contexts, equal digests."""
        whole = hashlib.sha256()
        for name, file in sorted(self.files.items()):
            whole.update(f"{name}\0{file.executable:d}\0{file.digest}\n".encode())
        return whole.hexdigest()

    def write_tar(self, stream: BinaryIO) -> None:
        """Write the context as a tar whose bytes depend on nothing but the files."""
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for folder in _folders(self.files):
                entry = _entry(folder, size=0, mode=0o755)
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            for name, file in sorted(self.files.items()):
                _add(archive, name, file)


def assemble_context(
    submission: SubmissionFolder, *, wheels: Sequence[Path], weights: WeightsStore
) -> BuildContext:
    """Return the context of `submission`: its folder, and what the harness adds to it.

    Added are serve.py and folder_adapter.py (unless the folder has its own), `wheels/` and
    `weights/`; both folders are there even when they are empty.

    Raises:
        WeightsError: Weights are missing or not the promised bytes.
    """
    files = {
        file.name: ContextFile(
            content=file.path, digest=file_digest(file.path), executable=file.executable
        )
        for file in submission.files
    }
    for name, content in serving_files().items():
        files.setdefault(name, _bytes_file(content))
    for folder in (WHEELS_FOLDER, WEIGHTS_FOLDER):
        files.setdefault(folder + PLACEHOLDER, _bytes_file(b""))
    for wheel in wheels:
        wheel_file = ContextFile(content=wheel, digest=file_digest(wheel))
        files.setdefault(WHEELS_FOLDER + wheel.name, wheel_file)
    for weight in submission.manifest.weights:
        name = WEIGHTS_FOLDER + weight.file
        own = files.get(name)
        if own is not None and own.digest != weight.sha256:
            msg = (
                f"{submission.path / name} is not the promised {weight.file}: its sha256 is "
                f"{own.digest}, not {weight.sha256}"
            )
            raise WeightsError(
                msg,
                remedy="Remove the file, or correct its sha256 in submission.toml.",
            )
        if own is None:
            files[name] = ContextFile(content=weights.locate(weight), digest=weight.sha256)
    return BuildContext(files=files)


def serving_files() -> dict[str, bytes]:
    """Return the files that every context gets, by name: the submission's side of the stream."""
    folder = resources.files("harness") / "serving"
    return {
        file.name: file.read_bytes()
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".py") and file.name != "__init__.py"
    }


def _bytes_file(content: bytes) -> ContextFile:
    return ContextFile(content=content, digest=sha256_hex(content))


def _folders(names: Mapping[str, ContextFile]) -> list[str]:
    parents = {str(parent) for name in names for parent in Path(name).parents}
    return sorted(parents - {"."})


def _add(archive: tarfile.TarFile, name: str, file: ContextFile) -> None:
    mode = 0o755 if file.executable else 0o644
    if isinstance(file.content, bytes):
        archive.addfile(_entry(name, size=len(file.content), mode=mode), io.BytesIO(file.content))
        return
    with file.content.open("rb") as stream:
        size = file.content.stat().st_size
        archive.addfile(_entry(name, size=size, mode=mode), stream)


def _entry(name: str, *, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, mode, FIXED_TIME
    return entry
