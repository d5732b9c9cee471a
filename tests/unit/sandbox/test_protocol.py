import json

import pytest

from harness.sandbox.protocol import (
    AnswerHeader,
    LineError,
    ReadyLine,
    parse_answer,
    parse_ready,
    sample_header,
    shown,
)


def test_a_sample_header_is_one_json_line():
    line = sample_header("00ab", 12)

    assert line.endswith(b"\n")
    assert json.loads(line) == {"id": "00ab", "bytes": 12}


def test_a_sample_header_may_ask_for_the_loss_of_classes():
    line = sample_header("00ab", 12, loss_of=(7, 8))

    assert json.loads(line) == {"id": "00ab", "bytes": 12, "loss_of": [7, 8]}


def test_a_ready_line_gives_the_name():
    plain = parse_ready(b'{"protocol": 1, "name": "U-Net, wide"}')

    assert plain == ReadyLine(name="U-Net, wide", losses=False)
    assert parse_ready('{"name":"Großes Netz","protocol":1}'.encode()).name == "Großes Netz"


def test_a_ready_line_may_offer_losses():
    line = b'{"protocol": 1, "name": "x", "losses": %s}'

    assert parse_ready(line % b"true").losses
    assert not parse_ready(line % b"false").losses


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"ready",
        b"[]",
        b"null",
        b"{}",
        b'{"protocol": 1}',
        b'{"protocol": 2, "name": "x"}',
        b'{"protocol": 1.0, "name": "x"}',
        b'{"protocol": true, "name": "x"}',
        b'{"protocol": "1", "name": "x"}',
        b'{"protocol": 1, "name": 3}',
        b'{"protocol": 1, "name": "two\\nlines"}',
        b'{"protocol": 1, "name": "\\u001b[31mred"}',
        b'{"protocol": 1, "name": "x", "gpu": true}',
        b'{"protocol": 1, "name": "x", "losses": 1}',
        b'{"protocol": 1, "name": "x", "losses": null}',
        b'{"protocol": 1, "losses": true}',
        b'{"protocol": 1, "name": "x", "name": "y"}',
        b'{"protocol": 1, "name": "\xff"}',
        json.dumps({"protocol": 1, "name": "x" * 201}).encode(),
        b"[" * 4000,
        b"1" * 4090,
    ],
)
def test_anything_else_is_no_ready_line(line):
    with pytest.raises(LineError):
        parse_ready(line)


def test_an_answer_header_gives_id_and_size():
    assert parse_answer(b'{"id": "a", "bytes": 0}') == AnswerHeader(sample_id="a", size=0)
    assert parse_answer(b' {"bytes":7,"id":""}\r') == AnswerHeader(sample_id="", size=7)


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": "a", "bytes": -1}',
        b'{"id": "a", "bytes": true}',
        b'{"id": "a", "bytes": 1.0}',
        b'{"id": "a", "bytes": 1e3}',
        b'{"id": "a", "bytes": NaN}',
        b'{"id": "a", "bytes": Infinity}',
        b'{"id": "a", "bytes": "1"}',
        b'{"id": "a", "bytes": null}',
        b'{"id": 1, "bytes": 1}',
        b'{"id": ["a"], "bytes": 1}',
        b'{"id": "a"}',
        b'{"id": "a", "bytes": 1, "label": 2}',
        b'{"id": "a", "bytes": 1, "bytes": 2}',
        b'{"id": "a", "bytes": 1} {}',
        b'"id"',
    ],
)
def test_anything_else_is_no_answer_header(line):
    with pytest.raises(LineError):
        parse_answer(line)


def test_hostile_text_is_shown_short_and_printable():
    assert shown(b"\x1b[31m\xff") == "b'\\x1b[31m\\xff'"
    assert shown("é\n") == "'\\xe9\\n'"
    assert len(shown("x" * 10_000)) <= 84
    assert shown(10**15) == "1000000000000000"
