"""What a user is told of runs on a real engine: why one failed, what to try, and scoring anew."""

import json
from pathlib import Path

import pytest
from command_line import answer, assert_refused, harness
from fakes import write_tiny_benchmark
from html_reading import Page

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("base_image")]

DOCKERFILE = """
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
COPY predict.py /app/
CMD ["python3", "/app/predict.py"]
"""
PREDICT = """
import json, struct, sys, zlib

def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

def png(width, height):  # the left half is class 1, the right one class 2
    rows = (b"\\0" + b"\\1" * (width // 2) + b"\\2" * (width - width // 2)) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\\x89PNG\\r\\n\\x1a\\n" + body

out, given = sys.stdout.buffer, sys.stdin.buffer
out.write(b'{"protocol": 1, "name": "halves"}\\n')
out.flush()
for number, line in enumerate(given):
    header = json.loads(line)
    given.read(header["bytes"])
    print(f"image {number}", file=sys.stderr)
    answer = png(*SIZE_OF(number))
    out.write(json.dumps({"id": header["id"], "bytes": len(answer)}).encode() + b"\\n" + answer)
    out.flush()
"""


@pytest.fixture
def workspace(tmp_path):
    write_tiny_benchmark(tmp_path / "benchmark_data" / "tiny")
    return tmp_path


@pytest.fixture
def write_model(workspace, disposable_name):
    """Writes a submission's folder with this program and returns its name."""

    def write(program, *, more=""):
        folder = workspace / "submissions" / disposable_name
        folder.mkdir(parents=True, exist_ok=True)
        manifest = (
            f'name = "{disposable_name}"\ntitle = "Model"\nauthors = ["A"]\n'
            f'label_space = "street"\n{more}'
        )
        for name, text in (
            ("submission.toml", manifest),
            ("Dockerfile", DOCKERFILE),
            ("predict.py", program),
        ):
            (folder / name).write_text(text, encoding="utf-8")
        return disposable_name

    return write


def evaluated(workspace, model):
    return harness(workspace, "evaluate", model, "--benchmark", "tiny", "--image-seconds", "60")


def told(workspace):
    """What `runs show` tells of the only run there is, and the run's page on the site."""
    (listed,) = answer(workspace, "runs", "--benchmark", "tiny")["runs"]
    account = answer(workspace, "runs", "show", listed["run_id"][:5])
    rendered = harness(workspace, "leaderboard")
    assert rendered.returncode == 0, rendered.stderr
    site = workspace / "leaderboard" / "site" / "tiny"
    page = (site / "runs" / f"{listed['run_id']}.html").read_text("utf-8")
    assert f"runs/{listed['run_id']}.html" in (site / "index.html").read_text("utf-8")
    return account, " ".join(Page(page).text.split())


def test_a_program_that_does_not_start_is_told_what_it_lacks(workspace, write_model):
    model = write_model("import sys; sys.stderr.write('starting\\n'); import timm_of_no_image")
    result = evaluated(workspace, model)
    assert result.returncode == 13, result.stderr
    error = result.stderr.splitlines()[-1]
    for words in ("harness: error: ", "exited-early", "to requirements.txt", "harness runs show"):
        assert words in error
    account, page = told(workspace)
    assert account["run"]["outcome"]["reason"] == "exited-early"
    assert account["run"]["limit_sources"] == {"image_seconds": "operator"}
    assert account["advice"]["signs"] == [
        "Its log says that Python finds no module `timm_of_no_image`."
    ]
    assert "requirements.txt" in account["advice"]["tries"][0]
    assert Path(account["folder"], "log.txt").read_text().startswith("starting")
    assert account["sample"] is None
    for words in ("What to try", "timm_of_no_image to requirements.txt", "ModuleNotFoundError"):
        assert words in page
    shown = harness(workspace, "runs", "show", account["run"]["run_id"])
    assert shown.returncode == 0, shown.stderr
    assert "1. Add the package that holds `timm_of_no_image`" in shown.stdout


def test_a_prediction_of_the_wrong_size_is_shown_with_its_sample(workspace, write_model):
    program = PREDICT.replace("SIZE_OF(number)", "(16, 12 if number < 3 else 8)")
    result = evaluated(workspace, write_model(program))
    assert_refused(result, 13, "wrong-size", "nearest neighbour")
    account, page = told(workspace)
    outcome, sample = account["run"]["outcome"], account["sample"]
    assert outcome["detail"] == "the prediction is 16x8, its image is 16x12"
    assert sample["id"] == outcome["sample_id"]
    assert Path(sample["image"]).is_file()
    assert "The prediction is 16x8, its image is 16x12." in page
    assert sample["source_name"] in page


def test_kept_predictions_are_scored_anew_without_a_container(workspace, write_model):
    program = PREDICT.replace("SIZE_OF(number)", "(16, 12)")
    model = write_model(program)
    run = evaluated(workspace, model)
    assert run.returncode == 0, run.stderr
    (first,) = answer(workspace, "runs")["runs"]
    same = answer(workspace, "rescore", first["run_id"])
    assert (same["identical"], same["samples"], same["changed_samples"]) == (True, 12, 0)
    assert len(answer(workspace, "runs")["runs"]) == 1
    write_model(program, more='[class_map]\ncar = "bus"\nbus = "car"\n')
    other = answer(workspace, "rescore", first["run_id"], "--submission", model)
    assert other["identical"] is False
    assert other["changed_samples"] == 12
    assert other["run"]["rescored_from"] == first["run_id"]
    board = answer(workspace, "rank", "--benchmark", "tiny")
    (row,) = board["ranked"] + board["unranked"]
    assert row["run_id"] == other["run"]["run_id"]
    assert row["clean_miou"] == pytest.approx(other["after"]["clean_miou"])
    again = answer(workspace, "rescore", other["run"]["run_id"])
    assert again["identical"] is True
    kept = workspace / "leaderboard" / "runs" / first["run_id"] / "predictions.bin"
    kept.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    damaged = harness(workspace, "rescore", first["run_id"])
    assert_refused(damaged, 21, "missing or damaged", str(kept), "--again")
    assert json.loads(harness(workspace, "runs", "--format", "json").stdout)["stored"] == 2
