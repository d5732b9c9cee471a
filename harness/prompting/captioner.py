"""An image-to-text model of transformers that captions images; judges no caption."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import (
    AutoImageProcessor,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    PreTrainedModel,
)

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.device import choose_dtype, choose_torch_device
from harness.checkpoints.loading import telling_of_weights
from harness.checkpoints.quiet import quiet_transformers
from harness.prompting.generation import (
    came_to_an_end,
    greedy_settings,
    new_tokens,
    stop_tokens,
    telling_of_full_memory,
)
from harness.prompting.reply import ModelReply
from harness.prompting.tiny_models import make_tiny_captioner
from harness.records.prompts import CaptionerSpec

TITLE = "the captioner"
BATCH_ON_GPU = 8
_REMEDY = (
    "Name an image-to-text model that transformers knows, with its processor: LLaVA-1.5, BLIP-2, "
    "BLIP or the like."
)
_WITHOUT_INSTRUCTION = frozenset({"blip", "git", "vision-encoder-decoder", "vit-gpt2"})
"""Types of models that caption as they were trained to, whatever they are asked."""
_QUESTION_ANSWER = frozenset({"blip-2"})
"""Types without a chat template that were trained on `Question: ... Answer:`."""
_USER_ASSISTANT = frozenset({"llava", "vipllava"})
"""The same of LLaVA's own `USER: <image>`."""


@dataclass(frozen=True, kw_only=True)
class Captioner:
    """An opened captioner; greedy, so that same images get same captions."""

    spec: CaptionerSpec
    """Its parameters."""
    model: PreTrainedModel
    """The network."""
    processor: Any
    """Makes its inputs of images and text."""
    tokenizer: Any
    """Reads its outputs."""
    batch: int
    """Images at once."""

    @classmethod
    def open(
        cls, spec: CaptionerSpec, *, checkpoint: Checkpoint | None, device: str | None = None
    ) -> "Captioner":
        """Return the captioner of `spec`, loaded.

        Args:
            spec: Its parameters.
            checkpoint: Where it lies; None makes a tiny random one.
            device: `cpu`, `cuda` or `cuda:N`; None takes a GPU, or the CPU where there is none.

        Raises:
            WeightsError: The checkpoint is no image-to-text model.
            DeviceError: There is no such device, or it has too little memory.
        """
        where = choose_torch_device(device)
        dtype = choose_dtype(spec.precision, where)
        batch = 1 if where.type == "cpu" else BATCH_ON_GPU
        if checkpoint is None:
            tiny = make_tiny_captioner()
            model, processor = tiny.model.to(where, dtype), tiny.processor
        else:
            with quiet_transformers(), telling_of_weights(TITLE, remedy=_REMEDY):
                processor = _processor(checkpoint)
                model = AutoModelForImageTextToText.from_pretrained(
                    checkpoint.folder, local_files_only=True, use_safetensors=True, dtype=dtype
                )
                model = model.to(where).eval()
        tokenizer = processor.tokenizer
        tokenizer.padding_side = "left"  # what is generated follows the prompt of every row
        return cls(spec=spec, model=model, processor=processor, tokenizer=tokenizer, batch=batch)

    def caption(
        self, images: Sequence[NDArray[np.uint8]], nouns: Sequence[str]
    ) -> tuple[ModelReply, ...]:
        """Return what the model says of each image.

        Args:
            images: RGB pixels, uint8 [H, W, 3] each.
            nouns: The word for each image's object, or for the whole scene.

        Raises:
            DeviceError: The device ran out of memory.
        """
        replies: list[ModelReply] = []
        for start in range(0, len(images), self.batch):
            end = start + self.batch
            replies += self._captions(images[start:end], nouns[start:end])
        return tuple(replies)

    def _captions(
        self, images: Sequence[NDArray[np.uint8]], nouns: Sequence[str]
    ) -> list[ModelReply]:
        pictures = [Image.fromarray(image) for image in images]
        limit = self.spec.max_new_tokens
        with torch.inference_mode(), quiet_transformers(), telling_of_full_memory(TITLE):
            inputs = self._inputs(pictures, [self._prompt(noun) for noun in nouns])
            rows = self.model.generate(
                **inputs.to(self.model.device, self.model.dtype),
                generation_config=greedy_settings(self.model, max_new_tokens=limit),
            )
        stops = stop_tokens(self.model)
        prompts = inputs.get("input_ids", [None] * len(rows))
        replies: list[ModelReply] = []
        for row, prompt in zip(rows, prompts, strict=True):
            tokens = new_tokens(row, prompt)
            text = self.tokenizer.decode(tokens, skip_special_tokens=True)
            finished = came_to_an_end(tokens, limit=limit, stops=stops)
            replies.append(ModelReply(text=text.strip(), finished=finished))
        return replies

    def _inputs(self, pictures: list[Image.Image], prompts: list[str | None]) -> Any:  # noqa: ANN401 - transformers is not typed
        texts = [prompt for prompt in prompts if prompt is not None]
        if not texts:
            return self.processor(images=pictures, return_tensors="pt")
        return self.processor(images=pictures, text=texts, padding=True, return_tensors="pt")

    def _prompt(self, noun: str) -> str | None:
        """Return the text that goes with an image; None where the model takes none."""
        kind = self.model.config.model_type
        instruction = self.spec.instruction.replace("{noun}", noun)
        if getattr(self.processor, "chat_template", None) is not None:
            content = [{"type": "image"}, {"type": "text", "text": instruction}]
            return str(
                self.processor.apply_chat_template(
                    [{"role": "user", "content": content}], add_generation_prompt=True
                )
            )
        if kind in _WITHOUT_INSTRUCTION:
            return None
        if kind in _QUESTION_ANSWER:
            return f"Question: {instruction} Answer:"
        if kind in _USER_ASSISTANT:
            return f"USER: <image>\n{instruction} ASSISTANT:"
        return instruction


class _ImageProcessorAndTokenizer:
    """Stands in for the processor of a model that has none of its own, as ViT-GPT2."""

    def __init__(self, image_processor: Any, tokenizer: Any) -> None:  # noqa: ANN401 - transformers is not typed
        self.image_processor, self.tokenizer = image_processor, tokenizer

    def __call__(self, *, images: list[Image.Image], return_tensors: str) -> Any:  # noqa: ANN401 - transformers is not typed
        return self.image_processor(images=images, return_tensors=return_tensors)


def _processor(checkpoint: Checkpoint) -> Any:  # noqa: ANN401 - transformers is not typed
    folder = checkpoint.folder
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    if getattr(processor, "tokenizer", None) is not None:
        return processor
    return _ImageProcessorAndTokenizer(
        AutoImageProcessor.from_pretrained(folder, local_files_only=True),
        AutoTokenizer.from_pretrained(folder, local_files_only=True),
    )
