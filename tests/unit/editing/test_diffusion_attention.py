import pytest
import torch
from torch.nn import functional

from harness.editing.diffusion.attention import shared_attention


@pytest.mark.parametrize("rows", [1, 2, 5, 16])
@pytest.mark.parametrize("cells", [6, 300])
def test_one_query_and_key_serve_all_rows(rows, cells):
    generator = torch.Generator().manual_seed(rows)
    query, key = torch.randn(2, 1, 3, cells, 8, generator=generator)
    value = torch.randn(rows, 3, cells, 8, generator=generator)
    expected = functional.scaled_dot_product_attention(
        query.expand(rows, -1, -1, -1), key.expand(rows, -1, -1, -1), value
    )
    found = shared_attention(query, key, value)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
