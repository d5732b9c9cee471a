"""How text is drawn from transformers models: greedily or from a generator of our own."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import LogitsProcessor, PreTrainedModel, TopPLogitsWarper

from harness.errors import DeviceError


class SeededSampling(LogitsProcessor):  # type: ignore[misc]  # transformers is not typed
    """Makes the greedy choice a sample from the model's distribution, without global generators.

    The largest of the log-probabilities, each with Gumbel noise of its own added, is distributed as
    a sample from them (Gumbel, 1954; the "Gumbel-max trick"). The noise is drawn on the CPU, so a
    seed says the same on every device.
    """

    def __init__(self, *, temperature: float, top_p: float, seed: int) -> None:
        self._temperature = temperature
        self._nucleus = TopPLogitsWarper(top_p) if top_p < 1 else None
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores [batch, vocabulary] with temperature, nucleus and noise."""
        scores = scores.float() / self._temperature
        if self._nucleus is not None:
            scores = self._nucleus(input_ids, scores)
        uniform = torch.rand(scores.shape, generator=self._generator, dtype=torch.float64)
        noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
        return scores + noise.to(scores.device, scores.dtype)


def greedy_settings(model: PreTrainedModel, *, max_new_tokens: int) -> Any:  # noqa: ANN401 - transformers is not typed
    """Return the model's own generation settings, made greedy."""
    settings = copy.deepcopy(model.generation_config)
    settings.update(
        do_sample=False,
        num_beams=1,
        num_return_sequences=1,
        temperature=None,
        top_p=None,
        top_k=None,
        max_length=None,
        max_new_tokens=max_new_tokens,
        return_dict_in_generate=False,
    )
    if settings.pad_token_id is None:
        settings.pad_token_id = next(iter(sorted(_ids(settings.eos_token_id))), 0)
    return settings


def stop_tokens(model: PreTrainedModel) -> frozenset[int]:
    """Return the tokens that a text of the model may end in."""
    found = set(_ids(model.generation_config.eos_token_id))
    found |= _ids(model.generation_config.pad_token_id)
    config = model.config.get_text_config(decoder=True)
    for name in ("eos_token_id", "sep_token_id", "pad_token_id"):
        found |= _ids(getattr(config, name, None))
    return frozenset(found)


def new_tokens(row: torch.Tensor, prompt: torch.Tensor | None) -> torch.Tensor:
    """Return what was generated: models of one stack repeat the prompt before it."""
    if prompt is not None and row[: len(prompt)].equal(prompt):
        return row[len(prompt) :]
    return row


def came_to_an_end(tokens: torch.Tensor, *, limit: int, stops: frozenset[int]) -> bool:
    """Return whether a text ended by itself: short of the limit, or in a token that ends texts."""
    return len(tokens) < limit or int(tokens[-1]) in stops


@contextmanager
def telling_of_full_memory(title: str) -> Iterator[None]:
    """Turn torch's error of a GPU without memory into ours.

    Raises:
        DeviceError: There was too little memory within.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        msg = f"{title} ran out of memory: {str(error).splitlines()[0]}"
        remedy = "End what else uses the GPU, name another by --device, or a smaller model."
        raise DeviceError(msg, remedy=remedy) from error


def _ids(value: int | list[int] | None) -> set[int]:
    if value is None:
        return set()
    return set(value) if isinstance(value, list) else {value}
