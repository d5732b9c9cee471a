"""Who may share a run, which GPUs each container gets, and what the machine bears."""

import pytest
from stored_results import run

from harness.errors import DeviceError, SubmissionError
from harness.evaluation.worker_plan import crowding, plan_workers
from harness.records.submission import ContainerLimits

MANIFEST = run("0" * 64).submission
GIB = 2**30


def plan(*, workers=1, gpus=0, gpu_ids=(), manifest=MANIFEST):
    limits = ContainerLimits(gpus=gpus)
    return plan_workers(manifest, limits, workers=workers, gpu_ids=gpu_ids).gpu_ids


@pytest.mark.parametrize(
    ("workers", "gpus", "gpu_ids", "shares"),
    [
        (1, 0, (), ((),)),
        (3, 0, (), ((), (), ())),
        (1, 2, (), ((),)),  # one container: the engine chooses, as ever
        (2, 1, (), (("0",), ("1",))),
        (2, 2, (), (("0", "1"), ("2", "3"))),
        (1, 1, ("3",), (("3",),)),
        (2, 1, ("3", "GPU-5e1f"), (("3",), ("GPU-5e1f",))),
        (2, 2, ("7", "6", "5", "4"), (("7", "6"), ("5", "4"))),
        (2, 1, ("0", "0"), (("0",), ("0",))),  # said in so many words: two share one
        (1, 1, ("4", "5"), (("4",),)),
    ],
)
def test_each_container_gets_gpus_of_its_own(workers, gpus, gpu_ids, shares):
    assert plan(workers=workers, gpus=gpus, gpu_ids=gpu_ids) == shares


@pytest.mark.parametrize(
    ("workers", "gpus", "gpu_ids", "says"),
    [
        (2, 2, ("0", "1", "2"), "3 GPUs are named and 4 are needed: 2 for each of 2"),
        (1, 0, ("0",), "no container gets any"),
        (1, 1, ("",), "'' names no GPU"),
        (1, 1, ("0 1",), "'0 1' names no GPU"),
        (2, 2, ("0", "0", "1", "2"), r"one container would get the same GPU twice \(0, 0\)"),
    ],
)
def test_gpus_that_do_not_fit_are_refused(workers, gpus, gpu_ids, says):
    with pytest.raises(DeviceError, match=says):
        plan(workers=workers, gpus=gpus, gpu_ids=gpu_ids)


def test_only_a_stateless_submission_is_shared():
    tracker = MANIFEST.model_copy(update={"stateless": False})

    assert plan(manifest=tracker) == ((),)
    with pytest.raises(SubmissionError, match="stateless = false") as caught:
        plan(workers=2, manifest=tracker)
    assert "--workers 1" in caught.value.remedy


def test_what_the_machine_can_not_bear_is_said():
    limits = ContainerLimits(memory_mb=2048, cpus=2)

    def found(**machine):
        return crowding(limits, **machine)

    assert found(workers=4, cpus=8, memory_bytes=8 * GIB) == ()
    (memory,) = found(workers=4, cpus=8, memory_bytes=8 * GIB - 1)
    assert "4 containers of 2048 MiB may take 8192 MiB" in memory
    (cpus,) = found(workers=4, cpus=7, memory_bytes=8 * GIB)
    assert "4 containers of 2 processors share 7" in cpus
    assert found(workers=4, cpus=0, memory_bytes=0) == ()  # the engine doesn't say
    assert found(workers=1, cpus=1, memory_bytes=GIB) == ()  # nobody shares anything
