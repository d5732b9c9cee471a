"""An operator's limits on the command line: what is refused as usage, and what is passed on."""

from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from harness.cli import limit_options as module
from harness.cli.limit_options import limit_options
from harness.records.submission import LEAST_CPUS, ContainerLimits, ResourceRequest

given: dict[str, Any] = {}


@click.command()
@limit_options
def command(**limits: Any) -> None:
    given.clear()
    given.update(limits)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.mark.parametrize("name", sorted(ResourceRequest.model_fields))
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e300", "much"])
def test_a_limit_that_is_none_is_wrong_usage(name: str, value: str) -> None:
    option = f"--{name.replace('_', '-')}"
    result = run(option, value)
    assert result.exit_code == 2
    assert option in result.output


@pytest.mark.parametrize("name", sorted(set(ResourceRequest.model_fields) - {"gpus"}))
def test_nothing_but_gpus_may_be_none_at_all(name: str) -> None:
    assert run(f"--{name.replace('_', '-')}", "0").exit_code == 2


def test_what_is_given_are_limits_and_the_rest_is_left_open() -> None:
    assert run("--memory-mb", "4096", "--cpus", "0.5", "--gpus", "0").exit_code == 0
    known = {name: value for name, value in given.items() if value is not None}
    assert known == {"memory_mb": 4096, "cpus": 0.5, "gpus": 0}
    assert set(given) == {*ResourceRequest.model_fields, "runtime"}
    assert ContainerLimits.model_validate(known).memory_mb == 4096


def test_the_least_share_of_a_processor_is_the_records() -> None:
    assert module._LEAST_CPUS == LEAST_CPUS
