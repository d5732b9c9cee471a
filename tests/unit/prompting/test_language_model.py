import math

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from harness.checkpoints.checkpoint import find_checkpoint
from harness.checkpoints.place import WeightsPlace
from harness.checkpoints.quiet import quiet_transformers
from harness.errors import WeightsError
from harness.prompting.edit_writing import CaptionToEdit, EditWriter
from harness.prompting.generation import SeededSampling, came_to_an_end, new_tokens
from harness.prompting.language_model import LanguageModel, plain_conversation
from harness.prompting.prompt_check import PromptRule
from harness.prompting.reply import ChatMessage, Role
from harness.prompting.tiny_models import MAX_TOKENS, make_tiny_chat_model, make_tokenizer
from harness.records.attributes import Attribute, Edit
from harness.records.prompts import LanguageModelSpec, ModelReference, PromptOrigin

GREEDY = LanguageModelSpec(model="tiny", max_new_tokens=16)
SAMPLED = GREEDY.model_copy(update={"temperature": 0.6, "top_p": 0.9})
ASKED = (ChatMessage(role=Role.USER, text="Rewrite: a red car"),)


def opened(spec=GREEDY, checkpoint=None):
    return LanguageModel.open(spec, checkpoint=checkpoint, device="cpu")


def saved(folder, *parts):
    with quiet_transformers():
        for part in parts:
            part.save_pretrained(folder)
    reference = ModelReference(model="any/model")
    return find_checkpoint(reference, title="it", place=WeightsPlace(folder=folder))


def test_a_greedy_reply_knows_no_seed():
    model = opened()
    assert model.reply(ASKED, seed=1) == model.reply(ASKED, seed=2)
    other = (ChatMessage(role=Role.USER, text="Rewrite: a bus"),)
    assert model.reply(other, seed=1) != model.reply(ASKED, seed=1)


def test_a_sampled_reply_follows_from_its_seed_alone():
    model = opened(SAMPLED)
    before = torch.get_rng_state()
    first = model.reply(ASKED, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert model.reply(ASKED, seed=1) == first
    assert model.reply(ASKED, seed=2) != first
    assert opened(SAMPLED).reply(ASKED, seed=1) == first


def test_a_model_is_loaded_from_its_folder_as_it_was(tmp_path):
    tiny = make_tiny_chat_model()
    model = opened(checkpoint=saved(tmp_path, tiny.model, tiny.tokenizer))
    assert model.reply(ASKED, seed=0) == opened().reply(ASKED, seed=0)


def test_a_model_without_a_chat_template_gets_plain_text(tmp_path):
    tokenizer = make_tokenizer(chat_template=None)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=64)
    config.bos_token_id = config.eos_token_id = tokenizer.eos_token_id
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = GPT2LMHeadModel(config)
    model = opened(checkpoint=saved(tmp_path, network, tokenizer))
    text = model.tokenizer.decode(model._inputs(ASKED)["input_ids"][0])
    assert text == "User: Rewrite: a red car\n\nAssistant:"
    reply = model.reply(ASKED, seed=0)
    assert reply.finished == (len(reply.text) < 16)


def test_a_conversation_as_plain_text():
    said = (*ASKED, ChatMessage(role=Role.ASSISTANT, text="no"), *ASKED)
    assert plain_conversation(said).split("\n\n") == [
        "User: Rewrite: a red car",
        "Assistant: no",
        "User: Rewrite: a red car",
        "Assistant:",
    ]


def test_a_conversation_without_room_for_a_reply_gets_an_empty_one():
    reply = opened().reply([ChatMessage(role=Role.USER, text="x" * MAX_TOKENS)], seed=0)
    assert reply.text == ""
    assert not reply.finished


def test_a_random_model_says_nothing_so_that_the_rule_does():
    writer = EditWriter(model=opened(SAMPLED), rule=PromptRule(), tries=2, seed=7)
    edit = Edit(attribute=Attribute.COLOR, value="violet")
    caption = CaptionToEdit(
        source_name="one", caption="a red car", noun="car", phrase="car", edits=(edit,)
    )
    first = writer.write(caption)
    assert first[0].prompt == "a violet car"
    assert first[0].origin is PromptOrigin.FALLBACK
    assert writer.write(caption) == first


def test_what_is_no_language_model_is_refused_by_name(tmp_path):
    checkpoint = saved(tmp_path, make_tiny_chat_model().model)
    (tmp_path / "config.json").write_text('{"model_type": "clip"}', encoding="utf-8")
    with pytest.raises(WeightsError, match="the language model can't be loaded"):
        opened(checkpoint=checkpoint)


def test_samples_are_distributed_as_the_model_says():
    scores = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(20_000, 1)
    sampling = SeededSampling(temperature=1.0, top_p=1.0, seed=3)
    drawn = sampling(torch.zeros((1, 1)), scores).argmax(dim=1).bincount(minlength=4) / 20_000
    # five standard deviations of a share of 20,000
    assert drawn.tolist() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.018)


def test_temperature_and_nucleus():
    scores = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).repeat(20_000, 1)
    sampling = SeededSampling(temperature=0.5, top_p=0.9, seed=3)
    drawn = sampling(torch.zeros((1, 1)), scores).argmax(dim=1).bincount(minlength=4) / 20_000
    # squares of the shares: .25, .09, .0225, .0025 of .365; the first two are 93 % of them
    assert drawn.tolist() == pytest.approx([0.25 / 0.34, 0.09 / 0.34, 0, 0], abs=0.018)
    assert math.isclose(float(drawn.sum()), 1)


def test_where_a_text_ends():
    prompt = torch.tensor([5, 6])
    assert new_tokens(torch.tensor([5, 6, 7]), prompt).tolist() == [7]
    assert new_tokens(torch.tensor([7, 8, 9]), prompt).tolist() == [7, 8, 9]
    assert new_tokens(torch.tensor([7]), None).tolist() == [7]
    stops = frozenset({2})
    assert came_to_an_end(torch.tensor([7, 2]), limit=2, stops=stops)
    assert came_to_an_end(torch.tensor([7]), limit=2, stops=stops)
    assert not came_to_an_end(torch.tensor([7, 8]), limit=2, stops=stops)
