import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.serving.folder_adapter import AdapterError, Request, read_requests, run_batch

ADAPTER = Path(__file__).parents[3] / "harness" / "serving" / "folder_adapter.py"
INFER = """
import argparse, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--input", type=pathlib.Path)
parser.add_argument("--output", type=pathlib.Path)
options = parser.parse_args()
paths = sorted(options.input.iterdir())
print("batch of", len(paths))
for path in paths:
    (options.output / path.name).write_bytes(path.read_bytes()[::-1])
"""


def request(sample_id: str, data: bytes) -> bytes:
    return json.dumps({"id": sample_id, "bytes": len(data)}).encode() + b"\n" + data


def adapt(folder: Path, infer: str, stdin: bytes, *options: str) -> subprocess.CompletedProcess:
    (folder / "infer.py").write_text(infer)
    command = [sys.executable, "infer.py", "--input", "{input}", "--output", "{output}"]
    return subprocess.run(
        [sys.executable, str(ADAPTER), *options, "--", *command],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env={"HARNESS_MAX_IN_FLIGHT": "4", "TMPDIR": str(folder)},
        timeout=60,
        check=False,
    )


def answers(stdout: bytes) -> tuple[dict, dict[str, bytes]]:
    file = io.BytesIO(stdout)
    ready, found = json.loads(file.readline()), {}
    while line := file.readline():
        header = json.loads(line)
        found[header["id"]] = file.read(header["bytes"])
    return ready, found


def test_an_unchanged_script_answers_in_batches(tmp_path):
    stdin = b"".join(request(f"{n:016x}", b"image %d" % n) for n in range(6))

    done = adapt(tmp_path, INFER, stdin, "--name", "old script")

    assert done.returncode == 0, done.stderr
    ready, found = answers(done.stdout)
    assert ready == {"protocol": 1, "name": "old script"}
    assert found == {f"{n:016x}": (b"image %d" % n)[::-1] for n in range(6)}
    assert done.stderr == b"batch of 4\nbatch of 2\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "infer.py"]


@pytest.mark.parametrize(("asked", "sizes"), [("2", "2 2"), ("9", "4"), ("0", "1 1 1 1")])
def test_batches_are_never_larger_than_what_is_sent_ahead(tmp_path, asked, sizes):
    stdin = b"".join(request(str(n), b"x") for n in range(4))

    done = adapt(tmp_path, INFER, stdin, "--batch-size", asked)

    assert done.stderr.decode().replace("batch of ", "").split() == sizes.split()


def test_a_script_that_fails_is_named(tmp_path):
    done = adapt(tmp_path, "raise SystemExit(3)", request("a", b"x"))

    assert done.returncode == 1
    assert b"exited with code 3" in done.stderr


def test_a_prediction_that_is_missing_is_named(tmp_path):
    infer = INFER.replace("path.name", "(path.stem + '_pred.png')")

    done = adapt(tmp_path, infer, request("a", b"x"))

    assert done.returncode == 1
    assert b"the command wrote no a.png, but a_pred.png" in done.stderr


def test_a_command_that_is_not_there_is_named(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ADAPTER), "--", "no-such-program", "{input}"],
        cwd=tmp_path,
        input=request("a", b"x"),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 1
    assert b"no-such-program" in done.stderr


@pytest.mark.parametrize(
    "stdin",
    [
        b"hello\n",
        request("../a", b"x"),
        request("", b"x"),
        request("a", b"x")[:-1],
        b'{"id": "a", "bytes": true}\nx',
    ],
)
def test_what_is_not_of_the_protocol_is_refused(stdin):
    with pytest.raises(AdapterError):
        list(read_requests(io.BytesIO(stdin)))


def test_requests_are_read_one_by_one():
    stream = io.BytesIO(request("a", b"one\n") + request("b", b""))

    assert list(read_requests(stream)) == [Request("a", b"one\n"), Request("b", b"")]


def test_a_folder_is_left_by_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    command = ["cp", "-r", "{input}/.", "{output}"]

    assert list(run_batch(command, [Request("a", b"x")])) == [Request("a", b"x")]
    assert list(tmp_path.iterdir()) == []
