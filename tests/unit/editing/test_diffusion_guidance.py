import numpy as np
import pytest
import torch
from diffusion_scenes import small_model

from harness.editing.diffusion.guidance import (
    GuidedEdit,
    MaskGuide,
    map_loss,
    map_shape,
    shrink_masks,
)
from harness.editing.diffusion.presets import Descent, MapMask
from harness.editing.diffusion.taps import Taps
from harness.editing.diffusion.text import embed
from harness.errors import ImageEditError
from harness.records.diffusion import MaskGuidance


@pytest.fixture(scope="module")
def model():
    return small_model()


def _edit(model, *, left=True):
    mask = np.zeros((64, 64), np.bool_)
    mask[:, :32] = left
    mask[:, 32:] = not left
    cells = torch.zeros(1, 1, 8, 8)
    cells[..., :4] = float(left)
    cells[..., 4:] = float(not left)
    return GuidedEdit(
        mask=mask, latent_mask=cells, places=(2, 3), embedding=embed(model, ("a violet chair",))
    )


def _guide(model, tape, last_map, **settings):
    values = {"descent": Descent.NORMALIZED, "map_mask": MapMask.DIRECT, "most_rows": 8}
    guidance = {k: settings.pop(k) for k in list(settings) if k in MaskGuidance.model_fields}
    return MaskGuide(
        model=model,
        tape=tape,
        last_map=last_map,
        settings=MaskGuidance(**guidance),
        **{**values, **settings},
    )


def test_the_loss_by_hand():
    # 2 heads, 4 cells, 1 token; the mask holds the first two cells.
    found = torch.tensor([[[0.1], [0.1], [0.1], [0.1]], [[0.3], [0.3], [0.1], [0.1]]])
    mask = torch.tensor([1.0, 1.0, 0.0, 0.0])
    # head 1: (1 - 0.5)**2 = 0.25; head 2: (1 - 0.75)**2 = 0.0625
    assert map_loss((found,), (mask,)).item() == pytest.approx((0.25 + 0.0625) / 2)


def test_the_loss_is_the_mean_over_maps_and_tokens():
    inside = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # token 1 in cell 1, token 2 in cell 2
    mask = torch.tensor([1.0, 0.0])
    assert map_loss((inside,), (mask,)).item() == pytest.approx(0.5)
    assert map_loss((inside, inside[..., :1]), (mask, mask)).item() == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("cells", "latents", "shape"),
    [(64, (64, 64), (8, 8)), (256, (64, 64), (16, 16)), (70, (55, 74), (7, 10))],
)
def test_a_map_s_shape_follows_from_its_cells(cells, latents, shape):
    assert map_shape(cells, *latents) == shape


def test_cells_of_no_level_are_refused():
    with pytest.raises(ValueError, match="no level"):
        map_shape(63, 64, 64)


def test_chained_masks_coarsen_what_follows_and_direct_ones_do_not():
    mask = np.zeros((64, 64), np.bool_)
    mask[:, 8:24] = True
    latents = torch.zeros(1, 1, 64, 64)
    latents[..., 8:24] = 1
    shapes = ((4, 4), (16, 16))
    chained = shrink_masks(mask, latents, shapes, rule=MapMask.CHAINED)
    direct = shrink_masks(mask, latents, shapes, rule=MapMask.DIRECT)
    # nearest neighbour takes columns 0, 16, 32, 48 for the 4 x 4 map: only the second is inside
    assert chained[0].reshape(4, 4)[0].tolist() == [0, 1, 0, 0]
    assert chained[1].reshape(16, 16)[0].tolist() == [0] * 4 + [1] * 4 + [0] * 8
    assert direct[0].reshape(4, 4)[0].tolist() == [1, 1, 0, 0]
    assert direct[1].reshape(16, 16)[0].tolist() == [0] * 2 + [1] * 4 + [0] * 10


def test_guidance_lowers_the_loss_and_stops(model):
    taps = Taps(model.unet, model.profile.taps)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    edit = _edit(model)
    with taps.connected() as tape:
        first = _guide(model, tape, taps.last_map, max_tries=1, threshold=0.0)
        first.guide(latents, 801, (edit,))
        start, target = edit.loss, edit.loss * 0.98
        edit.start_again()
        guide = _guide(model, tape, taps.last_map, max_tries=40, threshold=target)
        moved = guide.guide(latents, 801, (edit,))
        assert edit.loss <= target < start
        assert 1 < edit.tries < 40
        assert not torch.equal(moved, latents)
        tried = edit.tries
        assert guide.guide(moved, 781, (edit,)) is moved  # the met loss is carried on
        assert edit.tries == tried


def test_a_met_loss_moves_nothing(model):
    taps = Taps(model.unet, model.profile.taps)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    edit = _edit(model)
    with taps.connected() as tape:
        guide = _guide(model, tape, taps.last_map, threshold=1.0)
        assert torch.equal(guide.guide(latents, 801, (edit,)), latents)
    assert edit.tries == 1


def test_one_descent_has_the_stated_size(model):
    taps = Taps(model.unet, model.profile.taps)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    with taps.connected() as tape:
        guide = _guide(
            model, tape, taps.last_map, max_tries=1, threshold=0.0, step_size=0.3, loss_scale=2.0
        )
        moved = guide.guide(latents, 801, (_edit(model),))
    assert (moved - latents).square().mean().sqrt().item() == pytest.approx(0.6, rel=1e-4)


def test_the_published_descent_only_ever_subtracts(model):
    taps = Taps(model.unet, model.profile.taps)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    with taps.connected() as tape:
        guide = _guide(
            model,
            tape,
            taps.last_map,
            max_tries=1,
            threshold=0.0,
            loss_scale=1000.0,
            descent=Descent.SQUARED,
        )
        moved = guide.guide(latents, 801, (_edit(model),))
    assert (moved <= latents).all()
    assert (moved < latents).any()


@pytest.mark.parametrize("most_rows", [1, 2, 8])
def test_each_edit_is_guided_by_its_own_loss(model, most_rows):
    taps = Taps(model.unet, model.profile.taps)
    generator = torch.Generator().manual_seed(5)
    latents = torch.randn(3, 4, 8, 8, generator=generator)
    with taps.connected() as tape:
        guide = _guide(model, tape, taps.last_map, max_tries=2, threshold=0.0, most_rows=most_rows)
        edits = (_edit(model), None, _edit(model, left=False))
        together = guide.guide(latents, 801, edits)
        assert torch.equal(together[1], latents[1])
        for row in (0, 2):
            edits[row].start_again()
            alone = guide.guide(latents[row : row + 1], 801, (edits[row],))
            torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-3, atol=1e-4)


def test_latents_that_are_no_numbers_are_refused(model):
    taps = Taps(model.unet, model.profile.taps)
    latents = torch.full((1, 4, 8, 8), float("nan"))
    with taps.connected() as tape, pytest.raises(ImageEditError, match="NaN"):
        _guide(model, tape, taps.last_map).guide(latents, 801, (_edit(model),))
