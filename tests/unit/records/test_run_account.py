import fake_runs as fr
import pytest
from fake_boards import failed_record, submission

from harness.cli.limit_options import LIMIT_NAMES
from harness.records.run import LimitSource
from harness.records.run_account import (
    LIMIT_LABELS,
    OPTION_LIMITS,
    commands_for,
    duration,
    limit_accounts,
    summary_of,
)
from harness.records.submission import ContainerLimits


def account(name, **limits):
    run = fr.run_record("a" * 12, submission("m"), fr.outcome(), limits=ContainerLimits(**limits))
    return next(limit for limit in limit_accounts(run) if limit.name == name)


def test_every_limit_has_a_label_and_every_option_is_known():
    assert set(LIMIT_LABELS) == set(ContainerLimits.model_fields)
    assert set(LIMIT_NAMES) == OPTION_LIMITS


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("memory_mb", 16384, "16,384 MiB"),
        ("cpus", 1.5, "1.5"),
        ("image_seconds", 0.25, "0.25 s"),
        ("total_seconds", 86400.0, "86,400 s"),
        ("log_bytes", 262144, "262,144 bytes"),
        ("gpus", 0, "0"),
        ("runtime", "runsc", "runsc"),
        ("runtime", None, "the engine's own"),
    ],
)
def test_a_limit_reads_with_its_unit(name, value, text):
    assert account(name, **{name: value}).text == text


def test_each_limit_says_who_set_it():
    limits = limit_accounts(failed_record())
    assert [limit.name for limit in limits] == list(ContainerLimits.model_fields)
    assert {limit.name: limit.source for limit in limits if limit.source != "default"} == {
        "memory_mb": LimitSource.SUBMISSION,
        "image_seconds": LimitSource.OPERATOR,
    }


def test_the_commands_repeat_what_the_operator_set_and_nothing_else():
    run = failed_record()
    assert commands_for(run, benchmark="mini") == (
        "harness runs show ffffffffffff",
        "harness check broken --benchmark mini --image-seconds 90.0",
        "harness evaluate broken --benchmark mini --image-seconds 90.0",
    )
    update = {
        "limits": ContainerLimits(runtime="a b; rm", exit_seconds=3.0),
        "limit_sources": {"runtime": LimitSource.OPERATOR, "exit_seconds": LimitSource.OPERATOR},
    }
    odd = commands_for(run.model_copy(update=update), benchmark="mini")
    assert odd[1].endswith("--benchmark mini --runtime 'a b; rm'")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (99.94, "99.9 s"),
        (100.0, "1 min 40 s"),
        (5999.4, "99 min 59 s"),
        (6000.0, "1 h 40 min"),
        (90_061.0, "25 h 1 min"),
    ],
)
def test_seconds_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_a_run_in_a_list_counts_its_parts():
    run = fr.run_record("a" * 12, submission("m"), fr.outcome())
    assert summary_of(run, benchmark="mini").parts == 1
    cut = run.model_copy(update={"parts": fr.parts(), "workers": 2})
    summary = summary_of(cut, benchmark="mini")
    assert (summary.parts, summary.workers, summary.seconds) == (3, 2, 21.5)
    assert (summary.submission, summary.benchmark) == ("m", "mini")


def test_commands_take_up_the_run_that_they_are_of():
    run = fr.run_record("a" * 12, submission("m"), fr.outcome(), waived=("memory", "swap"))
    plain = "harness evaluate m --benchmark mini --allow-unenforced memory,swap"
    assert commands_for(run, benchmark="mini")[2] == plain
    forced = run.model_copy(update={"forced": True})
    assert commands_for(forced, benchmark="mini")[2] == f"{plain} --again"
