"""What a submission gets by asking, and what only the operator gives."""

from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import SubmissionError
from harness.records.submission import (
    ContainerLimits,
    ResourceCeilings,
    ResourceRequest,
    SubmissionManifest,
    limits_for,
)


def limits(operator: dict[str, Any] | None = None, **resources: float) -> ContainerLimits:
    manifest = SubmissionManifest(
        name="big",
        title="Big",
        authors=("Ada",),
        label_space="voc",
        resources=ResourceRequest.model_validate(resources),
    )
    return limits_for(manifest, ceilings=ResourceCeilings(), operator=operator or {})


def test_without_wishes_the_defaults_hold() -> None:
    assert limits() == ContainerLimits()


def test_what_is_asked_for_is_given_up_to_the_ceiling() -> None:
    given = limits(memory_mb=8192, cpus=8, pids=512, shm_mb=1024, tmp_mb=2048, image_seconds=300)
    assert (given.memory_mb, given.cpus, given.pids) == (8192, 8.0, 512)
    assert (given.shm_mb, given.tmp_mb, given.image_seconds) == (1024, 2048, 300.0)
    assert given.startup_seconds == ContainerLimits().startup_seconds


@pytest.mark.parametrize(
    ("resource", "asked", "most"),
    [
        ("memory_mb", 8193, "8192"),
        ("cpus", 8.5, "8.0"),
        ("pids", 513, "512"),
        ("shm_mb", 1025, "1024"),
        ("tmp_mb", 2049, "2048"),
        ("gpus", 1, "0"),
        ("startup_seconds", 600.5, "600.0"),
        ("image_seconds", 301.0, "300.0"),
    ],
)
def test_more_is_refused_with_both_numbers_and_the_operators_option(
    resource: str, asked: float, most: str
) -> None:
    with pytest.raises(SubmissionError) as raised:
        limits(**{resource: asked})
    said = raised.value.one_line()
    assert f"'big' asks for {resource} = {asked} and may have {most} at most" in said
    assert f"--{resource.replace('_', '-')} {asked}" in said


def test_the_operator_decides_over_every_wish_and_ceiling() -> None:
    given = limits({"memory_mb": 16384, "gpus": 2, "runtime": "runsc"}, memory_mb=32768, gpus=8)
    assert (given.memory_mb, given.gpus, given.runtime) == (16384, 2, "runsc")


def test_one_granted_resource_grants_no_other() -> None:
    with pytest.raises(SubmissionError, match="asks for gpus = 1"):
        limits({"memory_mb": 16384}, memory_mb=16384, gpus=1)


def test_there_is_a_ceiling_over_everything_that_can_be_asked_for() -> None:
    assert set(ResourceCeilings.model_fields) == set(ResourceRequest.model_fields)


@pytest.mark.parametrize("cpus", [1e-6, 0.0, float("nan"), float("inf")])
def test_a_share_that_is_no_quota_is_no_request(cpus: float) -> None:
    with pytest.raises(ValidationError, match="cpus"):
        ResourceRequest(cpus=cpus)
