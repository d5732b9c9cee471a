"""Reading and writing go on beside predict(); no error is lost and nothing hangs at the end."""

import json
import os
import signal
import subprocess
import sys

import pytest
from served import RED, SERVE, answers, numbered, png, request

BESIDE = """
import json, os, sys, threading
import numpy as np
import serve as served
from serve import serve

decoded = threading.Semaphore(0)
decode = served.decode_image

def decode_and_tell(png):
    image = decode(png)
    decoded.release()
    return image

served.decode_image = decode_and_tell
decoded_before = 0

def predict(image):
    assert threading.current_thread() is threading.main_thread()
    assert decoded.acquire(timeout=30), "its own image"
    if image[0, 0, 0] < 9:
        assert decoded.acquire(timeout=30), "the next one is decoded meanwhile"
        decoded.release()
    return image[:, :, 0]

serve(predict)
"""


def test_the_next_image_is_decoded_while_one_is_predicted(submit):
    done = submit(BESIDE, numbered(10), HARNESS_MAX_IN_FLIGHT="16")

    assert done.returncode == 0, done.stderr
    assert [ids[0, 0] for _, ids in answers(done.stdout)[1]] == list(range(10))


def test_an_answer_is_written_while_the_next_one_is_predicted(tmp_path):
    """It is read here while predict() waits for that to happen."""
    (tmp_path / "serve.py").write_bytes(SERVE.read_bytes())
    (tmp_path / "predict.py").write_text("""
import os
from serve import serve
def predict(image):
    if image[0, 0, 0] == 1:
        assert os.read(int(os.environ["READ"]), 1) == b"r"
    return image[:, :, 0]
serve(predict)
""")
    read, told = os.pipe()
    with subprocess.Popen(
        [sys.executable, "predict.py"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"OMP_NUM_THREADS": "1", "READ": str(read), "HARNESS_MAX_IN_FLIGHT": "16"},
        pass_fds=[read],
    ) as process:
        process.stdin.write(numbered(2))
        process.stdin.flush()
        process.stdout.readline()
        header = json.loads(process.stdout.readline())
        process.stdout.read(header["bytes"])
        os.write(told, b"r")
        process.stdin.close()
        rest = process.stdout.read()
    os.close(read)
    os.close(told)
    assert process.returncode == 0
    assert header["id"] == "0"
    assert json.loads(rest.splitlines()[0])["id"] == "1"


def test_a_model_may_use_one_array_for_all_its_predictions(submit):
    code = """
import numpy as np
from serve import serve
own = np.zeros((2, 2), np.uint8)
def predict(image):
    own[:] = image[:, :, 0]
    return own
serve(predict)
"""
    done = submit(code, numbered(200), HARNESS_MAX_IN_FLIGHT="16")

    assert done.returncode == 0, done.stderr
    assert [ids[0, 0] for _, ids in answers(done.stdout)[1]] == list(range(200))


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        ("ValueError('no such class')", 1, b"ValueError: no such class"),
        ("SystemExit(3)", 3, b""),
        ("KeyboardInterrupt()", -signal.SIGINT, b"KeyboardInterrupt"),
    ],
)
def test_an_error_of_the_model_ends_it_though_more_images_may_come(tmp_path, raised, code, said):
    """Its input stays open, so that a thread that waits for more would wait for ever."""
    (tmp_path / "serve.py").write_bytes(SERVE.read_bytes())
    (tmp_path / "predict.py").write_text(f"""
from serve import serve
def predict(image):
    if image[0, 0, 0] == 2:
        raise {raised}
    return image[:, :, 0]
serve(predict)
""")
    with subprocess.Popen(
        [sys.executable, "predict.py"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"OMP_NUM_THREADS": "1", "HARNESS_MAX_IN_FLIGHT": "16"},
    ) as process:
        process.stdin.write(numbered(3))
        process.stdin.flush()
        assert process.wait(60) == code
        found = answers(process.stdout.read())[1]
        assert said in process.stderr.read()
    assert [sample_id for sample_id, _ in found] == ["0", "1"]


def test_an_image_that_cannot_be_decoded_ends_it_with_what_is_wrong(submit):
    code = "from serve import serve\nserve(lambda image: image[:, :, 0])\n"

    done = submit(code, request("a", png(RED)) + request("b", b"no picture"))

    assert done.returncode == 1
    assert b"decode_image" in done.stderr
    assert b"UnidentifiedImageError" in done.stderr


def test_an_answer_that_cannot_be_sent_ends_it_though_more_images_may_come(tmp_path):
    (tmp_path / "serve.py").write_bytes(SERVE.read_bytes())
    (tmp_path / "predict.py").write_text("""
import serve
def broken(prediction):
    raise MemoryError("no room to encode")
serve.encode_prediction = broken
serve.serve(lambda image: image[:, :, 0])
""")
    with subprocess.Popen(
        [sys.executable, "predict.py"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"OMP_NUM_THREADS": "1"},
    ) as process:
        process.stdin.write(numbered(1))
        process.stdin.flush()
        assert process.wait(60) == 1
        assert b"MemoryError: no room to encode" in process.stderr.read()


def test_images_are_read_no_further_ahead_than_a_batch(submit):
    code = """
import threading
import serve as served
from serve import serve_batched

decoded, decode = [], served.decode_image

def decode_and_count(png):
    decoded.append(1)
    return decode(png)

served.decode_image = decode_and_count
taken = []

def predict(images):
    taken.append(len(images))
    threading.Event().wait(0.05)
    assert len(decoded) <= sum(taken) + 2
    return [image[:, :, 0] for image in images]

serve_batched(predict, batch_size=2)
"""
    done = submit(code, numbered(20), HARNESS_MAX_IN_FLIGHT="16")

    assert done.returncode == 0, done.stderr
    assert len(answers(done.stdout)[1]) == 20
