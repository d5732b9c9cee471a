"""When an image is built, when not, and how a failure reads; the engine is a stand-in."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest
import requests

from harness.errors import DiskFullError, EngineError, ImageBuildError, SubmissionError
from harness.sandbox import image
from harness.sandbox.base_image import LOCAL_BASE, PYTHON_VERSION_LABEL
from harness.sandbox.image import (
    CONTEXT_LABEL,
    SUBMISSION_LABEL,
    BuiltImage,
    build_image,
    image_submission,
)
from harness.sandbox.submission_folder import load_submission

WITH_BASE = "ARG BASE_IMAGE=python:3.11-slim-bookworm\nFROM ${BASE_IMAGE}\n"


class FakeEngine:
    """Builds whatever it is sent, and remembers it under its tag."""

    def __init__(self) -> None:
        base = {"Labels": {PYTHON_VERSION_LABEL: "3.11"}}
        self.known = {LOCAL_BASE: self.image("sha256:base", {}, base)}
        self.builds: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = [{"stream": "Step 1/1 : FROM base\n"}]
        self.failure: Exception | None = None
        self.images = SimpleNamespace(get=self._get, pull=self._pull)
        self.api = SimpleNamespace(timeout=1, build=self._build)

    @staticmethod
    def image(digest: str, labels: dict[str, str], config: dict[str, Any]) -> Any:
        attributes = {"Config": config, "Architecture": "amd64"}
        return SimpleNamespace(id=digest, labels=labels, attrs=attributes, tags=[])

    def _get(self, reference: str) -> Any:
        if reference not in self.known:
            msg = "none"
            raise docker.errors.ImageNotFound(msg)
        return self.known[reference]

    def _pull(self, reference: str) -> None:
        msg = f"no {reference}"
        raise docker.errors.NotFound(msg)

    def _build(self, **options: Any) -> Iterator[dict[str, Any]]:
        if self.failure:
            raise self.failure
        with tarfile.open(fileobj=io.BytesIO(options.pop("fileobj").read())) as tar:
            options["names"] = tar.getnames()
        self.builds.append(options)
        yield from self.answers
        if not any("error" in answer for answer in self.answers):
            digest = f"sha256:built{len(self.builds)}"
            self.known[options["tag"]] = self.image(digest, options["labels"], {})


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "my_model-"
    path.mkdir()
    (path / "submission.toml").write_text(
        'name = "my_model-"\ntitle = "M"\nauthors = ["A"]\nlabel_space = "voc"\n'
    )
    (path / "Dockerfile").write_text(WITH_BASE)
    return path


def build(engine: Any, folder: Path, base_image: str | None = None) -> BuiltImage:
    return build_image(
        engine,
        load_submission(folder),
        weights_dir=None,
        cache_dir=folder.parent / "cache",
        base_image=base_image,
    )


def test_the_build_gets_base_labels_and_context(engine: FakeEngine, folder: Path) -> None:
    built = build(engine, folder)
    (options,) = engine.builds
    assert options["buildargs"] == {"BASE_IMAGE": LOCAL_BASE}
    assert options["tag"].startswith("harness-submission/my-model:")
    assert '"name": "my_model-"' in options["labels"][SUBMISSION_LABEL]
    assert {"Dockerfile", "wheels/.keep", "weights/.keep", "serve.py"} <= set(options["names"])
    assert (built.digest, built.base, built.cached) == ("sha256:built1", LOCAL_BASE, False)


def test_the_same_context_is_built_once_and_another_base_makes_another_image(
    engine: FakeEngine, folder: Path
) -> None:
    first, again = build(engine, folder), build(engine, folder)
    assert (again.digest, again.cached) == (first.digest, True)
    base = {"Labels": {PYTHON_VERSION_LABEL: "3.11"}}
    engine.known[LOCAL_BASE] = engine.image("sha256:newer-base", {}, base)
    assert not build(engine, folder).cached
    assert len(engine.builds) == 2


def test_a_tag_that_someone_else_set_is_not_trusted(engine: FakeEngine, folder: Path) -> None:
    built = build(engine, folder)
    engine.known[built.reference] = engine.image("sha256:other", {CONTEXT_LABEL: "x"}, {})
    assert not build(engine, folder).cached


def test_a_dockerfile_with_its_own_base_needs_none_of_ours(
    engine: FakeEngine, folder: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM own:1\n")
    assert build(engine, folder).base is None
    assert engine.builds[0]["buildargs"] == {}
    with pytest.raises(ImageBuildError, match="--base-image b:1 was given"):
        build(engine, folder, "b:1")


def test_wheels_are_fetched_only_where_the_dockerfile_takes_them(
    engine: FakeEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetch(requirements: str, base: Any, *, cache_dir: Path) -> Any:
        del cache_dir
        asked.append(f"{requirements.strip()} for {base.python_version}")
        return SimpleNamespace(files=())

    monkeypatch.setattr(image, "fetch_wheels", fetch)
    (folder / "requirements.txt").write_text("numpy\n")
    build(engine, folder)
    assert asked == []
    (folder / "Dockerfile").write_text(f"{WITH_BASE}COPY wheels/ /wheels/\n")
    build(engine, folder)
    assert asked == ["numpy for 3.11"]


def test_a_failing_step_is_an_error_of_the_submission(engine: FakeEngine, folder: Path) -> None:
    engine.answers = [{"stream": "Step 2/2 : RUN false\n"}, {"error": "non-zero code: 1"}]
    with pytest.raises(ImageBuildError) as raised:
        build(engine, folder)
    assert "the image of my-model can't be built: step 2/2 : RUN false" in str(raised.value)
    assert list((folder.parent / "cache").iterdir()) == []


@pytest.mark.parametrize(
    "answers",
    [
        [{"error": "write /var/lib/docker/tmp/x: no space left on device"}],
        [
            {"stream": "Step 3/4 : RUN make\n"},
            {"stream": "ld: final link failed: No space left on device\n"},
            {"error": "the command returned a non-zero code: 1"},
        ],
    ],
    ids=["engine", "step"],
)
def test_an_engine_without_room_is_no_fault_of_the_dockerfile(
    engine: FakeEngine, folder: Path, answers: list[dict[str, Any]]
) -> None:
    engine.answers = answers
    with pytest.raises(DiskFullError, match="the image of my-model") as raised:
        build(engine, folder)
    assert "docker system df" in raised.value.remedy


@pytest.mark.parametrize(
    ("failure", "expected", "said"),
    [
        (docker.errors.APIError("x", explanation="unknown instruction"), ImageBuildError, "unkn"),
        (docker.errors.APIError("x", explanation="no space left on device"), DiskFullError, "no s"),
        (requests.ConnectionError("reset"), EngineError, "reset"),
    ],
)
def test_a_refused_build_and_a_lost_engine_differ(
    engine: FakeEngine, folder: Path, failure: Exception, expected: type[Exception], said: str
) -> None:
    engine.failure = failure
    with pytest.raises(expected, match=said):
        build(engine, folder)


def submission_in(engine: Any, reference: str) -> BuiltImage:
    return image_submission(engine, reference)


@pytest.mark.parametrize(
    "label",
    [
        '{"name": "l", "title": "L", "authors": ["A"], "label_space": "voc"}',
        'name = "l"\ntitle = "L"\nauthors = ["A"]\nlabel_space = "voc"\n',
    ],
    ids=["json", "toml"],
)
def test_an_image_brings_its_manifest_in_a_label(engine: FakeEngine, label: str) -> None:
    engine.known["own:1"] = engine.image("sha256:own", {SUBMISSION_LABEL: label}, {})
    found = submission_in(engine, "own:1")
    assert (found.manifest.name, found.digest) == ("l", "sha256:own")


def test_a_bad_label_is_refused_by_key(engine: FakeEngine) -> None:
    label = '{"name": "l", "title": "L", "authors": ["A"], "label_space": "voc", "x": 1}'
    engine.known["own:1"] = engine.image("sha256:own", {SUBMISSION_LABEL: label}, {})
    with pytest.raises(
        SubmissionError, match=r"org\.harness\.submission of own:1: unknown key 'x'"
    ):
        submission_in(engine, "own:1")


def test_an_unknown_image_is_an_error(engine: FakeEngine) -> None:
    with pytest.raises(ImageBuildError, match="there is no image own:2"):
        submission_in(engine, "own:2")
