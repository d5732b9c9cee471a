"""A submission's folder: what is taken, what is refused, and how the refusal reads."""

import os
import shutil
from pathlib import Path

import pytest

from harness.errors import SubmissionError
from harness.sandbox import submission_folder
from harness.sandbox.submission_folder import load_submission, parse_json_manifest

MANIFEST = """\
name = "tiny"
title = "Tiny"
authors = ["Ada"]
label_space = "voc"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "submissions" / "tiny"
    path.mkdir(parents=True)
    (path / "submission.toml").write_text(MANIFEST)
    (path / "Dockerfile").write_text("FROM scratch\n")
    (path / "predict.py").write_text("x = 1\n")
    return path


def refusal(folder: Path) -> str:
    with pytest.raises(SubmissionError) as raised:
        load_submission(folder)
    line = raised.value.one_line()
    assert "\n" not in line
    return line


def names(folder: Path) -> list[str]:
    return [file.name for file in load_submission(folder).files]


def test_a_valid_folder_gives_its_manifest_and_files(folder: Path) -> None:
    submission = load_submission(folder)
    assert submission.manifest.name == "tiny"
    assert names(folder) == ["Dockerfile", "predict.py", "submission.toml"]
    assert submission.text("predict.py") == "x = 1\n"
    assert submission.text("nothing.py") is None


def test_an_unknown_folder_lists_those_that_are_there(folder: Path) -> None:
    line = refusal(folder.parent / "tyni")
    assert "there is no folder" in line
    assert line.endswith("there are: tiny.")


def test_a_folder_without_a_manifest_says_so(folder: Path) -> None:
    (folder / "submission.toml").unlink()
    assert "has no submission.toml" in refusal(folder)


def test_a_folder_without_a_dockerfile_says_so(folder: Path) -> None:
    (folder / "Dockerfile").unlink()
    assert "has no Dockerfile" in refusal(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = \n", "is no TOML"),
        (MANIFEST + 'colour = "red"\n', "line 5: unknown key 'colour' in the file"),
        (MANIFEST + "[resources]\nram_mb = 4\n", "line 6: unknown key 'ram_mb' in resources"),
        (MANIFEST + "parameters = -1\n", "line 5: parameters: -1: Input should be"),
        (MANIFEST + 'url = "ftp://x"\n', "line 5: url: 'ftp://x': String should match"),
        (MANIFEST.replace('title = "Tiny"\n', ""), "title is missing"),
        (MANIFEST + "[resources]\nmemory_mb = 0\n", "line 6: resources.memory_mb: 0:"),
        (
            MANIFEST + '[[weights]]\nfile = "../w"\nsha256 = "00"\n',
            "line 6: weights[1].file: '../w'",
        ),
        ('a = "' + "x" * 70_000 + '"\n', "larger than 64 KiB"),
    ],
)
def test_a_bad_manifest_is_refused_by_file_and_key(folder: Path, text: str, said: str) -> None:
    (folder / "submission.toml").write_text(text)
    line = refusal(folder)
    assert said in line
    assert "submission.toml" in line


def test_a_copy_that_keeps_its_originals_name_is_refused(folder: Path) -> None:
    copy = shutil.copytree(folder, folder.parent / "my-model")
    line = refusal(copy)
    assert "`name` = 'tiny', and the folder is called 'my-model'" in line
    assert 'Set name = "my-model" there' in line
    (copy / "submission.toml").write_text(MANIFEST.replace("tiny", "my-model", 1))
    assert load_submission(copy).manifest.name == "my-model"


def test_a_folder_whose_name_can_be_no_submissions_is_to_be_renamed(folder: Path) -> None:
    assert "Rename the folder to tiny" in refusal(folder.rename(folder.parent / "My Model"))


def test_the_folder_one_stands_in_is_known_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert load_submission(Path()).manifest.name == "tiny"


def test_several_faults_are_counted(folder: Path) -> None:
    (folder / "submission.toml").write_text(MANIFEST + "a = 1\nb = 2\nc = 3\n")
    assert "unknown key 'a' in the file (and 2 more)" in refusal(folder)


def test_a_json_manifest_is_checked_alike() -> None:
    with pytest.raises(SubmissionError, match="a label: name is missing"):
        parse_json_manifest('{"title":"T","authors":["A"],"label_space":"voc"}', origin="a label")


def test_dockerignore_is_heeded_but_never_hides_what_a_build_needs(folder: Path) -> None:
    (folder / ".dockerignore").write_text("# notes\n\n*\n!predict.py\n!data/keep.txt\n")
    (folder / "data").mkdir()
    (folder / "data" / "keep.txt").write_text("k")
    (folder / "data" / "drop.txt").write_text("d")
    assert names(folder) == ["Dockerfile", "data/keep.txt", "predict.py", "submission.toml"]


def test_what_tools_leave_behind_is_left_out(folder: Path) -> None:
    (folder / "src" / "__pycache__").mkdir(parents=True)
    (folder / "src" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"c")
    (folder / "src" / "a.py").write_text("")
    assert names(folder) == ["Dockerfile", "predict.py", "src/a.py", "submission.toml"]


def test_a_link_that_leaves_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (folder / "inside").symlink_to(tmp_path / "secret")
    assert "inside in tiny is a link that leaves the folder" in refusal(folder)


def test_a_link_is_followed_where_it_stays_inside(folder: Path) -> None:
    (folder / "copy.py").symlink_to("predict.py")
    assert load_submission(folder).text("copy.py") == "x = 1\n"


def test_a_broken_link_and_a_link_to_a_folder_are_refused(folder: Path) -> None:
    (folder / "link").symlink_to("nowhere")
    assert "link in tiny can't be read" in refusal(folder)
    (folder / "link").unlink()
    (folder / "data").mkdir()
    (folder / "link").symlink_to("data")
    assert "link in tiny is a link to a folder" in refusal(folder)


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert "pipe in tiny is neither a file nor a folder" in refusal(folder)


def test_an_ignored_link_does_no_harm(folder: Path) -> None:
    (folder / "outside").symlink_to("/etc")
    (folder / ".dockerignore").write_text("outside\n")
    assert "outside" not in names(folder)


def test_a_folder_that_is_too_large_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission_folder, "MAX_FOLDER_BYTES", 100)
    (folder / "weights.bin").write_bytes(b"0" * 101)
    assert "list large files as [[weights]]" in refusal(folder)
