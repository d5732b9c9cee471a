"""Prompts as embeddings, and where a phrase's tokens stand in them; nothing of images."""

import re
from typing import assert_never

import torch

from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.presets import TokenPlaces
from harness.errors import ImageEditError


def embed(model: DiffusionModel, prompts: tuple[str, ...]) -> torch.Tensor:
    """Return the embeddings of `prompts`, [N, tokens, width] in the model's format.

    Each prompt goes through the text encoder alone, so that it is embedded alike in any company.

    Raises:
        ImageEditError: A prompt has more tokens than the text encoder takes.
    """
    for prompt in prompts:
        _check_length(model, prompt)
    return torch.cat([_embedding(model, prompt) for prompt in prompts])


def token_places(
    model: DiffusionModel, prompt: str, phrase: str, *, rule: TokenPlaces
) -> tuple[int, ...]:
    """Return the places of the tokens of `phrase` in the embedding of `prompt`, from 0.

    Raises:
        ImageEditError: The phrase is empty or no words of the prompt.
    """
    start, end = phrase_span(prompt, phrase)
    match rule:
        case TokenPlaces.WORDS:
            first = len(prompt[:start].split())
            return tuple(first + 1 + i for i in range(len(prompt[start:end].split())))
        case TokenPlaces.OFFSETS:
            return _places_by_offsets(model, prompt, start=start, end=end)
        case _:
            assert_never(rule)


def phrase_span(prompt: str, phrase: str) -> tuple[int, int]:
    """Return where `phrase` begins and ends in `prompt`: its first occurrence as whole words.

    Raises:
        ImageEditError: It is empty or does not occur.
    """
    words = phrase.split()
    pattern = r"\s+".join(re.escape(word) for word in words)
    found = re.search(rf"(?<!\w){pattern}(?!\w)", prompt, re.IGNORECASE) if words else None
    if found is None:
        msg = f"the phrase {phrase!r} does not occur in the prompt {prompt!r}"
        raise ImageEditError(msg, remedy="Name the object with words that stand in the prompt.")
    return found.span()


def _embedding(model: DiffusionModel, prompt: str) -> torch.Tensor:
    tokens = model.tokenizer(
        prompt,
        padding="max_length",
        max_length=model.tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    with torch.no_grad():
        embedded = model.text_encoder(tokens.input_ids.to(model.device))[0]
    assert isinstance(embedded, torch.Tensor)  # noqa: S101 - what CLIPTextModel documents
    return embedded


def _check_length(model: DiffusionModel, prompt: str) -> None:
    most = model.tokenizer.model_max_length
    count = len(model.tokenizer(prompt, truncation=False, verbose=False).input_ids)
    if count > most:
        msg = (
            f"the prompt has {count - 2} tokens and the text encoder takes {most - 2}: "
            f"{prompt[:60]!r}..."
        )
        raise ImageEditError(msg, remedy="Shorten the caption.")


def _places_by_offsets(
    model: DiffusionModel, prompt: str, *, start: int, end: int
) -> tuple[int, ...]:
    offsets = model.tokenizer(prompt, return_offsets_mapping=True).offset_mapping
    return tuple(
        place
        for place, (first, last) in enumerate(offsets)
        if first < last and first < end and last > start
    )
