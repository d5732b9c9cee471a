import pytest
import torch

from benchmarks.editing import aims, table
from benchmarks.editing_clock import (
    GUIDANCE,
    OTHER,
    Kind,
    NetworkClock,
    Pass,
    Phase,
    Walk,
    project,
)
from benchmarks.editing_comparison import (
    CHECK_LOSS_SCALE,
    Figure,
    Settings,
    check_loop,
    measure,
)
from benchmarks.editing_contenders import (
    PHRASE,
    color_requests,
    contenders,
    relative_difference,
    synthetic_source,
    with_side,
)
from benchmarks.editing_loop import LoopSettings, PlainLoop
from harness.editing.diffusion.device import GIB, Runtime
from harness.editing.diffusion.model import DiffusionModel
from harness.editing.diffusion.tiny import make_tiny_model

RUNTIME = Runtime(device=torch.device("cpu"), dtype=torch.float32, memory_bytes=GIB)
SMALL = Walk(steps=5, inversion_steps=10, guided_steps=1, tries=2, recorded=False)
INVERSION = Kind(phase=Phase.INVERSION)


def sampling(*, attention: bool, features: bool) -> Kind:
    return Kind(phase=Phase.SAMPLING, attention=attention, features=features)


@pytest.fixture(scope="module")
def model() -> DiffusionModel:
    return with_side(make_tiny_model(RUNTIME), 128)


@pytest.fixture(scope="module")
def small_model(model: DiffusionModel) -> DiffusionModel:
    """For what does not look at the results of guidance: its smallest map has a single cell."""
    return with_side(model, 64)


def test_loop_and_published_agree_guided_or_not(model: DiffusionModel) -> None:
    lines = check_loop(model, RUNTIME)
    assert [line.split(":")[0] for line in lines] == ["guidance off", "guidance on"]


@pytest.mark.parametrize("changed", ["attention_share", "feature_share", "guided_steps"])
def test_agreement_would_miss_no_part_of_the_method(model: DiffusionModel, changed: str) -> None:
    walk = Walk(steps=5, inversion_steps=5, guided_steps=2, tries=1, recorded=False)
    _, published, _ = contenders(model, RUNTIME, whole=walk, loss_scale=CHECK_LOSS_SCALE)
    source = synthetic_source(128)
    settings = {
        "steps": 5,
        "inversion_steps": 5,
        "guided_steps": 2,
        "max_tries": 1,
        "threshold": 0.0,
        "loss_scale": CHECK_LOSS_SCALE,
        changed: 0,
    }
    (wrong,) = PlainLoop(model=model, settings=LoopSettings(**settings)).edit(
        source.image,
        source.mask,
        caption=source.caption,
        targets=tuple(request.target_prompt for request in color_requests(1)),
        phrase=PHRASE,
    )
    (right,) = published.run(1, walk).latents
    expected = torch.from_numpy(right)
    assert float((wrong.latents - expected).norm() / expected.norm()) > 5e-3


def test_loop_leaves_the_unet_as_it_was(small_model: DiffusionModel) -> None:
    before = dict(small_model.unet.attn_processors)
    loop, _, _ = contenders(small_model, RUNTIME, whole=SMALL)
    loop.run(1, SMALL)
    assert small_model.unet.attn_processors == before
    assert not small_model.unet.up_blocks[1].resnets[1].conv2._forward_hooks
    assert not small_model.unet._forward_pre_hooks


def test_each_way_takes_the_passes_that_its_walk_says(model: DiffusionModel) -> None:
    runs = [way.run(2, way.walk) for way in contenders(model, RUNTIME, whole=SMALL)]
    rows = [
        {phase: sum(p.rows for p in run.passes if p.kind.phase is phase) for phase in Phase}
        for run in runs
    ]
    guided = {Phase.OTHER: 0, Phase.GUIDANCE: 2 * 2}
    assert rows == [
        {**guided, Phase.INVERSION: 10, Phase.SAMPLING: 2 * 5 * 3},  # the source for each edit
        {**guided, Phase.INVERSION: 10, Phase.SAMPLING: 5 * (1 + 2 * 2)},
        {**guided, Phase.INVERSION: 5, Phase.SAMPLING: 5 * 2 * 2},
    ]
    assert relative_difference(runs[1], runs[0]) < 1e-4


def test_walk_knows_its_kinds() -> None:
    walk = Walk(steps=5, inversion_steps=5, guided_steps=1, tries=2, recorded=True)
    assert [(k.attention, k.features) for k in walk.sampling] == [
        (True, True),
        (True, True),
        (False, True),
        (False, True),
        (False, False),
    ]
    assert [(k.attention, k.features) for k in walk.inversion] == [
        (k.attention, k.features) for k in reversed(walk.sampling)
    ]
    assert set(SMALL.inversion) == {INVERSION}


def test_projection_weighs_each_kind_by_its_count() -> None:
    timed = Walk(steps=5, inversion_steps=2, guided_steps=1, tries=1, recorded=False)
    full = Walk(steps=50, inversion_steps=999, guided_steps=15, tries=20, recorded=False)
    both = sampling(attention=True, features=True)
    features = sampling(attention=False, features=True)
    neither = sampling(attention=False, features=False)
    passes = (
        Pass(kind=OTHER, rows=0, seconds=1.0),
        Pass(kind=INVERSION, rows=1, seconds=0.25),
        Pass(kind=INVERSION, rows=1, seconds=0.75),
        Pass(kind=OTHER, rows=0, seconds=0.5),
        Pass(kind=GUIDANCE, rows=1, seconds=2.0),
        *(Pass(kind=both, rows=3, seconds=4.0),) * 2,
        *(Pass(kind=features, rows=3, seconds=3.0),) * 2,
        Pass(kind=neither, rows=3, seconds=1.0),
    )
    off = project(passes, timed=timed, full=full, guided=False)
    # 1 + 999 * 0.5, then 0.5 + 25 * 4 + 15 * 3 + 10 * 1
    assert off.seconds == pytest.approx(500.5 + 155.5)
    assert off.passes == pytest.approx(999 + 150)
    on = project(passes, timed=timed, full=full, guided=True, copies=8)
    assert on.seconds == pytest.approx(500.5 + 8 * (155.5 + 300 * 2))
    assert on.passes == pytest.approx(999 + 8 * (150 + 300))


def test_projection_of_a_whole_walk_is_its_own_sum(small_model: DiffusionModel) -> None:
    way = contenders(small_model, RUNTIME, whole=SMALL)[2]
    passes = way.run(1, way.walk).passes
    cost = project(passes, timed=way.walk, full=way.walk, guided=True)
    assert cost.seconds == pytest.approx(sum(one.seconds for one in passes))


def test_projection_needs_each_kind_of_step() -> None:
    timed = Walk(steps=2, inversion_steps=2, guided_steps=1, tries=1, recorded=False)
    with pytest.raises(ValueError, match="time at least 5 steps"):
        project((), timed=timed, full=SMALL, guided=False)


def test_clock_sees_what_runs_before_the_first_network(small_model: DiffusionModel) -> None:
    clock = NetworkClock(walk=SMALL)
    with clock.watching(small_model):
        pass
    (only,) = clock.passes()
    assert only.kind == OTHER


def test_comparison_projects_the_loop_and_times_the_presets(small_model: DiffusionModel) -> None:
    timed = Walk(steps=5, inversion_steps=5, guided_steps=1, tries=1, recorded=False)
    settings = Settings(whole=SMALL, timed=timed, rounds=1, edits=(1, 2))
    comparison = measure(small_model, RUNTIME, settings)
    passes = {(f.name, f.edits): f.passes for f in comparison.figures if not f.guided}
    assert passes == {
        ("loop", 1): 10 + 15,
        ("loop", 2): 5 + 15,
        ("published", 1): 10 + 15,
        ("published", 2): 5 + 12.5,
        ("matched", 1): 5 + 10,
        ("matched", 2): 2.5 + 10,
    }
    assert comparison.difference is not None
    assert comparison.difference < 1e-4
    unguided = measure(small_model, RUNTIME, settings.unguided())
    assert {figure.guided for figure in unguided.figures} == {False}


def test_table_shows_factors_and_aims() -> None:
    figures = tuple(
        Figure(name=name, edits=1, guided=False, seconds=seconds, passes=passes)
        for name, seconds, passes in (
            ("loop", (29.0, 30.0, 33.0), 1149.0),
            ("matched", (2.0, 2.5, 3.0), 150.0),
        )
    )
    *_, loop, matched = table(figures)
    assert loop.split()[-1] == "1.0x"
    assert matched.split() == ["1", "matched", "2.50", "(2.00", "-", "3.00)", "150.0", "12.0x"]
    assert aims(figures) == (
        "matched over the loop, 1 of a source, guidance off: 12.0x (aim: 10x)",
    )
