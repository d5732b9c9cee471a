"""diffusers' inpainting pipeline under a ControlNet, imported in silence.

It names the picture readers of its safety checker and of adapters, none of which are used here;
transformers would say of each on import that it is slow without torchvision.
"""

from harness.checkpoints.quiet import quiet_transformers

with quiet_transformers():
    from diffusers.pipelines.controlnet.pipeline_controlnet_inpaint import (
        StableDiffusionControlNetInpaintPipeline,
    )

__all__ = ["StableDiffusionControlNetInpaintPipeline"]
