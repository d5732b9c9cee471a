"""The options of `harness edit` that speak to the diffusion editor, and how edits are written."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from harness.records.attributes import Edit
    from harness.records.diffusion import DiffusionEditorSpec, MaskGuidance

TINY = "tiny"
"""`profiles.TINY_NAME` of the diffusion editor, which is too slow to import for a line of help."""


class Finite(click.FloatRange):
    """A range that `nan` and `inf` are not in; click's own compares, and lets `nan` pass."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number, or fail where it is not in the range."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def parse_edits(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> "tuple[Edit, ...]":
    """Return the edits written as `attribute=value`; click calls it.

    Raises:
        click.BadParameter: One is not written so; the message says what can be written.
    """
    return tuple(_parse_edit(value) for value in values)


def _parse_edit(written: str) -> "Edit":
    from pydantic import ValidationError

    from harness.records.attributes import Attribute, Edit

    name, separator, said = written.partition("=")
    known = [attribute.value for attribute in Attribute]
    if not separator or name.strip() not in known:
        msg = (
            f"{written!r} is not written as attribute=value, where the attribute is one of "
            f"{', '.join(known)}."
        )
        raise click.BadParameter(msg)
    value = re.sub(r"[\s_]+", "-", said.strip().lower())
    try:
        return Edit(attribute=Attribute(name.strip()), value=value)
    except ValidationError as error:
        msg = f"{said!r} is no value: use up to 32 letters, digits and '-'."
        raise click.BadParameter(msg) from error


_OVER_0 = Finite(min=0, min_open=True)
_STEPS = click.IntRange(min=1, max=1000)
_OPTIONS = (
    click.option(
        "--preset",
        type=click.Choice(["matched", "published"]),
        help="The reading of the method: corrected, or to the letter.  [default: matched]",
    ),
    click.option(
        "--model",
        metavar="DIR|NAME",
        help="A model's folder in diffusers layout, or the name of a known one; `tiny` is random "
        "weights for a dry run.  [default: sd-2.1-base]",
    ),
    click.option(
        "--inversion-steps", type=_STEPS, help="DDIM inversion steps.  [default: the preset's]"
    ),
    click.option("--steps", type=_STEPS, help="DDIM sampling steps.  [default: 50]"),
    click.option(
        "--guidance-loss-scale",
        type=_OVER_0,
        metavar="X",
        help="What the mask guidance's loss is multiplied by.  [default: 1]",
    ),
    click.option(
        "--guidance-max-tries",
        type=click.IntRange(min=1),
        help="The most descents of mask guidance at one step.  [default: 20]",
    ),
    click.option(
        "--guidance-steps",
        type=click.IntRange(min=0),
        help="The first sampling steps that mask guidance looks after.  [default: 15]",
    ),
    click.option("--no-guidance", is_flag=True, help="Sample without mask guidance."),
    click.option(
        "--target-prompt",
        metavar="TEXT",
        help="The caption of the edited picture, where there is one --to.  [default: the caption "
        "with the edit said in it]",
    ),
    click.option(
        "--save-latents",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the latents before decoding to this npz: final_latents, [edits, C, h, w].",
    ),
    click.option(
        "--geometry",
        type=click.Choice(["inpainting", "procedural"]),
        help="How the hole of a moved object is filled.  [default: inpainting]",
    ),
    click.option(
        "--geometry-model",
        metavar="DIR|NAME",
        help="The inpainting model with its ControlNet.  [default: sd-1.5-inpainting]",
    ),
    click.option(
        "--device", metavar="NAME", help="Where to compute: cpu, cuda, cuda:1.  [default: a GPU]"
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "float16", "bfloat16"]),
        help="The networks' number format.  [default: float32 on a CPU, the model's own on a GPU]",
    ),
    click.option(
        "--memory-gib",
        type=_OVER_0,
        metavar="X",
        help="What may be taken of the device's memory.  [default: what is free]",
    ),
    click.option(
        "--deterministic", is_flag=True, help="Bit-equal on one machine, whatever the other --to."
    ),
    click.option(
        "--compile",
        "compile_unet",
        is_flag=True,
        help="Compile the UNet first: pays for many edits on a GPU.",
    ),
)


def diffusion_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with the diffusion editor's options; each left out is None or False."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True, kw_only=True)
class DiffusionEditOptions:
    """What was said to `harness edit` of the diffusion editor; None or False where nothing was."""

    preset: str | None = None
    model: str | None = None
    inversion_steps: int | None = None
    steps: int | None = None
    guidance_loss_scale: float | None = None
    guidance_max_tries: int | None = None
    guidance_steps: int | None = None
    no_guidance: bool = False
    target_prompt: str | None = None
    save_latents: Path | None = None
    geometry: str | None = None
    geometry_model: str | None = None
    device: str | None = None
    precision: str | None = None
    memory_gib: float | None = None
    deterministic: bool = False
    compile_unet: bool = False

    @classmethod
    def taken_from(cls, options: dict[str, Any]) -> "DiffusionEditOptions":
        """Return the diffusion editor's options, taken out of `options`."""
        return cls(**{field.name: options.pop(field.name) for field in fields(cls)})

    def given(self) -> tuple[str, ...]:
        """Return the options that were given, as they are written."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        named = {"compile_unet": "--compile"}
        return tuple(
            named.get(name, f"--{name.replace('_', '-')}")
            for name, value in values.items()
            if value is not None and value is not False
        )

    def spec(self) -> "DiffusionEditorSpec":
        """Return what the options say of pixels, with the defaults of a recipe."""
        from harness.records.diffusion import DiffusionEditorSpec

        geometry_model = self.geometry_model or (TINY if self.model == TINY else None)
        values = {
            "preset": self.preset,
            "model": self.model,
            "steps": self.steps,
            "inversion_steps": self.inversion_steps,
            "precision": self.precision,
            "geometry": self.geometry,
            "geometry_model": geometry_model,
        }
        given = {key: value for key, value in values.items() if value is not None}
        return DiffusionEditorSpec.model_validate(
            {**given, "deterministic": self.deterministic, "mask_guidance": self._mask_guidance()}
        )

    def _mask_guidance(self) -> "MaskGuidance":
        from harness.records.diffusion import MaskGuidance

        values = {
            "steps": 0 if self.no_guidance else self.guidance_steps,
            "max_tries": self.guidance_max_tries,
            "loss_scale": self.guidance_loss_scale,
        }
        return MaskGuidance.model_validate({k: v for k, v in values.items() if v is not None})
