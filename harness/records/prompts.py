"""How captions and target prompts are made, and the frozen ones; nothing of any model's inside."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from harness.records.attributes import Edit
from harness.records.base import Record

TINY = "tiny"
"""The model that is made of random numbers on the spot: a dry run, whose results mean nothing."""


class ModelReference(Record):
    """A transformers checkpoint, named by where it is to be had and by its content."""

    model: str = Field(min_length=1)
    """Its name on the hub; `tiny` is made of random numbers on the spot."""
    revision: str | None = None
    """The hub's revision; None takes the newest, or what the cache has."""
    files: dict[str, str] = Field(default_factory=dict)
    """sha256 by file of its folder, as in `config.json`; what was loaded is always recorded."""


class CaptionMethod(StrEnum):
    """How the caption of a source is made."""

    TEMPLATE = "template"
    """`a photo of a car`, from the object's class."""
    CAPTIONER = "captioner"
    """By an image-to-text model."""


class EditMethod(StrEnum):
    """How the caption of an edit is made of the source's."""

    TEMPLATE = "template"
    """By rule: the value is said in the caption."""
    LANGUAGE_MODEL = "language-model"
    """By a chat model, checked, with the rule as the reported fallback."""


class CaptionerSpec(ModelReference):
    """The captioner and its parameters."""

    model: str = Field(default="llava-hf/llava-1.5-7b-hf", min_length=1)
    """Its name on the hub: LLaVA-1.5, BLIP-2 or any image-to-text model of transformers."""
    instruction: str = (
        "Describe the {noun} in this image in one short sentence of at most 15 words."
    )
    """What it is asked; {noun} is the object's word, or the scene's."""
    max_new_tokens: int = Field(default=48, ge=1, le=512)
    """The longest caption in the captioner's own tokens; one that is cut off there is refused."""
    precision: Literal["float32", "float16", "bfloat16"] | None = None
    """None is float32 on a CPU and float16 on a GPU."""


class LanguageModelSpec(ModelReference):
    """The chat model that writes target prompts, and its parameters."""

    model: str = Field(default="meta-llama/Meta-Llama-3-8B-Instruct", min_length=1)
    """Its name on the hub: any chat model of transformers."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 decodes greedily; else sampled, seeded by the recipe's seed and the source's name."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Nucleus sampling; the paper samples at temperature 0.6 and top-p 0.9, unseeded."""
    max_new_tokens: int = Field(default=512, ge=1, le=8192)
    """The longest reply in the model's own tokens."""
    tries: int = Field(default=3, ge=1, le=20)
    """How often it is asked for the edits that no reply of it has said rightly yet."""
    precision: Literal["float32", "float16", "bfloat16"] | None = None
    """None is float32 on a CPU and float16 on a GPU."""


class PromptSpec(Record):
    """How a recipe's prompts are made."""

    captions: CaptionMethod = CaptionMethod.TEMPLATE
    """How captions are made."""
    edits: EditMethod = EditMethod.TEMPLATE
    """How target prompts are made."""
    file: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.jsonl$")
    """The frozen prompts beside the recipe; without it, a recipe by template needs none."""
    max_tokens: int = Field(default=77, ge=8, le=512)
    """What the text encoder takes, its two marks included; CLIP's is 77."""
    captioner: CaptionerSpec | None = None
    """The captioner; needed where captions are its own."""
    language_model: LanguageModelSpec | None = None
    """The chat model; needed where target prompts are its own."""

    @model_validator(mode="after")
    def _models_are_named(self) -> "PromptSpec":
        asked = (
            ("captioner", self.captions is CaptionMethod.CAPTIONER, self.captioner),
            ("language_model", self.edits is EditMethod.LANGUAGE_MODEL, self.language_model),
        )
        for key, wanted, spec in asked:
            if wanted and spec is None:
                msg = f"its model is named in [prompts.{key}]"
                raise ValueError(msg)
            if wanted and self.file is None:
                msg = "what a model writes is frozen: name the file in prompts.file"
                raise ValueError(msg)
        return self


class PromptOrigin(StrEnum):
    """Who wrote a caption or a prompt."""

    TEMPLATE = "template"
    """The template or the rule, as the recipe says."""
    CAPTIONER = "captioner"
    """The captioner."""
    LANGUAGE_MODEL = "language-model"
    """The language model."""
    FALLBACK = "fallback"
    """The template or the rule, because no reply of the model would do."""
    EDITED = "edited"
    """A person, in the frozen file."""


class EditPrompt(Record):
    """The target prompt of one edit."""

    edit: Edit
    """The edit."""
    prompt: str = Field(min_length=1, max_length=2000)
    """The caption of the edited image."""
    origin: PromptOrigin
    """Who wrote it."""
    reason: str | None = None
    """What was wrong with the model's last reply; None unless a fallback."""


class SourcePrompts(Record):
    """The frozen prompts of one source: one line of the file."""

    source_name: str
    """The name of the image in its data set."""
    object_class: str | None
    """The class of its object when they were written; None where it had none."""
    phrase: str | None
    """The words of the caption that name the object; None where it has none."""
    caption: str = Field(min_length=1, max_length=2000)
    """What the source shows."""
    origin: PromptOrigin
    """Who wrote the caption."""
    reason: str | None = None
    """What was wrong with the captioner's reply; None unless a fallback."""
    edits: tuple[EditPrompt, ...]
    """The recipe's edits, in its order."""


class PromptFileHeader(Record):
    """The first line of a file of frozen prompts: what wrote them."""

    schema_version: Literal[1] = 1
    """The version of this format."""
    recipe: str
    """The recipe's name."""
    seed: int = Field(ge=0)
    """The recipe's seed."""
    spec: PromptSpec
    """How they were made."""
    harness_version: str
    """The version of the harness that wrote them."""
    packages: dict[str, str] = Field(default_factory=dict)
    """Versions of the packages that the models ran on; empty for templates."""
    captioner_files: dict[str, str] = Field(default_factory=dict)
    """sha256 by file of the captioner that was loaded."""
    language_model_files: dict[str, str] = Field(default_factory=dict)
    """The same of the language model."""
