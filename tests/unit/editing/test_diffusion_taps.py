from dataclasses import replace

import pytest
import torch
from diffusion_scenes import small_model

from harness.editing.diffusion.inversion import predict
from harness.editing.diffusion.tape import Group, MapsCompleteError, Recording, Wanted
from harness.editing.diffusion.taps import Taps
from harness.editing.diffusion.text import embed
from harness.errors import WeightsError

BOTH = Wanted(attention=True, features=True)


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module")
def inputs(model):
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(2, 4, 8, 8, generator=generator)
    return latents, embed(model, ("a chair", "a violet sofa"))


def test_an_idle_tape_changes_nothing_and_leaves_no_trace(model, inputs):
    latents, prompts = inputs
    before = dict(model.unet.attn_processors)
    plain = predict(model, latents, 500, prompts)
    taps = Taps(model.unet, model.profile.taps)
    with taps.connected():
        assert torch.equal(predict(model, latents, 500, prompts), plain)
        assert dict(model.unet.attn_processors) != before
    assert dict(model.unet.attn_processors) == before
    assert not any(module._forward_hooks for module in model.unet.modules())


def test_taps_come_off_after_an_error(model):
    before = dict(model.unet.attn_processors)
    taps = Taps(model.unet, model.profile.taps)
    with pytest.raises(KeyboardInterrupt), taps.connected():
        raise KeyboardInterrupt
    assert dict(model.unet.attn_processors) == before


def test_recording_reads_every_tap_and_changes_nothing(model, inputs):
    latents, prompts = inputs
    plain = predict(model, latents, 500, prompts)
    taps = Taps(model.unet, model.profile.taps)
    with taps.connected() as tape, tape.record(BOTH) as recording:
        recorded = predict(model, latents, 500, prompts)
    torch.testing.assert_close(recorded, plain)
    assert set(recording.attention) == set(model.profile.taps.self_attention)
    assert recording.features is not None
    row = recording.of_row(1)
    assert row.features.shape[0] == 1
    assert row.nbytes() * 2 == recording.nbytes()


def test_what_follows_its_own_recording_stays_itself(model, inputs):
    latents, prompts = inputs
    taps = Taps(model.unet, model.profile.taps)
    with taps.connected() as tape:
        with tape.record(BOTH) as recording:
            plain = predict(model, latents, 500, prompts)
        groups = tuple(Group(rows=1, recording=recording.of_row(row)) for row in (0, 1))
        with tape.follow(groups, BOTH):
            followed = predict(model, latents, 500, prompts)
    torch.testing.assert_close(followed, plain, rtol=1e-4, atol=1e-5)


def test_what_follows_another_changes(model, inputs):
    latents, prompts = inputs
    taps = Taps(model.unet, model.profile.taps)
    with taps.connected() as tape:
        with tape.record(BOTH) as recording:
            plain = predict(model, latents, 500, prompts)
        groups = (Group(rows=2, recording=recording.of_row(0)),)
        for wanted in (
            Wanted(attention=True, features=False),
            Wanted(attention=False, features=True),
        ):
            with tape.follow(groups, wanted):
                followed = predict(model, latents, 500, prompts)
            torch.testing.assert_close(followed[:1], plain[:1], rtol=1e-4, atol=1e-5)
            assert (followed[1:] - plain[1:]).abs().max() > 1e-3


def test_a_source_branch_and_its_recording_are_the_same_source(model, inputs):
    latents, prompts = inputs
    taps = Taps(model.unet, model.profile.taps)
    with taps.connected() as tape:
        with tape.record(BOTH) as recording:
            predict(model, latents[:1], 500, prompts[:1])
        with tape.follow((Group(rows=1, recording=recording),), BOTH):
            by_recording = predict(model, latents[1:], 500, prompts[1:])
        with tape.follow((Group(rows=2, recording=None),), BOTH):
            by_branch = predict(model, latents, 500, prompts)
    torch.testing.assert_close(by_branch[1:], by_recording, rtol=1e-4, atol=1e-5)


def test_maps_end_the_pass_and_are_shares(model, inputs):
    latents, prompts = inputs
    taps = Taps(model.unet, model.profile.taps)
    ran = []
    handles = [
        block.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, block in model.unet.named_children()
        if name in ("mid_block", "conv_out")
    ]
    try:
        with (
            taps.connected() as tape,
            tape.collect_maps(taps.last_map) as maps,
            pytest.raises(MapsCompleteError),
        ):
            predict(model, latents, 500, prompts)
    finally:
        for handle in handles:
            handle.remove()
    assert list(maps) == list(model.profile.taps.cross_attention)
    assert ran == ["mid_block"]  # the rest of the UNet did not run
    for found in maps.values():
        torch.testing.assert_close(found.sum(dim=-1), torch.ones(found.shape[:-1]))


def test_a_unet_without_the_tap_is_refused(model):
    points = replace(model.profile.taps, features="up_blocks.7.resnets.1.conv2")
    with pytest.raises(WeightsError, match=r"no module up_blocks\.7"):
        Taps(model.unet, points)


def test_a_tap_of_another_kind_is_refused(model):
    points = replace(model.profile.taps, self_attention=("mid_block",))
    with pytest.raises(WeightsError, match="mid_block is a UNetMidBlock2DCrossAttn"):
        Taps(model.unet, points)


def test_an_empty_recording_holds_nothing():
    assert Recording().nbytes() == 0
