"""A small CLIP tokenizer made on the spot: byte-level, so that no text is unknown to it."""

from collections import Counter
from functools import cache
from itertools import pairwise

from transformers import CLIPTokenizer

START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"
MAX_TOKENS = 77
"""What CLIP's text encoders take, start and end included."""
MERGES = 320
"""Enough for common words of captions to be one token; others fall into several."""

_WORDS = (
    "a an the and of in on at with is are by from to over under near behind against this that its "
    "photo picture image painting sketch drawing pastel oil view street road room city field sky "
    "car cars bus truck train bicycle boat plane chair chairs sofa table house building bird cat"
    " dog horse cow sheep tree trees grass water wall floor window snow rain night day sun fog "
    "violet yellow tan green blue pink orange red black white brown colour color multi "
    "leather glass wood wooden stone cloth metal ceramic plastic paper "
    "plain dotted tiled floral plaid lettered striped pattern made "
    "snowy rainy foggy sunny style large small old new standing parked sitting driving dining "
)


def make_tokenizer() -> CLIPTokenizer:
    """Return a CLIP tokenizer of byte pairs learnt from a few words, always the same."""
    merges = _learnt_merges()
    symbols = _byte_symbols()
    pieces = [*symbols, *(symbol + WORD_END for symbol in symbols)]
    pieces += [left + right for left, right in merges]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, START, END])}
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=[*merges],
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=MAX_TOKENS,
    )


@cache
def _learnt_merges() -> tuple[tuple[str, str], ...]:
    """Return byte-pair merges learnt from the words (Sennrich et al., 2016, algorithm 1).

    Of equally frequent pairs the first in the alphabet is merged, so that nothing depends on order.
    """
    words = [[*word[:-1], word[-1] + WORD_END] for word in dict.fromkeys(_WORDS.split())]
    merges: list[tuple[str, str]] = []
    while len(merges) < MERGES:
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        words = [_merged(word, best) for word in words]
    return tuple(merges)


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for piece in word:
        # a piece that was just merged is longer than pair[0], so it can't be merged again
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _byte_symbols() -> list[str]:
    """Return the 256 printable characters that stand for bytes, in the order of CLIP's tokens.

    Bytes that print stand for themselves and come first; the others follow, moved behind Latin-1.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = 256 - len(printable)
    return [chr(code) for code in (*printable, *range(0x100, 0x100 + others))]
