import errno
from pathlib import Path

import pytest

from harness.dataset.edit_folder import REPORT, EditFolder
from harness.errors import ImageEditError
from harness.records.edit_report import EditingReport, LabelAccount, MaskAccount, PictureAccount
from harness.records.manifest import BuildEnvironment
from harness.records.recipe import ProceduralEditorSpec

ZERO = "0" * 64
REPORT_OF_NOTHING = EditingReport(
    picture=PictureAccount(
        file="car.png", sha256=ZERO, pixel_sha256=ZERO, width=20, height=20, readings=()
    ),
    mask=MaskAccount(file="mask.png", sha256=ZERO, object_fraction=0.5),
    label=LabelAccount(file=None, label_space="mask"),
    object_class="car",
    caption="a photo of a car",
    phrase="car",
    seed=0,
    editor=ProceduralEditorSpec(algorithm=1),
    environment=BuildEnvironment(harness_version="1", python="3", platform="x", packages={}),
    warnings=(),
    edits=(),
    seconds=0.0,
    latents_file=None,
)


def filled(path):
    folder = EditFolder(path)
    folder.claim(("a.png", REPORT), inputs=())
    folder.write({"a.png": b"one"}, REPORT_OF_NOTHING)
    return folder


def test_what_is_written_is_whole_and_nothing_else_stays(tmp_path):
    filled(tmp_path / "deep" / "out")
    assert {path.name for path in (tmp_path / "deep" / "out").iterdir()} == {"a.png", REPORT}
    text = (tmp_path / "deep" / "out" / REPORT).read_text(encoding="utf-8")
    assert EditingReport.model_validate_json(text) == REPORT_OF_NOTHING


def test_a_folder_of_ours_is_filled_again(tmp_path):
    filled(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    folder = EditFolder(tmp_path)
    folder.claim(("a.png", "b.png", REPORT), inputs=())
    folder.write({"a.png": b"two"}, REPORT_OF_NOTHING)
    assert (tmp_path / "a.png").read_bytes() == b"two"
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("report", [None, b"{}", b"\xff", b'{"schema_version": 1}'])
def test_a_file_of_someone_else_is_not_overwritten(tmp_path, report):
    (tmp_path / "a.png").write_bytes(b"theirs")
    if report is not None:
        (tmp_path / REPORT).write_bytes(report)
    with pytest.raises(ImageEditError, match=r"a\.png is there already"):
        EditFolder(tmp_path).claim(("a.png",), inputs=())


def test_an_edit_json_of_someone_else_is_not_overwritten(tmp_path):
    (tmp_path / REPORT).write_text("{}")
    with pytest.raises(ImageEditError, match=r"edit\.json is there already"):
        EditFolder(tmp_path).claim(("a.png", REPORT), inputs=())


def test_files_under_other_names_are_left_alone(tmp_path):
    (tmp_path / "car.png").write_bytes(b"theirs")
    EditFolder(tmp_path).claim(("a.png",), inputs=())


def test_an_input_is_not_overwritten_even_through_a_link(tmp_path):
    filled(tmp_path / "out")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with pytest.raises(ImageEditError, match="is read here"):
        EditFolder(tmp_path / "out").claim(("a.png",), inputs=(tmp_path / "link" / "a.png",))


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    filled(tmp_path)
    (tmp_path / "b.png").mkdir()
    with pytest.raises(ImageEditError, match=r"b\.png is a folder"):
        EditFolder(tmp_path).claim(("b.png",), inputs=())


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    filled(tmp_path)

    def full(_path, _data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as refused:
        EditFolder(tmp_path).write({"a.png": b"two"}, REPORT_OF_NOTHING)
    assert refused.value.filename == str(tmp_path / "a.png")
    monkeypatch.undo()
    assert (tmp_path / "a.png").read_bytes() == b"one"
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", REPORT}
