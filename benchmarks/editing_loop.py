"""The published procedure as one would write it plainly with diffusers: the baseline of `editing`.

It takes a model's networks and nothing else of the harness, so that it can't share its mistakes.
One edit at a time, a batch of three a step, attention that is not fused, guidance passes through
the whole UNet: what the publication describes, without tricks and without carelessness. The
inversion has diffusers' own fused attention, as it has nothing to exchange; the published code's
passes were measured so too (issue 3: 0.16 s one of inversion, 2.2 s a sampling step).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from harness.editing.diffusion.model import DiffusionModel

FOLLOWING = ((1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2))
"""Up block and number of each self-attention that takes over the source's query and key."""
LATENT_SCALE = 0.18215
GUIDANCE_SCALE = 7.5


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """What the procedure leaves open."""

    steps: int
    """Sampling steps."""
    inversion_steps: int
    """Inversion steps."""
    guided_steps: int = 0
    """The first sampling steps with mask guidance."""
    max_tries: int = 20
    """The most guidance passes a step."""
    threshold: float = 0.2
    """The loss at which guidance is over."""
    loss_scale: float = 1.0
    """What the loss is multiplied by."""
    attention_share: float = 0.5
    """The share of the first steps in which query and key are the source's."""
    feature_share: float = 0.8
    """The share of the first steps in which the hidden features are the source's."""


@dataclass(frozen=True, kw_only=True)
class LoopEdit:
    """One finished edit."""

    latents: torch.Tensor
    """Before decoding, float32 [1, 4, h, w]."""
    image: NDArray[np.uint8]
    """RGB, [side, side, 3]."""


@dataclass(kw_only=True)
class _Switches:
    """What the processors and the hook do in the pass at hand."""

    attention: bool = False
    features: bool = False
    maps: list[torch.Tensor] | None = None


class _FollowSource:
    """Unfused self-attention in which all rows take over the query and key of the first."""

    def __init__(self, switches: _Switches) -> None:
        self._switches, self._plain = switches, AttnProcessor()

    def __call__(
        self, attn: Attention, hidden_states: torch.Tensor, *others: object, **named: object
    ) -> torch.Tensor:
        if not self._switches.attention:
            return self._plain(attn, hidden_states, *others, **named)
        rows = hidden_states.shape[0]
        source = hidden_states[:1]
        query = attn.head_to_batch_dim(attn.to_q(source).repeat(rows, 1, 1))
        key = attn.head_to_batch_dim(attn.to_k(source).repeat(rows, 1, 1))
        value = attn.head_to_batch_dim(attn.to_v(hidden_states))
        scores = attn.get_attention_scores(query, key)
        return attn.to_out[0](attn.batch_to_head_dim(torch.bmm(scores, value)))


class _KeepMaps:
    """Unfused cross-attention that keeps its maps where guidance asks for them."""

    def __init__(self, switches: _Switches) -> None:
        self._switches, self._plain = switches, AttnProcessor()

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        *others: object,
        **named: object,
    ) -> torch.Tensor:
        if self._switches.maps is None:
            return self._plain(attn, hidden_states, encoder_hidden_states, *others, **named)
        query = attn.head_to_batch_dim(attn.to_q(hidden_states))
        key = attn.head_to_batch_dim(attn.to_k(encoder_hidden_states))
        value = attn.head_to_batch_dim(attn.to_v(encoder_hidden_states))
        scores = attn.get_attention_scores(query, key)
        self._switches.maps.append(scores)
        return attn.to_out[0](attn.batch_to_head_dim(torch.bmm(scores, value)))


@dataclass(frozen=True, kw_only=True)
class PlainLoop:
    """The procedure with one model."""

    model: DiffusionModel
    """Its networks; their attention processors are the loop's own only while it edits."""
    settings: LoopSettings
    """What the procedure leaves open."""
    _switches: _Switches = field(default_factory=_Switches)

    @torch.no_grad()
    def edit(
        self,
        image: NDArray[np.uint8],
        mask: NDArray[np.bool_],
        *,
        caption: str,
        targets: tuple[str, ...],
        phrase: str,
    ) -> tuple[LoopEdit, ...]:
        """Return one edit of `image` for each target prompt; the inversion is done once.

        Args:
            image: RGB, [H, W, 3].
            mask: The object's pixels, [H, W].
            caption: What the image shows.
            targets: What each edited image shows.
            phrase: The one word of the targets that names the object.
        """
        kept = self._invert(self._encode(image), self._embed(caption))
        cells = self._latent_mask(mask)
        with self._wired():
            return tuple(self._sample(kept, cells, target, phrase) for target in targets)

    @contextmanager
    def _wired(self) -> Iterator[None]:
        """Hold the processors and the hook inside, and put back what was there before."""
        unet, switches = self.model.unet, self._switches
        with ExitStack() as stack:
            stack.callback(unet.set_attn_processor, dict(unet.attn_processors))
            unet.set_attn_processor(AttnProcessor())
            for block, number in FOLLOWING:
                transformer = unet.up_blocks[block].attentions[number].transformer_blocks[0]
                transformer.attn1.set_processor(_FollowSource(switches))
            for attentions in (unet.mid_block.attentions, unet.up_blocks[1].attentions):
                for attention in attentions:
                    attention.transformer_blocks[0].attn2.set_processor(_KeepMaps(switches))
            convolution = unet.up_blocks[1].resnets[1].conv2
            stack.callback(convolution.register_forward_hook(self._take_features).remove)
            yield

    def _take_features(self, _module: object, _given: object, made: torch.Tensor) -> torch.Tensor:
        return made[:1].repeat(made.shape[0], 1, 1, 1) if self._switches.features else made

    def _invert(self, clean: torch.Tensor, caption: torch.Tensor) -> dict[int, torch.Tensor]:
        """Return the latents at every inversion timestep, each kept as the publication does."""
        scheduler = self._scheduler(self.settings.inversion_steps)
        latents, alpha = clean, float(scheduler.final_alpha_cumprod)
        kept = {}
        for timestep in reversed(scheduler.timesteps.tolist()):
            entered = float(scheduler.alphas_cumprod[timestep])
            noise = self._predict(latents, timestep, caption)
            image = (latents - (1 - alpha) ** 0.5 * noise) / alpha**0.5
            latents, alpha = entered**0.5 * image + (1 - entered) ** 0.5 * noise, entered
            kept[timestep] = latents
        return kept

    def _sample(
        self, kept: dict[int, torch.Tensor], cells: torch.Tensor, target: str, phrase: str
    ) -> LoopEdit:
        settings, switches = self.settings, self._switches
        scheduler = self._scheduler(settings.steps)
        prompt, empty = self._embed(target), self._embed("")
        prompts = torch.cat([empty, empty, prompt])
        guide = _Guide(loop=self, prompt=prompt, place=1 + target.split().index(phrase))
        latents = kept[int(scheduler.timesteps[0])]
        for step, timestep in enumerate(scheduler.timesteps.tolist()):
            if step < settings.guided_steps:
                latents = guide.descend(latents, timestep, cells)
            source = kept[timestep]
            switches.attention = step < int(settings.steps * settings.attention_share)
            switches.features = step < int(settings.steps * settings.feature_share)
            noise = self._predict(torch.cat([source, latents, latents]), timestep, prompts)
            switches.attention = switches.features = False
            _, without, with_prompt = noise.chunk(3)
            noise = without + GUIDANCE_SCALE * (with_prompt - without)
            latents = scheduler.step(noise, timestep, latents).prev_sample
            latents = latents * cells + source * (1 - cells)
        return LoopEdit(latents=latents, image=self._decode(latents))

    def _predict(self, latents: torch.Tensor, timestep: int, prompts: torch.Tensor) -> torch.Tensor:
        return self.model.unet(latents, timestep, encoder_hidden_states=prompts).sample

    def _scheduler(self, steps: int) -> DDIMScheduler:
        scheduler = DDIMScheduler.from_config(self.model.scheduler.config)
        scheduler.set_timesteps(steps)
        return scheduler

    def _embed(self, prompt: str) -> torch.Tensor:
        tokenizer = self.model.tokenizer
        tokens = tokenizer(
            prompt,
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )
        return self.model.text_encoder(tokens.input_ids)[0]

    def _encode(self, image: NDArray[np.uint8]) -> torch.Tensor:
        side = self.model.profile.native_side
        picture = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
        pixels = torch.from_numpy(np.array(picture, np.float32)).permute(2, 0, 1)[None] / 255
        return self.model.vae.encode(pixels * 2 - 1).latent_dist.mean * LATENT_SCALE

    def _decode(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        pixels = self.model.vae.decode(latents / LATENT_SCALE).sample / 2 + 0.5
        return (pixels[0].clamp(0, 1) * 255).to(torch.uint8).permute(1, 2, 0).numpy()

    def _latent_mask(self, mask: NDArray[np.bool_]) -> torch.Tensor:
        side = self.model.profile.native_side // 8
        picture = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
        small = np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS), np.float32)
        return torch.from_numpy((small / 255 >= 0.5).astype(np.float32))[None, None]


@dataclass(kw_only=True)
class _Guide:
    """Mask guidance of one edit; the last loss is carried from step to step."""

    loop: PlainLoop
    prompt: torch.Tensor
    place: int
    loss: float = float("inf")

    def descend(self, latents: torch.Tensor, timestep: int, cells: torch.Tensor) -> torch.Tensor:
        settings = self.loop.settings
        tries = 0
        while self.loss / settings.loss_scale > settings.threshold and tries < settings.max_tries:
            with torch.enable_grad():
                leaf = latents.detach().requires_grad_()
                loss = self._loss(leaf, timestep, cells) * settings.loss_scale
                (gradient,) = torch.autograd.grad(loss, leaf)
            # the published code squares the gradient, so its sign is lost
            latents = leaf.detach() - gradient**2
            self.loss, tries = float(loss.detach()), tries + 1
        return latents

    def _loss(self, latents: torch.Tensor, timestep: int, cells: torch.Tensor) -> torch.Tensor:
        switches = self.loop._switches
        switches.maps = []
        self.loop._predict(latents, timestep, self.prompt)
        maps, switches.maps = switches.maps, None
        mask, losses = cells, []
        for found in maps:
            side = int(found.shape[1] ** 0.5)
            # from the size before, as the published code does: 8 x 8 is enlarged to 16 x 16 again
            mask = (functional.interpolate(mask, (side, side)) >= 0.5).float()
            word = found[:, :, self.place]
            inside = (word * mask.flatten()).sum(dim=1) / word.sum(dim=1)
            losses.append(((1 - inside) ** 2).mean())
        return torch.stack(losses).mean()
