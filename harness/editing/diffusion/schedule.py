"""The noise schedule as DDIM walks it, in both directions; nothing of networks."""

from dataclasses import dataclass

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from harness.errors import ImageEditError


@dataclass(frozen=True, kw_only=True)
class Level:
    """One noise level of the walk."""

    timestep: int | None
    """The training timestep; None for the clean end."""
    alpha: float
    """Cumulated alpha: the share of the image in the latents' variance, 0-1."""

    @property
    def training_timestep(self) -> int:
        """The timestep; not to be asked of the clean end, which no step enters or leaves."""
        if self.timestep is None:
            msg = "the clean end has no timestep"
            raise ValueError(msg)
        return self.timestep


@dataclass(frozen=True, kw_only=True)
class DdimSchedule:
    """The levels that sampling and inversion walk through, all found in one noise schedule."""

    sampling: tuple[Level, ...]
    """From the noisiest level to the clean end, one more than there are sampling steps."""
    inversion: tuple[Level, ...]
    """From the clean end to the noisiest level, one more than there are inversion steps."""
    prediction: str
    """What the UNet predicts: `epsilon` or `v_prediction`."""

    @property
    def sampling_timesteps(self) -> tuple[int, ...]:
        """The training timesteps that sampling leaves from, noisiest first."""
        return tuple(level.training_timestep for level in self.sampling[:-1])


def make_schedule(scheduler: DDIMScheduler, *, steps: int, inversion_steps: int) -> DdimSchedule:
    """Return the walk of `steps` sampling and `inversion_steps` inversion steps.

    Raises:
        ImageEditError: The inversion does not pass through every sampling timestep, or the model
            predicts what DDIM here can't use.
    """
    most = int(scheduler.config["num_train_timesteps"]) - int(scheduler.config["steps_offset"])
    if max(steps, inversion_steps) > most:
        msg = f"the noise schedule has no {max(steps, inversion_steps)} steps"
        raise ImageEditError(msg, remedy=f"Use {most} at most.")
    prediction = str(scheduler.config["prediction_type"])
    if prediction not in ("epsilon", "v_prediction"):
        msg = f"the model predicts {prediction!r}, not epsilon or v_prediction"
        raise ImageEditError(msg, remedy="Name another model.")
    sampling = timesteps_of(scheduler, steps)
    inversion = timesteps_of(scheduler, inversion_steps)
    check_timesteps(sampling, inversion, steps=steps, inversion_steps=inversion_steps)
    clean = Level(timestep=None, alpha=float(scheduler.final_alpha_cumprod))
    return DdimSchedule(
        sampling=(*_levels(scheduler, sampling), clean),
        inversion=(clean, *reversed(_levels(scheduler, inversion))),
        prediction=prediction,
    )


def timesteps_of(scheduler: DDIMScheduler, steps: int) -> tuple[int, ...]:
    """Return the training timesteps of a walk of `steps`, noisiest first."""
    walker = DDIMScheduler.from_config(scheduler.config)
    walker.set_timesteps(steps)
    return tuple(int(t) for t in walker.timesteps)


def check_timesteps(
    sampling: tuple[int, ...], inversion: tuple[int, ...], *, steps: int, inversion_steps: int
) -> None:
    """Raise where sampling needs source latents that the inversion does not pass through.

    Raises:
        ImageEditError: A sampling timestep is none of the inversion's.
    """
    missing = sorted(set(sampling) - set(inversion), reverse=True)
    if missing:
        msg = (
            f"{inversion_steps} inversion steps don't pass through the {steps} sampling timesteps "
            f"({missing[0]} is not among them)"
        )
        remedy = f"Use as many as sampling steps ({steps}), a multiple that divides 1000, or 999."
        raise ImageEditError(msg, remedy=remedy)


def to_epsilon(
    predicted: torch.Tensor, latents: torch.Tensor, *, alpha: float, prediction: str
) -> torch.Tensor:
    """Return the noise in `latents` at `alpha`, whatever the network predicts of them."""
    if prediction == "v_prediction":
        mu, sigma = alpha**0.5, (1 - alpha) ** 0.5
        noise: torch.Tensor = predicted * mu + latents * sigma
        return noise
    return predicted


def ddim_move(
    latents: torch.Tensor, epsilon: torch.Tensor, *, start: float, end: float
) -> torch.Tensor:
    """Return `latents` moved from cumulated alpha `start` to `end` (DDIM, eq. 12, eta 0).

    Args:
        latents: float32, [N, C, h, w].
        epsilon: The predicted noise, of the same shape.
        start: The cumulated alpha of `latents`.
        end: The cumulated alpha of the result.
    """
    clean: torch.Tensor = (latents - (1 - start) ** 0.5 * epsilon) / start**0.5
    moved: torch.Tensor = end**0.5 * clean + (1 - end) ** 0.5 * epsilon
    return moved


def _levels(scheduler: DDIMScheduler, timesteps: tuple[int, ...]) -> tuple[Level, ...]:
    return tuple(Level(timestep=t, alpha=float(scheduler.alphas_cumprod[t])) for t in timesteps)
