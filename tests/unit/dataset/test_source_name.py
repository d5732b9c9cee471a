from pathlib import Path

import pytest

from harness.dataset.broken import BrokenReason
from harness.dataset.source_name import composed, name_fault

PLACE = Path("images")


def test_letters_and_accents_are_one():
    assert composed("ku\u0308che") == "k\u00fcche"
    assert composed("k\u00fcche") == "k\u00fcche"
    assert composed("2007_000033") == "2007_000033"
    # A byte that is no UTF-8 stays as the file system's names have it.
    assert composed("caf\udce9") == "caf\udce9"


@pytest.mark.parametrize("name", ["2007_000033", "k\u00fcche 2", "\u53f0\u6240", "x" * 255])
def test_text_of_a_files_length_is_a_name(name):
    assert name_fault(name, place=PLACE) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("caf\udce9", "is no UTF-8 text, or holds control characters"),
        ("two\nlines", "is no UTF-8 text, or holds control characters"),
        ("\u00fc" * 128, "has 256 bytes, more than the 255 of a file's name"),
    ],
)
def test_what_is_no_name_is_told_in_ascii_or_short(name, said):
    fault = name_fault(name, place=PLACE)
    assert fault is not None
    assert fault.reason is BrokenReason.BAD_NAME
    assert fault.detail.startswith("images: the name ")
    assert fault.detail.endswith(said)
    assert len(fault.name) <= 41
    fault.name.encode()
