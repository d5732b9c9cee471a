"""From a folder's name to a target: what is refused before anything is built, and what is kept."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import STREET

from harness.cli.submission_choice import SubmissionChoice, prepare_target
from harness.cli.workspace import Workspace
from harness.errors import DeviceError, HarnessError, SubmissionError
from harness.evaluation.evaluate import EvaluationTarget
from harness.sandbox import image

MANIFEST = 'name = "tiny"\ntitle = "Tiny"\nauthors = ["Ada"]\nlabel_space = "voc"\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folder = tmp_path / "submissions" / "tiny"
    folder.mkdir(parents=True)
    (folder / "submission.toml").write_text(MANIFEST)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return Workspace(root=tmp_path)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was built."""
    names: list[str] = []

    def build(client: object, submission: Any, **options: object) -> Any:
        del client, options
        names.append(submission.manifest.name)
        return SimpleNamespace(manifest=submission.manifest, digest="sha256:built")

    monkeypatch.setattr(image, "build_image", build)
    return names


def prepare(workspace: Workspace, **changes: Any) -> EvaluationTarget:
    limits: dict[str, Any] = {"memory_mb": None, **changes.pop("limits", {})}
    choice = SubmissionChoice(
        submission="tiny", weights_dir=None, base_image=None, limits=limits, **changes
    )
    client: Any = None
    return prepare_target(client, choice, workspace)


def append(workspace: Workspace, text: str) -> None:
    with (workspace.submissions / "tiny" / "submission.toml").open("a") as file:
        file.write(text)


def test_a_wish_and_the_operators_limit_both_reach_the_target(
    workspace: Workspace, built: list[str]
) -> None:
    append(workspace, "[resources]\nmemory_mb = 4096\ntmp_mb = 512\n")
    target = prepare(workspace, limits={"tmp_mb": 64})
    assert built == ["tiny"]
    assert (target.limits.memory_mb, target.limits.tmp_mb) == (4096, 64)


def test_an_unknown_label_space_is_refused_before_a_build(
    workspace: Workspace, built: list[str]
) -> None:
    path = workspace.submissions / "tiny" / "submission.toml"
    path.write_text(MANIFEST.replace("voc", "vok"))
    with pytest.raises(SubmissionError) as raised:
        prepare(workspace)
    said = raised.value.one_line()
    assert "label space 'vok'" in said
    assert "submission.toml: ade20k, camvid, cityscapes, coco-stuff, voc" in said
    assert built == []


def test_too_much_is_refused_before_a_build(workspace: Workspace, built: list[str]) -> None:
    append(workspace, "[resources]\ngpus = 1\n")
    with pytest.raises(SubmissionError, match="asks for gpus = 1 and may have 0"):
        prepare(workspace)
    assert built == []
    assert prepare(workspace, limits={"gpus": 1}).limits.gpus == 1


def test_a_class_map_that_does_not_fit_the_benchmark_is_refused_before_a_build(
    workspace: Workspace, built: list[str]
) -> None:
    append(workspace, '[class_map]\ncar = "lorry"\n')
    with pytest.raises(SubmissionError, match="class_map names 'lorry'"):
        prepare(workspace, label_space=STREET)
    assert built == []


@pytest.mark.parametrize(
    ("said", "changes", "error"),
    [
        ("stateless = false\n", {"workers": 2}, SubmissionError),
        ("", {"workers": 2, "gpu_ids": ("0",), "limits": {"gpus": 1}}, DeviceError),
    ],
)
def test_what_several_containers_can_not_share_is_refused_before_a_build(
    workspace: Workspace,
    built: list[str],
    said: str,
    changes: dict[str, Any],
    error: type[HarnessError],
) -> None:
    append(workspace, said)
    with pytest.raises(error):
        prepare(workspace, **changes)
    assert built == []
