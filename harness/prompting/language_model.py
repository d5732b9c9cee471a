"""A chat model of transformers that writes replies; nothing of what it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.device import choose_dtype, choose_torch_device
from harness.checkpoints.loading import telling_of_weights
from harness.checkpoints.quiet import quiet_transformers
from harness.prompting.generation import (
    SeededSampling,
    came_to_an_end,
    greedy_settings,
    new_tokens,
    stop_tokens,
    telling_of_full_memory,
)
from harness.prompting.reply import ChatMessage, ModelReply
from harness.prompting.tiny_models import make_tiny_chat_model
from harness.records.prompts import LanguageModelSpec

TITLE = "the language model"
_REMEDY = "Name a causal language model that transformers knows, with its tokenizer."


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """An opened chat model; replies one at a time, so that nothing depends on a batch."""

    spec: LanguageModelSpec
    """Its parameters."""
    model: PreTrainedModel
    """The network."""
    tokenizer: Any
    """Its tokenizer."""

    @classmethod
    def open(
        cls, spec: LanguageModelSpec, *, checkpoint: Checkpoint | None, device: str | None = None
    ) -> "LanguageModel":
        """Return the model of `spec`, loaded.

        Args:
            spec: Its parameters.
            checkpoint: Where it lies; None makes a tiny random one.
            device: `cpu`, `cuda` or `cuda:N`; None takes a GPU, or the CPU where there is none.

        Raises:
            WeightsError: The checkpoint is no chat model.
            DeviceError: There is no such device, or it has too little memory.
        """
        where = choose_torch_device(device)
        dtype = choose_dtype(spec.precision, where)
        if checkpoint is None:
            tiny = make_tiny_chat_model()
            return cls(spec=spec, model=tiny.model.to(where, dtype), tokenizer=tiny.tokenizer)
        with quiet_transformers(), telling_of_weights(TITLE, remedy=_REMEDY):
            folder = checkpoint.folder
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=dtype
            )
            model = model.to(where).eval()
        return cls(spec=spec, model=model, tokenizer=tokenizer)

    def reply(self, messages: Sequence[ChatMessage], *, seed: int) -> ModelReply:
        """Return the next message; greedy at temperature 0, else the sample that `seed` draws.

        A conversation that leaves the model no room for a reply gets an empty one.

        Raises:
            DeviceError: The device ran out of memory.
        """
        with quiet_transformers():
            inputs = self._inputs(messages).to(self.model.device)
        asked = inputs["input_ids"]
        limit = self._room(asked.shape[1])
        if limit <= 0:
            return ModelReply(text="", finished=False)
        with torch.inference_mode(), quiet_transformers(), telling_of_full_memory(TITLE):
            row = self.model.generate(
                asked,
                attention_mask=inputs["attention_mask"],
                generation_config=greedy_settings(self.model, max_new_tokens=limit),
                logits_processor=self._sampling(seed),
            )[0]
        tokens = new_tokens(row, asked[0])
        finished = came_to_an_end(tokens, limit=limit, stops=stop_tokens(self.model))
        text = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return ModelReply(text=text.strip(), finished=finished)

    def _inputs(self, messages: Sequence[ChatMessage]) -> Any:  # noqa: ANN401 - transformers is not typed
        if self.tokenizer.chat_template is None:
            return self.tokenizer(plain_conversation(messages), return_tensors="pt")
        said = [{"role": message.role.value, "content": message.text} for message in messages]
        text = self.tokenizer.apply_chat_template(
            said,
            add_generation_prompt=True,
            tokenize=False,
            enable_thinking=False,  # what templates of models that think aloud look for
        )
        return self.tokenizer(text, add_special_tokens=False, return_tensors="pt")

    def _room(self, length: int) -> int:
        """Return how many tokens may follow a conversation of `length`."""
        config = self.model.config.get_text_config()
        most = getattr(config, "max_position_embeddings", None)
        asked = self.spec.max_new_tokens
        return asked if most is None else min(asked, most - length)

    def _sampling(self, seed: int) -> list[SeededSampling]:
        spec = self.spec
        if spec.temperature == 0:
            return []
        return [SeededSampling(temperature=spec.temperature, top_p=spec.top_p, seed=seed)]


def plain_conversation(messages: Sequence[ChatMessage]) -> str:
    """Return a conversation as plain text, for models without a chat template."""
    said = [f"{message.role.value.capitalize()}: {message.text}" for message in messages]
    return "\n\n".join([*said, "Assistant:"])
