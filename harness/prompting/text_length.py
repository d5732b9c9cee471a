"""How many tokens of a text encoder a text takes, at most; nothing of any one tokenizer."""

import math
import re
from collections.abc import Callable

TokenCounter = Callable[[str], int]
"""Returns how many tokens a text takes, the encoder's two marks included."""

_PIECES = re.compile(r"[^\W_]+|[^\w\s]|_")
_BYTES_PER_TOKEN = 4
_MARKS = 2


def most_tokens(text: str) -> int:
    """Return a bound on the tokens that `text` takes in CLIP's tokenizer, its marks included.

    A token for every sign and for every four bytes of a word that were begun; CLIP's vocabulary
    has most English words whole, so the true number is smaller for English.
    """
    pieces = _PIECES.findall(text)
    return _MARKS + sum(math.ceil(len(piece.encode()) / _BYTES_PER_TOKEN) for piece in pieces)
