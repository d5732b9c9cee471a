"""Requirements that may be fetched, and the cache of what was."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.errors import ImageBuildError, SubmissionError
from harness.sandbox.base_image import BaseImage
from harness.sandbox.wheels import checked_requirements, fetch_wheels

BASE = BaseImage(reference="base:1", digest="sha256:0", python_version="3.11", machine="x86_64")
HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("numpy", "numpy"),
        ("numpy==2.2.6  # pinned", "numpy==2.2.6"),
        ("scikit_learn[alldeps] >= 1.5, < 2", "scikit_learn[alldeps] >= 1.5, < 2"),
        ('onnxruntime~=1.20; python_version >= "3.11"',) * 2,
        (f"numpy==2.2.6 \\\n    {HASH} \\\n    {HASH}", f"numpy==2.2.6 {HASH} {HASH}"),
        ("--extra-index-url https://example.org/simple",) * 2,
        ("--require-hashes",) * 2,
    ],
)
def test_named_requirements_are_taken(line: str, taken: str) -> None:
    assert checked_requirements(f"# comment\n\n{line}\n") == [taken]


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "./local",
        "../outside",
        "/etc/passwd",
        "-r more.txt",
        "--requirement=more.txt",
        "-c constraints.txt",
        "git+https://example.org/repo.git",
        "name @ https://example.org/name.tar.gz",
        "https://example.org/name.tar.gz",
        "--index-url http://example.org/simple",
        "--no-binary :all:",
        "--config-settings x=y",
        "numpy --global-option=x",
        "numpy; rm -rf @ /",
    ],
)
def test_what_could_reach_the_host_is_refused(line: str) -> None:
    with pytest.raises(SubmissionError, match="can't be fetched safely"):
        checked_requirements(f"numpy\n{line}\n")


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stands in for pip: one wheel a call, and the commands it got."""
    commands: list[list[str]] = []

    def run(command: list[str], **options: object) -> SimpleNamespace:
        commands.append(command)
        assert list(Path(str(options["cwd"])).iterdir()) == []
        destination = Path(command[command.index("--dest") + 1])
        if b"missing" in (destination / "requirements.txt").read_bytes():
            error = b"Looking in indexes\nERROR: No matching distribution found for missing\n"
            return SimpleNamespace(returncode=1, stderr=error)
        (destination / "numpy-2.2.6-cp311-cp311-manylinux_2_17_x86_64.whl").write_bytes(b"w")
        return SimpleNamespace(returncode=0, stderr=b"")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_wheels_are_fetched_once_and_only_wheels(pip: list[list[str]], tmp_path: Path) -> None:
    first = fetch_wheels("numpy==2.2.6\n", BASE, cache_dir=tmp_path)
    again = fetch_wheels("# the same\nnumpy==2.2.6", BASE, cache_dir=tmp_path)
    assert [path.name for path in first.files] == [
        "numpy-2.2.6-cp311-cp311-manylinux_2_17_x86_64.whl"
    ]
    assert (first.cached, again.cached) == (False, True)
    assert again.files == first.files
    assert len(pip) == 1
    command = " ".join(pip[0])
    assert "--only-binary :all:" in command
    assert "--python-version 3.11" in command
    assert "--platform manylinux_2_36_x86_64" in command


def test_another_python_or_machine_has_wheels_of_its_own(
    pip: list[list[str]], tmp_path: Path
) -> None:
    for version, machine in (("3.11", "x86_64"), ("3.12", "x86_64"), ("3.11", "aarch64")):
        base = BaseImage(reference="b", digest="sha256:0", python_version=version, machine=machine)
        assert not fetch_wheels("numpy", base, cache_dir=tmp_path).cached
    assert len(pip) == 3


def test_a_failing_pip_gives_its_reason_and_leaves_nothing(
    pip: list[list[str]], tmp_path: Path
) -> None:
    with pytest.raises(ImageBuildError) as raised:
        fetch_wheels("missing==9", BASE, cache_dir=tmp_path)
    assert "No matching distribution found for missing" in raised.value.one_line()
    assert list((tmp_path / "wheels").iterdir()) == []
    assert len(pip) == 1


def test_no_requirements_ask_nobody(pip: list[list[str]], tmp_path: Path) -> None:
    assert fetch_wheels("# nothing\n", BASE, cache_dir=tmp_path).files == ()
    assert pip == []
