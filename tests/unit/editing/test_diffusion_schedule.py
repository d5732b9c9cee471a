import pytest
import torch
from diffusers import DDIMScheduler
from hypothesis import given
from hypothesis import strategies as st

from harness.editing.diffusion.layouts import NOISE_SCHEDULE
from harness.editing.diffusion.schedule import (
    Level,
    ddim_move,
    make_schedule,
    to_epsilon,
)
from harness.errors import ImageEditError


@pytest.fixture(scope="module")
def scheduler():
    return DDIMScheduler(**NOISE_SCHEDULE)


def test_the_walks_share_their_levels(scheduler):
    schedule = make_schedule(scheduler, steps=50, inversion_steps=50)
    assert schedule.sampling_timesteps == tuple(range(981, 0, -20))
    assert schedule.inversion == schedule.sampling[::-1]
    assert schedule.sampling[-1] == Level(timestep=None, alpha=float(scheduler.alphas_cumprod[0]))


def test_the_published_inversion_passes_through_every_sampling_timestep(scheduler):
    schedule = make_schedule(scheduler, steps=50, inversion_steps=999)
    entered = [level.timestep for level in schedule.inversion[1:]]
    assert entered == list(range(1, 1000))
    assert set(schedule.sampling_timesteps) <= set(entered)


def test_an_inversion_that_misses_a_timestep_is_refused(scheduler):
    with pytest.raises(ImageEditError, match="60 inversion steps don't pass through the 50"):
        make_schedule(scheduler, steps=50, inversion_steps=60)


def test_a_model_that_predicts_the_image_itself_is_refused():
    scheduler = DDIMScheduler(**{**NOISE_SCHEDULE, "prediction_type": "sample"})
    with pytest.raises(ImageEditError, match="predicts 'sample'"):
        make_schedule(scheduler, steps=4, inversion_steps=4)


def test_the_clean_end_has_no_timestep():
    with pytest.raises(ValueError, match="no timestep"):
        _ = Level(timestep=None, alpha=0.99).training_timestep


def test_a_move_by_hand():
    # alpha 0.64: mu 0.8, sigma 0.6; alpha 0.36: mu 0.6, sigma 0.8.
    latents, epsilon = torch.tensor([[1.4]]), torch.tensor([[1.0]])
    # clean = (1.4 - 0.6) / 0.8 = 1; moved = 0.6 * 1 + 0.8 * 1
    assert ddim_move(latents, epsilon, start=0.64, end=0.36).item() == pytest.approx(1.4)
    assert ddim_move(latents, epsilon, start=0.64, end=1.0).item() == pytest.approx(1.0)


@given(
    start=st.floats(0.01, 0.999),
    end=st.floats(0.01, 0.999),
    latent=st.floats(-5, 5),
    epsilon=st.floats(-5, 5),
)
def test_a_move_back_with_the_same_noise_undoes_it(start, end, latent, epsilon):
    there = ddim_move(
        torch.tensor(latent, dtype=torch.float64),
        torch.tensor(epsilon, dtype=torch.float64),
        start=start,
        end=end,
    )
    back = ddim_move(there, torch.tensor(epsilon, dtype=torch.float64), start=end, end=start)
    assert back.item() == pytest.approx(latent, abs=1e-9)


def test_a_move_agrees_with_diffusers(scheduler):
    walker = DDIMScheduler.from_config(scheduler.config)
    walker.set_timesteps(10)
    schedule = make_schedule(scheduler, steps=10, inversion_steps=10)
    generator = torch.Generator().manual_seed(0)
    for level, reached in zip(schedule.sampling[:-1], schedule.sampling[1:], strict=True):
        latents = torch.randn(1, 4, 3, 3, generator=generator)
        epsilon = torch.randn(1, 4, 3, 3, generator=generator)
        expected = walker.step(epsilon, level.timestep, latents).prev_sample
        moved = ddim_move(latents, epsilon, start=level.alpha, end=reached.alpha)
        torch.testing.assert_close(moved, expected, rtol=1e-5, atol=1e-5)


def test_velocity_becomes_noise():
    # v = mu * epsilon - sigma * x0 and x = mu * x0 + sigma * epsilon (Salimans, Ho 2022)
    mu, sigma, clean, noise = 0.8, 0.6, 2.0, -1.0
    latents = torch.tensor(mu * clean + sigma * noise)
    velocity = torch.tensor(mu * noise - sigma * clean)
    found = to_epsilon(velocity, latents, alpha=mu**2, prediction="v_prediction")
    assert found.item() == pytest.approx(noise)
    assert to_epsilon(velocity, latents, alpha=mu**2, prediction="epsilon") is velocity


@pytest.mark.parametrize(("steps", "inversion_steps"), [(1000, 1000), (50, 1000)])
def test_more_steps_than_there_are_noise_levels_are_refused(scheduler, steps, inversion_steps):
    with pytest.raises(ImageEditError, match="no 1000 steps"):
        make_schedule(scheduler, steps=steps, inversion_steps=inversion_steps)
