from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    BertTokenizerFast,
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    BlipProcessor,
    GPT2Config,
    GPT2LMHeadModel,
    OPTConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
    ViTImageProcessorPil,
    ViTModel,
)

from harness.checkpoints.checkpoint import Checkpoint, find_checkpoint
from harness.checkpoints.place import WeightsPlace
from harness.checkpoints.quiet import quiet_transformers
from harness.errors import WeightsError
from harness.prompting.captioner import Captioner
from harness.prompting.tiny_models import END, IMAGE, make_tiny_captioner, make_tokenizer
from harness.records.prompts import CaptionerSpec, ModelReference

SPEC = CaptionerSpec(model="tiny", max_new_tokens=12)
NOUNS = ("car", "dining table", "car", "street")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "photo", "of", "red", "car", "on"]


def images(count=4):
    """Random pictures of different sizes, uint8 [H, W, 3]."""
    generator = np.random.default_rng(5)
    sizes = [(40 + 7 * i, 60 - 5 * i, 3) for i in range(count)]
    return [generator.integers(0, 256, size, dtype=np.uint8) for size in sizes]


def saved(folder: Path, *parts) -> Checkpoint:
    with quiet_transformers():
        for part in parts:
            part.save_pretrained(folder)
    reference = ModelReference(model="any/model")
    return find_checkpoint(reference, title="it", place=WeightsPlace(folder=folder))


def opened(checkpoint=None, spec=SPEC):
    return Captioner.open(spec, checkpoint=checkpoint, device="cpu")


def blip(folder: Path) -> Checkpoint:
    """A BLIP captioner of random numbers, which takes no instruction."""
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"))
    tower = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = BlipConfig(
        text_config={
            **tower,
            "vocab_size": len(WORDS),
            "encoder_hidden_size": 16,
            "bos_token_id": 2,
            "sep_token_id": 3,
            "eos_token_id": 3,
            "pad_token_id": 0,
            "initializer_range": 0.5,
        },
        vision_config={**tower, "image_size": 32, "patch_size": 8},
        projection_dim=16,
    )
    processor = BlipProcessor(BlipImageProcessorPil(size={"height": 32, "width": 32}), tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return saved(folder, BlipForConditionalGeneration(config), processor)


def blip_2(folder: Path) -> Checkpoint:
    """A BLIP-2 of random numbers, which answers a question and has no chat template."""
    tokenizer = make_tokenizer(chat_template=None)
    tower = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = Blip2Config(
        vision_config=Blip2VisionConfig(**tower, image_size=32, patch_size=8),
        qformer_config=Blip2QFormerConfig(**tower, encoder_hidden_size=16, vocab_size=30),
        text_config=OPTConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            word_embed_proj_dim=16,
            ffn_dim=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=512,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            init_std=0.5,
        ),
        num_query_tokens=4,
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
    )
    processor = Blip2Processor(
        BlipImageProcessorPil(size={"height": 32, "width": 32}), tokenizer, num_query_tokens=4
    )
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(0)
        return saved(folder, Blip2ForConditionalGeneration(config), processor)


def vit_gpt2(folder: Path) -> Checkpoint:
    """A captioner of two stacks of random numbers; its folder has no processor of its own."""
    tokenizer = make_tokenizer(chat_template=None)
    tower = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 16}
    end = tokenizer.convert_tokens_to_ids(END)
    decoder = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=16,
        n_layer=1,
        n_head=2,
        add_cross_attention=True,
        is_decoder=True,
        bos_token_id=end,
        eos_token_id=end,
    )
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(1)
        model = VisionEncoderDecoderModel(
            encoder=ViTModel(ViTConfig(**tower, intermediate_size=32, image_size=32, patch_size=8)),
            decoder=GPT2LMHeadModel(decoder),
        )
    model.config.decoder_start_token_id = model.generation_config.decoder_start_token_id = end
    model.config.pad_token_id = model.generation_config.pad_token_id = end
    model.generation_config.eos_token_id = end
    return saved(folder, model, tokenizer, ViTImageProcessorPil(size={"height": 32, "width": 32}))


def test_same_images_get_same_captions_in_any_order_and_batch():
    captioner = opened()
    alone = captioner.caption(images(), NOUNS)
    together = replace(captioner, batch=4).caption(images()[::-1], NOUNS[::-1])
    assert together == alone[::-1]
    assert len({reply.text for reply in alone}) == 4


def test_the_tiny_one_leaves_global_generators_be():
    before = torch.get_rng_state()
    replies = opened().caption(images(1), ["car"])
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert opened().caption(images(1), ["car"]) == replies


def test_a_captioner_is_loaded_from_its_folder_as_it_was(tmp_path):
    tiny = make_tiny_captioner()
    captioner = opened(saved(tmp_path, tiny.model, tiny.processor))
    assert captioner.caption(images(2), NOUNS[:2]) == opened().caption(images(2), NOUNS[:2])


def test_the_instruction_names_the_noun(tmp_path):
    tiny = make_tiny_captioner()
    captioner = opened(saved(tmp_path, tiny.model, tiny.processor))
    prompt = captioner._prompt("dining table")
    assert prompt is not None
    assert prompt.startswith("USER: <image>\nDescribe the dining table in this image")
    assert prompt.endswith("ASSISTANT:")
    captioner.processor.chat_template = None
    assert captioner._prompt("dining table") == prompt  # LLaVA's own


def test_a_caption_that_reaches_the_limit_was_cut_off():
    replies = opened(spec=SPEC.model_copy(update={"max_new_tokens": 1})).caption(images(), NOUNS)
    assert [reply.finished for reply in replies] == [not reply.text for reply in replies]
    assert not all(reply.finished for reply in replies)


@pytest.mark.parametrize("make", [blip, vit_gpt2])
def test_captioners_that_take_no_instruction(tmp_path, make):
    captioner = opened(make(tmp_path / "model"))
    assert captioner._prompt("car") is None
    replies = captioner.caption(images(), NOUNS)
    assert replace(captioner, batch=3).caption(images()[::-1], NOUNS[::-1]) == replies[::-1]
    assert all("[" not in reply.text and "<" not in reply.text for reply in replies)


def test_a_model_of_questions_and_answers_is_asked_one(tmp_path):
    captioner = opened(blip_2(tmp_path / "model"))
    prompt = captioner._prompt("dining table")
    assert prompt is not None
    assert prompt.startswith("Question: Describe the dining table in this image")
    assert prompt.endswith(" Answer:")
    replies = captioner.caption(images(), NOUNS)
    assert all("Question" not in reply.text for reply in replies)
    assert replace(captioner, batch=4).caption(images()[::-1], NOUNS[::-1]) == replies[::-1]


def test_what_is_no_captioner_is_refused_by_name(tmp_path):
    tokenizer = make_tokenizer()
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_embd=8, n_layer=1, n_head=1))
    with pytest.raises(WeightsError, match="the captioner can't be loaded") as caught:
        opened(saved(tmp_path, model, tokenizer))
    assert "LLaVA-1.5" in caught.value.remedy
