"""Every bundled submission's folder is complete, small and says how it came about."""

import re
import tomllib
from pathlib import Path

import pytest

from harness.records.submission import SubmissionManifest

SUBMISSIONS = Path(__file__).parents[3] / "submissions"
NAMES = ("color-forest", "mini-unet", "mini-unet-augmented", "espnet")
TRAINED_HERE = {
    "color-forest": "python -m submissions.training.forest",
    "mini-unet": "python -m submissions.training.unet --augment none",
    "mini-unet-augmented": "python -m submissions.training.unet --augment strong",
}
NOT_IN_THE_IMAGE = {"Dockerfile", "README.md", "photographs.txt", "submission.toml"}
CATALOGUE = SUBMISSIONS.parent / "benchmark_data" / "composer" / "catalogue.toml"
LARGEST_FILE = 8 * 2**20


def manifest_of(name: str) -> SubmissionManifest:
    text = (SUBMISSIONS / name / "submission.toml").read_text(encoding="utf-8")
    return SubmissionManifest.model_validate(tomllib.loads(text))


def test_all_folders_are_known():
    folders = {path.parent.name for path in SUBMISSIONS.glob("*/submission.toml")}
    assert folders == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_manifest_is_valid_and_named_like_its_folder(name):
    manifest = manifest_of(name)
    assert manifest.name == name
    assert manifest.label_space == ("camvid" if name == "espnet" else "voc")
    assert manifest.description
    assert manifest.training_data


@pytest.mark.parametrize("name", NAMES)
def test_folder_can_be_built(name):
    folder = SUBMISSIONS / name
    dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert dockerfile[0] == "ARG BASE_IMAGE=python:3.11-slim-bookworm"
    assert dockerfile[1] == "FROM ${BASE_IMAGE}"
    assert dockerfile[-1] == 'CMD ["python3", "predict.py"]'
    copied = {
        file
        for line in dockerfile
        if line.startswith("COPY ")
        for file in line.split()[1:-1]
        if not file.endswith("/")
    }
    assert copied - {"serve.py"} == {
        file.name
        for file in folder.iterdir()
        if file.is_file() and file.name not in NOT_IN_THE_IMAGE
    }


@pytest.mark.parametrize("name", NAMES)
def test_requirements_are_pinned(name):
    lines = (SUBMISSIONS / name / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in lines)
    assert {line.split("==")[0] for line in lines} >= {"numpy", "pillow"}


@pytest.mark.parametrize("name", NAMES)
def test_files_are_small(name):
    sizes = {f.name: f.stat().st_size for f in (SUBMISSIONS / name).iterdir() if f.is_file()}
    assert max(sizes.values()) < LARGEST_FILE, sizes


@pytest.mark.parametrize(("name", "command"), TRAINED_HERE.items())
def test_readme_says_how_it_was_trained(name, command):
    readme = (SUBMISSIONS / name / "README.md").read_text(encoding="utf-8")
    assert f"{command} --output submissions/{name}" in readme
    assert f"harness evaluate {name}" in readme


@pytest.mark.parametrize("name", TRAINED_HERE)
def test_trained_on_no_photograph_of_the_benchmark(name):
    lines = (SUBMISSIONS / name / "photographs.txt").read_text(encoding="utf-8").splitlines()
    trained = dict(line.split() for line in lines)
    catalogue = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    assets = [*catalogue["cutouts"], *catalogue["backgrounds"]]
    graded = {a["id"]: a["sha256"] for a in assets if a["split"] == "benchmark"}
    assert len(trained) > 100
    assert not set(trained.values()) & set(graded.values())
    assert not set(trained) & set(graded)


def test_both_unets_are_one_network():
    plain, augmented = SUBMISSIONS / "mini-unet", SUBMISSIONS / "mini-unet-augmented"
    for file in ("Dockerfile", "requirements.txt"):
        assert (plain / file).read_bytes() == (augmented / file).read_bytes()
    renamed = (plain / "predict.py").read_text().replace('"mini-unet"', '"mini-unet-augmented"')
    assert renamed == (augmented / "predict.py").read_text()


def test_espnet_knows_its_weights_by_content():
    (weights,) = manifest_of("espnet").weights
    assert weights.file == "espnet_p_2_q_8_camvid.pth"
    assert weights.sha256.startswith("7d354a257170322086dcd4c1e89a4824")
    assert weights.url is not None
    assert weights.file in (SUBMISSIONS / "espnet" / "predict.py").read_text(encoding="utf-8")
