"""Attention of many images by one image's query and key; nothing of which layers use it."""

import torch
from torch.nn import functional

_CHUNK_BYTES = 2**21
"""Scores held at a time on a CPU: what stays in a core's cache is not read from memory twice."""
_NARROW = 64
"""Numbers side by side up to which the fused kernel beats two matrix products and a softmax."""


def shared_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return the attention of each row of `value` by one image's query and key.

    On a CPU the scores are computed once for all rows, which is most of the work there; a GPU's
    fused kernel is faster with the query and key repeated, which costs no memory.

    Args:
        query: [1, heads, cells, width].
        key: [1, heads, cells, width].
        value: [N, heads, cells, width].

    Returns:
        [N, heads, cells, width].
    """
    rows = value.shape[0]
    if value.device.type != "cpu" or rows == 1:
        return functional.scaled_dot_product_attention(
            query.expand(rows, -1, -1, -1), key.expand(rows, -1, -1, -1), value
        )
    if rows * value.shape[-1] <= _NARROW:
        return _side_by_side(query, key, value)
    return _scores_once(query[0], key[0], value)


def _side_by_side(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Give the fused kernel the rows' values side by side, as if they were one wide row's.

    It takes query and key of the same width only; the zeros that fill them up add nothing.
    """
    rows, heads, cells, width = value.shape
    beside = value.permute(1, 2, 0, 3).reshape(1, heads, cells, rows * width)
    filling = (0, beside.shape[-1] - query.shape[-1])
    attended = functional.scaled_dot_product_attention(
        functional.pad(query, filling),
        functional.pad(key, filling),
        beside,
        scale=query.shape[-1] ** -0.5,
    )
    return attended.view(heads, cells, rows, width).permute(2, 0, 1, 3)


def _scores_once(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    rows, heads, cells, width = value.shape
    beside = value.permute(1, 2, 0, 3).reshape(heads, cells, rows * width)
    across = (key * query.shape[-1] ** -0.5).transpose(1, 2)
    out = torch.empty_like(beside)
    step = max(16, _CHUNK_BYTES // (cells * query.element_size()))
    for head in range(heads):
        for first in range(0, cells, step):
            part = slice(first, first + step)
            scores = (query[head, part] @ across[head]).softmax(dim=-1)
            torch.mm(scores, beside[head], out=out[head, part])
    return out.reshape(heads, cells, rows, width).permute(2, 0, 1, 3)
