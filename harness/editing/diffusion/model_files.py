"""Which files make up a diffusion model and where they lie in a folder; nothing of their bytes."""

from dataclasses import dataclass
from pathlib import Path

from harness.errors import WeightsError

SUFFIXES = (".safetensors", ".fp16.safetensors")
"""How weights may end: in full, or in half precision where there is nothing else."""
PICKLES = (".bin", ".ckpt", ".pt", ".pth")
NOT_FOUND = (
    "Give the folder of the model in diffusers layout with `--model DIR`, or point HF_HOME at a "
    "hub cache that holds it; `--model tiny` is a dry run without weights."
)
OTHER_BYTES = (
    "Fetch the promised file, or correct its sha256 in the recipe; `--model DIR` takes a folder as "
    "it is."
)
CONVERT = (
    "Save the model with diffusers' `save_pretrained(safe_serialization=True)`, or fetch a copy "
    "that has safetensors."
)


@dataclass(frozen=True, kw_only=True)
class FileSet:
    """The files of one repository that are read; nothing else is fetched."""

    title: str
    """What they are called in messages."""
    repositories: tuple[str, ...]
    """Hub repositories that may have them."""
    prefix: str
    """What stands before their names in a local folder, in recipes and in reports."""
    settings: tuple[str, ...]
    """Small files that must be there."""
    extras: tuple[str, ...]
    """Small files that are read where they are there."""
    weights: tuple[str, ...]
    """Weights, without what they end in."""

    def wanted(self, suffix: str) -> tuple[str, ...]:
        """Return the names to fetch, with weights that end in `suffix`."""
        return (*self.settings, *self.extras, *(f"{stem}{suffix}" for stem in self.weights))


def pipeline_files(title: str, repositories: tuple[str, ...]) -> FileSet:
    """Return what is read of a Stable Diffusion pipeline in diffusers layout."""
    return FileSet(
        title=title,
        repositories=repositories,
        prefix="",
        settings=(
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "tokenizer/merges.txt",
            "tokenizer/vocab.json",
            "unet/config.json",
            "vae/config.json",
        ),
        extras=("tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json"),
        weights=(
            "text_encoder/model",
            "unet/diffusion_pytorch_model",
            "vae/diffusion_pytorch_model",
        ),
    )


def controlnet_files(title: str, repositories: tuple[str, ...]) -> FileSet:
    """Return what is read of a ControlNet; locally it lies in `controlnet/`."""
    return FileSet(
        title=title,
        repositories=repositories,
        prefix="controlnet/",
        settings=("config.json",),
        extras=(),
        weights=("diffusion_pytorch_model",),
    )


def collect(folder: Path, files: FileSet, *, prefix: str) -> dict[str, Path]:
    """Return where the files of one set lie below `folder`, by name.

    Args:
        folder: What they lie in.
        files: Which they are.
        prefix: What stands before their names in `folder`; their names always begin with the
            set's own.

    Raises:
        WeightsError: One that is needed is not there.
    """
    if not folder.is_dir():
        msg = f"{folder} is no folder"
        raise WeightsError(msg, remedy=NOT_FOUND)
    found: dict[str, Path] = {}
    for name in (*files.settings, *files.extras):
        path = folder / f"{prefix}{name}"
        if path.is_file():
            found[f"{files.prefix}{name}"] = path
        elif name in files.settings:
            msg = f"{folder} is no model in diffusers layout: {prefix}{name} is not there"
            raise WeightsError(msg, remedy=NOT_FOUND)
    for stem in files.weights:
        name = _weights_name(folder, f"{prefix}{stem}")
        found[f"{files.prefix}{name.removeprefix(prefix)}"] = folder / name
    return found


def _weights_name(folder: Path, stem: str) -> str:
    if (folder / f"{stem}.safetensors.index.json").is_file():
        msg = f"{folder} holds {stem} in several pieces, and one file is read"
        raise WeightsError(msg, remedy=CONVERT)
    for suffix in SUFFIXES:
        if (folder / f"{stem}{suffix}").is_file():
            return f"{stem}{suffix}"
    part = (folder / stem).parent
    pickles = sorted(p.name for p in part.glob("*") if p.suffix in PICKLES)
    if pickles:
        msg = (
            f"{part} holds weights as pickles only ({', '.join(pickles)}), and a pickle can run "
            f"code; {Path(stem).name}{SUFFIXES[0]} is needed"
        )
        raise WeightsError(msg, remedy=CONVERT)
    msg = f"{folder} is no model in diffusers layout: {stem}{SUFFIXES[0]} is not there"
    raise WeightsError(msg, remedy=NOT_FOUND)
