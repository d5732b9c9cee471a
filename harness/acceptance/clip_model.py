"""CLIP by transformers as an embedder of images and texts; nothing of what its scores mean."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import numpy as np
import PIL
import torch
import transformers
from numpy.typing import NDArray
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from harness.acceptance.clip_tiny import make_tiny_clip
from harness.acceptance.clip_view import ClipView, read_view
from harness.acceptance.embedder import ImageTextEmbedder
from harness.checkpoints.checkpoint import Checkpoint, find_checkpoint
from harness.checkpoints.device import choose_torch_device
from harness.checkpoints.loading import telling_of_weights
from harness.checkpoints.place import WeightsPlace
from harness.checkpoints.quiet import quiet_transformers
from harness.errors import WeightsError
from harness.records.acceptance import ClipRule
from harness.records.base import canonical_json, sha256_hex
from harness.records.prompts import TINY

logger = logging.getLogger(__name__)

TITLE = "the CLIP model"
OPTION = "--clip-model"
_REMEDY = (
    "Name the folder of a CLIP model in transformers' layout, as openai/clip-vit-large-patch14."
)


def open_clip(
    rule: ClipRule, *, place: WeightsPlace, device: str | None, option: str = OPTION
) -> ImageTextEmbedder:
    """Return the CLIP model that `rule` names, computing in float32.

    In float32 the scores of a CPU and of a GPU differ by rounding alone, so a threshold means the
    same on both.

    Args:
        rule: The model: `tiny`, or a transformers checkpoint.
        place: Where a checkpoint is looked for.
        device: `cpu`, `cuda` or `cuda:N`; None is the first GPU, or the CPU where there is none.
        option: The option of the command line that names its folder, for messages.

    Raises:
        WeightsError: It is nowhere, other than promised, or no CLIP model.
        DeviceError: There is no such device, or it has too little memory.
    """
    where = choose_torch_device(device)
    if rule.model == TINY and place.folder is None:
        return _open_tiny(rule, where)
    checkpoint = find_checkpoint(rule, title=TITLE, place=place, option=option)
    with quiet_transformers(), telling_of_weights(TITLE, remedy=_REMEDY):
        model = _read_model(checkpoint)
        tokenizer = CLIPTokenizer.from_pretrained(checkpoint.folder, local_files_only=True)
        view = read_view(checkpoint.folder, image_size=model.config.vision_config.image_size)
        return ClipEmbedder(
            model=model.to(where), tokenizer=tokenizer, view=view, digests=checkpoint.digests
        )


@dataclass(frozen=True, kw_only=True)
class ClipEmbedder:
    """Embeds by a CLIP model, one image or text a pass.

    In a batch the last bits of an embedding depend on how many others are there and on the longest
    of the texts, because a matrix product of another shape is added up in another order.
    """

    model: CLIPModel
    """The model on its device, in float32."""
    tokenizer: CLIPTokenizer
    """Its tokenizer."""
    view: ClipView
    """How it sees an image."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """sha256 by file."""

    @property
    def identity(self) -> str:
        """A digest of the model's bytes, how it sees, what computes, and on what kind of device."""
        device = self.model.device
        if device.type == "cuda":
            kind = torch.cuda.get_device_name(device)
        else:
            kind = f"{device.type} {torch.backends.cpu.get_cpu_capability()}"
        versions = [torch.__version__, transformers.__version__, PIL.__version__]
        parts = [sorted(self.digests.items()), asdict(self.view), kind, versions]
        return sha256_hex(canonical_json(parts))

    def images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the embeddings of RGB images, each [H, W, 3]: [N, D], unit length."""
        with torch.inference_mode(), _full_float32():
            return np.concatenate([self._image(image) for image in images])

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the embeddings of `texts`: [N, D], unit length.

        A text that is longer than the model takes (77 tokens, its two marks included) is cut, as
        CLIP's own code can; how many were is logged.
        """
        longest = self.model.config.text_config.max_position_embeddings
        whole = self.tokenizer(list(texts), padding=False, truncation=False, verbose=False)
        cut = sum(len(tokens) > longest for tokens in whole["input_ids"])
        if cut:
            text = "%d of %d texts are longer than %d tokens: CLIP sees their beginnings"
            logger.warning(text, cut, len(texts), longest)
        with torch.inference_mode(), _full_float32():
            return np.concatenate([self._text(text, longest) for text in texts])

    def _image(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        given = torch.from_numpy(self.view.pixels(image)[None]).to(self.model.device)
        pooled = self.model.vision_model(pixel_values=given).pooler_output
        return _unit(self.model.visual_projection(pooled))

    def _text(self, text: str, longest: int) -> NDArray[np.float32]:
        tokens = self.tokenizer(text, truncation=True, max_length=longest, return_tensors="pt").to(
            self.model.device
        )
        pooled = self.model.text_model(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        return _unit(self.model.text_projection(pooled))


def _read_model(checkpoint: Checkpoint) -> CLIPModel:
    """Return the model, if its files hold all of one: transformers would make up the rest.

    Raises:
        WeightsError: They are of another kind of model, or lack weights.
    """
    folder = checkpoint.folder
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    if kind != CLIPConfig.model_type:
        msg = f"{folder} holds a model of the kind {kind!r}, not CLIP"
        raise WeightsError(msg, remedy=_REMEDY)
    model, report = CLIPModel.from_pretrained(
        folder,
        dtype=torch.float32,
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
    )
    lacks = sorted({*report["missing_keys"], *(str(key) for key in report["mismatched_keys"])})
    if lacks:
        msg = f"{folder} lacks {len(lacks)} weights of a CLIP model, as {lacks[0]}"
        raise WeightsError(msg, remedy=_REMEDY)
    return model.eval().requires_grad_(requires_grad=False)


def _open_tiny(rule: ClipRule, device: torch.device) -> ClipEmbedder:
    if rule.files:
        msg = f"{min(rule.files)} is promised, and random weights are made without files"
        raise WeightsError(msg, remedy="Leave the digests out, or name a real model.")
    logger.warning("the weights of CLIP are RANDOM: its scores MEAN NOTHING")
    tiny = make_tiny_clip()
    size = tiny.model.config.vision_config.image_size
    return ClipEmbedder(
        model=tiny.model.to(device),
        tokenizer=tiny.tokenizer,
        view=ClipView(shortest_edge=size, size=size),
        digests=tiny.digests,
    )


@contextmanager
def _full_float32() -> Iterator[None]:
    """Have a GPU compute float32 as it says, not in TF32; its settings come back after."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)


def _unit(features: torch.Tensor) -> NDArray[np.float32]:
    """Return `features`, [N, D], each scaled to unit length."""
    scaled = torch.nn.functional.normalize(features.float(), dim=-1)
    return np.ascontiguousarray(scaled.cpu().numpy(), dtype=np.float32)
