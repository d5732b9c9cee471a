"""Settings of torch under which a computation repeats itself bit by bit on one machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from harness.editing.diffusion.device import Runtime

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_FIXED_WORKSPACE = ":4096:8"
"""One of the two values under which cuBLAS sums in a fixed order (cuBLAS docs, 2.1.4)."""


def fix_workspace() -> None:
    """Have cuBLAS sum in a fixed order in this process, unless the environment says otherwise.

    It reads the setting once, at its first product, so this comes before any.
    """
    os.environ.setdefault(_WORKSPACE, _FIXED_WORKSPACE)


@contextmanager
def computing(runtime: Runtime) -> Iterator[None]:
    """Compute inside as `runtime` says, and leave torch's settings as they were found.

    Without `deterministic` nothing is changed. With it, torch raises a RuntimeError where it has
    no algorithm that repeats itself, rather than take one that doesn't.
    """
    if not runtime.deterministic:
        yield
        return
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    found = (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32)
    only = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    workspace = os.environ.get(_WORKSPACE)
    try:
        os.environ[_WORKSPACE] = _FIXED_WORKSPACE
        torch.use_deterministic_algorithms(mode=True)
        cudnn.benchmark, cudnn.deterministic = False, True
        cudnn.allow_tf32, matmul.allow_tf32 = False, False
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = found
        torch.use_deterministic_algorithms(mode=only, warn_only=warn_only)
        if workspace is None:
            os.environ.pop(_WORKSPACE, None)
        else:
            os.environ[_WORKSPACE] = workspace
