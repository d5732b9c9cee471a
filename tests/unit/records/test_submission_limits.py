"""What a submission gets by asking, what the operator gives, and who is named for each limit."""

from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import SubmissionError
from harness.records.limits import (
    WALLS,
    GrantedLimits,
    OperatorSettings,
    grant_limits,
    limits_report,
)
from harness.records.run import LimitSource
from harness.records.submission import (
    ContainerLimits,
    ResourceCeilings,
    ResourceRequest,
    SubmissionManifest,
)


def manifest(**resources: float) -> SubmissionManifest:
    return SubmissionManifest(
        name="big",
        title="Big",
        authors=("Ada",),
        label_space="voc",
        resources=ResourceRequest.model_validate(resources),
    )


def granted(
    operator: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    **resources: float,
) -> GrantedLimits:
    return grant_limits(
        manifest(**resources),
        settings=OperatorSettings.model_validate(settings or {}),
        options=operator or {},
    )


def limits(operator: dict[str, Any] | None = None, **resources: float) -> ContainerLimits:
    return granted(operator, **resources).limits


def test_without_wishes_the_defaults_hold_and_nobody_set_them() -> None:
    assert granted() == GrantedLimits(limits=ContainerLimits(), sources={})


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
        ("total_seconds", 604801.0, "604800.0"),
    ],
)
def test_more_is_refused_with_both_numbers_and_the_operators_ways(
    resource: str, asked: float, most: str
) -> None:
    with pytest.raises(SubmissionError) as raised:
        limits(**{resource: asked})
    said = raised.value.one_line()
    assert f"'big' asks for {resource} = {asked} and may have {most} at most" in said
    assert f"--{resource.replace('_', '-')} {asked}" in said
    assert "[ceilings] of operator.toml" in said


def test_the_operator_decides_over_every_wish_and_ceiling() -> None:
    given = limits({"memory_mb": 16384, "gpus": 2, "runtime": "runsc"}, memory_mb=32768, gpus=8)
    assert (given.memory_mb, given.gpus, given.runtime) == (16384, 2, "runsc")


def test_one_granted_resource_grants_no_other() -> None:
    with pytest.raises(SubmissionError, match="asks for gpus = 1"):
        limits({"memory_mb": 16384}, memory_mb=16384, gpus=1)


def test_each_limit_names_who_set_it() -> None:
    given = granted(
        {"cpus": 1.0},
        {"defaults": {"pids": 64}, "ceilings": {"tmp_mb": 128}, "fixed": {"runtime": "runsc"}},
        memory_mb=4096,
        cpus=4,
    )

    assert (given.limits.memory_mb, given.limits.cpus) == (4096, 1.0)
    assert (given.limits.pids, given.limits.tmp_mb, given.limits.runtime) == (64, 128, "runsc")
    assert given.sources == {
        "memory_mb": LimitSource.SUBMISSION,
        "cpus": LimitSource.OPERATOR,
        "pids": LimitSource.OPERATOR,
        "tmp_mb": LimitSource.OPERATOR,
        "runtime": LimitSource.OPERATOR,
    }


def test_an_operator_raises_a_ceiling() -> None:
    assert granted(settings={"ceilings": {"gpus": 2}}, gpus=2).limits.gpus == 2


def test_an_option_holds_over_the_file() -> None:
    given = granted({"pids": 32}, {"fixed": {"pids": 64}}, pids=128)
    assert given.limits.pids == 32


def test_a_fixed_limit_is_not_held_against_the_ceiling() -> None:
    assert granted(settings={"fixed": {"gpus": 4}}, gpus=1).limits.gpus == 4


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        ({"memory": 4}, "memory is no limit; limits are cpus, exit_seconds"),
        ({"memory_mb": -1}, "memory_mb: Input should be greater than 0"),
        ({"memory_mb": "much"}, "memory_mb: Input should be a valid integer"),
    ],
)
def test_what_is_fixed_must_be_a_limit(fixed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        OperatorSettings.model_validate({"fixed": fixed})


def test_a_default_over_its_ceiling_is_refused_rather_than_cut() -> None:
    with pytest.raises(ValidationError, match=r"defaults.memory_mb = 10000 is over .* of 8192"):
        OperatorSettings.model_validate({"defaults": {"memory_mb": 10000}})


def test_there_is_a_ceiling_and_a_limit_for_everything_that_can_be_asked_for() -> None:
    assert set(ResourceCeilings.model_fields) == set(ResourceRequest.model_fields)
    assert set(ResourceRequest.model_fields) < set(ContainerLimits.model_fields)


@pytest.mark.parametrize("cpus", [1e-6, 0.0, float("nan"), float("inf")])
def test_a_share_that_is_no_quota_is_no_request(cpus: float) -> None:
    with pytest.raises(ValidationError, match="cpus"):
        ResourceRequest(cpus=cpus)


def test_the_report_has_a_row_a_limit_with_default_ceiling_wish_and_what_is_in_force() -> None:
    report = limits_report(
        manifest(memory_mb=4096),
        settings=OperatorSettings.model_validate({"defaults": {"memory_mb": 1024}}),
        options={"pids": 32},
    )
    rows = {row.name: row for row in report.limits}

    assert report.submission == "big"
    assert list(rows) == list(ContainerLimits.model_fields)
    memory, pids, log = rows["memory_mb"], rows["pids"], rows["log_bytes"]
    assert (memory.default, memory.ceiling, memory.asked, memory.in_force) == (
        1024,
        8192,
        4096,
        4096,
    )
    assert memory.source is LimitSource.SUBMISSION
    assert (pids.default, pids.asked, pids.in_force) == (128, None, 32)
    assert pids.source is LimitSource.OPERATOR
    assert (log.ceiling, log.source) == (None, LimitSource.DEFAULT)
    assert memory.meaning == "Memory and memory+swap in MiB: no swap"
    assert report.walls == WALLS


def test_the_report_of_nobody_asks_for_nothing() -> None:
    report = limits_report(None, settings=OperatorSettings(), options={})
    assert report.submission is None
    assert {row.asked for row in report.limits} == {None}
