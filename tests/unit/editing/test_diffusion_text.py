import pytest
import torch
from diffusion_scenes import small_model

from harness.editing.diffusion.presets import TokenPlaces
from harness.editing.diffusion.text import embed, phrase_span, token_places
from harness.errors import ImageEditError


@pytest.fixture(scope="module")
def model():
    return small_model()


def _tokens(model, prompt, places):
    ids = model.tokenizer(prompt).input_ids
    return "".join(model.tokenizer.convert_ids_to_tokens([ids[place] for place in places]))


@pytest.mark.parametrize(
    ("prompt", "phrase"),
    [
        ("a dining room with a table and pink chairs", "chairs"),
        ("a dining room with a table and pink chairs", "dining room"),
        ("an extraordinarily violet chandelier hangs", "extraordinarily violet chandelier"),
        ("A Photo of a Chair.", "chair"),
        ("chairs, and more chairs", "chairs"),
    ],
)
def test_the_tokens_of_a_phrase_spell_it(model, prompt, phrase):
    places = token_places(model, prompt, phrase, rule=TokenPlaces.OFFSETS)
    spelled = _tokens(model, prompt, places).replace("</w>", "")
    assert spelled == phrase.replace(" ", "").lower()
    assert places == tuple(range(places[0], places[-1] + 1))


def test_a_word_of_several_tokens_has_several_places(model):
    prompt = "a photo of a rhododendron in the park"
    offsets = token_places(model, prompt, "park", rule=TokenPlaces.OFFSETS)
    words = token_places(model, prompt, "park", rule=TokenPlaces.WORDS)
    long_word = token_places(model, prompt, "rhododendron", rule=TokenPlaces.OFFSETS)
    assert len(long_word) > 1
    assert words == (8,)
    assert offsets[0] > words[0]  # the published rule looks at the wrong token from there on


def test_the_published_rule_counts_words(model):
    prompt = "a dining room with a table and pink chairs and a chandelier"
    assert token_places(model, prompt, "chairs", rule=TokenPlaces.WORDS) == (9,)
    assert token_places(model, prompt, "pink chairs", rule=TokenPlaces.WORDS) == (8, 9)


@pytest.mark.parametrize("phrase", ["sofa", "chair", "", "  ", "pink table"])
def test_a_phrase_that_is_not_there_is_refused(phrase):
    with pytest.raises(ImageEditError, match="does not occur in the prompt"):
        phrase_span("a room with pink chairs and a table", phrase)


def test_a_phrase_is_whole_words():
    assert phrase_span("a carpet and a car", "car") == (15, 18)
    assert phrase_span("two  dining   rooms", "dining rooms") == (5, 19)


def test_a_caption_beyond_the_text_encoder_is_refused(model):
    with pytest.raises(ImageEditError, match=r"has \d+ tokens and the text encoder takes 75"):
        embed(model, ("chair " * 200,))


def test_a_caption_is_embedded_alike_in_any_company(model):
    alone = embed(model, ("a chair",))
    together = embed(model, ("a violet sofa in a room", "a chair", ""))
    assert together.shape == (3, 77, alone.shape[2])
    assert torch.equal(together[1:2], alone)
