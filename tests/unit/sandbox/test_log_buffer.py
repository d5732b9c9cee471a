from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.log_buffer import LogBuffer


def written(limit: int, *chunks: bytes) -> str:
    log = LogBuffer(limit=limit)
    for chunk in chunks:
        log.write(chunk)
    return log.text()


def test_what_fits_is_kept_whole():
    assert written(10, b"01234", b"56789") == "0123456789"


def test_the_middle_is_left_out_and_counted():
    assert written(6, b"abcdefghij") == "abc\n[... 4 bytes left out ...]\nhij"
    assert written(6, *(bytes([byte]) for byte in b"abcdefghij")).endswith("hij")


def test_nothing_is_kept_where_nothing_may_be():
    assert written(0, b"abc") == "\n[... 3 bytes left out ...]\n"


def test_bytes_that_are_no_text_are_replaced():
    assert written(10, b"\xff\xfeok") == "\ufffd\ufffdok"


@given(chunks=st.lists(st.binary(max_size=30), max_size=10), limit=st.integers(0, 60))
def test_head_and_tail_are_what_was_written(chunks, limit):
    log, everything = LogBuffer(limit=limit), b"".join(chunks)
    for chunk in chunks:
        log.write(chunk)

    if len(everything) <= limit:
        assert log.text() == everything.decode(errors="replace")
    else:
        head, tail = everything[: limit // 2], everything[len(everything) - (limit - limit // 2) :]
        gap = f"\n[... {len(everything) - limit} bytes left out ...]\n"
        assert log.text() == head.decode(errors="replace") + gap + tail.decode(errors="replace")
