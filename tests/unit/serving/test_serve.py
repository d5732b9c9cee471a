import io

import numpy as np
import pytest
from PIL import Image
from served import RED, SERVE, answers, png, request

from harness.records.printable import last_line
from harness.serving.serve import (
    check_prediction,
    check_probabilities,
    decode_image,
    encode_prediction,
    loss_map,
)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (60, 47)])
def test_a_prediction_survives_its_png(dtype, shape):
    ids = np.random.default_rng(3).integers(0, np.iinfo(dtype).max, shape).astype(dtype)

    with Image.open(io.BytesIO(encode_prediction(ids))) as image:
        image.load()
        assert image.mode == ("L" if dtype is np.uint8 else "I;16")
        assert np.array_equal(np.array(image), ids)


def test_a_strided_prediction_survives_too():
    ids = np.arange(24, dtype=np.uint16).reshape(4, 6)[:, ::2].T

    with Image.open(io.BytesIO(encode_prediction(ids))) as image:
        assert np.array_equal(np.array(image), ids)


@pytest.mark.parametrize("decoder", ["installed", "pillow"])
def test_images_are_decoded_as_rgb(decoder, monkeypatch):
    if decoder == "pillow":
        monkeypatch.setattr("harness.serving.serve.cv2", None)

    image = decode_image(png(RED))

    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert np.array_equal(image, RED)


@pytest.mark.parametrize(
    ("prediction", "error", "message"),
    [
        ([[0]], TypeError, "returned list, not a NumPy array"),
        (np.zeros((3, 5), np.int64), TypeError, "returned int64; return class ids as uint8"),
        (np.zeros((3, 5), bool), TypeError, "returned bool"),
        (np.zeros((5, 3), np.uint8), ValueError, r"shape \(5, 3\) .* \(3, 5\)"),
        (np.zeros((1, 3, 5), np.uint8), ValueError, r"shape \(1, 3, 5\)"),
    ],
)
def test_an_unusable_prediction_is_explained(prediction, error, message):
    with pytest.raises(error, match=message):
        check_prediction(prediction, RED)


def test_the_example_of_the_docstring_answers(submit):
    code = SERVE.read_text().split('"""')[1].split("submission:\n")[1].split("`serve` says")[0]
    code = "\n".join(line.removeprefix("    ") for line in code.splitlines())

    done = submit(code, request("a", png(RED)) + request("b", png(RED[:2])))

    assert done.returncode == 0, done.stderr
    ready, found = answers(done.stdout)
    assert ready == {"protocol": 1, "name": "unnamed"}
    assert [(sample_id, ids.shape) for sample_id, ids in found] == [("a", (3, 5)), ("b", (2, 5))]


def test_stray_output_of_every_kind_goes_to_stderr(submit):
    code = """
import os, subprocess, sys
from serve import serve
print("printed before")
os.write(1, b"written by C\\n")
subprocess.run(["echo", "said by a child"])
def predict(image):
    print("printed while predicting")
    return image[:, :, 0]
serve(predict, name="noisy")
print("printed after")
"""
    done = submit(code, request("a", png(RED)))

    assert done.returncode == 0, done.stderr
    ready, found = answers(done.stdout)
    assert ready["name"] == "noisy"
    assert np.array_equal(found[0][1], RED[:, :, 0])
    assert done.stderr.decode().splitlines() == [
        "printed before",
        "written by C",
        "said by a child",
        "printed while predicting",
        "printed after",
    ]


def test_a_child_cannot_take_the_images(submit):
    code = """
import subprocess
from serve import serve
def predict(image):
    assert subprocess.run(["cat"], capture_output=True).stdout == b""
    return image[:, :, 1]
serve(predict)
"""
    done = submit(code, request("a", png(RED)) + request("b", png(RED)))

    assert done.returncode == 0, done.stderr
    assert len(answers(done.stdout)[1]) == 2


BATCHED = """
import sys
from serve import serve_batched
def predict(images):
    print(len(images), file=sys.stderr)
    return [image[:, :, 2] for image in images]
serve_batched(predict, batch_size=3)
"""


@pytest.mark.parametrize(("ahead", "batches"), [("16", "3 3 1"), ("2", "2 2 2 1"), ("1", "1 " * 7)])
def test_batches_are_full_and_never_larger_than_what_is_sent_ahead(submit, ahead, batches):
    stdin = b"".join(request(str(n), png(RED[: 1 + n % 3])) for n in range(7))

    done = submit(BATCHED, stdin, HARNESS_MAX_IN_FLIGHT=ahead)

    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().split() == batches.split()
    assert [sample_id for sample_id, _ in answers(done.stdout)[1]] == list("0123456")


def test_a_batch_with_a_prediction_too_few_is_explained(submit):
    code = "from serve import serve_batched\nserve_batched(lambda images: [])\n"

    done = submit(code, request("a", png(RED)))

    assert done.returncode == 1
    assert b"predict returned 0 arrays for 1 images" in done.stderr


@pytest.mark.parametrize(
    "stdin",
    [
        b"hello\n",
        b'{"id": "a", "bytes": 5}',
        b'{"id": "a", "bytes": 5}\nabc',
        b'{"id": 1, "bytes": 5}\nabcde',
        b'{"id": "a", "bytes": -5}\n',
        b'{"id": "a", "bytes": 1, "x": 1}\na',
        b'{"id": "a", "bytes": 1, "loss_of": 1}\na',
        b'{"id": "a", "bytes": 1, "loss_of": [-1]}\na',
        b'{"id": "a", "bytes": 1, "loss_of": [true]}\na',
        b"[" * 5000,
    ],
)
def test_what_is_not_of_the_protocol_ends_it(submit, stdin):
    done = submit("from serve import serve\nserve(lambda image: image[:, :, 0])\n", stdin)

    assert done.returncode == 1
    assert b"ProtocolError" in done.stderr


def test_no_images_are_a_clean_end(submit):
    done = submit("from serve import serve\nserve(None)\n", b"")

    assert done.returncode == 0
    assert answers(done.stdout) == ({"protocol": 1, "name": "unnamed"}, [])


SURE = np.array([[[0.5, 1.0]], [[0.25, 0.0]], [[0.25, 0.0]]], np.float32)
"""Three classes at 1x2 pixels."""


def test_a_loss_is_minus_log_of_the_probability_in_thousandths():
    # -ln 0.5 = 0.693147, -ln 0.25 = 1.386294, -ln 0 is more than is told
    assert loss_map(SURE, [0]).tolist() == [[693, 0]]
    assert loss_map(SURE, [1]).tolist() == [[1386, 65535]]
    assert loss_map(SURE, [1, 2]).tolist() == [[693, 65535]]
    assert loss_map(SURE, [1, 1]).tolist() == [[1386, 65535]]
    assert loss_map(SURE, [0]).dtype == np.uint16


def test_the_loss_of_a_class_without_a_channel_is_explained():
    told = r"class id 3 was asked for, and .* 3 channels, ids 0-2; return one for each class id"
    with pytest.raises(ValueError, match=told):
        loss_map(SURE, [0, 3])


TWO = np.zeros((1, 2, 3), np.uint8)


def test_half_precision_is_close_enough_to_1():
    logits = np.random.default_rng(0).normal(size=(150, 1, 2))
    weights = np.exp(logits)
    check_probabilities((weights / weights.sum(axis=0)).astype(np.float16), TWO)
    check_probabilities(SURE, TWO)


@pytest.mark.parametrize(
    ("probabilities", "error", "message"),
    [
        ([[[1.0]]], TypeError, "returned list, not a NumPy array"),
        (np.ones((1, 1, 2), np.uint8), TypeError, "returned uint8; return floats"),
        (np.ones((1, 2), np.float32), ValueError, r"shape \(1, 2\) for an image"),
        (np.ones((1, 2, 1), np.float32), ValueError, r"shape \(1, 2, 1\) for an image"),
        (np.ones((0, 1, 2), np.float32), ValueError, "outside 0-1"),
        (3 * SURE - 1, ValueError, "outside 0-1; return softmax outputs, not logits"),
        (SURE * np.nan, ValueError, "outside 0-1"),
        (SURE / 0.5 * 0.45, ValueError, r"add up to 1 \+- 0.1"),
    ],
)
def test_unusable_probabilities_are_explained(probabilities, error, message):
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        check_probabilities(probabilities, TWO)


LOSSY = """
import numpy as np
from serve import serve
def probabilities(image):
    share = image[:, :, 0].astype(np.float32) / 255
    return np.stack([share, 1 - share])
serve(lambda image: image[:, :, 1], probabilities=probabilities)
"""


def test_losses_and_predictions_are_answered_as_asked(submit):
    stdin = request("a", png(RED)) + request("b", png(RED), loss_of=[1]) + request("c", png(RED))

    done = submit(LOSSY, stdin)

    assert done.returncode == 0, done.stderr
    ready, found = answers(done.stdout)
    assert ready == {"protocol": 1, "name": "unnamed", "losses": True}
    assert [sample_id for sample_id, _ in found] == ["a", "b", "c"]
    assert np.array_equal(found[0][1], RED[:, :, 1])
    # class 1 has 55/255 where red is 200, and 254/255 where it is 1
    assert found[1][1].dtype == np.uint16
    assert found[1][1][0, 0] == round(-1000 * np.log(55 / 255))
    assert found[1][1][1, 2] == round(-1000 * np.log(254 / 255))
    assert np.array_equal(found[2][1], RED[:, :, 1])


def test_a_class_without_a_channel_ends_it_and_its_last_line_says_why(submit):
    done = submit(LOSSY, request("a", png(RED), loss_of=[20]))

    assert done.returncode == 1
    last = last_line(done.stderr.decode())
    assert last.startswith("ValueError: the loss of class id 20 was asked for, and ")
    assert last.endswith("0 everywhere for a class never learned")  # whole where it is shown


LOSSY_BATCHES = """
import sys
import numpy as np
from serve import serve_batched
def probabilities(images):
    print("losses", len(images), file=sys.stderr)
    return [np.ones((1, *image.shape[:2])) for image in images]
def predict(images):
    print("classes", len(images), file=sys.stderr)
    return [image[:, :, 2] for image in images]
serve_batched(predict, probabilities=probabilities, batch_size=3)
"""


def test_a_batch_is_asked_for_one_thing(submit):
    asked = [{}, {}, {"loss_of": [0]}, {"loss_of": [0]}, {"loss_of": [0]}, {"loss_of": [0]}, {}]
    stdin = b"".join(request(str(n), png(RED), **more) for n, more in enumerate(asked))

    done = submit(LOSSY_BATCHES, stdin, HARNESS_MAX_IN_FLIGHT="16")

    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().split("\n")[:-1] == [
        *("classes 2", "losses 3", "losses 1", "classes 1")
    ]
    found = answers(done.stdout)[1]
    assert [sample_id for sample_id, _ in found] == list("0123456")
    assert found[3][1].dtype == np.uint16
    assert not found[3][1].any()


def test_too_few_probabilities_are_explained(submit):
    code = LOSSY_BATCHES.replace("for image in images]", "for image in images[1:]]", 1)

    done = submit(code, request("a", png(RED), loss_of=[0]))

    assert done.returncode == 1
    assert b"probabilities returned 0 arrays for 1 images" in done.stderr


def test_losses_that_were_never_offered_end_it(submit):
    code = "from serve import serve\nserve(lambda image: image[:, :, 0])\n"

    done = submit(code, request("a", png(RED), loss_of=[0]))

    assert done.returncode == 1
    assert b"serve() was given no probabilities" in done.stderr
