"""The build context: what is in it, and that equal folders give equal bytes."""

import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from harness.errors import WeightsError
from harness.sandbox.build_context import (
    FIXED_TIME,
    BuildContext,
    assemble_context,
    serving_files,
)
from harness.sandbox.submission_folder import load_submission
from harness.sandbox.weights import WeightsStore

MANIFEST = """\
name = "tiny"
title = "Tiny"
authors = ["Ada"]
label_space = "voc"
"""
WEIGHTS = b"some weights"
WEIGHTS_SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
WITH_WEIGHTS = f'{MANIFEST}[[weights]]\nfile = "model.onnx"\nsha256 = "{WEIGHTS_SHA256}"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "tiny"
    (path / "src").mkdir(parents=True)
    (path / "submission.toml").write_text(MANIFEST)
    (path / "Dockerfile").write_text("FROM scratch\n")
    (path / "src" / "run.sh").write_text("#!/bin/sh\n")
    (path / "src" / "run.sh").chmod(0o700)
    return path


def context_of(
    folder: Path, *, wheels: tuple[Path, ...] = (), weights_dir: Path | None = None
) -> BuildContext:
    store = WeightsStore(cache_dir=folder.parent / "cache", weights_dir=weights_dir)
    return assemble_context(load_submission(folder), wheels=wheels, weights=store)


def tar_of(context: BuildContext) -> bytes:
    stream = io.BytesIO()
    context.write_tar(stream)
    return stream.getvalue()


def test_the_tar_holds_the_folder_and_what_the_harness_adds(folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_of(context_of(folder)))) as tar:
        members = {member.name: member for member in tar.getmembers()}
    added = set(serving_files()) | {"wheels", "wheels/.keep", "weights", "weights/.keep"}
    own = {"Dockerfile", "submission.toml", "src", "src/run.sh"}
    assert set(members) == own | added
    assert "serve.py" in added
    assert "__init__.py" not in added
    assert members["src/run.sh"].mode == 0o755
    assert members["Dockerfile"].mode == 0o644
    assert {member.mtime for member in members.values()} == {FIXED_TIME}
    assert {(member.uid, member.gid, member.uname) for member in members.values()} == {(0, 0, "")}


def test_a_copy_with_other_times_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "tiny"
    shutil.copytree(folder, copy)
    os.utime(copy / "Dockerfile", (5, 5))
    assert tar_of(context_of(copy)) == tar_of(context_of(folder))
    assert context_of(copy).digest == context_of(folder).digest


def test_the_digest_follows_content_name_and_mode(folder: Path) -> None:
    before = context_of(folder).digest
    (folder / "src" / "run.sh").write_text("#!/bin/bash\n")
    changed = context_of(folder).digest
    (folder / "src" / "run.sh").chmod(0o644)
    not_executable = context_of(folder).digest
    (folder / "src" / "run.sh").rename(folder / "src" / "go.sh")
    renamed = context_of(folder).digest
    assert len({before, changed, not_executable, renamed}) == 4


def test_a_folders_own_serve_is_kept(folder: Path) -> None:
    (folder / "serve.py").write_text("own = True\n")
    with tarfile.open(fileobj=io.BytesIO(tar_of(context_of(folder)))) as tar:
        stream = tar.extractfile("serve.py")
        assert stream is not None
        assert stream.read() == b"own = True\n"


def test_wheels_lie_in_their_folder_and_the_folders_own_win(folder: Path, tmp_path: Path) -> None:
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    for name in ("a-1-py3-none-any.whl", "b-1-py3-none-any.whl"):
        (fetched / name).write_bytes(b"fetched")
    (folder / "wheels").mkdir()
    (folder / "wheels" / "a-1-py3-none-any.whl").write_bytes(b"own")
    files = context_of(folder, wheels=tuple(sorted(fetched.iterdir()))).files
    assert files["wheels/a-1-py3-none-any.whl"].digest == hashlib.sha256(b"own").hexdigest()
    assert files["wheels/b-1-py3-none-any.whl"].digest == hashlib.sha256(b"fetched").hexdigest()


def test_weights_come_under_the_manifests_name(folder: Path, tmp_path: Path) -> None:
    (folder / "submission.toml").write_text(WITH_WEIGHTS)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "another-name.bin").write_bytes(WEIGHTS)
    files = context_of(folder, weights_dir=elsewhere).files
    assert files["weights/model.onnx"].content == elsewhere / "another-name.bin"


def test_weights_in_the_folder_are_taken_and_checked(folder: Path) -> None:
    (folder / "submission.toml").write_text(WITH_WEIGHTS)
    (folder / "weights").mkdir()
    (folder / "weights" / "model.onnx").write_bytes(WEIGHTS)
    assert context_of(folder).files["weights/model.onnx"].digest == WEIGHTS_SHA256
    (folder / "weights" / "model.onnx").write_bytes(b"other bytes")
    with pytest.raises(WeightsError, match=r"weights/model\.onnx is not the promised model\.onnx"):
        context_of(folder)
