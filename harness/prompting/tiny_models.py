"""Small random models made on the spot, for tests and dry runs; they understand nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from harness.checkpoints.quiet import quiet_transformers

PAD, START, END, IMAGE = "<pad>", "<s>", "</s>", "<image>"
IMAGE_SIZE, PATCH_SIZE = 32, 8
"""Side of the image that the captioner sees and of its patches, pixels."""
WIDTH, LAYERS, HEADS, MAX_TOKENS = 32, 2, 2, 2**14
_CHAT = (
    "{% for message in messages %}{{ message['role'].upper() }}: {{ message['content'] }}\n"
    "{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
_IMAGE_CHAT = (
    "{% for message in messages %}{{ message['role'].upper() }}: "
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>\n{% else %}"
    "{{ part['text'] }}{% endif %}{% endfor %} {% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)


@dataclass(frozen=True, kw_only=True)
class TinyChatModel:
    """A random Llama."""

    model: PreTrainedModel
    """The network, on the CPU in float32."""
    tokenizer: PreTrainedTokenizerFast
    """Its tokenizer."""


@dataclass(frozen=True, kw_only=True)
class TinyCaptioner:
    """A random LLaVA."""

    model: PreTrainedModel
    """The network, on the CPU in float32."""
    processor: LlavaProcessor
    """Its processor."""


def make_tokenizer(*, chat_template: str | None = _CHAT) -> PreTrainedTokenizerFast:
    """Return a tokenizer of a token a byte, so that no text is unknown to it."""
    marks = (PAD, START, END, IMAGE)
    pieces = (*marks, *sorted(pre_tokenizers.ByteLevel.alphabet()))
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=START,
        eos_token=END,
        additional_special_tokens=[IMAGE],
        padding_side="left",
        model_max_length=MAX_TOKENS,
        clean_up_tokenization_spaces=False,
        chat_template=chat_template,
    )


def make_tiny_chat_model(*, seed: int = 0, chat_template: str | None = _CHAT) -> TinyChatModel:
    """Return a small random Llama, the same for the same seed; no global generator moves."""
    tokenizer = make_tokenizer(chat_template=chat_template)
    with _own_randomness(seed):
        model = LlamaForCausalLM(_llama(tokenizer))
    return TinyChatModel(model=model.eval(), tokenizer=tokenizer)


def make_tiny_captioner(*, seed: int = 0) -> TinyCaptioner:
    """Return a small random LLaVA, the same for the same seed; no global generator moves."""
    tokenizer = make_tokenizer(chat_template=None)
    image_token = tokenizer.convert_tokens_to_ids(IMAGE)
    vision = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        image_size=IMAGE_SIZE,
        patch_size=PATCH_SIZE,
        projection_dim=WIDTH,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=_llama(tokenizer),
        image_token_index=image_token,
        vision_feature_layer=-2,
    )
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"shortest_edge": IMAGE_SIZE},
            crop_size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        ),
        tokenizer=tokenizer,
        patch_size=PATCH_SIZE,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE,
        chat_template=_IMAGE_CHAT,
    )
    with quiet_transformers(), _own_randomness(seed):
        model = LlavaForConditionalGeneration(config)
    return TinyCaptioner(model=model.eval(), processor=processor)


def _llama(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=MAX_TOKENS,
        initializer_range=0.2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Have draws within repeat themselves, and the global generators be as they were after."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
